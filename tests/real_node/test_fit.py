"""
On a real node: `fit` and the kubelet agree whether a pod is admitted.

Runs where a real node is given, and is skipped everywhere else. It needs an administrator's kubeconfig (KUBECONFIG) and
the node's own socket and /sys, so it runs on the node, or in its namespaces:

    PODRES_REAL_NODE=NAME PODRES_REAL_POLICY=restricted pytest tests/real_node -s

PODRES_REAL_POLICY is the kubelet's Topology Manager policy; run it once under each of the four. Pods are bound to the
node by name, so that no scheduler judges before the kubelet does. Every difference is printed with both verdicts.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from podres_exporter.clock import SystemClock

NODE, POLICY = os.environ.get("PODRES_REAL_NODE", ""), os.environ.get("PODRES_REAL_POLICY", "")
NAMESPACE = "default"
LEAST_EQUAL = 0.97
GIB, MIB = 1 << 30, 1 << 20

pytestmark = [
    pytest.mark.skipif(not (NODE and POLICY), reason="no real node is given: PODRES_REAL_NODE, PODRES_REAL_POLICY"),
    pytest.mark.timeout(3600),
]


@dataclass(frozen=True)
class Request:
    """What a pod with one container asks for, limits equal to requests; *cpus* is in CPUs, as Kubernetes writes it."""

    cpus: str = ""
    memory: int = 0
    devices: dict[str, int] = field(default_factory=dict)

    @property
    def flags(self) -> list[str]:
        """The same to `fit`."""
        given = [f"--device={name}={count}" for name, count in self.devices.items()]
        given += [f"--cpus={self.cpus}"] if self.cpus else []
        return given + ([f"--memory={self.memory}"] if self.memory else [])

    @property
    def limits(self) -> dict[str, str]:
        """The same to Kubernetes."""
        found = {name: str(count) for name, count in self.devices.items()}
        found |= {"cpu": self.cpus} if self.cpus else {}
        return found | ({"memory": str(self.memory)} if self.memory else {})


class Cluster:
    """The API server, through kubectl."""

    def __init__(self) -> None:
        self.count = 0

    def kubectl(self, *argv: str, given: object = None) -> str:
        """Run kubectl; raises where it fails."""
        text = None if given is None else json.dumps(given)
        done = subprocess.run(["kubectl", *argv], input=text, capture_output=True, text=True, timeout=60, check=True)  # noqa: S607 - the kubectl of the node's administrator
        return done.stdout

    def node(self) -> dict[str, Any]:
        """Return the node."""
        return dict(json.loads(self.kubectl("get", "node", NODE, "-o", "json")))

    def create(self, request: Request, name: str = "") -> str:
        """Create a pod on the node, and return its name."""
        self.count += 1
        name = name or f"fit-{os.getpid()}-{self.count}"
        container = {"name": "main", "image": "lab/fake:1", "imagePullPolicy": "IfNotPresent"}
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"podres": "fit"}},
            "spec": {
                "nodeName": NODE,
                "terminationGracePeriodSeconds": 1,
                "automountServiceAccountToken": False,
                "restartPolicy": "Never",
                "containers": [{**container, "resources": {"limits": request.limits}}],
            },
        }
        self.kubectl("create", "-f", "-", given=body)
        return name

    def verdict(self, name: str) -> tuple[bool, str]:
        """Return whether the kubelet admitted the pod, and its reason where it did not."""
        while True:
            status = json.loads(self.kubectl("-n", NAMESPACE, "get", "pod", name, "-o", "json"))["status"]
            if status["phase"] == "Failed":
                return False, f"{status.get('reason')}: {status.get('message')}"
            if status.get("startTime") and status.get("containerStatuses"):
                return True, ""
            self._pause()

    def _pause(self) -> None:
        """Let the kubelet work; a real cluster runs by the real clock."""
        SystemClock().wait(threading.Event(), 0.2)

    def delete(self, *names: str) -> None:
        """Delete pods, and return once they are gone."""
        self.kubectl("-n", NAMESPACE, "delete", "pod", "--wait=true", *names)


def asked(request: Request, node: dict[str, Any]) -> tuple[str, str]:
    """Return what `fit` says, and why."""
    allocatable = node["status"]["allocatable"]
    told = [f"--allocatable={name}={allocatable[name]}" for name in ("cpu", "memory", "pods")]
    command = [sys.executable, "-m", "podres_exporter", "fit", "-o", "json", f"--policy={POLICY}", *told]
    command += [f"--node-name={NODE}", f"--metadata.kubeconfig={os.environ['KUBECONFIG']}", *request.flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    answer = json.loads(done.stdout)
    (outcome,) = answer["outcomes"]
    return answer["fits"], json.dumps(outcome["in_the_way"] or outcome["numa_nodes"])


def requests(node: dict[str, Any]) -> Iterator[Request]:
    """Yield what there is to ask of such a node: each resource alone, to its limits and beyond, and together."""
    allocatable = node["status"]["allocatable"]
    cpus = int(allocatable["cpu"].removesuffix("m")) // (1000 if allocatable["cpu"].endswith("m") else 1)
    extended = {name: int(count) for name, count in sorted(allocatable.items()) if "/" in name and int(count)}
    for count in sorted({1, 2, 3, cpus // 2 + 1, cpus - 1, cpus, cpus + 1}):
        yield Request(str(count), 64 * MIB)
    yield from (Request("500m", 64 * MIB), Request("100m"), Request("2500m", 64 * MIB), Request("2"))
    for size in (1, 3, 4, 6, 7):
        yield Request("1", size * GIB)
    for name, count in extended.items():
        yield from (Request(devices={name: wanted}) for wanted in sorted({1, 2, count, count + 1}))
    for name in extended:
        yield from (Request(str(each), 64 * MIB, {name: each}) for each in (1, 2))
    yield from (Request("1", GIB, {one: 1, other: 1}) for one, other in pairwise(extended))


BESIDE = (Request("2", 64 * MIB), Request("500m"), Request("1500m", 512 * MIB))
"""What runs beside on a node that is not empty: exclusive CPUs, and the shared pool."""


@pytest.mark.parametrize("beside", [(), BESIDE], ids=["empty", "beside"])
def test_fit_says_what_the_kubelet_says(beside: tuple[Request, ...]) -> None:
    """What is not known is no difference; it is counted and printed."""
    cluster = Cluster()
    node = cluster.node()
    present = [cluster.create(request) for request in beside]
    assert all(cluster.verdict(name)[0] for name in present)
    equal, unknown, different = 0, [], []
    try:
        for request in requests(node):
            said, why = asked(request, node)
            name = cluster.create(request)
            admitted, reason = cluster.verdict(name)
            cluster.delete(name)
            line = f"{' '.join(request.flags)}: fit says {said} ({why}), kubelet {'admits' if admitted else reason}"
            if said == "unknown":
                unknown.append(line)
            elif (said == "yes") == admitted:
                equal += 1
            else:
                different.append(line)
    finally:
        if present:
            cluster.delete(*present)
    sys.stdout.write(f"\n{POLICY}: {equal} equal, {len(different)} different, {len(unknown)} not known\n")
    sys.stdout.writelines(f"  {line}\n" for line in (*different, *unknown))
    assert equal >= LEAST_EQUAL * (equal + len(different)), different

"""
On a real node: the page is the same with metadata from the API server and from the Pods API.

Runs where a real node is given, and is skipped everywhere else. It needs an administrator's kubeconfig (KUBECONFIG),
root, the node's own sockets and /sys, and a kubelet with the gate PodsAPI, so it runs on the node, or in its
namespaces:

    PODRES_REAL_NODE=NAME PODRES_REAL_RESTART='COMMAND' PODRES_REAL_POD=NAMESPACE/NAME pytest -s tests/real_node

PODRES_REAL_RESTART restarts the kubelet, and PODRES_REAL_POD is a pod that stands for the exporter's own, the witness.
Compared is every series but the exporter's own counters; what the Pods API cannot know is listed in NOT_KNOWN. The DRA
collector is off: ResourceSlices and claims are read from the API server only.
"""

import json
import os
import re
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from podres_exporter.clock import SystemClock

NODE, RESTART = os.environ.get("PODRES_REAL_NODE", ""), os.environ.get("PODRES_REAL_RESTART", "")
POD = os.environ.get("PODRES_REAL_POD", "")
CLOCK = SystemClock()
NEVER = threading.Event()
SETTLE_SECONDS = 90.0

pytestmark = [
    pytest.mark.skipif(
        not (NODE and RESTART and POD),
        reason="no real node is given: PODRES_REAL_NODE, PODRES_REAL_RESTART, PODRES_REAL_POD",
    ),
    pytest.mark.timeout(1200),
]

OWN = re.compile(
    r"(process_|podres_(kubelet|metadata|exporter|source|web|dra|snapshot|loop)_|podres_malformed"
    r"|podres_\w+_seconds_total|podres_http)"
)
"""The exporter's own counters and clocks."""

STATIC_UID = "a static pod's uid is the kubelet's, not its mirror pod's"
NO_EXTENDED = "which container's extended resources a claim stands for is not told, so its devices are the claim's"
LATE_DELETION = "that a pod which has finished by itself was deleted shows with the next resync"
NOT_KNOWN = {
    STATIC_UID: re.compile(r'podres_pod_info\{.*owner_kind="Node"'),
    LATE_DELETION: re.compile(r'podres_pods_skipped\{reason="terminal"\}'),
    NO_EXTENDED: re.compile(r'podres_container_claim_device_info\{.*claim="[^"]*-extended-resources-'),
}
"""What the Pods API cannot know."""


class Exporter:
    """One `serve`."""

    def __init__(self, port: int, *flags: str) -> None:
        namespace, _, name = POD.partition("/")
        self.url = f"http://127.0.0.1:{port}"
        argv = [sys.executable, "-m", "podres_exporter", "serve", f"--node-name={NODE}", "--no-collector.dra"]
        argv += [f"--web.listen-address=127.0.0.1:{port}", "--kubelet.poll-interval=1s", "--snapshot.hold-down=10s"]
        argv += ["--metadata.pod-labels-allowlist=pods=[*]", *flags]
        environment = {**os.environ, "POD_NAMESPACE": namespace, "POD_NAME": name}
        self.process = subprocess.Popen(argv, env=environment, stderr=subprocess.DEVNULL)

    def series(self) -> set[str]:
        """Return the lines of the page that are compared."""
        lines = self.page()
        found = {line for line in lines if not line.startswith("#") and not OWN.match(line)}
        return {line for line in found if not any(each.match(line) for each in NOT_KNOWN.values())}

    def page(self) -> list[str]:
        """Return the lines of the page."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=10) as answer:  # noqa: S310 - ours, on loopback
            return list(answer.read().decode().splitlines())

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(30)

    def value(self, name: str) -> float:
        """Return the sum of a family's samples."""
        return sum(float(line.rpartition(" ")[2]) for line in self.page() if re.match(rf"{name}[{{ ]", line))


@contextmanager
def both() -> Iterator[tuple[Exporter, Exporter]]:
    kubeconfig = os.environ["KUBECONFIG"]
    with ExitStack() as stack:
        apiserver = Exporter(10301, "--metadata.source=apiserver", f"--metadata.kubeconfig={kubeconfig}")
        stack.callback(apiserver.stop)
        podsapi = Exporter(10302, "--metadata.source=podsapi")
        stack.callback(podsapi.stop)
        yield apiserver, podsapi


def equal(apiserver: Exporter, podsapi: Exporter, what: str) -> None:
    """Wait until the pages are equal, and hold for two seconds; print in how long."""
    began = CLOCK.monotonic_seconds()
    seen: tuple[set[str], set[str]] = (set(), set())
    count = 0
    while CLOCK.monotonic_seconds() - began < SETTLE_SECONDS:
        try:
            seen = apiserver.series(), podsapi.series()
        except OSError:
            seen = set(), {"no answer"}
        has_pods = any(line.startswith("podres_pod_info") for line in seen[0])
        count = count + 1 if has_pods and seen[0] == seen[1] else 0
        if count >= 5:
            took = CLOCK.monotonic_seconds() - began
            sys.stdout.write(f"{what}: {len(seen[0])} series equal, {took:.1f} s\n")
            return
        NEVER.wait(0.4)
    only_api, only_pods = sorted(seen[0] - seen[1]), sorted(seen[1] - seen[0])
    pytest.fail(f"{what}: only by the API server: {only_api[:20]}, only by the Pods API: {only_pods[:20]}")


def kubectl(*argv: str, given: object = None) -> None:
    text = None if given is None else json.dumps(given)
    subprocess.run(["kubectl", *argv], input=text, text=True, timeout=120, check=True, capture_output=True)  # noqa: S607 - the kubectl of the node's administrator


def a_pod(name: str) -> dict[str, object]:
    limits = {"cpu": "1", "memory": "64Mi"}
    container = {"name": "main", "image": "lab/fake:1", "imagePullPolicy": "IfNotPresent"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"podres": "podsapi"}},
        "spec": {
            "nodeName": NODE,
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "containers": [{**container, "resources": {"requests": limits, "limits": limits}}],
        },
    }


def test_both_pages_are_equal_at_rest_while_pods_come_and_go_and_over_a_restart() -> None:
    """In one run, for the exporters must live through all of it."""
    names = [f"podsapi-{number}" for number in range(3)]
    try:
        with both() as pair:
            podsapi = pair[1]
            equal(*pair, "at rest")
            for name in names:
                kubectl("create", "-f", "-", given=a_pod(name))
            equal(*pair, "three pods have come")
            kubectl("delete", "pod", names[0], "--wait=false")
            equal(*pair, "one has gone")
            before = podsapi.series()
            subprocess.run(RESTART, shell=True, check=True, timeout=120, capture_output=True)  # noqa: S602 - the caller's own command
            lost = before - podsapi.series()
            assert not {line for line in lost if line.startswith(("podres_container_device", "podres_pod_info"))}
            equal(*pair, "the kubelet has restarted")
            kubectl("delete", "pod", names[1], "--wait=false")
            equal(*pair, "one more has gone")
            asked = [each.value("podres_kubelet_lists_total") for each in pair]
            sys.stdout.write(f"List calls: {asked[0]:g} by the API server, {asked[1]:g} by the Pods API\n")
    finally:
        kubectl("delete", "pod", "-l", "podres=podsapi", "--wait=false")

"""
The collector cpuset-drift on a real node: silent while the kernel agrees with the kubelet, and not when it does not.

Runs where a real node is given, and is skipped everywhere else. It needs an administrator's kubeconfig (KUBECONFIG),
root, the node's own sockets and its cgroups, writable, and one container at least with exclusive CPUs, so it runs on
the node, or in its namespaces:

    export PODRES_REAL_NODE=NAME PODRES_REAL_POD=NAMESPACE/NAME PODRES_REAL_PINNED=NAMESPACE/NAME
    pytest -s tests/real_node/test_cpuset.py

PODRES_REAL_PINNED is a pod whose first container has exclusive CPUs; its cgroup is given other CPUs for some seconds,
and the kubelet, or the test, puts them back. PODRES_REAL_CPUS says which, as a list; by default those of the pod and
CPU 0. PODRES_REAL_CGROUPS is the root of the cgroup tree, /sys/fs/cgroup by default.
"""

import json
import os
import re
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from podres_exporter.clock import SystemClock
from podres_exporter.cpuset import format_cpuset, parse_cpuset

NODE, POD = os.environ.get("PODRES_REAL_NODE", ""), os.environ.get("PODRES_REAL_POD", "")
PINNED = os.environ.get("PODRES_REAL_PINNED", "")
ROOT = Path(os.environ.get("PODRES_REAL_CGROUPS", "/sys/fs/cgroup"))
CLOCK, NEVER = SystemClock(), threading.Event()
PORT, SETTLE_SECONDS = 10304, 90.0
FAMILIES = ("podres_container_cpuset_drift_cpus", "podres_node_cpuset_unread_containers")

pytestmark = [
    pytest.mark.skipif(
        not (NODE and POD and PINNED),
        reason="no real node is given: PODRES_REAL_NODE, PODRES_REAL_POD, PODRES_REAL_PINNED",
    ),
    pytest.mark.timeout(400),
]

Series = dict[tuple[str, ...], float]


@contextmanager
def exporter() -> Iterator[None]:
    namespace, _, name = POD.partition("/")
    argv = [sys.executable, "-m", "podres_exporter", "serve", f"--node-name={NODE}", "--kubelet.poll-interval=1s"]
    argv += [f"--web.listen-address=127.0.0.1:{PORT}", f"--metadata.kubeconfig={os.environ['KUBECONFIG']}"]
    argv += ["--collector.cpuset-drift", f"--cgroup.root={ROOT}", "--log.level=warning"]
    process = subprocess.Popen(argv, env={**os.environ, "POD_NAMESPACE": namespace, "POD_NAME": name})
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def shown() -> tuple[Series, Series, set[tuple[str, str, str]]]:
    """Return drifts by namespace, pod, container and kind, containers not read by reason, and those with CPUs."""
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    drifts, unread, pinned = Series(), Series(), set[tuple[str, str, str]]()
    for line in lines:
        name, told = line.partition("{")[0], dict(re.findall(r'(\w+)="([^"]*)"', line))
        if name == FAMILIES[0]:
            key = told["namespace"], told["pod"], told["container"], told["kind"]
            drifts[key] = float(line.rpartition(" ")[2])
        elif name == FAMILIES[1]:
            unread[(told["reason"],)] = float(line.rpartition(" ")[2])
        elif name == "podres_container_exclusive_cpus":
            pinned.add((told["namespace"], told["pod"], told["container"]))
    return drifts, unread, pinned


def until(what: str, wanted: dict[str, float]) -> float:
    """Wait until the pinned container's drift is as wanted, and return in how many seconds."""
    began = CLOCK.monotonic_seconds()
    seen: object = None
    while CLOCK.monotonic_seconds() - began < SETTLE_SECONDS:
        with suppress(OSError):
            drifts, unread, pinned = shown()
            seen = drifts, unread, pinned
            mine = {key[3]: value for key, value in drifts.items() if "/".join(key[:2]) == PINNED}
            others = [value for key, value in drifts.items() if "/".join(key[:2]) != PINNED]
            if mine == wanted and not any(others) and not unread and pinned == {key[:3] for key in drifts}:
                took = CLOCK.monotonic_seconds() - began
                sys.stdout.write(f"{what}: {len(pinned)} containers compared, {wanted}, after {took:.1f} s\n")
                return took
        NEVER.wait(0.3)
    pytest.fail(f"{what}: {seen}")


def cgroup() -> Path:
    """Return the cgroup of the pinned pod's first container."""
    namespace, _, name = PINNED.partition("/")
    command = ["kubectl", "-n", namespace, "get", "pod", name, "-o", "json"]
    pod = json.loads(subprocess.run(command, timeout=60, check=True, capture_output=True).stdout)
    container = pod["status"]["containerStatuses"][0]["containerID"].partition("://")[2]
    top = ROOT if (ROOT / "cgroup.controllers").exists() else ROOT / "cpuset"
    (found,) = [each for each in top.rglob(f"*{container}*") if each.is_dir() and "conmon" not in each.name]
    return found


def test_a_cpuset_that_differs_from_the_kubelet_s_word_is_said() -> None:
    with exporter():
        until("at rest", {"missing": 0.0, "foreign": 0.0})
        file = cgroup() / "cpuset.cpus"
        before = parse_cpuset(file.read_text().strip())
        other = parse_cpuset(os.environ["PODRES_REAL_CPUS"]) if "PODRES_REAL_CPUS" in os.environ else before | {0}
        file.write_text(format_cpuset(other))
        try:
            wanted = {"missing": float(len(before - other)), "foreign": float(len(other - before))}
            until(f"{format_cpuset(before)} made {format_cpuset(other)}", wanted)
        finally:
            file.write_text(format_cpuset(before))
        until("put back", {"missing": 0.0, "foreign": 0.0})

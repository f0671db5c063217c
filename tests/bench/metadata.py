"""
What metadata costs and how soon a change is seen: `make bench-metadata`.

PODRES_PROGRAM names another podres-exporter to measure, such as one that `deploy/build-root.sh` has built.

A node of 110 pods with two containers each, eight GPUs and 64 CPUs, whose pods are 14 KiB of JSON each at the API
server; the exporter runs as a process of its own. Prints a table; asserts nothing.
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from podres_exporter.clock import SystemClock
from podres_exporter.scenario import parse_scenario
from podres_exporter.sim.api import PODS, kubeconfig
from podres_exporter.sim.live import LiveNode

PODS_OF_NODE, POD_BYTES = 110, 14 * 1024
WARM_UP_EVENTS, EVENTS = 220, 1000
CHANGES = 60
CHANGES_WITHOUT_GET = 8
PATIENCE_SECONDS = 30.0
CLOCK = SystemClock()


def node_document(release: str) -> dict[str, Any]:
    """Return the scenario of the node: every fourteenth pod holds a GPU and two CPUs."""
    gpus = [
        {"id": f"GPU-{number:08d}-0000-0000-0000-000000000000", "numa_nodes": [number // 8]} for number in range(16)
    ]
    return {
        "node": "bench-node",
        "kubelet": {"release": release, "cpu_manager": {"policy": "static", "reserved": "0,32"}},
        "numa": [
            {"node": 0, "cpus": "0-31", "memory": "256Gi"},
            {"node": 1, "cpus": "32-63", "memory": "256Gi"},
        ],
        "resources": [{"name": "nvidia.com/gpu", "devices": gpus}],
        "pods": [pod_entry(number) for number in range(PODS_OF_NODE)],
    }


def pod_entry(number: int) -> dict[str, Any]:
    """Return a pod with two containers, as large as real ones are."""
    holds = {"limits": {"cpu": 2, "memory": "1Gi", "nvidia.com/gpu": 1}} if number % 14 == 0 else {}
    name = f"workload-7c9d5b8f6-{number:05d}"
    entry = {
        "namespace": f"team-{number % 7}",
        "name": name,
        "labels": {"app": f"app-{number % 20}", "pod-template-hash": "7c9d5b8f6"},
        "annotations": {"bench/padding": ""},
        "owner": {"kind": "ReplicaSet", "name": "workload-7c9d5b8f6"},
        "spec": {"containers": [{"name": "main", "resources": holds}, {"name": "sidecar"}]},
    }
    entry["annotations"] = {"bench/padding": "x" * (POD_BYTES - len(json.dumps(entry)) - 1200)}
    return entry


@contextmanager
def running_node(directory: Path, release: str) -> Iterator[LiveNode]:
    """Yield the node, with all its pods admitted."""
    scenario = parse_scenario(json.dumps(node_document(release)), "bench")
    node = LiveNode(scenario, directory, CLOCK)
    with node:
        (directory / "kubeconfig").write_text(kubeconfig(node.api.url), encoding="utf-8")
        yield node


class Exporter:
    """The exporter as a process, in front of a node."""

    def __init__(self, directory: Path, node: LiveNode, source: str) -> None:
        flags = [f"--kubelet.socket={node.socket_path}", f"--topology.sysfs={node.sysfs}", "--node-name=bench-node"]
        flags += ["--web.listen-address=127.0.0.1:0", "--snapshot.hold-down=0s", f"--metadata.source={source}"]
        if source == "apiserver":
            flags += [f"--metadata.kubeconfig={directory / 'kubeconfig'}", "--metadata.pod-labels-allowlist=pods=[*]"]
        program = os.environ.get("PODRES_PROGRAM") or str(Path(sys.executable).with_name("podres-exporter"))
        command = [program, "serve", *flags]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        line = next(line for line in self._process.stderr if "event=started" in line)
        address = line.partition("urls=http://")[2].partition("/")[0]
        self._connection = http.client.HTTPConnection(address, timeout=5)

    def page(self) -> str:
        self._connection.request("GET", "/metrics", headers={"Accept": "text/plain"})
        return self._connection.getresponse().read().decode()

    def wait_for(self, text: str) -> None:
        """Ask again and again until the page has the text. Raises AssertionError after half a minute."""
        until = CLOCK.monotonic_seconds() + PATIENCE_SECONDS
        while CLOCK.monotonic_seconds() < until:
            if text in self.page():
                return
        raise AssertionError(f"the page never had {text!r}")

    def memory_mib(self) -> float:
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
        return int(line.split()[1]) / 1024

    def stop(self) -> None:
        self._connection.close()
        self._process.terminate()
        self._process.communicate(timeout=10)


@contextmanager
def exporter(directory: Path, node: LiveNode, source: str) -> Iterator[Exporter]:
    """Yield the exporter once its page is complete."""
    made = Exporter(directory, node, source)
    try:
        made.wait_for("podres_metadata_synced 1" if source == "apiserver" else "podres_container_devices{")
        yield made
    finally:
        made.stop()


def touch(node: LiveNode, number: int) -> None:
    """Change one pod's label, as an event of the watch."""
    pods, _ = node.store.read(PODS)
    pod = pods[number % len(pods)]
    metadata = {key: value for key, value in pod["metadata"].items() if key != "resourceVersion"}
    node.store.update(PODS, {**pod, "metadata": {**metadata, "labels": {**metadata["labels"], "touched": str(number)}}})


def play_events(node: LiveNode, made: Exporter, first: int, count: int) -> None:
    """Change pods one after the other, with a scrape now and then, until the page has seen the last change."""
    for number in range(first, first + count):
        touch(node, number)
        if number % 10 == 9:
            made.page()
    made.wait_for(f'label_touched="{first + count - 1}"')


def changes(node: LiveNode, made: Exporter, count: int) -> list[float]:
    """Return the seconds from the creation of a pod to a page with its device, of *count* pods one after the other."""
    seen = []
    for number in range(count):
        name = f"change-{number}"
        limits = {"limits": {"nvidia.com/gpu": 1}}
        pod = {
            "metadata": {"namespace": "bench", "name": name},
            "spec": {"nodeName": "bench-node", "containers": [{"name": "main", "resources": limits}]},
        }
        began = CLOCK.monotonic_seconds()
        node.store.create(PODS, pod)
        made.wait_for(f'podres_container_devices{{node="bench-node",namespace="bench",pod="{name}"')
        seen.append(CLOCK.monotonic_seconds() - began)
        node.store.delete(PODS, "bench", name)
    return seen


def report(what: str, value: str, budget: str) -> None:
    print(f"{what:<58} {value:>22}   {budget}", flush=True)


def main() -> None:
    """Measure and print."""
    report("what", "measured", "budget")
    with tempfile.TemporaryDirectory(prefix="podres-") as temporary:
        directory = Path(temporary)
        with running_node(directory, "1.36") as node:
            sizes = [len(json.dumps(pod)) for pod in node.store.read(PODS)[0]]
            report("pods at the API server", f"{len(sizes)} of {statistics.mean(sizes) / 1024:.1f} KiB", "")
            with exporter(directory, node, "none") as made:
                report("resident memory without metadata", f"{made.memory_mib():.1f} MiB", "42 MiB")
            with exporter(directory, node, "apiserver") as made:
                report("resident memory with the watch", f"{made.memory_mib():.1f} MiB", "62 MiB")
                play_events(node, made, 0, WARM_UP_EVENTS)
                report("the same once each pod has changed twice", f"{made.memory_mib():.1f} MiB", "")
                play_events(node, made, WARM_UP_EVENTS, EVENTS)
                report(f"the same after {EVENTS} events more", f"{made.memory_mib():.1f} MiB", "flat")
                seen = changes(node, made, CHANGES)
                values = f"{statistics.median(seen):.2f} / {statistics.quantiles(seen, n=20)[-1]:.2f} s"
                report(f"a change seen, with Get, p50 / p95 of {CHANGES}", values, "p95 under 1 s")
    with tempfile.TemporaryDirectory(prefix="podres-") as temporary:
        directory = Path(temporary)
        with running_node(directory, "1.33") as node, exporter(directory, node, "apiserver") as made:
            seen = changes(node, made, CHANGES_WITHOUT_GET)
            values = f"{statistics.median(seen):.2f} / {max(seen):.2f} s"
            report(f"a change seen, without Get, p50 / max of {CHANGES_WITHOUT_GET}", values, "one poll interval, 10 s")


if __name__ == "__main__":
    main()

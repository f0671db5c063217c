"""
Measure the cost of pod metadata, and the time from a change to the page: `make bench-metadata`.

PODRES_PROGRAM names another podres-exporter to measure, such as one that `deploy/build-root.sh` has built.

A node of 110 pods with two containers each, eight GPUs and 64 CPUs, whose pods are 14 KiB of JSON each at the API
server; the exporter runs as a process of its own. Prints a table; asserts nothing.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.extend(f"{sys.path[0]}/{each}" for each in ("rigs", "rigs/programs", "samples"))  # as pytest has it

from bench.rigs.apiserver import Account, account_at
from bench.rigs.children import memory_mib
from bench.rigs.exporter import Exporter, Setting, serving
from bench.rigs.program import Program, asked_program, venv_program
from bench.rigs.sizes import NODE
from bench.rigs.timing import CLOCK, pause

from podres_exporter.scenario import parse_scenario
from podres_exporter.sim.api import PODS
from podres_exporter.sim.live import LiveNode

PODS_OF_NODE, POD_BYTES = 110, 14 * 1024
WARM_UP_EVENTS, EVENTS = 220, 1000
CHANGES = 60
CHANGES_WITHOUT_GET = 8


def node_document(release: str) -> dict[str, Any]:
    """Return the scenario of the node: every fourteenth pod holds a GPU and two CPUs."""
    gpus = [
        {"id": f"GPU-{number:08d}-0000-0000-0000-000000000000", "numa_nodes": [number // 8]} for number in range(16)
    ]
    return {
        "node": NODE,
        "kubelet": {
            "release": release,
            "cpu_manager": {"policy": "static", "reserved": "0,32"},
            "pods_api": release == "1.36",
            "max_pods": PODS_OF_NODE + 10,
        },
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
def running_node(directory: Path, release: str) -> Iterator[tuple[LiveNode, Account]]:
    """Yield the node with all its pods admitted, and the account of a pod that asks its API server."""
    scenario = parse_scenario(json.dumps(node_document(release)), "bench")
    with LiveNode(scenario, directory, CLOCK) as node, account_at(node.store, directory) as account:
        yield node, account


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
            "spec": {"nodeName": NODE, "containers": [{"name": "main", "resources": limits}]},
        }
        began = CLOCK.monotonic_seconds()
        node.create(pod)
        made.wait_for(f'podres_container_devices{{node="{NODE}",namespace="bench",pod="{name}"')
        seen.append(CLOCK.monotonic_seconds() - began)
        node.store.delete(PODS, "bench", name)
    return seen


def seen_after(program: Program, release: str, count: int, interval_seconds: int) -> list[float]:
    """
    Return the seconds until *count* changes were seen, one after the other, in front of a kubelet of the release.

    They begin after the second poll, when nothing of the start is left to be paid.
    """
    flags = [f"--kubelet.poll-interval={interval_seconds}s"]
    with tempfile.TemporaryDirectory(prefix="podres-") as temporary:
        directory = Path(temporary)
        with (
            running_node(directory, release) as (node, account),
            serving(program, Setting(node.socket_path, node.sysfs, account), flags=flags) as made,
        ):
            while made.polls() < 2:
                pause(0.1)
            return changes(node, made, count)


def report(what: str, value: str, budget: str) -> None:
    print(f"{what:<58} {value:>22}   {budget}", flush=True)


def main() -> None:
    """Measure and print."""
    program = asked_program() or venv_program()
    report("what", "measured", "budget")
    with tempfile.TemporaryDirectory(prefix="podres-") as temporary:
        directory = Path(temporary)
        with running_node(directory, "1.36") as (node, account):
            sizes = [len(json.dumps(pod)) for pod in node.store.read(PODS)[0]]
            report("pods at the API server", f"{len(sizes)} of {statistics.mean(sizes) / 1024:.1f} KiB", "")
            with serving(program, Setting(node.socket_path, node.sysfs)) as made:
                report("resident memory without metadata", f"{memory_mib(made.pid):.1f} MiB", "42 MiB")
            with serving(program, Setting(node.socket_path, node.sysfs, account)) as made:
                report("resident memory with the watch", f"{memory_mib(made.pid):.1f} MiB", "54 MiB")
                play_events(node, made, 0, WARM_UP_EVENTS)
                report("the same once each pod has changed twice", f"{memory_mib(made.pid):.1f} MiB", "")
                play_events(node, made, WARM_UP_EVENTS, EVENTS)
                report(f"the same after {EVENTS} events more", f"{memory_mib(made.pid):.1f} MiB", "flat")
                seen = changes(node, made, CHANGES)
                values = f"{statistics.median(seen):.2f} / {statistics.quantiles(seen, n=20)[-1]:.2f} s"
                report(f"a change seen, with Get, p50 / p95 of {CHANGES}", values, "p95 under 1 s")
            pods_api = Setting(node.socket_path, node.sysfs, pods_api=node.pods_api.socket_path)
            with serving(program, pods_api) as made:
                report("resident memory with the Pods API", f"{memory_mib(made.pid):.1f} MiB", "54 MiB")
                while made.polls() < 2:  # nothing of the start is left to be paid then
                    pause(0.1)
                seen = changes(node, made, CHANGES)
                values = f"{statistics.median(seen):.2f} / {statistics.quantiles(seen, n=20)[-1]:.2f} s"
                report(f"a change seen with it, p50 / p95 of {CHANGES}", values, "p95 under 1 s")
                report("the same after them", f"{memory_mib(made.pid):.1f} MiB", "flat")
    seen = seen_after(program, "1.33", CHANGES_WITHOUT_GET, 10)
    values = f"{statistics.median(seen):.2f} / {max(seen):.2f} s"
    report(f"a change seen, without Get, p50 / max of {CHANGES_WITHOUT_GET}", values, "one poll interval, 10 s")


if __name__ == "__main__":
    main()

"""
Count the time series of nodes of several sizes, by collector.

python tests/bench/series.py

The table of deploy/docs/scale.md is printed by it, and a test compares the two. What a node gives is a page as `serve`
makes it, with pod metadata; the exporter's own counters, and those of its process, are what a fresh one has.
"""

# ruff: noqa: E402 - the bench is found below
import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from bench.rigs.answers import News, Node, node_of
from bench.rigs.sizes import NODE, L, S, Size

from podres_exporter.dump.prom import prom_text
from podres_exporter.exposition.negotiation import Format
from podres_exporter.exposition.own import OwnMetrics
from podres_exporter.families.catalogue import CATALOGUE, selected
from podres_exporter.families.collectors import COLLECTORS, DEFAULT_COLLECTORS
from podres_exporter.join import Joiner
from podres_exporter.join.usage import RunningTotals
from podres_exporter.model import (
    ContainerKind,
    ContainerSpec,
    Listing,
    Metadata,
    Part,
    Pod,
    PodMeta,
    RpcSupport,
    Snapshot,
    SourceHealth,
    Support,
)
from podres_exporter.wire import AllocatableDecoder, ListDecoder

G = Size("G", 40, 2, devices=8, device_holders=8, cpus=128, cpu_holders=8)
SIZES = (G, S, L)
NODES = 2000
_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)[{ ]", re.MULTILINE)
_SUFFIXES = ("", "_bucket", "_sum", "_count")


def series(size: Size, collectors: Iterable[str] = DEFAULT_COLLECTORS) -> Counter[str]:
    """Return the number of series of a node by collector."""
    names = {family.name + suffix: family.collector for family in CATALOGUE for suffix in _SUFFIXES}
    page = prom_text([snapshot(node_of(size, [News.SAME]))], selected(frozenset(collectors)))
    counted = Counter(names[name] for name in _SAMPLE.findall(page))
    for name in _SAMPLE.findall(own_page()):
        counted[names.get(name, "process")] += 1
    return counted


def snapshot(node: Node) -> Snapshot:
    """Return what an exporter of the node shows after some polls, with the metadata of its pods."""
    answer = node.rounds[News.SAME][0]
    listing, reported = ListDecoder().decode(answer.listed), AllocatableDecoder().decode(answer.allocatable)
    metadata = Metadata({pod.key: meta(pod) for pod in listing.pods}, synced=True, is_up=True, last_success_seconds=1.0)
    allocation, totals = Joiner().join(Listing(listing.pods), reported, node.topology, metadata), RunningTotals()
    totals.hold(allocation, 0.0)
    totals.count(10.0)
    return Snapshot(
        NODE,
        allocation,
        metadata=metadata,
        sources=tuple(SourceHealth(source, True, 1.0) for source in ("kubelet", "topology", "metadata")),
        rpcs=tuple(RpcSupport(rpc, Support.SUPPORTED) for rpc in ("List", "GetAllocatableResources", "Get")),
        parts=tuple(Part(part, stale=False, held=False) for part in ("pods", "allocatable")),
        usage=totals.usage(20.0, 15.0),
    )


def meta(pod: Pod) -> PodMeta:
    """Return a pod that asks for what it holds, of a Deployment of its namespace."""
    specs = []
    for container in pod.containers:
        devices = Counter(device.resource for device in container.devices)
        cpus = 1000 * len(container.exclusive_cpus)
        specs.append(ContainerSpec(container.name, ContainerKind.APP, tuple(sorted(devices.items())), cpus))
    return PodMeta(
        pod.namespace,
        pod.name,
        f"uid-{pod.name}",
        phase="Running",
        qos_class="Guaranteed",
        workload_kind="Deployment",
        workload_name="workload",
        has_started=True,
        started_seconds=1.0,
        containers=tuple(specs),
    )


def own_page() -> str:
    """Return the exporter's own metrics after its first calls."""
    own = OwnMetrics(DEFAULT_COLLECTORS, {"version": "", "python": "", "grpc": ""})
    for rpc in ("List", "GetAllocatableResources", "Get"):
        own.rpc(rpc, 0.01, None)
    own.listed("start")
    metadata, dra = own.metadata(), own.dra()
    for verb in ("list", "watch"):
        metadata.request(verb)
        dra.request(verb)
    for event in ("changed", "deleted", "bookmark"):
        metadata.event(event)
    metadata.restart("ended")
    return own.text(Format.TEXT).decode()


def table(sizes: Iterable[Size] = SIZES) -> str:
    """Return the table as Markdown."""
    counted = {size.name: series(size) for size in sizes}
    names = [name for name in COLLECTORS if any(counts[name] for counts in counted.values())]
    names.sort(key=lambda name: -counted["S"][name])
    lines = ["| collector | " + " | ".join(counted) + " |", "|---|" + "---:|" * len(counted)]
    for name in names:
        cells = [f"{counts[name]:,}" for counts in counted.values()]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    totals = [sum(counts.values()) for counts in counted.values()]
    lines.append(f"| all | {' | '.join(f'{each:,}' for each in totals)} |")
    lines.append(f"| {NODES:,} nodes | {' | '.join(f'{each * NODES / 1e6:.2f} M' for each in totals)} |")
    return "\n".join(lines)


def main() -> None:
    """Print the sizes and the table."""
    print("\n".join(f"- {size}" for size in SIZES))
    print(f"\n{table()}")


if __name__ == "__main__":
    main()

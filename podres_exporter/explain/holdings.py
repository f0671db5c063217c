"""A container's holdings by resource and NUMA node, as records and as a small table."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from podres_exporter.cpuset import format_cpuset
from podres_exporter.explain.account import Holding
from podres_exporter.explain.claims import Devices, claim_holdings
from podres_exporter.model import Container, ContainerView, MemoryBlock, Topology
from podres_exporter.model.allocation import NumaNodes
from podres_exporter.quantity import bytes_text
from podres_exporter.text.amounts import nodes_phrase, resource_amount
from podres_exporter.text.grid import table
from podres_exporter.text.words import folded


def holdings(view: ContainerView, topology: Topology | None, devices: Devices) -> tuple[Holding, ...]:
    """
    Return the container's holdings: CPUs, memory, devices by resource, and claim devices by driver.

    *devices* are the claim devices from ResourceSlices.
    """
    container = view.container
    found = (*_cpus(container, topology), *_memory(container.memory), *_devices(container))
    return (*found, *claim_holdings(view, devices))


def _cpus(container: Container, topology: Topology | None) -> Iterable[Holding]:
    cpus = container.exclusive_cpus
    if not cpus:
        return
    placed = topology.split(cpus) if topology else ((None, cpus),)
    items = [
        (frozenset[int]() if node is None else frozenset([node]), tuple(_ranges(format_cpuset(held))))
        for node, held in placed
    ]
    yield Holding("cpu", len(cpus), tuple(items))


def _ranges(text: str) -> list[str]:
    """Return the ranges of a CPU list with their commas, so that a long list can be wrapped between them."""
    parts = text.split(",")
    return [*(f"{part}," for part in parts[:-1]), parts[-1]]


def _memory(blocks: Iterable[MemoryBlock]) -> Iterable[Holding]:
    sizes: defaultdict[str, defaultdict[NumaNodes, int]] = defaultdict(lambda: defaultdict(int))
    for block in blocks:
        sizes[block.memory_type][block.numa_nodes] += block.size_bytes
    for kind, by_nodes in sorted(sizes.items(), key=lambda row: (row[0] != "memory", row[0])):
        items = tuple((nodes, (bytes_text(by_nodes[nodes]),)) for nodes in sorted(by_nodes, key=sorted))
        yield Holding(kind, sum(by_nodes.values()), items)


def _devices(container: Container) -> Iterable[Holding]:
    ids: defaultdict[str, defaultdict[NumaNodes, list[str]]] = defaultdict(lambda: defaultdict(list))
    for device in container.devices:
        ids[device.resource][device.numa_nodes].append(device.device_id)
    for resource, by_nodes in sorted(ids.items()):
        items = tuple((nodes, tuple(by_nodes[nodes])) for nodes in sorted(by_nodes, key=sorted))
        yield Holding(resource, sum(map(len, by_nodes.values())), items)


_MOST_COLUMNS = 4
"""Up to this many NUMA nodes all are shown; of a larger machine only those in use."""
_MOST_ITEMS = 8
_NOTHING = "."


def picture(holdings: Sequence[Holding], numa_nodes: NumaNodes, columns: int, indent: str) -> list[str]:
    """
    Return the rows; long lists of ids are shortened. Items near several nodes, and items without a stated node, have
    columns of their own.
    """
    used = {nodes for holding in holdings for nodes, _ in holding.items}
    shown = used | {frozenset([node]) for node in numa_nodes} if len(numa_nodes) <= _MOST_COLUMNS else used
    places = sorted(shown, key=_order)
    rows: list[Sequence[Sequence[str]]] = [
        [[""], *([nodes_phrase(nodes) if nodes else "node not stated"] for nodes in places)]
    ]
    for holding in holdings:
        items = dict(holding.items)
        cells = [folded(items[nodes], _MOST_ITEMS, "(+{})") if nodes in items else [_NOTHING] for nodes in places]
        rows.append([[holding.resource, f"({resource_amount(holding.resource, holding.total)})"], *cells])
    return table(rows, columns, indent)


def _order(nodes: NumaNodes) -> tuple[int, list[int]]:
    """Return the sort key: single nodes, then sets of nodes, then items without a node."""
    return (len(nodes) or 1 << 16, sorted(nodes))

"""The machine: a panel for each NUMA node, then what spans several nodes, has no stated node, or is a DRA claim."""

from collections import Counter

from podres_exporter.model import MemoryStock
from podres_exporter.page.badge import Badge, bar, legend
from podres_exporter.page.claims import claims
from podres_exporter.page.cpus import cpus
from podres_exporter.page.devices import devices
from podres_exporter.page.markup import escaped, kind, panel, part, target
from podres_exporter.page.scene import Place, Scene, places
from podres_exporter.quantity import bytes_text

_WIDE = 96
"""CPUs of a node from which on its panel asks for more room."""


def numa(scene: Scene) -> str:
    """Return the panels; the section is empty of them only where the kubelet tells of nothing at all."""
    every = places(scene.allocation)
    single = [place for place in every if len(place.nodes) == 1]
    wide = " wide" if any(len(place.cpus) > _WIDE for place in single) else ""
    first = "".join(_panel(scene, place) for place in single)
    rest = "".join(_panel(scene, place) for place in every if len(place.nodes) != 1) + claims(scene)
    # One node leaves room beside it.
    rows = [first + rest] if len(single) == 1 else [first, rest]
    body = "".join(f'<div class="nodes{wide}">{row}</div>' for row in rows if row)
    return part("machine", "Machine", body)


def _panel(scene: Scene, place: Place) -> str:
    """Return one place with all that sits there."""
    contents = cpus(scene, place) + memory(scene, place) + devices(scene, place)
    return panel(place.identifier, f"{place.name}{_socket(scene, place)}", contents)


def _socket(scene: Scene, place: Place) -> str:
    """Return the socket of a node whose CPUs are all on one."""
    topology = scene.allocation.topology
    cores = topology.core_by_cpu if topology else {}
    sockets = {cores[cpu].socket for cpu in place.cpus if cpu in cores}
    return f" <small>socket {min(sockets)}</small>" if len(sockets) == 1 and min(sockets) >= 0 else ""


def memory(scene: Scene, place: Place) -> str:
    """Return a bar for each memory type of the place."""
    return "".join(_bar(scene, place, stock) for stock in place.memory if stock.reported_bytes or stock.held_bytes)


def _bar(scene: Scene, place: Place, stock: MemoryStock) -> str:
    sizes: Counter[Badge] = Counter()
    for badge, size in scene.memory.get((stock.memory_type, stock.numa_nodes), ()):
        sizes[badge] += size
    rows = sorted(sizes.items(), key=lambda row: row[0].number)
    chips = legend([(badge, bytes_text(size)) for badge, size in rows], target(place.identifier, stock.memory_type))
    whole = stock.held_bytes if stock.reported_bytes is None else stock.reported_bytes
    return kind(escaped(stock.memory_type), _summary(stock), bar(rows, whole) + chips)


def _summary(stock: MemoryStock) -> str:
    held = bytes_text(stock.held_bytes)
    if stock.reported_bytes is not None:
        return f"{held} of {bytes_text(stock.reported_bytes)} held"
    if len(stock.numa_nodes) > 1:
        return f"{held} held across these nodes; the split is not reported"
    return f"{held} held"

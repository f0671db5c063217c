"""CPUs and memory: a panel for each NUMA node, then one for memory that spans nodes or states none."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from podres_exporter.model import MemoryStock
from podres_exporter.page.badge import Badge, bar, legend
from podres_exporter.page.cpus import cpus, held_cpus
from podres_exporter.page.markup import escaped, kind, panel, part
from podres_exporter.page.places import Place, places
from podres_exporter.page.scene import Scene
from podres_exporter.quantity import bytes_text

_WIDE = 96
"""CPUs of a node from which on its panel asks for more room."""


def numa(scene: Scene) -> str:
    """Return the panels; a sentence if the kubelet reports neither CPUs nor memory."""
    every = places(scene.allocation)
    single = [place for place in every if len(place.nodes) == 1]
    wide = " wide" if any(len(place.cpus) > _WIDE for place in single) else ""
    first = "".join(_panel(scene, place) for place in single)
    rest = "".join(_panel(scene, place) for place in every if len(place.nodes) != 1)
    # One node leaves room beside it.
    rows = [first + rest] if len(single) == 1 else [first, rest]
    body = "".join(f'<div class="nodes{wide}">{row}</div>' for row in rows if row)
    return part("machine", "CPUs and memory", body or "<p>Neither CPUs nor memory are reported.</p>")


def _panel(scene: Scene, place: Place) -> str:
    """Return one place with all that sits there, and one list of the pods that hold some of it."""
    sizes = {stock.memory_type: _sizes(scene, stock) for stock in place.memory}
    used = [stock for stock in place.memory if stock.held_bytes]
    bars = "".join(_bar(stock, sizes[stock.memory_type]) for stock in used)
    contents = cpus(scene, place) + bars + _unused(place.memory) + _pods(scene, place, sizes)
    return panel(place.identifier, f"{place.name}{_socket(scene, place)}", contents)


def _socket(scene: Scene, place: Place) -> str:
    """Return the socket of a node whose CPUs are all on one."""
    topology = scene.allocation.topology
    cores = topology.core_by_cpu if topology else {}
    sockets = {cores[cpu].socket for cpu in place.cpus if cpu in cores}
    return f" <small>socket {min(sockets)}</small>" if len(sockets) == 1 and min(sockets) >= 0 else ""


def _sizes(scene: Scene, stock: MemoryStock) -> Mapping[Badge, int]:
    """Return how much of it each pod holds."""
    sizes: Counter[Badge] = Counter()
    for badge, size in scene.memory.get((stock.memory_type, stock.numa_nodes), ()):
        sizes[badge] += size
    return sizes


def _bar(stock: MemoryStock, sizes: Mapping[Badge, int]) -> str:
    rows = sorted(sizes.items(), key=lambda row: row[0].number)
    whole = stock.held_bytes if stock.reported_bytes is None else stock.reported_bytes
    return kind(escaped(stock.memory_type), _summary(stock), bar(rows, whole))


def _summary(stock: MemoryStock) -> str:
    held = bytes_text(stock.held_bytes)
    if stock.reported_bytes is not None:
        return f"{held} of {bytes_text(stock.reported_bytes)} held"
    if len(stock.numa_nodes) > 1:
        return f"{held} held across these nodes; the split is not reported"
    return f"{held} held"


def _unused(stocks: Iterable[MemoryStock]) -> str:
    """Return in a line the memory of which no pod holds any."""
    words = [
        f"{escaped(stock.memory_type)} {bytes_text(stock.reported_bytes)}"
        for stock in stocks
        if stock.reported_bytes and not stock.held_bytes
    ]
    return f'<p class="note">Not held by any pod: {", ".join(words)}</p>' if words else ""


def _pods(scene: Scene, place: Place, sizes: Mapping[str, Mapping[Badge, int]]) -> str:
    """Return the pods that hold some of the place, each once with all that it holds of it."""
    words: defaultdict[Badge, list[str]] = defaultdict(list)
    for badge, mine in held_cpus(scene, place.cpus):
        words[badge].append(mine)
    for memory_type, held in sizes.items():
        name = "" if memory_type == "memory" else f" {escaped(memory_type)}"
        for badge, size in held.items():
            words[badge].append(f"{bytes_text(size)}{name}")
    rows = [(badge, ", ".join(words[badge])) for badge in sorted(words, key=lambda each: each.number)]
    return legend(rows, f"{place.identifier}-pods")

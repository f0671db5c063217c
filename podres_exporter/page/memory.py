"""Memory and huge pages of one place as bars: what may be granted, and what each pod was."""

from collections import Counter

from podres_exporter.model import MemoryStock
from podres_exporter.page.badge import Badge
from podres_exporter.page.bar import bar
from podres_exporter.page.escape import escaped, target
from podres_exporter.page.legend import legend
from podres_exporter.page.parts import kind
from podres_exporter.page.places import Place
from podres_exporter.page.scene import Scene
from podres_exporter.quantity import bytes_text


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
        return f"{held} held across these nodes; how it is split is not told"
    return f"{held} held"

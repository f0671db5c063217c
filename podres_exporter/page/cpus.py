"""The CPUs of one NUMA node as a grid, one cell each, and containers that share physical cores."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from podres_exporter.cpuset import CpuSet, format_cpuset
from podres_exporter.model import Container, Topology
from podres_exporter.page.badge import Badge
from podres_exporter.page.markup import escaped, kind
from podres_exporter.page.places import Place
from podres_exporter.page.scene import Holder, Scene, numbers
from podres_exporter.page.trouble import twice
from podres_exporter.text.words import pods_text

_DENSE, _DENSE_NODE = 96, 192
"""CPUs of a place, and of the whole machine, beyond which the cells are small."""


def cpus(scene: Scene, place: Place) -> str:
    """Return the grid and, as text, what the CPUs are that no pod holds; nothing where the place has none."""
    if not place.cpus:
        return ""
    topology = scene.allocation.topology
    is_dense = len(place.cpus) > _DENSE or len(topology.online if topology else place.cpus) > _DENSE_NODE
    cores = "".join(_core(scene, each) for each in _cores(topology, place.cpus))
    grid = f'<div class="cores {"dense" if is_dense else "roomy"}" aria-hidden="true">{cores}</div>'
    return kind("CPUs", _summary(scene, place.cpus), grid + _rest(scene, place.cpus))


def _cores(topology: Topology | None, cpus: CpuSet) -> Iterable[list[int]]:
    """Return the CPUs by core, ascending; a CPU whose core is unknown is alone."""
    groups: defaultdict[tuple[int, int, int], list[int]] = defaultdict(list)
    for cpu in sorted(cpus):
        core = topology.core_by_cpu.get(cpu) if topology else None
        groups[(core.socket, core.core, -1) if core and core.core >= 0 else (-1, -1, cpu)].append(cpu)
    return sorted(groups.values())


def _core(scene: Scene, cpus: list[int]) -> str:
    cells = "".join(_cell(scene, cpu) for cpu in cpus)
    return f'<span class="core">{cells}</span>' if len(cpus) > 1 else cells


def _cell(scene: Scene, cpu: int) -> str:
    """Return one CPU: the colour and the code of its pod, or what else it is."""
    holders = scene.cpus.get(cpu)
    if holders:
        badge = holders[0].badge
        double = scene.doubles.get(("cpu", str(cpu)))
        look, remark = (" bad", f"; {twice(double)}") if double else ("", "")
        title = f"CPU {cpu}: {_names(holders)}{remark}"
        return (
            f'<i class="c t {badge.look}{look}" data-p="{numbers(holders)}" title="{title}">'
            f"<small>{cpu}</small>{badge.code}</i>"
        )
    state, words = _state(scene, cpu)
    return f'<i class="c t {state}" title="CPU {cpu}: {words}"><small>{cpu}</small></i>'


def _state(scene: Scene, cpu: int) -> tuple[str, str]:
    """Return the CSS class and the description of a CPU that no pod holds."""
    allocatable = scene.allocation.cpus.allocatable
    if allocatable is None:
        return "unknown", "not held; the kubelet does not tell whether it is allocatable"
    if not (allocatable or scene.allocation.cpus.exclusive):
        return "shared", "for every container"
    return ("shared", "shared pool") if cpu in allocatable else ("reserved", "reserved, not allocatable")


def _names(holders: tuple[Holder, ...]) -> str:
    names = [
        f"{each.badge.name} ({escaped(each.container)})" if each.container else each.badge.name for each in holders
    ]
    return "exclusive to " + ", ".join(names)


def held_cpus(scene: Scene, cpus: CpuSet) -> Iterator[tuple[Badge, str]]:
    """Yield each pod that holds some of the CPUs, and which: `CPUs 1-4,33-36`."""
    mine: defaultdict[int, list[int]] = defaultdict(list)
    found: dict[int, Badge] = {}
    for cpu in sorted(cpus):
        for badge in {holder.badge.number: holder.badge for holder in scene.cpus.get(cpu, ())}.values():
            mine[badge.number].append(cpu)
            found[badge.number] = badge
    for number in sorted(found):
        yield found[number], f"CPU{'s' if len(mine[number]) > 1 else ''} {format_cpuset(mine[number])}"


def _summary(scene: Scene, cpus: CpuSet) -> str:
    """Return how many are held, of how many."""
    stock = scene.allocation.cpus
    held = len(cpus & stock.exclusive)
    if stock.allocatable is None:
        return f"{held} of {len(cpus)} exclusive"
    if not (stock.allocatable or stock.exclusive):
        return f"{len(cpus)}, none exclusive"
    return f"{held} of {len(cpus & stock.allocatable)} allocatable exclusive"


def _rest(scene: Scene, cpus: CpuSet) -> str:
    """Describe the CPUs that no pod holds."""
    sets: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for cpu in sorted(cpus - scene.allocation.cpus.exclusive):
        sets[_state(scene, cpu)].append(cpu)
    items = "".join(
        f'<li><b class="swatch {state}"></b> {words} <span class="ids">{format_cpuset(mine)}</span></li>'
        for (state, words), mine in sorted(sets.items(), reverse=True)
    )
    return f'<ul class="legend rest">{items}</ul>' if items else ""


_POOL = "the shared pool"


def sharing(scene: Scene, badge: Badge, container: Container) -> Iterator[str]:
    """
    Yield with whom the container shares cores, and which of its CPUs these are.

    Kubelets avoid it with the CPU manager's option full-pcpus-only, which is off by default.
    """
    mine: dict[str, set[int]] = {}
    for cpu in container.exclusive_cpus:
        for sibling in scene.siblings.get(cpu, frozenset()) - container.exclusive_cpus:
            others = {holder.badge.pod for holder in scene.cpus.get(sibling, ())} - {badge.pod}
            if others:
                mine.setdefault(pods_text(others), set()).add(cpu)
            elif sibling not in scene.cpus and sibling in (scene.allocation.cpus.shared_pool or ()):
                mine.setdefault(_POOL, set()).add(cpu)
    for who, cpus in sorted(mine.items()):
        yield f"shares cores with {who}: CPU{'s' if len(cpus) > 1 else ''} {format_cpuset(CpuSet(cpus))}"

"""Physical cores that a container shares with others: one hardware thread is its own, another is not."""

from collections.abc import Iterator

from podres_exporter.cpuset import CpuSet, format_cpuset
from podres_exporter.model import Container
from podres_exporter.page.badge import Badge
from podres_exporter.page.scene import Scene
from podres_exporter.text.words import pods_text

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

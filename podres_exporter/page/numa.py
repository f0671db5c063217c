"""The machine: its NUMA nodes side by side, and below them what is on several nodes or on no stated one."""

from podres_exporter.page.claims import claims
from podres_exporter.page.cpus import cpus
from podres_exporter.page.devices import devices
from podres_exporter.page.memory import memory
from podres_exporter.page.parts import panel, part
from podres_exporter.page.places import Place, places
from podres_exporter.page.scene import Scene

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

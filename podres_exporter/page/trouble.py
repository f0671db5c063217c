"""Problems of a held device: unhealthy, lost, held twice, or also offered by a DRA driver."""

from collections.abc import Iterable, Iterator

from podres_exporter.model import Certainty, Container, DeviceHealth, DoubleHeld, PodKey
from podres_exporter.page.markup import escaped
from podres_exporter.page.scene import Scene
from podres_exporter.text.words import double_name, folded, some

_MOST = 4
"""Remarks on one container that are written out."""

LOST = "held, but not allocatable"


def remarks(scene: Scene, resource: str, device_id: str) -> list[str]:
    """Return what is wrong with a plugin's device that is held, as HTML."""
    double = scene.doubles.get((resource, device_id))
    return [*([twice(double)] if double else []), *_faults(scene, (resource, device_id))]


def _faults(scene: Scene, key: tuple[str, str]) -> list[str]:
    """Return what is wrong with a device but that it is held twice."""
    found = []
    if scene.dual and key not in scene.doubles:
        mine = {holder.badge.pod for holder in scene.devices.get(key, ())}
        if others := {holder.badge.pod: None for holder in scene.dual_holders(key) if holder.badge.pod not in mine}:
            found.append(f"also in use by DRA: {_names(others)}")
    if row := scene.health.get(key):
        found.append(health_text(row))
    elif key in scene.unallocatable:
        found.append(LOST)
    return found


def is_wrong(scene: Scene, resource: str, device_id: str) -> bool:
    """Return whether a plugin's device that is held needs a look."""
    return bool(remarks(scene, resource, device_id))


def twice(double: DoubleHeld) -> str:
    """Return that it is held twice, and how sure that is."""
    return "held twice" if double.certainty is Certainty.CERTAIN else "perhaps held twice"


def health_text(row: DeviceHealth) -> str:
    """Return the health of a device in the words of the pod's status, as HTML."""
    return escaped(f"{row.health}: {row.message}" if row.message else row.health)


def needs_look(scene: Scene, pod: PodKey, container: Container) -> bool:
    """Return whether anything is wrong with what the container holds."""
    return next(_container(scene, pod, container), None) is not None


def container_flags(scene: Scene, pod: PodKey, container: Container) -> list[str]:
    """Return, for the row of a container, what is wrong with its devices, claims and CPUs, as HTML."""
    return folded(list(_container(scene, pod, container)), _MOST)


def _container(scene: Scene, pod: PodKey, container: Container) -> Iterator[str]:
    if not (scene.doubles or scene.health or scene.unallocatable or scene.dual):
        return
    for double in scene.doubles_of.get((*pod, container.name), ()):
        yield f"{escaped(double_name(double))} {twice(double)}{_also(double, pod)}"
    ids_by_fault: dict[str, list[str]] = {}
    for device in container.devices:
        for fault in _faults(scene, (device.resource, device.device_id)):
            ids_by_fault.setdefault(fault, []).append(device.device_id)
    for fault, ids in ids_by_fault.items():
        yield f"{escaped(some(ids, _MOST))} {fault}"


def _also(double: DoubleHeld, pod: PodKey) -> str:
    return f", also by {_names(each for each in double.pods if each != pod)}"


def _names(pods: Iterable[PodKey]) -> str:
    return " and ".join(escaped("/".join(each)) for each in pods)

"""What is wrong with a held thing: unhealthy, lost, held twice, or the same hardware as a device of DRA."""

from collections.abc import Iterable, Iterator

from podres_exporter.model import Certainty, Container, DeviceHealth, DoubleHeld, PodKey
from podres_exporter.page.markup import escaped
from podres_exporter.page.scene import Scene
from podres_exporter.text.words import folded

_MOST = 4
"""Remarks on one container that are written out."""

LOST = "held, but not allocatable"


def remarks(scene: Scene, resource: str, device_id: str) -> list[str]:
    """Return what is wrong with a plugin's device that is held, as HTML."""
    key = (resource, device_id)
    found = []
    if double := scene.doubles.get(key):
        found.append(twice(double))
    if row := scene.health.get(key):
        found.append(health_text(row))
    elif key in scene.unallocatable:
        found.append(LOST)
    if scene.dual:
        mine = {holder.badge.pod for holder in scene.devices.get(key, ())}
        if others := {holder.badge.pod: None for holder in scene.dual_holders(key) if holder.badge.pod not in mine}:
            found.append(f"also in use by DRA: {_names(others)}")
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
    for device in container.devices:
        for remark in remarks(scene, device.resource, device.device_id):
            double = scene.doubles.get((device.resource, device.device_id))
            also = _also(double, pod) if double and remark == twice(double) else ""
            yield f"{escaped(device.device_id)} {remark}{also}"
    if not scene.doubles:
        return
    for cpu in sorted(container.exclusive_cpus):
        if double := scene.doubles.get(("cpu", str(cpu))):
            yield f"CPU {cpu} {twice(double)}{_also(double, pod)}"
    for claim in container.claims:
        for used in claim.devices:
            item = f"{used.pool}/{used.device}"
            if double := scene.doubles.get((used.driver, item)):
                yield f"{escaped(item)} {twice(double)}{_also(double, pod)}"


def _also(double: DoubleHeld, pod: PodKey) -> str:
    return f", also by {_names(each for each in double.pods if each != pod)}"


def _names(pods: Iterable[PodKey]) -> str:
    return " and ".join(escaped("/".join(each)) for each in pods)

"""Choose the devices of one resource for a container: order of preference, and the plugin's say in it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from podres_exporter.admission.policy import Hint
from podres_exporter.admission.rejection import AllocationError
from podres_exporter.model import Device
from podres_exporter.model.allocation import NumaNodes


@dataclass(frozen=True, slots=True)
class PluginDevice:
    """
    One device as reported by its plugin.

    *numa_nodes* as reported, including -1 and nodes that do not exist; empty without a topology, or with one without
    nodes.
    """

    device_id: str
    numa_nodes: NumaNodes = frozenset()
    healthy: bool = True


Offers = Mapping[str, tuple[PluginDevice, ...]]
"""The devices that plugins offer, by resource; if a plugin is gone, all its devices are unhealthy."""


@dataclass(frozen=True, slots=True)
class DeviceWant:
    """
    What to allocate of one resource: *size* devices, all of *must_include*, the rest from the *pools*.

    Pools are used in order, each in order of its ids. If *ask* is true, the plugin's GetPreferredAllocation (if it has
    one) may choose among *available*; `settle` applies its answer.
    """

    resource: str
    size: int
    must_include: tuple[Device, ...]
    pools: tuple[tuple[Device, ...], ...]
    ask: bool

    @property
    def available(self) -> tuple[Device, ...]:
        """The candidates passed to the plugin: the devices that must be included, and every pool."""
        return (*self.must_include, *(device for pool in self.pools for device in pool))

    def settle(self, preferred: Iterable[str] = ()) -> frozenset[str]:
        """
        Return the ids to allocate, given those preferred by the plugin.

        Ids that are not candidates are ignored, and missing ones are filled up (kubelet: devicesToAllocate).
        """
        chosen = [device.device_id for device in self.must_include]
        candidates = [device.device_id for pool in self.pools for device in pool]
        wished = [device_id for device_id in preferred if device_id in candidates]
        chosen += [device_id for device_id in dict.fromkeys(wished + candidates) if device_id not in chosen]
        return frozenset(chosen[: self.size])

    def chosen(self, device_ids: Iterable[str]) -> tuple[Device, ...]:
        """Return the devices with these ids; ValueError if they are not *size* of the candidates."""
        ids = frozenset(device_ids)
        devices = tuple(device for device in self.available if device.device_id in ids)
        if len(devices) != len(ids) or len(ids) != self.size:
            raise ValueError(f"{self.resource}: {sorted(ids)} are not {self.size} of the devices that may be given")
        return devices


def want_devices(
    resource: str,
    count: int,
    offer: tuple[PluginDevice, ...] | None,
    taken: frozenset[str],
    reusable: frozenset[str],
    hint: Hint,
) -> DeviceWant:
    """
    Return what to allocate of one resource: *reusable* devices first, then those near the hint's nodes, then any.

    *offer* is what its plugin reports, None if no plugin was seen since the kubelet started; *taken* are the ids that
    containers hold, including reusable ones.

    Raises AllocationError if there are not enough healthy devices.

    Source: kubelet devicemanager devicesToAllocate. Where the kubelet picks at random, the lowest ids are picked here.
    """
    if offer is None:
        raise AllocationError(f"cannot allocate unregistered device {resource}")
    if not any(device.healthy for device in offer):
        raise AllocationError(f"no healthy devices present; cannot allocate unhealthy devices {resource}")
    known = {device.device_id: device for device in offer}
    must = [known[device_id] for device_id in sorted(reusable & known.keys())][:count]
    needed = count - len(must)
    if not needed:
        return DeviceWant(resource, count, _held(resource, must), (), ask=False)
    free = [known[device_id] for device_id in sorted(known.keys() - taken) if known[device_id].healthy]
    if len(free) < needed:
        raise AllocationError(
            f"requested number of devices unavailable for {resource}. Requested: {needed}, Available: {len(free)}"
        )
    aligned, unaligned, unplaced = _by_affinity(free, hint)
    if needed < len(aligned):
        return DeviceWant(resource, count, _held(resource, must), (_held(resource, aligned),), ask=True)
    # Every aligned device is needed, so the plugin chooses only among the others.
    rest = (_held(resource, unaligned), _held(resource, unplaced)) if needed > len(aligned) else ()
    return DeviceWant(resource, count, _held(resource, must + aligned), rest, ask=bool(rest))


def _held(resource: str, devices: Collection[PluginDevice]) -> tuple[Device, ...]:
    """Return the devices as List will report them, where -1 is not a node (kubelet checkpoint, nodeWithoutTopology)."""
    return tuple(
        Device(resource, device.device_id, frozenset(node for node in device.numa_nodes if node >= 0))
        for device in devices
    )


def _by_affinity(
    devices: Iterable[PluginDevice], hint: Hint
) -> tuple[list[PluginDevice], list[PluginDevice], list[PluginDevice]]:
    """
    Return the devices near the hint's nodes, those near other nodes, and those without nodes.

    Without a hint, all are of the last kind (kubelet: filterByAffinity).
    """
    aligned: list[PluginDevice] = []
    unaligned: list[PluginDevice] = []
    unplaced: list[PluginDevice] = []
    for device in devices:
        if hint.numa_nodes is None or device.numa_nodes <= {-1}:
            unplaced.append(device)
        elif hint.numa_nodes & device.numa_nodes:
            aligned.append(device)
        else:
            unaligned.append(device)
    return aligned, unaligned, unplaced

"""The Device Manager: allocated devices, and the NUMA hints for a device request."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from podres_exporter.admission.pods import ContainerRequest, PodRequest
from podres_exporter.admission.policy import Hint, ProviderHints, fitting_hints
from podres_exporter.admission.selection import DeviceWant, Offers, PluginDevice, want_devices
from podres_exporter.model import Device
from podres_exporter.model.allocation import NumaNodes

DeviceKey = tuple[str, str]
"""(resource, device id)."""


@dataclass(frozen=True, slots=True)
class DeviceManager:
    """
    The devices of containers, by (pod UID, container).

    *numa_nodes* are the machine's. Devices are stored with the nodes they had when allocated, as List reports them.

    The kubelet keeps two records: `podDevices`, here *held*, and `allocatedDevices`, which decides what is in use. They
    differ by *reserved*, devices chosen by an admission whose plugin has not answered yet, and by *overlooked*, devices
    that are held although `allocatedDevices` lacks them: another pod may get them too.

    Source: kubelet devicemanager manager.go, allocateContainerResources and UpdateAllocatedDevices (#137534).
    """

    numa_nodes: NumaNodes
    held: Mapping[tuple[str, str], frozenset[Device]] = field(default_factory=dict)
    reserved: frozenset[DeviceKey] = frozenset()
    overlooked: frozenset[DeviceKey] = frozenset()

    def of(self, pod: PodRequest, container: ContainerRequest) -> frozenset[Device]:
        """Return the container's devices of all resources."""
        return self.held.get((pod.uid, container.name), frozenset())

    def container_hints(self, pod: PodRequest, container: ContainerRequest, offers: Offers) -> ProviderHints:
        """Return the container's device hints (GetTopologyHints)."""
        return {
            resource: self._hints(offers[resource], count, self._taken(resource), self._reusable(pod, resource))
            for resource, count in _counts(container).items()
            if resource in offers
        }

    def pod_hints(self, pod: PodRequest, offers: Offers) -> ProviderHints:
        """Return the device hints of the whole pod (GetPodTopologyHints)."""
        resources = sorted({resource for container in pod.containers for resource in _counts(container)})
        return {
            resource: self._hints(offers[resource], pod.total(_count_of(resource)), self._taken(resource), frozenset())
            for resource in resources
            if resource in offers
        }

    def wants(self, pod: PodRequest, container: ContainerRequest, offers: Offers, hint: Hint) -> tuple[DeviceWant, ...]:
        """
        Return what to allocate of each resource that the container requests, by resource.

        A resource that no plugin ever offered is left out: the kubelet does not know it and starts the pod without it
        (isDevicePluginResource).

        Raises AllocationError if there are not enough healthy devices.
        """
        wanted = (self.want(pod, container, resource, offers, hint) for resource in _counts(container))
        return tuple(want for want in wanted if want is not None)

    def want(
        self, pod: PodRequest, container: ContainerRequest, resource: str, offers: Offers, hint: Hint
    ) -> DeviceWant | None:
        """Return what to allocate of one resource, None if no plugin ever offered it; raises as `wants` does."""
        count = container.devices.get(resource, 0)
        if not count or not (resource in offers or self._ever_gave(resource)):
            return None
        taken, reusable = self._taken(resource), self._reusable(pod, resource)
        return want_devices(resource, count, offers.get(resource), taken, reusable, hint)

    def allocate(self, pod: PodRequest, container: ContainerRequest, devices: Iterable[Device]) -> "DeviceManager":
        """Return the manager after the container got the devices, in both records."""
        chosen = frozenset(devices)
        return self.reserve(_keys(chosen)).insert(pod, container, chosen)

    def reserve(self, devices: Iterable[DeviceKey]) -> "DeviceManager":
        """Return the manager with the devices reserved for an admission whose plugin is being called."""
        keys = frozenset(devices)
        return replace(self, reserved=self.reserved | keys, overlooked=self.overlooked - keys)

    def insert(self, pod: PodRequest, container: ContainerRequest, devices: Iterable[Device]) -> "DeviceManager":
        """
        Return the manager after the plugin agreed and the container got the devices (podDevices.insert).

        A reservation that was dropped meanwhile is not restored: the devices are held, and overlooked.
        """
        given = frozenset(devices)
        together = self.of(pod, container) | given
        if not together:
            return self
        return replace(
            self,
            held={**self.held, (pod.uid, container.name): together},
            reserved=self.reserved - _keys(given),
            overlooked=self.overlooked | (_keys(given) - self.reserved),
        )

    def release(self, pod_uid: str) -> "DeviceManager":
        """Return the manager after releasing the pod's devices."""
        held = {key: devices for key, devices in self.held.items() if key[0] != pod_uid}
        return replace(self, held=held, overlooked=self.overlooked & _held_keys(held))

    def rebuild(self) -> "DeviceManager":
        """Return the manager with what is in use recomputed from what is held: reservations are dropped."""
        return replace(self, reserved=frozenset(), overlooked=frozenset())

    def update(self, active: Collection[str], *, keep_reservations: bool = False) -> "DeviceManager":
        """
        Return the manager without devices of pods that are no longer *active* (UpdateAllocatedDevices).

        Only if there is such a pod is what is in use recomputed from what is held; an admission in progress then loses
        its reservation, unless reservations are kept (1.38). The next call finds nothing to remove and does nothing.
        """
        gone = {uid for uid, _ in self.held} - set(active)
        if not gone:
            return self
        held = {key: devices for key, devices in self.held.items() if key[0] not in gone}
        rebuilt = replace(self, held=held).rebuild()
        return replace(rebuilt, reserved=self.reserved) if keep_reservations else rebuilt

    def overlook(self, devices: Iterable[DeviceKey]) -> "DeviceManager":
        """Return the manager that does not count these devices as in use: a fault for simulations."""
        return replace(self, overlooked=self.overlooked | (frozenset(devices) & _held_keys(self.held)))

    def _ever_gave(self, resource: str) -> bool:
        return any(device.resource == resource for devices in self.held.values() for device in devices)

    def _taken(self, resource: str) -> frozenset[str]:
        held = {d.device_id for devices in self.held.values() for d in devices if d.resource == resource}
        held -= {device_id for each, device_id in self.overlooked if each == resource}
        return frozenset(held | {device_id for each, device_id in self.reserved if each == resource})

    def _reusable(self, pod: PodRequest, resource: str) -> frozenset[str]:
        return pod.reusable(
            lambda container: frozenset(d.device_id for d in self.of(pod, container) if d.resource == resource)
        )

    def _hints(
        self, offer: tuple[PluginDevice, ...], count: int, taken: frozenset[str], reusable: frozenset[str]
    ) -> tuple[Hint, ...] | None:
        """
        Return the node sets that are near enough devices; None if no device states a node.

        A device is near a set if any of its nodes is in it. Unhealthy devices count for preferred sets, but cannot be
        allocated. A device whose only node is -1 or unknown is near no set: if all are so, there is no hint.

        Source: kubelet devicemanager generateDeviceTopologyHints; only nodes with devices are tried, as 1.36 does.
        """
        if not any(device.numa_nodes for device in offer):
            return None
        free = [d for d in offer if (d.healthy and d.device_id not in taken) or d.device_id in reusable]
        bound = [d for d in offer if d.device_id in reusable and d.numa_nodes]
        nodes = self.numa_nodes & frozenset[int]().union(*(d.numa_nodes for d in offer))

        def near(devices: Iterable[PluginDevice], mask: NumaNodes) -> int:
            return sum(not mask.isdisjoint(device.numa_nodes) for device in devices)

        return fitting_hints(
            nodes,
            could=lambda mask: near(offer, mask) >= count,
            can=lambda mask: near(bound, mask) == len(bound) and near(free, mask) >= count,
        )


def _keys(devices: Iterable[Device]) -> frozenset[DeviceKey]:
    return frozenset((device.resource, device.device_id) for device in devices)


def _held_keys(held: Mapping[tuple[str, str], frozenset[Device]]) -> frozenset[DeviceKey]:
    return frozenset(key for devices in held.values() for key in _keys(devices))


def _counts(container: ContainerRequest) -> dict[str, int]:
    return {resource: count for resource, count in sorted(container.devices.items()) if count}


def _count_of(resource: str) -> Callable[[ContainerRequest], int]:
    return lambda container: container.devices.get(resource, 0)

"""The Device Manager: who holds which devices, and which NUMA nodes could serve a request."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from podres_exporter.admission.hints import Hint, ProviderHints, fitting_hints
from podres_exporter.admission.pods import ContainerRequest, PodRequest
from podres_exporter.admission.selection import DeviceWant, Offers, PluginDevice, want_devices
from podres_exporter.model import Device
from podres_exporter.model.allocation import NumaNodes


@dataclass(frozen=True, slots=True)
class DeviceManager:
    """
    Who holds which devices, by (pod UID, container).

    *numa_nodes* are the machine's. A device is held with the nodes it had when it was allocated, as List reports them.
    """

    numa_nodes: NumaNodes
    held: Mapping[tuple[str, str], frozenset[Device]] = field(default_factory=dict)

    def of(self, pod: PodRequest, container: ContainerRequest) -> frozenset[Device]:
        """Return the container's devices of all resources."""
        return self.held.get((pod.uid, container.name), frozenset())

    def container_hints(self, pod: PodRequest, container: ContainerRequest, offers: Offers) -> ProviderHints:
        """Return where the container's devices could come from (GetTopologyHints)."""
        return {
            resource: self._hints(offers[resource], count, self._taken(resource), self._reusable(pod, resource))
            for resource, count in _counts(container).items()
            if resource in offers
        }

    def pod_hints(self, pod: PodRequest, offers: Offers) -> ProviderHints:
        """Return where the devices of the whole pod could come from (GetPodTopologyHints)."""
        resources = sorted({resource for container in pod.containers for resource in _counts(container)})
        return {
            resource: self._hints(offers[resource], pod.total(_count_of(resource)), self._taken(resource), frozenset())
            for resource in resources
            if resource in offers
        }

    def wants(self, pod: PodRequest, container: ContainerRequest, offers: Offers, hint: Hint) -> tuple[DeviceWant, ...]:
        """
        Return what to allocate of each resource the container asks for, by resource.

        A resource that no plugin ever offered is left out: the kubelet knows nothing of it and starts the pod without
        (isDevicePluginResource).

        Raises AllocationError where there are not enough healthy devices.
        """
        known = offers.keys() | {device.resource for devices in self.held.values() for device in devices}
        return tuple(
            want_devices(
                resource, count, offers.get(resource), self._taken(resource), self._reusable(pod, resource), hint
            )
            for resource, count in _counts(container).items()
            if resource in known
        )

    def allocate(self, pod: PodRequest, container: ContainerRequest, devices: Iterable[Device]) -> "DeviceManager":
        """Return the manager once the container holds the devices as well."""
        together = self.of(pod, container) | frozenset(devices)
        return replace(self, held={**self.held, (pod.uid, container.name): together}) if together else self

    def release(self, pod_uid: str) -> "DeviceManager":
        """Return the manager without what the pod held."""
        return replace(self, held={key: devices for key, devices in self.held.items() if key[0] != pod_uid})

    def _taken(self, resource: str) -> frozenset[str]:
        return frozenset(
            device.device_id for devices in self.held.values() for device in devices if device.resource == resource
        )

    def _reusable(self, pod: PodRequest, resource: str) -> frozenset[str]:
        return pod.reusable(
            lambda container: frozenset(d.device_id for d in self.of(pod, container) if d.resource == resource)
        )

    def _hints(
        self, offer: tuple[PluginDevice, ...], count: int, taken: frozenset[str], reusable: frozenset[str]
    ) -> tuple[Hint, ...] | None:
        """
        Return the node sets that are near enough devices; None where no device states a node.

        A device is near a set if any of its nodes is in it. Unhealthy devices count for what could be, not for what
        can. One whose only node is -1 or unknown is near nothing: if all are so, no set will do.

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


def _counts(container: ContainerRequest) -> dict[str, int]:
    return {resource: count for resource, count in sorted(container.devices.items()) if count}


def _count_of(resource: str) -> Callable[[ContainerRequest], int]:
    return lambda container: container.devices.get(resource, 0)

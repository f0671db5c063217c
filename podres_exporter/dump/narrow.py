"""Filter a snapshot: return it with a subset of its records."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from podres_exporter.cpuset import CpuSet
from podres_exporter.dump.device_match import ClaimDeviceKey, Found, claim_device_key
from podres_exporter.model import (
    Allocation,
    Claim,
    ClaimDevice,
    Container,
    ContainerView,
    Device,
    DeviceHealth,
    MemoryBlock,
    PodKey,
    PodView,
    Snapshot,
    Topology,
    Usage,
)
from podres_exporter.model.allocation import NumaNodes
from podres_exporter.text.amounts import CPU


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filter; empty sets, and None for *devices*, keep everything."""

    is_pod: Callable[[PodKey], bool]
    is_container: Callable[[str], bool]
    resources: frozenset[str] = frozenset()
    devices: Found | None = None
    numa_nodes: NumaNodes = frozenset()

    @property
    def is_about_holdings(self) -> bool:
        """Whether only part of a container's holdings is kept."""
        return bool(self.resources or self.numa_nodes or self.devices is not None)

    def has_resource(self, resource: str) -> bool:
        """Return whether the resource is kept; with *devices*, only the resources of those."""
        if self.devices is not None and resource not in self.devices.resources:
            return False
        return not self.resources or resource in self.resources

    def has_nodes(self, nodes: NumaNodes) -> bool:
        """Return whether items on these NUMA nodes are kept."""
        return not self.numa_nodes or not self.numa_nodes.isdisjoint(nodes)

    def has_device(self, device: Device) -> bool:
        """Return whether a device-plugin device is kept."""
        if self.devices is not None and (device.resource, device.device_id) not in self.devices.devices:
            return False
        return self.has_resource(device.resource) and self.has_nodes(device.numa_nodes)

    def has_block(self, block: MemoryBlock) -> bool:
        """Return whether a memory block is kept."""
        return self.has_resource(block.memory_type) and self.has_nodes(block.numa_nodes)

    def has_claim_device(self, device: ClaimDevice) -> bool:
        """Return whether a claim device is kept; its NUMA nodes are not known from the kubelet."""
        if self.numa_nodes or (self.resources and device.driver not in self.resources):
            return False
        return self.devices is None or claim_device_key(device) in self.devices.claim_devices

    def cpus(self, cpus: CpuSet, topology: Topology | None) -> CpuSet:
        """Return the CPUs that are kept."""
        if not self.has_resource(CPU):
            return frozenset()
        if not self.numa_nodes:
            return cpus
        nodes = topology.cpus_by_node if topology else {}
        return cpus & frozenset[int]().union(*(nodes.get(node, frozenset()) for node in self.numa_nodes))


def narrowed(snapshot: Snapshot, wanted: Wanted) -> Snapshot:
    """Return the filtered snapshot; one without an allocation is unchanged."""
    if snapshot.allocation is None:
        return snapshot
    allocation = _allocation(snapshot.allocation, wanted)
    metadata = snapshot.metadata
    if metadata is not None:
        kept = {view.pod.key for view in allocation.pods}
        pods = {
            key: meta
            for key, meta in metadata.pods.items()
            if key in kept or (wanted.is_pod(key) and not wanted.is_about_holdings)
        }
        metadata = replace(metadata, pods=pods)
    usage = snapshot.usage
    return replace(
        snapshot,
        allocation=allocation,
        metadata=metadata,
        usage=Usage(
            {key: total for key, total in usage.device_seconds.items() if wanted.has_resource(key[1])},
            usage.cpu_seconds if wanted.has_resource(CPU) else {},
            {key: total for key, total in usage.workload_device_seconds.items() if wanted.has_resource(key[3])},
            usage.workload_cpu_seconds if wanted.has_resource(CPU) else {},
            usage.dropped,
        ),
    )


def _allocation(allocation: Allocation, wanted: Wanted) -> Allocation:
    topology = allocation.topology
    views = [_pod(view, topology, wanted) for view in allocation.pods if wanted.is_pod(view.pod.key)]
    cpus = allocation.cpus
    has_cpus = wanted.has_resource(CPU)
    return replace(
        allocation,
        pods=tuple(view for view in views if view is not None),
        devices=tuple(
            stock
            for stock in allocation.devices
            if wanted.has_resource(stock.resource) and wanted.has_nodes(stock.numa_nodes)
        ),
        cpus=replace(
            cpus,
            allocatable=None
            if cpus.allocatable is None and has_cpus
            else wanted.cpus(cpus.allocatable or frozenset(), topology),
            exclusive=wanted.cpus(cpus.exclusive, topology),
            by_driver=wanted.cpus(cpus.by_driver, topology),
        ),
        memory=tuple(
            stock
            for stock in allocation.memory
            if wanted.has_resource(stock.memory_type) and wanted.has_nodes(stock.numa_nodes)
        ),
        devices_by_namespace={
            key: count for key, count in allocation.devices_by_namespace.items() if wanted.has_resource(key[1])
        },
        cpus_by_namespace=allocation.cpus_by_namespace if has_cpus else {},
    )


def _pod(view: PodView, topology: Topology | None, wanted: Wanted) -> PodView | None:
    """Return the filtered pod; None if nothing remains."""
    containers = [
        _container(each, topology, wanted) for each in view.containers if wanted.is_container(each.container.name)
    ]
    kept = tuple(each for each in containers if each is not None)
    has_lists = wanted.is_container("")
    pod = replace(
        view.pod,
        containers=tuple(each.container for each in kept),
        exclusive_cpus=wanted.cpus(view.pod.exclusive_cpus, topology) if has_lists else frozenset(),
        memory=tuple(filter(wanted.has_block, view.pod.memory)) if has_lists else (),
    )
    if not (kept or pod.exclusive_cpus or pod.memory) and (view.containers or wanted.is_about_holdings):
        return None
    requests = tuple(
        each for each in view.requests if wanted.is_container(each.container) and wanted.has_resource(each.resource)
    )
    return replace(view, pod=pod, containers=kept, requests=requests)


def _container(view: ContainerView, topology: Topology | None, wanted: Wanted) -> ContainerView | None:
    """Return the filtered container; None if nothing remains."""
    if not wanted.is_about_holdings:
        return view
    whole = view.container
    uses = tuple(use for use in view.claim_uses if wanted.has_claim_device(use.device))
    container = replace(
        whole,
        devices=tuple(filter(wanted.has_device, whole.devices)),
        exclusive_cpus=wanted.cpus(whole.exclusive_cpus, topology),
        memory=tuple(filter(wanted.has_block, whole.memory)),
        claims=_used(whole.claims, {claim_device_key(use.device) for use in uses}),
    )
    if container.holds_nothing:
        return None
    return replace(view, container=container, claim_uses=uses, health=_health(view.health, container))


def _used(claims: Iterable[Claim], used: Collection[ClaimDeviceKey]) -> tuple[Claim, ...]:
    """Return the claims with their kept devices, without claims that have none."""
    less = [
        replace(claim, devices=tuple(each for each in claim.devices if claim_device_key(each) in used))
        for claim in claims
    ]
    return tuple(claim for claim in less if claim.devices)


def _health(rows: Iterable[DeviceHealth], container: Container) -> tuple[DeviceHealth, ...]:
    """Return the health of the devices that the container still has."""
    names = {(device.resource, "", device.device_id) for device in container.devices}
    names |= {(each.driver, each.pool, each.device) for claim in container.claims for each in claim.devices}
    return tuple(row for row in rows if (row.resource, row.pool, row.device) in names)


def only_pods(snapshots: Sequence[Snapshot], is_wanted: Callable[[PodKey], bool]) -> tuple[Snapshot, ...]:
    """Return the snapshots with only these pods; the nodes' allocatable resources are unchanged."""
    return tuple(narrowed(snapshot, Wanted(is_wanted, lambda _: True)) for snapshot in snapshots)


def holders(snapshots: Sequence[Snapshot]) -> int:
    """Return how many pods hold something."""
    return sum(
        bool(view.pod.exclusive_cpus or view.pod.memory)
        or any(not each.container.holds_nothing for each in view.containers)
        for snapshot in snapshots
        for view in (snapshot.allocation.pods if snapshot.allocation else ())
    )

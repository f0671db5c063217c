"""Metrics of device-plugin devices: held by containers, and the node's stock."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace

from podres_exporter.families.spec import Concern, ContainerFamily, Family, Kind, NodeFamily, Row, nodes_text
from podres_exporter.model import (
    Allocation,
    ContainerView,
    DeviceStock,
    Thing,
    Topology,
    count_by_resource,
    share_of,
)

ContainerRows = Callable[[ContainerView, Topology | None], Collection[Row]]


def _device_counts(view: ContainerView, _topology: Topology | None) -> Collection[Row]:
    """Return (resource, count)."""
    return count_by_resource(view.container.devices)


def _device_infos(view: ContainerView, _topology: Topology | None) -> Collection[Row]:
    """Return a row per held device."""
    return [
        (
            device.resource,
            device.device_id,
            *share_of(device.device_id, device.resource, view.chosen_devices),
            nodes_text(device.numa_nodes),
            1,
        )
        for device in view.container.devices
    ]


def _device_health(view: ContainerView, _topology: Topology | None) -> Collection[Row]:
    """Return a row per device in the pod's status."""
    rows = [(row.resource, row.device, row.pool, row.claim, row.health, 1) for row in view.health]
    return list(dict.fromkeys(rows)) if rows else ()


def _stock(allocation: Allocation) -> Iterator[tuple[DeviceStock, tuple[str, str]]]:
    """Yield each stock with its labels."""
    for stock in allocation.devices:
        yield stock, (stock.resource, nodes_text(stock.numa_nodes))


def _allocatable(allocation: Allocation) -> Collection[Row]:
    return [(*labels, len(ids)) for stock, labels in _stock(allocation) if (ids := stock.allocatable) is not None]


def _allocated(allocation: Allocation) -> Collection[Row]:
    return [(*labels, len(stock.held)) for stock, labels in _stock(allocation) if stock.is_complete]


def _free(allocation: Allocation) -> Collection[Row]:
    return [(*labels, free) for stock, labels in _stock(allocation) if (free := stock.surely_free) is not None]


def _unallocatable_held(allocation: Allocation) -> Collection[Row]:
    return [
        (*labels, len(ids)) for stock, labels in _stock(allocation) if (ids := stock.unallocatable_held) is not None
    ]


def _double_held(allocation: Allocation) -> Collection[Row]:
    """Return the count for each resource of the node, including 0; none if doubles cannot be judged."""
    if allocation.doubles is None:
        return []
    doubles = [each.resource for each in allocation.doubles if each.thing is Thing.DEVICE]
    resources = {stock.resource for stock in allocation.devices} | set(doubles)
    return [(resource, doubles.count(resource)) for resource in sorted(resources)]


CONTAINER_DEVICES = ContainerFamily(
    name="podres_container_devices",
    kind=Kind.GAUGE,
    help="Distinct devices that the container holds, by extended resource.",
    labels=("resource",),
    collector="devices",
    rows=_device_counts,
    concern=Concern.DEVICES,
)
CONTAINER_DEVICE_INFO = ContainerFamily(
    name="podres_container_device_info",
    kind=Kind.INFO,
    help="One per device that the container holds. device_base and replica split a shared id such as "
    "UUID::3; numa_nodes is a list such as 0 or 0-1, empty if the plugin states none.",
    labels=("resource", "device", "device_base", "replica", "numa_nodes"),
    collector="devices",
    rows=_device_infos,
    concern=Concern.DEVICES,
)
CONTAINER_DEVICE_HEALTH = ContainerFamily(
    name="podres_container_device_health",
    kind=Kind.GAUGE,
    help="1 for the health (Healthy, Unhealthy, Unknown) that the pod's status reports for a device of "
    "the container. For a DRA device, resource is its driver, and pool and claim are set. Needs a "
    "kubelet with ResourceHealthStatus (on by default from 1.36) and the API server.",
    labels=("resource", "device", "pool", "claim", "health"),
    collector="health",
    rows=_device_health,
    concern=Concern.HEALTH,
)
_STOCK_LABELS = ("resource", "numa_nodes")
NODE_ALLOCATABLE_DEVICES = NodeFamily(
    name="podres_node_allocatable_devices",
    kind=Kind.GAUGE,
    help="Devices that the kubelet reports as allocatable or that a container holds, used or not: "
    "allocated + free. Computed from sets of ids. Absent if the kubelet does not serve "
    "GetAllocatableResources.",
    labels=_STOCK_LABELS,
    collector="node-devices",
    rows=_allocatable,
)
NODE_ALLOCATED_DEVICES = NodeFamily(
    name="podres_node_allocated_devices",
    kind=Kind.GAUGE,
    help="Distinct devices that containers hold. Absent while more may be held than is known.",
    labels=_STOCK_LABELS,
    collector="node-devices",
    rows=_allocated,
)
NODE_FREE_DEVICES = NodeFamily(
    name="podres_node_free_devices",
    kind=Kind.GAUGE,
    help="Devices reported as allocatable that no container is known to hold. Computed from sets of ids; "
    "those of podres_node_unlisted_devices are subtracted on each set of NUMA nodes, as they may be "
    "any of them. Absent while more may be held than is known. A device whose hardware a DRA claim has is not free.",
    labels=_STOCK_LABELS,
    collector="node-devices",
    rows=_free,
)
NODE_UNALLOCATABLE_HELD_DEVICES = NodeFamily(
    name="podres_node_unallocatable_held_devices",
    kind=Kind.GAUGE,
    help="Devices that a container holds but the kubelet does not report as allocatable: unhealthy, "
    "removed, plugin gone, or advertised by the plugin with an empty topology, which the kubelet "
    "leaves out of the report.",
    labels=_STOCK_LABELS,
    collector="node-devices",
    rows=_unallocatable_held,
)
NODE_DOUBLE_HELD_DEVICES = NodeFamily(
    name="podres_node_double_held_devices",
    kind=Kind.GAUGE,
    help="Devices that two running pods hold at the same time, by whole id (replicas of a shared device "
    "are different devices). Should be 0: otherwise the kubelet has allocated one device twice, or a DRA claim has "
    "the same hardware. "
    "Confirmed by two observations at least two seconds apart. Absent if it is not known which pods "
    "still run (kubelets up to 1.33 without metadata).",
    labels=("resource",),
    collector="node-devices",
    rows=_double_held,
)
FAMILIES = (
    CONTAINER_DEVICES,
    CONTAINER_DEVICE_INFO,
    CONTAINER_DEVICE_HEALTH,
    NODE_ALLOCATABLE_DEVICES,
    NODE_ALLOCATED_DEVICES,
    NODE_FREE_DEVICES,
    NODE_UNALLOCATABLE_HELD_DEVICES,
    NODE_DOUBLE_HELD_DEVICES,
)


def without_devices_of(families: Iterable[Family], resources: frozenset[str]) -> tuple[Family, ...]:
    """Return the families without series per device of these resources; counts are unchanged."""

    def lean(rows: ContainerRows) -> ContainerRows:
        def of_others(view: ContainerView, topology: Topology | None) -> Collection[Row]:
            devices = tuple(each for each in view.container.devices if each.resource not in resources)
            health = tuple(each for each in view.health if each.resource not in resources)
            return rows(replace(view, container=replace(view.container, devices=devices), health=health), topology)

        return of_others

    return tuple(
        replace(family, rows=lean(family.rows))
        if isinstance(family, ContainerFamily) and family.name in _OF_SINGLE_DEVICES
        else family
        for family in families
    )


_OF_SINGLE_DEVICES = frozenset({CONTAINER_DEVICE_INFO.name, CONTAINER_DEVICE_HEALTH.name})

"""Metrics of the node's DRA devices from ResourceSlices, and of their availability."""

from collections.abc import Collection, Iterable

from podres_exporter.families.spec import Kind, NodeFamily, Row, nodes_text
from podres_exporter.join.hardware import claimed_by_dra, dual_devices, hardware_of
from podres_exporter.model import Allocation, DraDevice, DraPool


def _devices(allocation: Allocation) -> Iterable[tuple[DraPool, DraDevice]]:
    """Return the devices of all pools with their pools."""
    return [(pool, device) for pool in (allocation.dra.pools if allocation.dra else ()) for device in pool.devices]


def _device_infos(allocation: Allocation) -> Collection[Row]:
    return [
        (
            pool.driver,
            pool.name,
            device.name,
            device.uuid,
            device.pci_address,
            nodes_text(device.numa_nodes),
            device.product,
            device.profile,
            device.parent_uuid,
            device.kind,
            1,
        )
        for pool, device in _devices(allocation)
    ]


def _taints(allocation: Allocation) -> Collection[Row]:
    return [
        (pool.driver, pool.name, device.name, taint.key, taint.value, taint.effect, 1)
        for pool, device in _devices(allocation)
        for taint in device.taints
    ]


def _states(allocation: Allocation) -> Collection[Row]:
    rows: list[Row] = []
    for stock in allocation.dra.stock if allocation.dra else ():
        rows.append((stock.driver, stock.kind, "total", len(stock.total)))
        if not stock.is_known:
            continue
        rows += [
            (stock.driver, stock.kind, "allocated", len(stock.allocated)),
            (stock.driver, stock.kind, "unavailable", len(stock.unavailable)),
            (stock.driver, stock.kind, "available", len(stock.available)),
        ]
    return rows


def _attributes(allocation: Allocation) -> Collection[Row]:
    return [
        (pool.driver, pool.name, device.name, name, value, 1)
        for pool in (allocation.dra.pools if allocation.dra else ())
        for device in pool.devices
        for name, value in device.attributes
    ]


def _fitting(allocation: Allocation) -> Collection[Row]:
    return [
        (stock.driver, stock.kind, stock.fitting)
        for stock in (allocation.dra.stock if allocation.dra else ())
        if stock.is_known
    ]


def _capacity(allocation: Allocation) -> Collection[Row]:
    rows: list[Row] = []
    for row in allocation.dra.capacity if allocation.dra else ():
        rows.append((row.driver, row.capacity, "total", row.total))
        if row.is_known:
            rows.append((row.driver, row.capacity, "consumed", row.consumed))
            rows.append((row.driver, row.capacity, "available", row.available))
    return rows


def _dual(allocation: Allocation) -> Collection[Row]:
    if allocation.dra is None:
        return ()
    hardware = hardware_of(allocation.dra.pools)
    offered = dual_devices(allocation.devices, hardware)
    claimed = claimed_by_dra(allocation.devices, hardware)
    states = {"offered": offered, "claimed": claimed}
    return [(*key, state, len(ids.get(key, ()))) for key in sorted(offered) for state, ids in states.items()]


def _pools(allocation: Allocation) -> Collection[Row]:
    return [
        (pool.driver, pool.name, pool.generation, _yes(pool.is_complete), _yes(pool.is_stale), 1)
        for pool in (allocation.dra.pools if allocation.dra else ())
    ]


def _yes(is_so: bool) -> str:
    return "true" if is_so else "false"


_DEVICE = ("driver", "pool", "device")
FAMILIES = (
    NodeFamily(
        name="podres_dra_device_info",
        kind=Kind.INFO,
        help="One per device of the node's ResourceSlices, held or not; joins with "
        "podres_container_claim_device_info on driver, pool and device. Labels are empty if the driver "
        "does not state them; type is the partition type or the driver's type. Of a driver that has "
        "stopped only devices in use remain. At most 128 per slice.",
        labels=(*_DEVICE, "uuid", "pci_address", "numa_nodes", "product", "profile", "parent_uuid", "type"),
        collector="dra",
        rows=_device_infos,
    ),
    NodeFamily(
        name="podres_dra_device_attribute_info",
        kind=Kind.INFO,
        help="One per device of the node's ResourceSlices and attribute that --dra.attribute-allowlist names, if the "
        "driver states it; the values of a list are separated by commas. As many series as devices times names.",
        labels=(*_DEVICE, "attribute", "value"),
        collector="dra",
        rows=_attributes,
    ),
    NodeFamily(
        name="podres_dra_device_taint",
        kind=Kind.GAUGE,
        help="1 for each taint of a device in its ResourceSlice. NoSchedule and NoExecute make it unavailable; None "
        "only informs. Taints of DeviceTaintRules are not known here.",
        labels=(*_DEVICE, "key", "value", "effect"),
        collector="dra",
        rows=_taints,
    ),
    NodeFamily(
        name="podres_node_dra_devices",
        kind=Kind.GAUGE,
        help="DRA devices of complete pools of this node by driver and type: total = allocated + unavailable + "
        "available. allocated: to claims of pods here, each device once, admin access not counted; unavailable: "
        "tainted and not allocated. Claims that no pod here uses are not known. Computed; all but total are absent "
        "while a claim of a pod here is not known.",
        labels=("driver", "type", "state"),
        collector="dra",
        rows=_states,
    ),
    NodeFamily(
        name="podres_node_dra_fitting_devices",
        kind=Kind.GAUGE,
        help="How many of the available devices of this type the shared counters of their pools allow at once: "
        "partitions of one piece of hardware exclude each other. Computed.",
        labels=("driver", "type"),
        collector="dra",
        rows=_fitting,
    ),
    NodeFamily(
        name="podres_node_dra_capacity",
        kind=Kind.GAUGE,
        help="Capacity of the DRA devices that several claims can share, summed over the driver's devices: total, "
        "consumed by claims of pods here, available. In the driver's units. Computed.",
        labels=("driver", "capacity", "state"),
        collector="dra",
        rows=_capacity,
    ),
    NodeFamily(
        name="podres_node_dual_mode_devices",
        kind=Kind.GAUGE,
        help="Devices of a device plugin whose hardware a DRA driver offers too, by UUID or PCI address: neither side "
        "knows what the other has given out. offered: all of them; claimed: those that a claim has and the plugin may "
        "give to another pod. What pods hold both ways counts in podres_node_double_held_devices. Absent where "
        "nothing is offered twice. Computed.",
        labels=("resource", "driver", "state"),
        collector="dra",
        rows=_dual,
    ),
    NodeFamily(
        name="podres_dra_pool_info",
        kind=Kind.INFO,
        help="One per pool of devices. complete is false while not all slices of the newest generation are known; "
        "stale is true where the slices are gone and devices are still in use, as after a driver has stopped.",
        labels=("driver", "pool", "generation", "complete", "stale"),
        collector="dra",
        rows=_pools,
    ),
)

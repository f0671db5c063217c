"""DRA in the document: pools and devices from ResourceSlices, and what is available by driver."""

from typing import Annotated, ClassVar

from podres_exporter.cpuset import format_cpuset, parse_cpuset
from podres_exporter.document.faults import distinct
from podres_exporter.document.values import Count, Cpus, Ids, Nodes, Record, Size, doc, read_size, write_nodes
from podres_exporter.model import (
    DeviceTaint,
    DraCapacity,
    DraDevice,
    DraNode,
    DraPool,
    DraStock,
)
from podres_exporter.model.dra import Amounts


class AmountRecord(Record, kw_only=True):
    """An amount of a capacity."""

    capacity: Annotated[str, doc("The capacity's name, such as memory.")]
    amount: Annotated[Size, doc("How much, in the driver's units.")]

    key: ClassVar[tuple[str, ...]] = ("capacity",)


class TaintRecord(Record, kw_only=True):
    """A taint of a device."""

    taint: Annotated[str, doc("The taint's key.")] = ""
    value: Annotated[str, doc("The taint's value. Absent if it is empty.")] = ""
    effect: Annotated[str, doc("NoSchedule and NoExecute make the device unavailable, None is informational.")] = ""


class AttributeRecord(Record, kw_only=True):
    """An attribute of a device."""

    attribute: Annotated[str, doc("The attribute's name, as --dra.attribute-allowlist has it.")]
    value: Annotated[str, doc("Its value; those of a list separated by commas.")]

    key: ClassVar[tuple[str, ...]] = ("attribute",)


class DraDeviceRecord(Record, kw_only=True):
    """A device of a ResourceSlice; keys are absent if its driver does not state them."""

    name: Annotated[str, doc("The device's name, unique within the pool.")]
    type: Annotated[str, doc("The partition type, or what the driver calls the type.")] = ""
    uuid: Annotated[str, doc("The hardware's UUID.")] = ""
    pci_address: Annotated[str, doc("Its PCI address.")] = ""
    numa_nodes: Annotated[Nodes, doc("The NUMA nodes it is near to.")] = []
    product: Annotated[str, doc("Its product name.")] = ""
    profile: Annotated[str, doc("The profile of a partition.")] = ""
    parent_uuid: Annotated[str, doc("The UUID of the hardware that a partition belongs to.")] = ""
    cpus: Annotated[Cpus, doc("The CPUs it represents, as a list.")] = ""
    taints: Annotated[list[TaintRecord], doc("Its taints.")] = []
    shared: Annotated[bool, doc("Several claims may have shares of it. Absent if they may not.")] = False
    capacity: Annotated[list[AmountRecord], doc("Its capacities.")] = []
    attributes: Annotated[
        list[AttributeRecord], doc("The attributes that --dra.attribute-allowlist names and that are stated.")
    ] = []

    key: ClassVar[tuple[str, ...]] = ("name",)


class DraPoolRecord(Record, kw_only=True):
    """A pool of devices of one driver."""

    driver: Annotated[str, doc("The DRA driver.")]
    pool: Annotated[str, doc("The pool's name, unique for the driver.")]
    generation: Annotated[Count, doc("The generation of the pool that is shown.")]
    incomplete: Annotated[
        bool, doc("Not all slices of the newest generation are known, so its devices are not counted.")
    ] = False
    stale: Annotated[
        bool,
        doc("Its slices are gone while devices are still in use, as after a driver has stopped."),
    ] = False
    multi_node: Annotated[
        bool,
        doc(
            "The pool does not belong to this node alone (network-attached devices, several nodes): only devices of "
            "claims of pods here are shown, and none is counted. Absent otherwise."
        ),
    ] = False
    devices: Annotated[list[DraDeviceRecord], doc("Its devices, by name.")]

    key: ClassVar[tuple[str, ...]] = ("driver", "pool")


class DraStockRecord(Record, kw_only=True):
    """The devices of one driver and type, as POOL/DEVICE; those in neither list are available."""

    driver: Annotated[str, doc("The DRA driver.")]
    type: Annotated[str, doc("The type of the devices. Absent if none is stated.")] = ""
    total: Annotated[Ids, doc("All devices of complete pools.")]
    allocated: Annotated[Ids, doc("Those allocated to claims of pods here, admin access not counted.")]
    unavailable: Annotated[Ids, doc("Those that are tainted and not allocated.")]
    fitting: Annotated[Count, doc("How many of the available ones the counters of their pools allow at once.")]
    at_least: Annotated[
        bool, doc("A claim of a pod here is not known: more may be allocated. Absent if all are known.")
    ] = False

    key: ClassVar[tuple[str, ...]] = ("driver", "type")


class DraCapacityRecord(Record, kw_only=True):
    """A capacity of the devices of a driver that several claims can share."""

    driver: Annotated[str, doc("The DRA driver.")]
    capacity: Annotated[str, doc("The capacity's name.")]
    total: Annotated[Size, doc("Of all these devices, in the driver's units.")]
    consumed: Annotated[Size, doc("What claims of pods here consume of it.")]
    at_least: Annotated[bool, doc("A claim of a pod here is not known. Absent if all are known.")] = False

    key: ClassVar[tuple[str, ...]] = ("driver", "capacity")


class DraRecord(Record, kw_only=True):
    """The DRA devices of the node, from the API server's ResourceSlices and ResourceClaims."""

    pools: Annotated[list[DraPoolRecord], doc("The pools, by driver and name.")]
    stock: Annotated[list[DraStockRecord], doc("The stock, by driver and type.")]
    capacity: Annotated[list[DraCapacityRecord], doc("Capacities of shareable devices.")] = []


def write_dra(node: DraNode) -> DraRecord:
    """Return the record of the node's DRA devices."""
    return DraRecord(
        pools=[write_pool(pool) for pool in node.pools],
        stock=[
            DraStockRecord(
                driver=row.driver,
                type=row.kind,
                total=_write_ids(row.total),
                allocated=_write_ids(row.allocated),
                unavailable=_write_ids(row.unavailable),
                fitting=row.fitting,
                at_least=not row.is_known,
            )
            for row in node.stock
        ],
        capacity=[
            DraCapacityRecord(
                driver=row.driver,
                capacity=row.capacity,
                total=row.total,
                consumed=row.consumed,
                at_least=not row.is_known,
            )
            for row in node.capacity
        ],
    )


def read_dra(record: DraRecord) -> DraNode:
    """Return the node's DRA devices; counters are not in the document."""
    return DraNode(
        tuple(read_pool(each) for each in distinct(record.pools)),
        tuple(
            DraStock(
                each.driver,
                each.type,
                _read_ids(each.total),
                _read_ids(each.allocated),
                _read_ids(each.unavailable),
                each.fitting,
                is_known=not each.at_least,
            )
            for each in distinct(record.stock)
        ),
        tuple(
            DraCapacity(
                each.driver, each.capacity, read_size(each.total), read_size(each.consumed), is_known=not each.at_least
            )
            for each in distinct(record.capacity)
        ),
    )


def write_amounts(amounts: Amounts) -> list[AmountRecord]:
    """Return amounts of capacities."""
    return [AmountRecord(capacity=name, amount=amount) for name, amount in amounts]


def read_amounts(records: list[AmountRecord]) -> Amounts:
    """Return amounts of capacities, sorted."""
    return tuple(sorted((each.capacity, read_size(each.amount)) for each in distinct(records)))


def _write_ids(ids: frozenset[tuple[str, str]]) -> list[str]:
    return [f"{pool}/{device}" for pool, device in sorted(ids)]


def _read_ids(ids: list[str]) -> frozenset[tuple[str, str]]:
    """Return (pool, device) pairs; a pool's name may contain slashes, a device's does not."""
    return frozenset((pool, device) for pool, _, device in (each.rpartition("/") for each in ids))


def write_pool(pool: DraPool) -> DraPoolRecord:
    """Return the record of one pool, without counters."""
    return DraPoolRecord(
        driver=pool.driver,
        pool=pool.name,
        generation=pool.generation,
        incomplete=not pool.is_complete,
        stale=pool.is_stale,
        multi_node=pool.is_multi_node,
        devices=[
            DraDeviceRecord(
                name=device.name,
                type=device.kind,
                uuid=device.uuid,
                pci_address=device.pci_address,
                numa_nodes=write_nodes(device.numa_nodes),
                product=device.product,
                profile=device.profile,
                parent_uuid=device.parent_uuid,
                cpus=format_cpuset(device.cpus),
                taints=[TaintRecord(taint=each.key, value=each.value, effect=each.effect) for each in device.taints],
                shared=device.is_shared,
                capacity=write_amounts(device.capacity),
                attributes=[AttributeRecord(attribute=name, value=value) for name, value in device.attributes],
            )
            for device in pool.devices
        ],
    )


def read_pool(record: DraPoolRecord) -> DraPool:
    """Return one pool, without counters."""
    devices = tuple(
        DraDevice(
            each.name,
            kind=each.type,
            uuid=each.uuid,
            pci_address=each.pci_address,
            product=each.product,
            profile=each.profile,
            parent_uuid=each.parent_uuid,
            numa_nodes=frozenset(each.numa_nodes),
            cpus=parse_cpuset(each.cpus),
            taints=tuple(sorted(DeviceTaint(taint.taint, taint.value, taint.effect) for taint in each.taints)),
            is_shared=each.shared,
            capacity=read_amounts(each.capacity),
            attributes=tuple(sorted((one.attribute, one.value) for one in distinct(each.attributes))),
        )
        for each in distinct(record.devices)
    )
    return DraPool(
        record.driver,
        record.pool,
        record.generation,
        devices,
        is_complete=not record.incomplete,
        is_stale=record.stale,
        is_multi_node=record.multi_node,
    )

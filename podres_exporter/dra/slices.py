"""Decode lists and watch events of ResourceSlices, only the fields that are used, and combine slices into pools."""

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec import Raw
from msgspec.json import Decoder

from podres_exporter.dra.devices import NO_ATTRIBUTES, AttributeAllowlist, counter_amounts, made_device
from podres_exporter.dra.records import Basic, Device, NestedDevice, ResourceSlice
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.model import Malformed
from podres_exporter.model.dra import DraDevice, DraPool
from podres_exporter.podmeta.faults import UNREADABLE, pod_error
from podres_exporter.podmeta.records import EventFrame, ListFrame, ListMeta, Stub

V1BETA1 = "v1beta1"

_LIST, _EVENT, _SLICE, _STUB = Decoder(ListFrame), Decoder(EventFrame), Decoder(ResourceSlice), Decoder(Stub)
_DEVICE, _NESTED = Decoder(Device), Decoder(NestedDevice)


@dataclass(frozen=True, slots=True)
class Slice:
    """One ResourceSlice; *is_whole* is false if a device could not be read."""

    name: str
    driver: str
    pool: str
    generation: int
    slice_count: int
    devices: tuple[DraDevice, ...]
    counters: tuple[tuple[tuple[str, str], int], ...] = ()
    node: str = ""
    resource_version: str = ""
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class SliceList:
    """All slices of a list; *malformed* are the items that could not be read."""

    slices: tuple[Slice, ...]
    resource_version: str
    malformed: tuple[Malformed, ...] = ()


@dataclass(frozen=True, slots=True)
class SliceEvent:
    """One watch event: *kind* is the API's event type; *slice* is None if absent or unreadable."""

    kind: str
    name: str
    resource_version: str
    slice: Slice | None = None
    malformed: tuple[Malformed, ...] = ()
    error: Raw | None = None


def decode_slices(body: bytes, version: str, allowed: AttributeAllowlist = NO_ATTRIBUTES) -> SliceList:
    """
    Return the slices of a list; unreadable items are left out and reported.

    Raises ApiServerError (malformed) if the body is not a list with a version.
    """
    try:
        frame = _LIST.decode(body)
    except UNREADABLE as error:
        detail = f"{len(body)} bytes are not a list of slices: {pod_error(error)}"
        raise ApiServerError("list", Reason.MALFORMED, detail) from error
    at = (frame.metadata or ListMeta()).resource_version
    if not at:
        raise ApiServerError("list", Reason.MALFORMED, "the list has no resourceVersion")
    slices, malformed = [], []
    for index, item in enumerate(frame.items or ()):
        found, problems = _slice(item, version, f"items[{index}]", allowed)
        malformed += problems
        if found is not None:
            slices.append(found)
    return SliceList(tuple(slices), at, tuple(malformed))


def decode_slice_event(line: bytes, version: str, allowed: AttributeAllowlist = NO_ATTRIBUTES) -> SliceEvent:
    """Return one watch event. Raises ApiServerError (malformed) if the line is not an event."""
    try:
        frame = _EVENT.decode(line)
    except UNREADABLE as error:
        detail = f"{len(line)} bytes are not a watch event: {pod_error(error)}"
        raise ApiServerError("watch", Reason.MALFORMED, detail) from error
    if frame.type == "ERROR":
        return SliceEvent(frame.type, "", "", error=frame.object)
    try:
        meta = _STUB.decode(frame.object).metadata
    except UNREADABLE as error:
        detail = f"a watch event could not be read: {pod_error(error)}"
        raise ApiServerError("watch", Reason.MALFORMED, detail) from error
    if frame.type not in {"ADDED", "MODIFIED"}:
        return SliceEvent(frame.type, meta.name, meta.resource_version)
    found, problems = _slice(frame.object, version, "object", allowed)
    return SliceEvent(frame.type, meta.name, meta.resource_version, found, tuple(problems))


def _slice(raw: Raw, version: str, path: str, allowed: AttributeAllowlist) -> tuple[Slice | None, list[Malformed]]:
    """Return a slice with all readable devices."""
    try:
        wire = _SLICE.decode(raw)
        counters = tuple(
            sorted(
                ((each.name, counter), number)
                for each in wire.spec.shared_counters or ()
                for counter, number in counter_amounts(each.counters)
            )
        )
    except UNREADABLE as error:
        return None, [Malformed(path, str(pod_error(error)))]
    spec, devices, malformed = wire.spec, dict[str, DraDevice](), []
    for index, item in enumerate(spec.devices or ()):
        try:
            device = made_device(_read_device(item, version), spec.driver, spec.partition_type_attribute, allowed)
        except UNREADABLE as error:
            malformed.append(Malformed(f"{path}.spec.devices[{index}]", str(pod_error(error))))
            continue
        devices.setdefault(device.name, device)
    made = Slice(
        wire.metadata.name,
        spec.driver,
        spec.pool.name,
        spec.pool.generation,
        spec.pool.resource_slice_count,
        tuple(devices.values()),
        counters,
        spec.node_name or "",
        wire.metadata.resource_version,
        is_whole=not malformed,
    )
    return made, malformed


def _read_device(raw: Raw, version: str) -> Device:
    """Return a device of any API version: v1beta1 nests all fields but the name."""
    if version != V1BETA1:
        return _DEVICE.decode(raw)
    nested = _NESTED.decode(raw)
    basic = nested.basic or Basic()
    return Device(name=nested.name, **{name: getattr(basic, name) for name in Basic.__struct_fields__})


MOST_STALE_POOLS = 64
"""The maximum number of pools kept for stopped drivers; a node has few pools."""


def pools_of(slices: Iterable[Slice], before: Iterable[DraPool] = ()) -> tuple[DraPool, ...]:
    """
    Return the pools of the slices, sorted; pools from *before* whose slices are gone are kept and marked stale.

    A stopped driver loses its slices within 35 s while its devices are still in use. While the slices of a new
    generation arrive one by one, the devices of the last complete generation are shown and the pool is incomplete.

    Source: k8s.io/dynamic-resource-allocation structured allocator (GatherPools); measured on 1.36.3.
    """
    known = {pool.key: pool for pool in before}
    grouped: dict[tuple[str, str], list[Slice]] = {}
    for each in slices:
        grouped.setdefault((each.driver, each.pool), []).append(each)
    found = {key: _pool(key, group, known.get(key)) for key, group in grouped.items()}
    gone = [pool for key, pool in sorted(known.items()) if key not in found and pool.devices]
    stale = {
        pool.key: DraPool(pool.driver, pool.name, pool.generation, pool.devices, pool.counters, pool.is_complete, True)
        for pool in gone[:MOST_STALE_POOLS]
    }
    return tuple(pool for _, pool in sorted({**found, **stale}.items()))


def _pool(key: tuple[str, str], slices: list[Slice], before: DraPool | None) -> DraPool:
    """Return one pool."""
    generation = max(each.generation for each in slices)
    newest = [each for each in slices if each.generation == generation]
    is_complete = len(newest) == max(each.slice_count for each in newest) and all(each.is_whole for each in newest)
    if not is_complete and before is not None and before.generation < generation and not before.is_stale:
        return DraPool(*key, before.generation, before.devices, before.counters, is_complete=False)
    devices: dict[str, DraDevice] = {}
    for each in sorted(newest, key=lambda one: one.name):
        for device in each.devices:
            devices.setdefault(device.name, device)
    counters = sorted({counter for each in newest for counter in each.counters})
    return DraPool(*key, generation, tuple(devices[name] for name in sorted(devices)), tuple(counters), is_complete)

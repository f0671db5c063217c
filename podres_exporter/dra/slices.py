"""Decode lists and watch events of ResourceSlices, only the fields that are used."""

from dataclasses import dataclass

from msgspec import Raw
from msgspec.json import Decoder

from podres_exporter.dra.devices import NO_ATTRIBUTES, AttributeAllowlist, counter_amounts, made_device
from podres_exporter.dra.records import Basic, Device, NestedDevice, ResourceSlice
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.model import Malformed
from podres_exporter.model.dra import DraDevice
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

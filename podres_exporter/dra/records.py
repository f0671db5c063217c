"""
The used fields of ResourceSlice and ResourceClaim, in their wire format.

Source: resource.k8s.io v1 (1.34), v1beta2 (1.33) and v1beta1 (1.32), which nests device fields below `basic`.
"""

from typing import Any

from msgspec import Raw, Struct, field


class Wire(Struct, gc=False, rename="camel"):
    """An API object; fields that Go omits when empty have defaults."""


class Meta(Wire):
    """An object's identity and resource version."""

    namespace: str = ""
    name: str = ""
    uid: str = ""
    resource_version: str = ""


class Attribute(Wire):
    """An attribute value: exactly one field is set."""

    int_: int | None = field(default=None, name="int")
    bool_: bool | None = field(default=None, name="bool")
    string: str | None = None
    version: str | None = None
    ints: list[int] | None = None
    bools: list[bool] | None = None
    strings: list[str] | None = None
    versions: list[str] | None = None

    def texts(self) -> list[str]:
        """Return the value, or the values of a list, as texts."""
        single = (self.int_, self.bool_, self.string, self.version)
        for value in single:
            if value is not None:
                return [_text(value)]
        for values in (self.ints, self.bools, self.strings, self.versions):
            if values:
                return [_text(value) for value in values]
        return []


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Amount(Wire):
    """A quantity: a text, or a number if written so by hand."""

    value: str | int = 0


class Consumption(Wire):
    """What a device consumes of a counter set."""

    counter_set: str = ""
    counters: dict[str, Amount] | None = None


class Taint(Wire):
    """A taint of a device."""

    key: str = ""
    value: str = ""
    effect: str = ""


class Basic(Wire):
    """The device fields of v1beta1 besides the name."""

    attributes: dict[str, Attribute] | None = None
    capacity: dict[str, Any] | None = None
    consumes_counters: list[Consumption] | None = None
    taints: list[Taint] | None = None
    allow_multiple_allocations: bool | None = None


class Device(Basic, kw_only=True):
    """One device."""

    name: str


class NestedDevice(Wire):
    """One device of v1beta1."""

    name: str
    basic: Basic | None = None


class CounterSet(Wire):
    """Counters shared by the devices of a pool."""

    name: str = ""
    counters: dict[str, Amount] | None = None


class Pool(Wire):
    """The pool that a slice belongs to."""

    name: str
    generation: int = 0
    resource_slice_count: int = 1


class SliceSpec(Wire):
    """The content of a slice."""

    driver: str
    pool: Pool
    node_name: str | None = None
    devices: list[Raw] | None = None
    shared_counters: list[CounterSet] | None = None
    partition_type_attribute: str | None = None


class ResourceSlice(Wire):
    """A ResourceSlice."""

    metadata: Meta
    spec: SliceSpec


class Result(Wire):
    """One device allocated to a claim."""

    request: str = ""
    driver: str = ""
    pool: str = ""
    device: str = ""
    admin_access: bool | None = None
    share_id: str | None = field(default=None, name="shareID")
    consumed_capacity: dict[str, str | int] | None = None


class AllocatedDevices(Wire):
    """The devices of an allocation."""

    results: list[Result] | None = None


class ClaimAllocation(Wire):
    """The allocation of a claim; its `config` is not read."""

    devices: AllocatedDevices | None = None


class NetworkData(Wire):
    """The network interface that a driver made of a device; its `ips` are not read."""

    interface_name: str | None = None
    hardware_address: str | None = None


class DeviceStatus(Wire):
    """What a driver states of an allocated device; its `data` and `conditions` are not read."""

    driver: str = ""
    pool: str = ""
    device: str = ""
    share_id: str | None = field(default=None, name="shareID")
    network_data: NetworkData | None = None


class Consumer(Wire):
    """A pod that may use a claim."""

    uid: str = ""


class ClaimStatus(Wire):
    """The status of a claim."""

    allocation: ClaimAllocation | None = None
    reserved_for: list[Consumer] | None = None
    devices: list[DeviceStatus] | None = None


class ResourceClaim(Wire):
    """A ResourceClaim."""

    metadata: Meta
    status: ClaimStatus | None = None

"""Decode a device of a slice, from its attributes and capacities."""

import contextlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from sys import intern
from typing import TypeVar

from podres_exporter.dra.records import Amount, Attribute, Device
from podres_exporter.model import DeviceTaint
from podres_exporter.model.dra import Amounts, DraDevice
from podres_exporter.quantity import parse_quantity

T = TypeVar("T")
UUID = ("uuid", "gpuUUID")
PCI_ADDRESS = ("resource.kubernetes.io/pciBusID", "pciBusID", "pciAddress", "dra.net/pciAddress")
PRODUCT = ("productName", "product", "model")
PROFILE = ("profile",)
PARENT_UUID = ("parentUUID", "parentUuid")
KIND = ("type",)
NUMA_NODE = (
    "resource.kubernetes.io/numaNode",
    "dra.net/numaNode",
    "dra.cpu/numaNodeID",
    "numaNode",
    "numaNodeID",
    "numa",
)
CPU = ("dra.cpu/cpuID",)
"""
The attribute names that drivers use; the first one present is taken.

Source: KEP-6072 and deviceattribute of k8s.io/dynamic-resource-allocation for the standard ones; NVIDIA's, Intel's,
dranet and dra-driver-cpu for the others.
"""


AttributeAllowlist = frozenset[str]
"""Names of attributes that are kept beside those above; one without a domain is the driver's, whichever it is."""

NO_ATTRIBUTES: AttributeAllowlist = frozenset()


def made_device(
    device: Device, driver: str, partition_attribute: str | None, allowed: AttributeAllowlist = NO_ATTRIBUTES
) -> DraDevice:
    """Return the record of one device. Raises ValueError if an amount is invalid."""
    found = _Attributes(device.attributes or {}, driver)
    kind = found.text(partition_attribute) if partition_attribute else ""
    return DraDevice(
        name=device.name,
        kind=intern(kind or found.text(*KIND)),
        uuid=found.text(*UUID),
        pci_address=found.text(*PCI_ADDRESS),
        product=intern(found.text(*PRODUCT)),
        profile=intern(found.text(*PROFILE)),
        parent_uuid=found.text(*PARENT_UUID),
        numa_nodes=_one_copy(frozenset(number for number in found.numbers(*NUMA_NODE) if number >= 0)),
        cpus=frozenset(number for number in found.numbers(*CPU) if number >= 0),
        taints=tuple(sorted({DeviceTaint(each.key, each.value, each.effect) for each in device.taints or ()})),
        is_shared=bool(device.allow_multiple_allocations),
        capacity=_one_copy(amounts({name: _value(each) for name, each in (device.capacity or {}).items()})),
        consumes=tuple(
            sorted(
                ((intern(each.counter_set), intern(counter)), number)
                for each in device.consumes_counters or ()
                for counter, number in counter_amounts(each.counters)
            )
        ),
        attributes=tuple((name, text) for name in sorted(allowed) if (text := found.text(name))) if allowed else (),
    )


@lru_cache(maxsize=1024)
def _one_copy(value: T) -> T:
    """Return the first value equal to this one: hundreds of devices have the same nodes and capacities."""
    return value


class _Attributes:
    """The attributes of one device, under qualified and unqualified names."""

    def __init__(self, attributes: Mapping[str, Attribute], driver: str) -> None:
        self._attributes, self._driver = attributes, driver

    def texts(self, *names: str) -> Sequence[str]:
        """
        Return the values of the first name that is present.

        Source: a name without a domain is the driver's (`uuid` is `gpu.nvidia.com/uuid`), and either may be written.
        """
        for name in names:
            domain, _, rest = name.rpartition("/")
            own = (rest,) if domain == self._driver else () if domain else (f"{self._driver}/{name}",)
            for spelling in (name, *own):
                found = self._attributes.get(spelling)
                if found is not None and (texts := found.texts()):
                    return texts
        return ()

    def text(self, *names: str) -> str:
        """Return the value; the values of a list are joined by commas."""
        return ",".join(self.texts(*names))

    def numbers(self, *names: str) -> Sequence[int]:
        """Return the values that are numbers."""
        numbers = []
        for text in self.texts(*names):
            with contextlib.suppress(ValueError):
                numbers.append(int(text))
        return numbers


def _value(capacity: object) -> str | int:
    """Return the amount of a capacity: in v1 an object with a value, in early v1beta1 the amount itself."""
    found = capacity.get("value", 0) if isinstance(capacity, Mapping) else capacity
    if isinstance(found, str) or (isinstance(found, int) and not isinstance(found, bool)):
        return found
    raise ValueError("a capacity has no amount")


def amounts(values: Mapping[str, str | int]) -> Amounts:
    """Return amounts by name, sorted. Raises ValueError if one is invalid."""
    return tuple(sorted((intern(name), parse_quantity(str(value))) for name, value in values.items()))


def counter_amounts(counters: Mapping[str, Amount] | None) -> Amounts:
    """Return the amounts of counters."""
    return amounts({name: each.value for name, each in (counters or {}).items()})

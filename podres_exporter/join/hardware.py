"""Find hardware offered under two names: by two device-plugin resources, or by a plugin and a DRA driver."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from podres_exporter.model import Allocation, DeviceStock, DraDevice, DraKey, DraPool, split_replica

_HARDWARE = re.compile(
    r"(?:[0-9a-fA-F]{4,8}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]"  # a PCI address
    r"|.*[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # a UUID, with the prefix of its kind
    r"|(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}"  # a MAC address
)
"""Ids that identify hardware globally; a counter or a CPU number under two resource names does not."""


@dataclass(frozen=True, slots=True, order=True)
class Twin:
    """*device_id* is free as *resource*, while a pod holds *held_id* of *held_as*, which is the same hardware."""

    resource: str
    device_id: str
    held_as: str
    held_id: str
    namespace: str
    pod: str


def twins(allocation: Allocation) -> tuple[Twin, ...]:
    """
    Return the free devices that are held under another resource name, sorted.

    The kubelet counts each resource separately and would allocate them again. Shares of one device under two names are
    intended by the plugin; a whole device under one name and a share of it under another are not.
    """
    held: dict[str, list[tuple[str, str, bool, str, str]]] = {}
    for view in allocation.pods:
        for container in view.pod.containers:
            for device in container.devices:
                base, share = split_replica(device.device_id, device.resource)
                if _HARDWARE.fullmatch(base):
                    row = (device.resource, device.device_id, bool(share), view.pod.namespace, view.pod.name)
                    held.setdefault(base, []).append(row)
    return tuple(sorted(set(_twins(allocation, held)))) if held else ()


def _twins(allocation: Allocation, held: dict[str, list[tuple[str, str, bool, str, str]]]) -> Iterator[Twin]:
    names = {row[0] for rows in held.values() for row in rows}
    for stock in allocation.devices:
        if names <= {stock.resource}:
            continue
        for device_id in stock.free or ():
            base, share = split_replica(device_id, stock.resource)
            for resource, held_id, is_share, namespace, pod in held.get(base, ()):
                if resource != stock.resource and not (share and is_share):
                    yield Twin(stock.resource, device_id, resource, held_id, namespace, pod)


Hardware = Mapping[str, frozenset[DraKey]]
"""DRA devices by the identifiers of their hardware."""


def hardware_of(pools: Iterable[DraPool]) -> Hardware:
    """
    Return the DRA devices by UUID, PCI address and, for a partition, the parent's UUID; in lower case.

    If a partition is in use, the plugin cannot allocate the whole device to anyone else.
    """
    found: defaultdict[str, set[DraKey]] = defaultdict(set)
    for pool in pools:
        for device in pool.devices:
            for name in _names(device):
                found[name.lower()].add((*pool.key, device.name))
    return {name: frozenset(keys) for name, keys in found.items()}


def _names(device: DraDevice) -> Iterable[str]:
    return (name for name in (device.uuid, device.pci_address, device.parent_uuid) if name)


def dual_devices(stocks: Iterable[DeviceStock], hardware: Hardware) -> dict[tuple[str, str], frozenset[str]]:
    """Return the ids of plugin devices whose hardware a DRA driver also offers, by (resource, driver)."""
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for stock in stocks:
        for device_id in stock.held | (stock.reported or frozenset()):
            for driver, _, _ in same_hardware(device_id, stock.resource, hardware):
                found[stock.resource, driver].add(device_id)
    return {key: frozenset(ids) for key, ids in found.items()}


def claimed_by_dra(stocks: Iterable[DeviceStock], hardware: Hardware) -> dict[tuple[str, str], frozenset[str]]:
    """
    Return the ids of plugin devices that no container holds and whose hardware a claim has, by (resource, driver).

    The plugin reports them as healthy, so the kubelet may give them to the next pod.
    """
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for stock in stocks:
        for device_id in stock.held_by_dra:
            for driver, _, _ in same_hardware(device_id, stock.resource, hardware):
                found[stock.resource, driver].add(device_id)
    return {key: frozenset(ids) for key, ids in found.items()}


def without_claimed(
    stocks: tuple[DeviceStock, ...], hardware: Hardware, held: frozenset[DraKey]
) -> tuple[DeviceStock, ...]:
    """Return the stocks without free devices whose hardware a DRA claim uses, which the plugin does not know."""
    if not held or not hardware:
        return stocks
    taken = []
    for stock in stocks:
        ids = frozenset(
            device_id
            for device_id in (stock.reported or frozenset()) - stock.held
            if held & same_hardware(device_id, stock.resource, hardware)
        )
        taken.append(replace(stock, held_by_dra=ids) if ids else stock)
    return tuple(taken)


def same_hardware(device_id: str, resource: str, hardware: Hardware) -> frozenset[DraKey]:
    """Return the DRA devices that are the plugin device's hardware, or parts of it."""
    base, _ = split_replica(device_id, resource)
    return hardware.get(device_id.lower()) or hardware.get(base.lower()) or frozenset()

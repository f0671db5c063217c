"""Dual mode: find hardware that both a device plugin and a DRA driver offer."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from podres_exporter.model import DeviceStock, DraDevice, DraKey, DraPool
from podres_exporter.model.shares import split_replica

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

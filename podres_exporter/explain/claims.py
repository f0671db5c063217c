"""The claim devices of a container: location, identity and problems."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from podres_exporter.explain.account import Holding
from podres_exporter.join.hardware import hardware_of, same_hardware
from podres_exporter.model import Allocation, ClaimDevice, ClaimUse, ContainerView, DraDevice
from podres_exporter.model.allocation import NumaNodes
from podres_exporter.model.dra import DraKey

Devices = Mapping[DraKey, DraDevice]
"""Devices from slices, by (driver, pool, device)."""


def claim_holdings(view: ContainerView, devices: Devices) -> Iterator[Holding]:
    """
    Yield the devices by driver, on the NUMA nodes stated in their slices; admin access separately.

    Source: a device with admin access is monitored, not held (KEP-5018).
    """
    found: defaultdict[str, defaultdict[NumaNodes, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
    for use in view.claim_uses:
        name = use.device.driver or f"claim {use.claim}"
        known = devices.get(_key(use.device), DraDevice(use.device.device))
        texts = _texts(use, known.uuid)
        found[f"{name}, admin access" if use.is_admin else name][known.numa_nodes].update(dict.fromkeys(texts))
    for name, by_nodes in sorted(found.items()):
        items = tuple((nodes, tuple(by_nodes[nodes])) for nodes in sorted(by_nodes, key=sorted))
        yield Holding(name, sum(map(len, by_nodes.values())), items)


def claim_device_texts(device: ClaimDevice) -> tuple[str, ...]:
    """Return the device as `pool/device`, with its share; kubelets up to 1.30 report CDI devices only."""
    if not device.driver:
        return device.cdi_devices
    share = f" share {device.share_id}" if device.share_id else ""
    return (f"{device.pool}/{device.device}{share}",)


def claim_faults(view: ContainerView, allocation: Allocation) -> tuple[str, ...]:
    """
    Return sentences on the container's claim devices: taints, stopped drivers, and device plugins that
    offer the same hardware.
    """
    if allocation.dra is None:
        return ()
    offered = _also_offered(allocation)
    devices = allocation.dra.devices()
    stopped = {pool.key for pool in allocation.dra.pools if pool.is_stale}
    found = []
    for key in sorted({_key(use.device) for use in view.claim_uses if use.device.driver}):
        name = "/".join(key[1:])
        taints = devices[key].taints if key in devices else ()
        found += [
            f"{name} is tainted: {taint.key}{f'={taint.value}' if taint.value else ''} ({taint.effect})"
            for taint in taints
        ]
        if key[:2] in stopped:
            found.append(f"{name} belongs to a driver that has stopped: its ResourceSlices are gone")
        found += [
            f"{name} is also offered as {resource} {device_id}, which its device plugin may allocate to another pod"
            for resource, device_id in offered.get(key, ())
        ]
    return tuple(found)


def _also_offered(allocation: Allocation) -> Mapping[DraKey, Sequence[tuple[str, str]]]:
    """Return the (resource, id) of free plugin devices whose hardware belongs to a claimed DRA device."""
    found: defaultdict[DraKey, list[tuple[str, str]]] = defaultdict(list)
    claimed = [(stock.resource, device_id) for stock in allocation.devices for device_id in sorted(stock.held_by_dra)]
    hardware = hardware_of(allocation.dra.pools) if allocation.dra and claimed else {}
    for resource, device_id in claimed:
        for key in same_hardware(device_id, resource, hardware):
            found[key].append((resource, device_id))
    return found


def _key(device: ClaimDevice) -> DraKey:
    return (device.driver, device.pool, device.device)


def _texts(use: ClaimUse, uuid: str) -> tuple[str, ...]:
    """Return the device with its UUID and the claim's request."""
    told = [uuid] if uuid else []
    told += [f"request {use.request}"] if use.request else []
    end = f" ({', '.join(told)})" if told else ""
    return tuple(f"{text}{end}" for text in claim_device_texts(use.device))

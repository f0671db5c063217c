"""Find devices that are free under one resource name while the same hardware is held under another."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from podres_exporter.model import Allocation, split_replica

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

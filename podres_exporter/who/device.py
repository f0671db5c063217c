"""Match a device name given by the user against the devices in Prometheus' series."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from podres_exporter.dump.device_match import MOST_NAMES, near_names
from podres_exporter.errors import SelectionError
from podres_exporter.printable import printable
from podres_exporter.who.series import (
    CLAIM_DEVICE_INFO,
    DEVICE_INFO,
    DRA_DEVICE_INFO,
    Labels,
    Place,
    beginning,
    place,
    selector,
)

_PCI = re.compile(r"(?:([0-9a-fA-F]{4,8}):)?([0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7])")


@dataclass(frozen=True, slots=True)
class Device:
    """
    One device. *resource* is the extended resource or, with a *pool*, the DRA driver; *name* is its id without a share.

    *places* are the nodes that had it: PCI addresses and names of DRA devices repeat on every node.
    """

    resource: str
    name: str
    pool: str | None = None
    places: frozenset[Place] = field(default=frozenset(), compare=False)

    @property
    def label(self) -> str:
        """Its name in messages."""
        return f"{self.resource} {self.name}" if self.pool is None else f"{self.resource}/{self.pool}/{self.name}"


def spellings(text: str) -> list[str]:
    """Return the spellings of a device in series: PCI addresses in the notation of lspci, nvidia-smi and Kubernetes."""
    found = _PCI.fullmatch(text)
    if not found:
        return [text]
    domain = int(found[1] or "0", 16)
    return list(dict.fromkeys([text, f"{domain:04x}:{found[2].lower()}"]))


def selectors(text: str) -> list[str]:
    """Return PromQL for every series that may concern the device, held or not."""
    names = spellings(text)
    found = [beginning(DEVICE_INFO, "device", names), beginning(CLAIM_DEVICE_INFO, "device", names)]
    found += [beginning(DRA_DEVICE_INFO, label, names) for label in ("device", "uuid", "parent_uuid", "pci_address")]
    if text.count("/") > 1:
        # driver/pool/device; a driver's name has no slash, a pool's may.
        driver, _, rest = text.partition("/")
        pool, _, device = rest.rpartition("/")
        found += [
            selector(family, {"driver": driver, "pool": pool, "device": device})
            for family in (CLAIM_DEVICE_INFO, DRA_DEVICE_INFO)
        ]
    return found


def choose(series: Iterable[Labels], text: str) -> list[Device]:
    """
    Return the devices that *text* names among the series found by `selectors`: a full name takes precedence over a
    prefix.

    Several are returned if the same hardware is offered by several resources or drivers, or has partitions. Raises
    SelectionError if the prefix is ambiguous.
    """
    names = tuple(spellings(text))
    places: dict[Device, set[Place]] = {}
    spelled: dict[Device, set[str]] = {}
    for labels in series:
        device = _device(labels)
        places.setdefault(device, set()).add(place(labels))
        spelled.setdefault(device, set()).update(_spellings(labels))
    chosen = [device for device in places if spelled[device].intersection(names)]
    if not chosen:
        chosen = list(places)
        if len({each for device in chosen for each in spelled[device] if each.startswith(names)}) > 1:
            raise _ambiguous(sorted({each.label for each in chosen}), text)
    return [
        Device(each.resource, each.name, each.pool, frozenset(places[each]))
        for each in sorted(chosen, key=lambda each: each.label)
    ]


def unknown(text: str, known: Collection[str], days: int) -> SelectionError:
    """Return the error for a name without series; *known* are names that have some."""
    near = near_names(text, sorted(known))
    problem = f"Prometheus has seen no device '{printable(text)}' in {days} days"
    if near:
        return SelectionError(f"{problem}; near", near)
    rest = "plugin devices have series only while a pod holds them"
    return SelectionError(f"{problem}; it knows {len(set(known))}, and {rest}")


def _device(labels: Labels) -> Device:
    """Return the device of a series."""
    if labels.get("__name__") == DEVICE_INFO:
        return Device(labels.get("resource", ""), labels.get("device_base") or labels.get("device", ""))
    return Device(labels.get("driver", ""), labels.get("device", ""), labels.get("pool", ""))


def _spellings(labels: Labels) -> set[str]:
    """Return every name of the device in a series."""
    device = _device(labels)
    if device.pool is None:
        return {device.name}
    hardware = {labels.get(label, "") for label in ("uuid", "parent_uuid", "pci_address")} - {""}
    return {device.name, device.label} | hardware


def _ambiguous(labels: Sequence[str], text: str) -> SelectionError:
    more = len(labels) - MOST_NAMES
    return SelectionError(
        f"device '{printable(text)}' matches {len(labels)} devices",
        [printable(each) for each in labels[:MOST_NAMES]],
        f"and {more} more; use a longer prefix" if more > 0 else "use a longer prefix",
    )

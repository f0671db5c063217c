"""Match a device name given by the user: a full id, the physical device of shared ids, or a prefix."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from podres_exporter.errors import SelectionError
from podres_exporter.model import Allocation, ClaimDevice, DraDevice, Snapshot
from podres_exporter.model.shares import split_replica
from podres_exporter.printable import printable

MOST_NAMES = 8

DeviceKey = tuple[str, str]
"""(resource, device id)."""
ClaimDeviceKey = tuple[str, ...]
"""(driver, pool, device); the CDI names if the kubelet reports nothing else."""


@dataclass(frozen=True, slots=True)
class Found:
    """The matching devices: of device plugins, and of claims."""

    devices: frozenset[DeviceKey] = frozenset()
    claim_devices: frozenset[ClaimDeviceKey] = frozenset()

    @property
    def resources(self) -> frozenset[str]:
        """The extended resources and DRA drivers of the matching devices."""
        return frozenset(key[0] for key in self.devices | self.claim_devices)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One device: *physical* is the same for all its shares; any of the *spellings* names it."""

    key: ClaimDeviceKey
    physical: ClaimDeviceKey
    spellings: tuple[str, ...]
    is_claimed: bool

    @property
    def label(self) -> str:
        """Its name in messages."""
        return ("/" if self.is_claimed else " ").join(self.physical)


def claim_device_key(device: ClaimDevice) -> ClaimDeviceKey:
    """Return the key that identifies a device of a claim."""
    return (device.driver, device.pool, device.device) if device.driver else device.cdi_devices


def find_devices(snapshots: Iterable[Snapshot], text: str) -> Found:
    """
    Return the devices that *text* names on these nodes; a full name takes precedence over a prefix.

    A device of a claim can be named by its name, `driver/pool/device`, a CDI name, or the UUID or PCI address in its
    slice. Raises SelectionError if there is none (with similar names), or if a prefix is ambiguous (with the
    candidates).
    """
    candidates = sorted(
        {each for snapshot in snapshots if snapshot.allocation for each in _candidates(snapshot.allocation)},
        key=lambda each: each.key,
    )
    found = [each for each in candidates if text in each.spellings]
    if not found:
        found = [each for each in candidates if any(name.startswith(text) for name in each.spellings)]
        labels = list(dict.fromkeys(each.label for each in found))
        if len(labels) > 1 and not _is_one_thing(found):
            names = [printable(each) for each in labels[:MOST_NAMES]]
            more = len(labels) - len(names)
            raise SelectionError(
                f"device '{printable(text)}' matches {len(labels)} devices",
                names,
                f"and {more} more; use a longer prefix" if more else "use a longer prefix",
            )
    if not found:
        raise _unknown(candidates, text)
    return Found(
        frozenset((each.key[0], each.key[1]) for each in found if not each.is_claimed),
        frozenset(each.key for each in found if each.is_claimed),
    )


def _candidates(allocation: Allocation) -> Iterator[_Candidate]:
    """Yield every device that is held, reported, claimed or in a slice."""
    keys = {(stock.resource, each) for stock in allocation.devices for each in stock.held | (stock.reported or set())}
    containers = [each.container for view in allocation.pods for each in view.containers]
    keys |= {(device.resource, device.device_id) for container in containers for device in container.devices}
    for resource, device_id in keys:
        base, _ = split_replica(device_id, resource)
        yield _Candidate((resource, device_id), (resource, base), (device_id, base), is_claimed=False)
    slices = allocation.dra.devices() if allocation.dra else {}
    held = {claim_device_key(device) for each in containers for claim in each.claims for device in claim.devices}
    for stated_key, stated in slices.items():
        if stated_key not in held:
            names = (stated.name, "/".join(stated_key), *_hardware(stated))
            yield _Candidate(stated_key, stated_key, names, is_claimed=True)
    for container in containers:
        for claim in container.claims:
            for device in claim.devices:
                key = claim_device_key(device)
                found = slices.get((device.driver, device.pool, device.device))
                names = (device.device, "/".join(key), *_hardware(found)) if device.driver else ()
                yield _Candidate(key, key, (*names, *device.cdi_devices), is_claimed=True)


def _hardware(stated: DraDevice | None) -> tuple[str, ...]:
    """Return what a slice calls the hardware of a device."""
    return tuple(name for name in (stated.uuid, stated.pci_address) if name) if stated else ()


def _is_one_thing(found: Sequence[_Candidate]) -> bool:
    """Return whether all of them have a name in common, as what a plugin and a DRA driver both offer has its UUID."""
    return bool(frozenset[str].intersection(*(frozenset(map(str.lower, each.spellings)) for each in found)))


def _unknown(candidates: Sequence[_Candidate], text: str) -> SelectionError:
    """Return an error that names similar devices."""
    names = sorted({name for each in candidates for name in each.spellings})
    near = near_names(text, names)
    problem = f"no device '{printable(text)}'"
    if near:
        return SelectionError(f"{problem}; near", near)
    return SelectionError(f"{problem}; {len({each.physical for each in candidates})} devices are known")


def near_names(text: str, names: Sequence[str]) -> list[str]:
    """Return names that contain the text, else similar names, safe to print."""
    near = [name for name in names if text and text.lower() in name.lower()]
    near = near or get_close_matches(text, names, MOST_NAMES)
    return [printable(name) for name in near[:MOST_NAMES]]

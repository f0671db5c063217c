"""
Find whole devices, exclusive CPUs and DRA devices that two running pods hold at the same time.

This is a kubelet bug: a List during an Allocate can make the kubelet forget what it has just allocated. Not counted:

- another replica of a shared device, which has its own id;
- items that containers of one pod share: init containers pass theirs on, and pod-level CPUs are listed on each;
- items of a pod and its predecessor of the same name: one of them has ended;
- items of a finished pod that is still listed, or of a pod that is only retained: see `living`;
- a DRA device that claims use as shares, or with admin access.

A device of a device plugin and a DRA device that are one piece of hardware (dual mode) are one item: neither side knows
what the other has given out. It counts if the claim is known to hold the whole device, and the plugin's is no replica.

Source: kubernetes #137534; KEP-5075 (shares), KEP-5018 (admin access).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from podres_exporter.join.hardware import Hardware
from podres_exporter.model import (
    Certainty,
    ClaimDevice,
    DoubleHeld,
    Dra,
    DraKey,
    Holder,
    Pod,
    PodKey,
    PodMeta,
    Thing,
    ids_by_resource,
)

HasAdminAccess = Callable[[str, str, ClaimDevice], bool | None]
"""(namespace, claim, device) to whether the claim has admin access to the device; None: the claim is not known."""

_Holders = dict[str, list[Holder]]


def living(
    pods: Sequence[Pod], metas: Mapping[PodKey, PodMeta], *, followed: bool, lists_active: bool
) -> Sequence[Pod]:
    """
    Return the pods that are known to be running; none if that cannot be known.

    Kubelets up to 1.33 list finished pods (*lists_active* is false); there a pod is running if *followed* metadata says
    that it has not finished. Source: kubernetes #132028.
    """
    if lists_active:
        return pods
    return [pod for pod in pods if followed and (meta := metas.get(pod.key)) is not None and not meta.is_terminal]


def admin_access(dra: Dra | None) -> HasAdminAccess:
    """
    Return what the readable claims say about admin access (KEP-5018).

    A share counts as well: kubelets up to 1.34 list shares without their ids.
    """

    def told(namespace: str, claim: str, device: ClaimDevice) -> bool | None:
        facts = dra.claims.get((namespace, claim)) if dra else None
        key = (device.driver, device.pool, device.device)
        found = (
            [result.is_admin or bool(result.share_id) for result in facts.results if result.key == key] if facts else []
        )
        return all(found) if found else None

    return told


def double_held(
    pods: Sequence[Pod], has_admin_access: HasAdminAccess = lambda *_: None, hardware: Hardware | None = None
) -> tuple[DoubleHeld, ...]:
    """
    Return what two of these pods hold: devices, CPUs, DRA devices. The pods are running, and their names are distinct.

    *hardware* has the DRA devices by what identifies their hardware.
    """
    cpus = sorted(_cpus(pods), key=lambda each: int(each.item))
    devices = {(each.resource, each.item): each for each in _dual(pods, has_admin_access, hardware or {})}
    devices |= {(each.resource, each.item): each for each in _devices(pods)}
    return (*sorted(devices.values()), *cpus, *sorted(_claim_devices(pods, has_admin_access)))


def _devices(pods: Sequence[Pod]) -> Iterator[DoubleHeld]:
    """Yield devices held twice, by whole id. Usually each id occurs once, which counting shows at once."""
    ids: dict[str, list[list[str]]] = defaultdict(list)
    for pod in pods:
        for container in pod.containers:
            for resource, each in ids_by_resource(container.devices) if container.devices else ():
                ids[resource].append(each)
    for resource, lists in ids.items():
        if len(set(chain.from_iterable(lists))) < sum(map(len, lists)):
            yield from _several(Thing.DEVICE, resource, _device_holders(pods, resource))


def _device_holders(pods: Iterable[Pod], resource: str) -> _Holders:
    holders: _Holders = defaultdict(list)
    for pod in pods:
        for container in pod.containers:
            for device in container.devices:
                if device.resource == resource:
                    holders[device.device_id].append(Holder(pod.namespace, pod.name, container.name))
    return holders


def _cpus(pods: Sequence[Pod]) -> Iterator[DoubleHeld]:
    sets = [pod.all_exclusive_cpus() for pod in pods]
    if len(frozenset[int]().union(*sets)) == sum(map(len, sets)):
        return
    holders: _Holders = defaultdict(list)
    for pod in pods:
        own = dict.fromkeys(pod.exclusive_cpus, "")
        held = {cpu: container.name for container in pod.containers for cpu in container.exclusive_cpus}
        for cpu, container_name in (own | held).items():
            holders[str(cpu)].append(Holder(pod.namespace, pod.name, container_name))
    yield from _several(Thing.CPU, "cpu", holders)


def _claim_devices(pods: Iterable[Pod], has_admin_access: HasAdminAccess) -> Iterator[DoubleHeld]:
    """
    Yield DRA devices that are in two claims; pods that use one claim share its devices on purpose.

    Kubelets 1.27 to 1.30 report only CDI names, which may belong to the claim itself, so they are not judged.
    """
    holders: dict[tuple[str, str], dict[PodKey, tuple[bool | None, list[Holder]]]] = defaultdict(dict)
    for pod in pods:
        for container in pod.containers:
            for claim in container.claims:
                for device in claim.devices:
                    is_admin = has_admin_access(claim.namespace, claim.name, device)
                    if device.driver and not device.share_id and not is_admin:
                        name = device.driver, f"{device.pool}/{device.device}"
                        of_claim = holders[name].setdefault((claim.namespace, claim.name), (is_admin, []))
                        of_claim[1].append(Holder(pod.namespace, pod.name, container.name))
    for (driver, item), claims in holders.items():
        users = tuple(sorted({holder for _, each in claims.values() for holder in each}))
        if len(claims) > 1 and len({user.pod_key for user in users}) > 1:
            known = sum(is_admin is False for is_admin, _ in claims.values())
            certainty = Certainty.CERTAIN if known > 1 else Certainty.POSSIBLE
            yield DoubleHeld(Thing.CLAIM_DEVICE, driver, item, users, certainty)


def _dual(pods: Sequence[Pod], has_admin_access: HasAdminAccess, hardware: Hardware) -> Iterator[DoubleHeld]:
    """Yield whole devices of plugins that another pod holds by a claim."""
    claimed = _whole_claim_devices(pods, has_admin_access) if hardware else {}
    names = {name: keys & claimed.keys() for name, keys in hardware.items() if keys & claimed.keys()} if claimed else {}
    for pod in pods if names else ():
        for container in pod.containers:
            for each in container.devices:
                keys = names.get(each.device_id.lower(), ())
                others = {holder for key in keys for holder in claimed[key] if holder.pod_key != pod.key}
                if others:
                    holders = {Holder(pod.namespace, pod.name, container.name), *others}
                    yield DoubleHeld(Thing.DEVICE, each.resource, each.device_id, tuple(sorted(holders)))


def _whole_claim_devices(pods: Iterable[Pod], has_admin_access: HasAdminAccess) -> dict[DraKey, set[Holder]]:
    """Return the DRA devices that claims are known to hold whole, without admin access, with their holders."""
    found: dict[DraKey, set[Holder]] = defaultdict(set)
    for pod in pods:
        for container in pod.containers:
            for claim in container.claims:
                for device in claim.devices:
                    if has_admin_access(claim.namespace, claim.name, device) is False:
                        holder = Holder(pod.namespace, pod.name, container.name)
                        found[device.driver, device.pool, device.device].add(holder)
    return found


def _several(thing: Thing, resource: str, holders: _Holders) -> Iterator[DoubleHeld]:
    """Yield the items held by at least two pods."""
    for item, found in holders.items():
        if len({holder.pod_key for holder in found}) > 1:
            yield DoubleHeld(thing, resource, item, tuple(sorted(found)))


SECOND_LOOK_SECONDS = 2.0
"""A transient state between two pods may be reported once; one that lasts this long is not transient."""


class SecondLook:
    """Confirms doubles. Owned by one thread. Times are monotonic seconds of the kubelet's last report of a pod."""

    def __init__(self, seconds: float = SECOND_LOOK_SECONDS) -> None:
        """Start empty; *seconds* must lie between the two observations of each pod."""
        self._seconds = seconds
        self._first_seen: dict[DoubleHeld, float] = {}
        self._confirmed: frozenset[DoubleHeld] = frozenset()
        self._due: dict[PodKey, float] = {}

    def confirmed(self, found: Iterable[DoubleHeld], said_at: Mapping[PodKey, float]) -> tuple[DoubleHeld, ...]:
        """Return those of the *found* doubles whose pods have been observed again since they were first seen."""
        suspects = tuple(found)
        self._first_seen = {
            each: self._first_seen.get(each, max(said_at.get(pod, 0.0) for pod in each.pods)) for each in suspects
        }
        self._confirmed = frozenset(
            each
            for each, first in self._first_seen.items()
            if each in self._confirmed or all(said_at.get(pod, first) >= first + self._seconds for pod in each.pods)
        )
        self._due = {
            pod: first + self._seconds
            for each, first in self._first_seen.items()
            if each not in self._confirmed
            for pod in each.pods
            if said_at.get(pod, first) < first + self._seconds
        }
        return tuple(each for each in suspects if each in self._confirmed)

    def due(self) -> dict[PodKey, float]:
        """Return which pods must be observed again, and from which time on."""
        return self._due

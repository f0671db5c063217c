"""Compute total, allocated, unavailable and available DRA devices by driver and kind."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from podres_exporter.join.claims import claims_of
from podres_exporter.model import Attribution, ClaimUse, NumaNodes, PodMeta, PodView, Unknown
from podres_exporter.model.dra import (
    Amounts,
    ClaimFacts,
    ClaimKey,
    ClaimResult,
    Dra,
    DraCapacity,
    DraDevice,
    DraKey,
    DraNode,
    DraPool,
    DraStock,
    devices_by_key,
)

Place = tuple[str, NumaNodes]
"""The driver of a device that a container uses, and the NUMA nodes stated in its slice."""

Counters = dict[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class DraFacts:
    """
    The DRA facts that containers are joined with: readable claims by namespace, and the NUMA nodes of devices.

    *cpus* are devices that are CPUs: their place is that of the CPUs.
    """

    claims: Mapping[str, Mapping[str, ClaimFacts]] = field(default_factory=dict)
    nodes: Mapping[DraKey, NumaNodes] = field(default_factory=dict)
    cpus: frozenset[DraKey] = frozenset()

    def _is_cpus(self, use: ClaimUse) -> bool:
        return (use.device.driver, use.device.pool, use.device.device) in self.cpus

    def of(self, namespace: str) -> Mapping[str, ClaimFacts]:
        """Return the claims of a namespace by name."""
        return self.claims.get(namespace, {})

    def places(self, uses: Iterable[ClaimUse]) -> tuple[Place, ...]:
        """
        Return the places of the devices that the container certainly uses; devices with admin access are left out.
        """
        if not self.nodes:
            return ()
        return tuple(
            (use.device.driver, self.nodes.get((use.device.driver, use.device.pool, use.device.device), frozenset()))
            for use in uses
            if use.attribution is Attribution.CONTAINER and not use.is_admin and not self._is_cpus(use)
        )


NOTHING_UNKNOWN = Unknown()


def dra_facts(dra: Dra | None) -> DraFacts:
    """Return the DRA facts that containers are joined with."""
    if dra is None:
        return DraFacts()
    claims: dict[str, dict[str, ClaimFacts]] = {}
    for facts in dra.claims.values():
        claims.setdefault(facts.namespace, {})[facts.name] = facts
    devices = devices_by_key(dra.pools)
    cpus = frozenset(key for key, device in devices.items() if device.cpus)
    return DraFacts(claims, {key: device.numa_nodes for key, device in devices.items()}, cpus)


def dra_node(
    dra: Dra | None, pods: Iterable[PodView], metas: Iterable[PodMeta] = (), unknown: Unknown = NOTHING_UNKNOWN
) -> DraNode | None:
    """
    Return the node's pools and what is available in them; None if the slices have never been listed.

    *metas* are the pods of this node that the API server knows: devices allocated to their claims are held before the
    kubelet lists them. *unknown* are the drivers of which pods may hold more than is listed. If a pool's slices are
    gone, only its devices in use are kept.

    Source: KEP-5677 (ResourcePoolStatusRequest), whose terms and arithmetic are used.
    """
    if dra is None or not (dra.is_synced or dra.pools):
        return None
    found = _held(dra, pods, metas)
    held = frozenset(found.keys)
    pools = tuple(shown for pool in dra.pools if (shown := _shown(pool, held)))
    if not (found.is_sure and dra.is_synced):
        unknown = Unknown(everything=True)
    return DraNode(pools, _stock(pools, held, unknown), _capacity(pools, found.consumed(), unknown))


def claimed_devices(dra: Dra | None, pods: Iterable[PodView], metas: Iterable[PodMeta]) -> frozenset[DraKey]:
    """Return the DRA devices held by claims of pods here."""
    return frozenset() if dra is None else frozenset(_held(dra, pods, metas).keys)


@dataclass(slots=True)
class _Held:
    """Devices held by the pods' claims; admin access holds nothing, and a share is consumed once."""

    keys: set[DraKey] = field(default_factory=set)
    shares: dict[tuple[DraKey, str], Amounts] = field(default_factory=dict)
    is_sure: bool = True

    def take(self, claim: ClaimKey, result: ClaimResult) -> None:
        """Record one device of a claim; if a share has no id, the claim identifies the share."""
        if not result.is_admin:
            self.keys.add(result.key)
            self.shares[result.key, result.share_id or f"{'/'.join(claim)}/{result.request}"] = result.consumed

    def consumed(self) -> dict[DraKey, dict[str, int]]:
        """Return how much of its capacities is consumed of each device."""
        taken: dict[DraKey, dict[str, int]] = {}
        for (key, _), amounts in self.shares.items():
            for name, amount in amounts:
                of_device = taken.setdefault(key, {})
                of_device[name] = of_device.get(name, 0) + amount
        return taken


def _held(dra: Dra, pods: Iterable[PodView], metas: Iterable[PodMeta]) -> _Held:
    """Return what the pods' claims hold, and whether every claim's devices are known."""
    held = _Held()
    for key in {key for meta in metas if not meta.is_terminal for key in claims_of(meta)}:
        facts = dra.claims.get(key)
        held.is_sure = held.is_sure and facts is not None
        for result in facts.results if facts else ():
            held.take(key, result)
    for view in pods:
        for container in view.containers:
            for listed in container.container.claims:
                is_known = bool(listed.devices) or (view.pod.namespace, listed.name) in dra.claims
                held.is_sure = held.is_sure and is_known
            for use in container.claim_uses:
                device = use.device
                names = (use.request, device.driver, device.pool, device.device, device.share_id)
                result = ClaimResult(*names, use.is_admin, use.consumed)
                held.take((view.pod.namespace, use.claim), result)
    return held


def _shown(pool: DraPool, held: frozenset[DraKey]) -> DraPool | None:
    """Return the pool; if its slices are gone, only its devices in use, None if there are none."""
    if not pool.is_stale:
        return pool
    used = tuple(device for device in pool.devices if (*pool.key, device.name) in held)
    return replace(pool, devices=used) if used else None


def _counted(pools: Iterable[DraPool]) -> list[DraPool]:
    """Return the pools whose devices are counted."""
    return [pool for pool in pools if pool.is_complete and not (pool.is_stale or pool.is_multi_node)]


def _stock(pools: Iterable[DraPool], held: frozenset[DraKey], unknown: Unknown) -> tuple[DraStock, ...]:
    """Return the stock by driver and kind, sorted."""
    total: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    allocated: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    unavailable: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    fitting: dict[tuple[str, str], int] = defaultdict(int)
    for pool in _counted(pools):
        left = _counters_left(pool, held)
        free: dict[str, list[DraDevice]] = defaultdict(list)
        for device in pool.devices:
            row, item = (pool.driver, device.kind), (pool.name, device.name)
            total[row].add(item)
            if (*pool.key, device.name) in held:
                allocated[row].add(item)
            elif device.is_tainted:
                unavailable[row].add(item)
            else:
                free[device.kind].append(device)
        for kind, devices in free.items():
            fitting[pool.driver, kind] += _fitting(devices, left)
    return tuple(
        DraStock(
            *row,
            frozenset(total[row]),
            frozenset(allocated[row]),
            frozenset(unavailable[row]),
            fitting[row],
            is_known=not unknown.covers(row[0]),
        )
        for row in sorted(total)
    )


def _counters_left(pool: DraPool, held: frozenset[DraKey]) -> Counters:
    """Return what is left of the pool's counters; each device in use is subtracted once, not once per claim."""
    left = dict(pool.counters)
    for device in pool.devices:
        if (*pool.key, device.name) in held:
            for counter, amount in device.consumes:
                left[counter] = left.get(counter, 0) - amount
    return left


def _fitting(devices: Iterable[DraDevice], left: Counters) -> int:
    """Return how many of the devices the counters allow at once, the least demanding first."""
    left, number = dict(left), 0
    for device in sorted(devices, key=lambda each: sum(amount for _, amount in each.consumes)):
        if all(left.get(counter, 0) >= amount for counter, amount in device.consumes):
            number += 1
            for counter, amount in device.consumes:
                left[counter] -= amount
    return number


def _capacity(
    pools: Iterable[DraPool], consumed: Mapping[DraKey, Mapping[str, int]], unknown: Unknown
) -> tuple[DraCapacity, ...]:
    """Return the capacities of the shareable devices by driver, sorted."""
    total: dict[tuple[str, str], int] = defaultdict(int)
    taken: dict[tuple[str, str], int] = defaultdict(int)
    for pool in _counted(pools):
        for device in pool.devices:
            if not device.is_shared:
                continue
            for name, amount in device.capacity:
                total[pool.driver, name] += amount
            for name, amount in consumed.get((*pool.key, device.name), {}).items():
                taken[pool.driver, name] += amount
    return tuple(
        DraCapacity(*row, total[row], taken[row], is_known=not unknown.covers(row[0])) for row in sorted(total)
    )

"""
Read pools that are not of this node alone: network-attached devices, and pools of several nodes.

Their slices name no node, so the watch of the node's slices misses them. Each one that a claim names is listed once, by
driver and pool, and again after an hour; only the devices that claims here have are kept.

Source: resource.k8s.io/v1 ResourceSliceSelectorPoolName (from 1.37); older servers refuse the selector.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from podres_exporter.clock import Clock
from podres_exporter.dra import NO_ATTRIBUTES, AttributeAllowlist, decode_slices, pools_of
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.kube.client import KubeClient
from podres_exporter.kube.reflector.list_watch import ListWatch
from podres_exporter.kube.reflector.pacing import pause
from podres_exporter.model import ClaimFacts, DraPool

PoolKey = tuple[str, str]
"""(driver, pool)."""

READ_AGAIN_SECONDS = 3600.0
_NOT_SUPPORTED = "field label not supported"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A pool that claims name: which of its devices, what was read, and when to read it again (None: never)."""

    devices: frozenset[str]
    pool: DraPool | None = None
    due_seconds: float | None = 0.0
    failures: int = 0


def merged(own: Iterable[DraPool], far: Iterable[DraPool]) -> tuple[DraPool, ...]:
    """Return the pools of the node and the others, sorted; the node's own slices are newer."""
    pools = {pool.key: pool for pool in (*far, *own)}
    return tuple(pools[key] for key in sorted(pools))


class PoolCache:
    """The pools that claims name and the node's own slices do not have. Not thread-safe."""

    def __init__(
        self,
        client: KubeClient,
        slices_path: str,
        version: str,
        clock: Clock,
        allowed: AttributeAllowlist = NO_ATTRIBUTES,
    ) -> None:
        """*slices_path* is that of all ResourceSlices in this *version* of the API. *allowed* attributes are kept."""
        self._client, self._path, self._version, self._clock = client, slices_path, version, clock
        self._allowed = allowed
        self._entries: dict[PoolKey, _Entry] = {}
        self._is_supported = True

    def want(self, claims: Iterable[ClaimFacts], own: Iterable[DraPool]) -> None:
        """Set the claims, and the pools in the node's slices; drop pools that no claim names any longer."""
        wanted: dict[PoolKey, set[str]] = {}
        for claim in claims:
            for result in claim.results:
                wanted.setdefault((result.driver, result.pool), set()).add(result.device)
        known = {pool.key for pool in own}
        self._entries = {key: self._entry(key, frozenset(names)) for key, names in wanted.items() if key not in known}

    def _entry(self, key: PoolKey, devices: frozenset[str]) -> _Entry:
        entry = self._entries.get(key)
        if entry is None or not devices <= entry.devices:
            return _Entry(devices, due_seconds=0.0 if self._is_supported else None)
        return replace(entry, devices=devices)

    def pools(self) -> tuple[DraPool, ...]:
        """Return the pools that were read."""
        return tuple(entry.pool for entry in self._entries.values() if entry.pool is not None)

    def next_due(self) -> tuple[PoolKey | None, float]:
        """Return which pool to read next, and in how many seconds; infinite if there is none."""
        due = [(entry.due_seconds, key) for key, entry in self._entries.items() if entry.due_seconds is not None]
        if not due:
            return None, float("inf")
        seconds, key = min(due)
        return key, max(0.0, seconds - self._clock.monotonic_seconds())

    def read(self, key: PoolKey) -> None:
        """Read one pool and keep it. Raises ApiServerError; the pool is then read again after a pause."""
        try:
            found = self._list(key)
        except ApiServerError as error:
            self._failed(key, error)
            raise
        entry, now = self._entries[key], self._clock.monotonic_seconds()
        pool = found.get(key)
        if pool is not None:
            devices = tuple(device for device in pool.devices if device.name in entry.devices)
            pool = replace(pool, devices=devices, counters=(), is_multi_node=True)
        self._entries[key] = _Entry(entry.devices, pool, now + READ_AGAIN_SECONDS)

    def _list(self, key: PoolKey) -> Mapping[PoolKey, DraPool]:
        driver, pool = key
        selector = f"spec.driver={driver},spec.pool.name={pool}"
        slices = decode_slices(
            ListWatch(self._client, self._path, selector).list(), self._version, self._allowed
        ).slices
        return {each.key: each for each in pools_of(slices)}

    def _failed(self, key: PoolKey, error: ApiServerError) -> None:
        if error.reason is Reason.INTERNAL and _NOT_SUPPORTED in error.detail:
            self._is_supported = False
            self._entries = {each: replace(entry, due_seconds=None) for each, entry in self._entries.items()}
            return
        entry = self._entries[key]
        failures = entry.failures + 1
        wait = pause(failures, error.reason, error.retry_after_seconds)
        due = self._clock.monotonic_seconds() + wait.least_seconds + wait.spread_seconds
        self._entries[key] = replace(entry, due_seconds=due, failures=failures)

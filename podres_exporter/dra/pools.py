"""Combine slices into pools: a pool is its highest generation, and complete once all slices of that are known."""

from collections.abc import Iterable

from podres_exporter.dra.slices import Slice
from podres_exporter.model.dra import DraDevice, DraPool

MOST_STALE_POOLS = 64
"""The maximum number of pools kept for stopped drivers; a node has few pools."""


def pools_of(slices: Iterable[Slice], before: Iterable[DraPool] = ()) -> tuple[DraPool, ...]:
    """
    Return the pools of the slices, sorted; pools from *before* whose slices are gone are kept and marked stale.

    A stopped driver loses its slices within 35 s while its devices are still in use. While the slices of a new
    generation arrive one by one, the devices of the last complete generation are shown and the pool is incomplete.

    Source: k8s.io/dynamic-resource-allocation structured allocator (GatherPools); measured on 1.36.3.
    """
    known = {pool.key: pool for pool in before}
    grouped: dict[tuple[str, str], list[Slice]] = {}
    for each in slices:
        grouped.setdefault((each.driver, each.pool), []).append(each)
    found = {key: _pool(key, group, known.get(key)) for key, group in grouped.items()}
    gone = [pool for key, pool in sorted(known.items()) if key not in found and pool.devices]
    stale = {
        pool.key: DraPool(pool.driver, pool.name, pool.generation, pool.devices, pool.counters, pool.is_complete, True)
        for pool in gone[:MOST_STALE_POOLS]
    }
    return tuple(pool for _, pool in sorted({**found, **stale}.items()))


def _pool(key: tuple[str, str], slices: list[Slice], before: DraPool | None) -> DraPool:
    """Return one pool."""
    generation = max(each.generation for each in slices)
    newest = [each for each in slices if each.generation == generation]
    is_complete = len(newest) == max(each.slice_count for each in newest) and all(each.is_whole for each in newest)
    if not is_complete and before is not None and before.generation < generation and not before.is_stale:
        return DraPool(*key, before.generation, before.devices, before.counters, is_complete=False)
    devices: dict[str, DraDevice] = {}
    for each in sorted(newest, key=lambda one: one.name):
        for device in each.devices:
            devices.setdefault(device.name, device)
    counters = sorted({counter for each in newest for counter in each.counters})
    return DraPool(*key, generation, tuple(devices[name] for name in sorted(devices)), tuple(counters), is_complete)

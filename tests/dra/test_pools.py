"""Combining ResourceSlices into pools."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podres_exporter.dra.slices import MOST_STALE_POOLS, Slice, pools_of
from podres_exporter.model.dra import DraDevice


def a_slice(name: str, *devices: str, generation: int = 1, count: int = 1, pool: str = "n1") -> Slice:
    return Slice(name, "d", pool, generation, count, tuple(map(DraDevice, devices)))


def test_a_pool_counts_when_all_its_slices_are_there() -> None:
    first, second = a_slice("a", "x", count=2), a_slice("b", "y", count=2)
    (half,), (whole,) = pools_of([first]), pools_of([second, first])

    assert (False, True) == (half.is_complete, whole.is_complete)
    assert ["x", "y"] == [device.name for device in whole.devices]


def test_only_the_highest_generation_counts() -> None:
    (pool,) = pools_of([a_slice("a", "old"), a_slice("b", "new", generation=2)])

    assert (2, ["new"], True) == (pool.generation, [device.name for device in pool.devices], pool.is_complete)


@pytest.mark.faults("a slice of a pool is missing, or a new generation arrives slice by slice")
def test_while_a_new_generation_comes_the_last_whole_one_is_shown_as_incomplete() -> None:
    """A device may move from one slice to another: half of the new generation would show it gone."""
    before = pools_of([a_slice("a", "x", count=2), a_slice("b", "y", count=2)])
    (between,) = pools_of([a_slice("a", "y", count=2), a_slice("b", "z", generation=2, count=2)], before)
    (after,) = pools_of([a_slice("a", "x", generation=2, count=2), a_slice("b", "z", generation=2, count=2)], [between])

    assert (1, ["x", "y"], False) == (between.generation, [each.name for each in between.devices], between.is_complete)
    assert (2, ["x", "z"], True) == (after.generation, [each.name for each in after.devices], after.is_complete)


@pytest.mark.faults("a device of a slice cannot be read")
def test_a_slice_with_an_unreadable_device_leaves_its_pool_incomplete() -> None:
    (pool,) = pools_of([replace(a_slice("a", "x"), is_whole=False)])

    assert not pool.is_complete


def test_a_pool_whose_slices_are_gone_stays_marked_until_it_is_back() -> None:
    """The driver has stopped; its devices are still in use."""
    before = pools_of([a_slice("a", "x")])
    (gone,) = pools_of([], before)
    (still,) = pools_of([], [gone])
    (back,) = pools_of([a_slice("a", "z", generation=1)], [still])

    assert (True, True, ["x"]) == (gone.is_stale, still.is_stale, [each.name for each in still.devices])
    assert (False, ["z"]) == (back.is_stale, [each.name for each in back.devices])


def test_stale_pools_are_bounded() -> None:
    before = pools_of([a_slice(f"s{number}", "x", pool=f"p{number}") for number in range(MOST_STALE_POOLS + 9)])

    assert MOST_STALE_POOLS == len(pools_of([], before))


@given(st.permutations([a_slice("a", "x", "y", count=3), a_slice("b", "x", count=3), a_slice("c", "z", count=3)]))
def test_the_order_of_slices_does_not_matter(slices: Sequence[Slice]) -> None:
    (pool,) = pools_of(slices)

    assert ["x", "y", "z"] == [device.name for device in pool.devices]

"""Device-seconds and CPU-seconds."""

from builders import GPU, NIC, allocatable, container, device, gpu, listing, pod

from podres_exporter.join import Joiner, accrue
from podres_exporter.model import Allocation, Listing, Usage


def held(answer: Listing) -> Allocation:
    return Joiner().join(answer, allocatable(), None)


BUSY = held(
    listing(
        pod("a", container("main", gpu("0"), gpu("1"), cpus="1-3"), namespace="ml"),
        pod("b", container("main", device(NIC, "0"), cpus="5"), namespace="ml"),
        pod("c", container("main", gpu("2")), namespace="web"),
    )
)


def test_what_is_held_for_a_time_is_used_for_that_time() -> None:
    """Number of devices, or of CPUs, times seconds; by namespace, and by resource for devices."""
    assert Usage({("ml", GPU): 20.0, ("ml", NIC): 10.0, ("web", GPU): 10.0}, {"ml": 40.0}) == accrue(
        Usage(), BUSY, 10.0
    )


def test_time_adds_up() -> None:
    """The totals are counters: each step adds to what was there."""
    usage = accrue(accrue(Usage(), BUSY, 10.0), BUSY, 2.5)

    assert 25.0 == usage.device_seconds["ml", GPU]
    assert 50.0 == usage.cpu_seconds["ml"]


def test_what_was_used_stays_when_nothing_is_held_any_more() -> None:
    """A counter must not disappear with the last pod of a namespace, or its increase would be lost."""
    usage = accrue(Usage(), BUSY, 10.0)

    assert usage == accrue(usage, held(listing()), 10.0)


def test_a_namespace_that_comes_later_starts_at_what_it_holds() -> None:
    """Nothing is invented for the time before."""
    usage = accrue(accrue(Usage(), held(listing()), 60.0), BUSY, 1.0)

    assert (2.0, 4.0) == (usage.device_seconds["ml", GPU], usage.cpu_seconds["ml"])


def test_no_time_adds_nothing_but_shows_the_series() -> None:
    """A counter that starts at 0 lets the first increase be seen."""
    assert Usage({("ml", GPU): 0.0, ("ml", NIC): 0.0, ("web", GPU): 0.0}, {"ml": 0.0}) == accrue(Usage(), BUSY, 0.0)


def test_the_totals_given_are_left_as_they_were() -> None:
    """Snapshots that are being read keep their numbers."""
    before = accrue(Usage(), BUSY, 1.0)
    kept = (dict(before.device_seconds), dict(before.cpu_seconds))

    accrue(before, BUSY, 1.0)

    assert kept == (before.device_seconds, before.cpu_seconds)

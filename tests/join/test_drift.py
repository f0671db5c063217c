"""Comparing containers' cpusets with the listed exclusive CPUs."""

from dataclasses import replace

from snapshots import holding

from podres_exporter.cpuset import parse_cpuset
from podres_exporter.join import compared, pinned_containers, still_listed
from podres_exporter.model import (
    Allocation,
    Container,
    Drift,
    Mark,
    Metadata,
    Pod,
    PodMeta,
    PodView,
    Unlisted,
    UnlistedReason,
    Unread,
)

PINNED = Container("main", exclusive_cpus=parse_cpuset("2-3"))
RUNS = PodMeta("ml", "a", "u1", running_ids=(("main", "id1"), ("side", "id2")))


def allocation(*containers: Container, **changes: object) -> Allocation:
    found = holding(Pod("ml", "a", containers)).allocation
    assert found is not None
    return replace(found, pods=tuple(_changed(each, changes) for each in found.pods))


def _changed(view: PodView, changes: dict[str, object]) -> PodView:
    return replace(view, **changes)  # type: ignore[arg-type]


def metadata(*metas: PodMeta) -> Metadata:
    return Metadata({each.key: each for each in metas})


def drift(cpus: str) -> tuple[str, list[int], list[int]]:
    """Return the container and its missing and foreign CPUs if its cgroup has *cpus*."""
    pinned = pinned_containers(allocation(PINNED), metadata(RUNS))
    (found,) = compared(pinned, {"id1": parse_cpuset(cpus)}).containers
    return found.container.name, sorted(found.missing), sorted(found.foreign)


def test_what_differs_is_missing_or_foreign() -> None:
    """Listed are 2-3."""
    assert ("main", [], []) == drift("2-3")
    assert ("main", [3], []) == drift("2")
    assert ("main", [], [0, 1]) == drift("0-3")
    assert ("main", [2, 3], [4]) == drift("4")


def test_only_running_containers_with_exclusive_cpus_are_compared() -> None:
    """The shared pool changes with every pod; what has ended or has not begun has no cgroup."""
    containers = (PINNED, Container("side"), Container("later", exclusive_cpus=parse_cpuset("5")))

    pinned, unread = pinned_containers(allocation(*containers), metadata(RUNS))

    assert [("main", "id1")] == [(each.name, each.container_id) for each in pinned]
    assert {} == unread


def test_a_pod_that_the_metadata_lack_is_counted() -> None:
    """Its IDs are not known; two of its containers have exclusive CPUs."""
    containers = (PINNED, replace(PINNED, name="side"))

    for known in (metadata(), None):
        assert Drift((), {Unread.NO_METADATA: 2}) == compared(pinned_containers(allocation(*containers), known), {})


def test_a_reason_is_counted_and_is_no_drift() -> None:
    """What cannot be read is never guessed."""
    pinned = pinned_containers(allocation(PINNED), metadata(RUNS))

    assert Drift((), {Unread.NOT_FOUND: 1}) == compared(pinned, {"id1": Unread.NOT_FOUND})


def test_a_retained_pod_is_not_compared() -> None:
    """What an earlier kubelet said is not the kubelet's word now."""
    pinned = pinned_containers(allocation(PINNED, mark=Mark.RETAINED), metadata(RUNS))

    assert ((), {}) == pinned


def test_cpus_of_a_group_are_not_taken_for_foreign() -> None:
    """dra-driver-cpu in its grouped mode pins to CPUs that are listed nowhere."""
    rows = (Unlisted("main", "cpu", 2, UnlistedReason.CLAIM),)
    pinned = pinned_containers(allocation(PINNED, unlisted=rows), metadata(RUNS))

    assert Drift((), {Unread.UNKNOWN_CPUS: 1}) == compared(pinned, {})


def test_a_drift_goes_with_the_cpus_that_were_compared() -> None:
    """Between two polls a pod may be resized; its cgroup is read at the next one."""
    before = compared(pinned_containers(allocation(PINNED), metadata(RUNS)), {"id1": parse_cpuset("2")})
    resized = replace(PINNED, exclusive_cpus=parse_cpuset("2-5"))

    assert before == still_listed(before, allocation(PINNED))
    assert Drift() == still_listed(before, allocation(resized))
    assert Drift() == still_listed(before, allocation())

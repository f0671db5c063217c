"""Changes between two snapshots, one line each."""

from dataclasses import replace

import pytest
from asking_rig import GPUS, known, running, small_node, spec
from builders import block, container, device, gpu, pod

from podres_exporter.dump import ANSI
from podres_exporter.dump.changes import Follower, change_lines, changes
from podres_exporter.model import (
    Claim,
    ClaimDevice,
    Device,
    Metadata,
    Part,
    Pod,
    PodMeta,
    ResourceHealth,
    Snapshot,
    SourceHealth,
)

BEFORE = small_node(pod("a", container("main", gpu("GPU-0", 0), cpus="1-2", memory=[block(1024, 0)]), namespace="ml"))


def told(before: Snapshot | None, after: Snapshot) -> list[str]:
    return change_lines(changes(before, after))


def node_with(*pods: Pod, metas: tuple[PodMeta, ...] = (), devices: tuple[Device, ...] = GPUS) -> Snapshot:
    return small_node(*pods, devices=devices, metadata=known(*metas))


def with_health(*rows: ResourceHealth) -> Snapshot:
    meta = running("a", replace(spec("main", devices={"nvidia.com/gpu": 1}), health=rows))
    return node_with(pod("a", container("main", gpu("GPU-0", 0)), namespace="ml"), metas=(meta,))


def test_of_the_first_snapshot_everything_that_is_held_is_new() -> None:
    assert [
        "+ ml/a main cpu 1-2 (NUMA node 0)",
        "+ ml/a main memory 1Gi (NUMA node 0)",
        "+ ml/a main nvidia.com/gpu GPU-0 (NUMA node 0)",
    ] == told(None, BEFORE)


def test_nothing_changed_says_nothing() -> None:
    assert [] == told(BEFORE, BEFORE)


def test_what_a_pod_held_is_gone_with_it_and_may_be_anothers() -> None:
    after = small_node(pod("b", container("main", gpu("GPU-0", 0)), namespace="ml"))

    assert [
        "- ml/a main cpu 1-2 (NUMA node 0)",
        "- ml/a main memory 1Gi (NUMA node 0)",
        "- ml/a main nvidia.com/gpu GPU-0 (NUMA node 0)",
        "+ ml/b main nvidia.com/gpu GPU-0 (NUMA node 0)",
    ] == told(BEFORE, after)


def test_cpus_and_memory_move_as_a_whole_and_the_verdict_with_them() -> None:
    after = small_node(
        pod("a", container("main", gpu("GPU-0", 0), cpus="2,9", memory=[block(2048, 0)]), namespace="ml")
    )

    assert [
        "~ ml/a main aligned yes -> no",
        "~ ml/a main cpu 1-2 (NUMA node 0) -> 2 (NUMA node 0), 9 (NUMA node 1)",
        "~ ml/a main memory 1Gi (NUMA node 0) -> 2Gi (NUMA node 0)",
    ] == told(BEFORE, after)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("Healthy", "Unhealthy", ["~ ml/a main nvidia.com/gpu GPU-0 health Healthy -> Unhealthy (XID 79)"]),
        ("", "Unhealthy", ["~ ml/a main nvidia.com/gpu GPU-0 health ? -> Unhealthy (XID 79)"]),
        ("", "Healthy", []),
        ("Healthy", "", ["~ ml/a main nvidia.com/gpu GPU-0 health Healthy -> ?"]),
    ],
)
def test_health_is_told_unless_it_turns_out_to_be_good(before: str, after: str, expected: list[str]) -> None:
    def rows(health: str) -> list[ResourceHealth]:
        message = "XID 79" if health == "Unhealthy" else ""
        return [ResourceHealth("nvidia.com/gpu", "GPU-0", health, message)] if health else []

    assert expected == told(with_health(*rows(before)), with_health(*rows(after)))


def test_what_is_asked_for_and_not_held_is_told_when_it_begins_and_ends() -> None:
    meta = running("a", spec("main", devices={"nvidia.com/gpu": 2}))
    both = node_with(pod("a", container("main", gpu("GPU-0", 0), gpu("GPU-1", 0)), namespace="ml"), metas=(meta,))
    one = node_with(pod("a", container("main", gpu("GPU-0", 0)), namespace="ml"), metas=(meta,))

    assert ["~ ml/a main missing nvidia.com/gpu 0 -> 1", "- ml/a main nvidia.com/gpu GPU-1 (NUMA node 0)"] == told(
        both, one
    )
    assert ["~ ml/a main missing nvidia.com/gpu 1 -> 0", "+ ml/a main nvidia.com/gpu GPU-1 (NUMA node 0)"] == told(
        one, both
    )


def test_devices_of_claims_come_with_their_claim() -> None:
    first = ClaimDevice("gpu.example.com", "n1", "gpu-0", "", ())
    share = ClaimDevice("gpu.example.com", "n1", "gpu-1", "4f3c", ())
    unnamed = ClaimDevice("", "", "", "", ("x.com/y=1",))

    def node(*claims: Claim) -> Snapshot:
        return small_node(pod("a", container("main", claims=claims)))

    assert [
        "+ default/a main claim four no device yet (claim four)",
        "+ default/a main claim three x.com/y=1 (claim three)",
        "+ default/a main gpu.example.com n1/gpu-0 (claim one)",
        "+ default/a main gpu.example.com n1/gpu-1 share 4f3c (claim two)",
    ] == told(
        None,
        node(
            Claim("default", "one", (first,)),
            Claim("default", "two", (share,)),
            Claim("default", "three", (unnamed,)),
            Claim("default", "four", ()),
        ),
    )


def test_the_health_of_a_claims_device_is_told_too() -> None:
    first = ClaimDevice("gpu.example.com", "n1", "gpu-0", "", ())

    def node(health: str) -> Snapshot:
        rows = (ResourceHealth("claim:local", "gpu.example.com/n1/gpu-0", health),)
        meta = running("a", replace(spec(), claims=(("local", ""),), health=rows), claims=(("local", "one"),))
        held = container("main", claims=[Claim("ml", "one", (first,))])
        return node_with(pod("a", held, namespace="ml"), metas=(meta,))

    assert ["~ ml/a main gpu.example.com n1/gpu-0 health Healthy -> Unhealthy"] == told(
        node("Healthy"), node("Unhealthy")
    )


def test_the_list_of_a_whole_pod_is_named_so() -> None:
    assert ["+ default/a (pod) cpu 1-2 (NUMA node 0)"] == told(None, small_node(pod("a", cpus="1-2")))


def test_devices_that_a_plugin_brings_or_takes_away_are_told_one_by_one_or_together() -> None:
    few = small_node(devices=(*GPUS, device("x.com/nic", "nic-0"), device("x.com/nic", "nic-1", 1)))
    many = small_node(devices=(*GPUS, *(device("x.com/nic", f"nic-{index}") for index in range(9))))
    none = small_node()

    assert [
        "+ allocatable x.com/nic nic-0 (NUMA node not stated)",
        "+ allocatable x.com/nic nic-1 (NUMA node 1)",
    ] == told(none, few)
    assert ["- allocatable x.com/nic 9 devices (NUMA node not stated)"] == told(many, none)


def test_the_node_may_get_or_lose_cpus_and_memory() -> None:
    more = small_node(cpus=frozenset(range(1, 8)), memory=(block(16_384, 0), block(1024, 1)))

    assert [
        "~ allocatable cpu 1-7 (NUMA node 0), 9-15 (NUMA node 1) -> 1-7 (NUMA node 0)",
        "~ allocatable memory (NUMA node 1) 16Gi -> 1Gi",
    ] == told(small_node(), more)


def test_a_node_that_hands_out_no_cpus_and_reports_no_memory_has_none_to_lose() -> None:
    """A block over two nodes has no report of its own."""
    spanning = small_node(pod("a", container("main", memory=[block(1024, 0, 1)])), cpus=frozenset(), memory=())

    assert ["+ default/a main memory 1Gi (NUMA nodes 0-1)"] == told(small_node(cpus=frozenset(), memory=()), spanning)


def test_where_the_kubelet_does_not_say_what_it_has_nothing_of_it_has_gone() -> None:
    assert BEFORE.allocation is not None
    unasked = replace(
        BEFORE.allocation,
        devices=tuple(replace(stock, reported=None) for stock in BEFORE.allocation.devices),
    )

    assert [] == told(BEFORE, replace(BEFORE, allocation=unasked))


def test_sources_and_the_two_halves_of_the_answer_are_told_first() -> None:
    def state(*, up: bool, stale: bool, held: bool, synced: bool) -> Snapshot:
        return replace(
            BEFORE,
            metadata=Metadata(synced=synced),
            sources=(SourceHealth("kubelet", up, None), SourceHealth("topology", True, None)),
            parts=(Part("pods", stale, held), Part("allocatable", stale, False)),
        )

    good, bad = (
        state(up=True, stale=False, held=False, synced=True),
        state(up=False, stale=True, held=True, synced=False),
    )

    assert [
        "~ allocatable fresh -> stale",
        "~ kubelet up -> down",
        "~ metadata synced -> not synced",
        "~ pods fresh -> held",
    ] == told(good, bad)


def test_unavailable_is_never_empty() -> None:
    """While there is no allocation nothing is gone; afterwards it is compared with the last one that there was."""
    follower = Follower(BEFORE)
    away = follower.follow(replace(BEFORE, allocation=None))
    still = follower.follow(replace(BEFORE, allocation=None))
    back = follower.follow(small_node())

    assert ["~ allocation known -> not known"] == change_lines(away)
    assert [] == still
    assert [
        "~ allocation not known -> known",
        "- ml/a main cpu 1-2 (NUMA node 0)",
        "- ml/a main memory 1Gi (NUMA node 0)",
        "- ml/a main nvidia.com/gpu GPU-0 (NUMA node 0)",
    ] == change_lines(back)


def test_a_follower_that_has_seen_nothing_calls_everything_new() -> None:
    follower = Follower()

    assert [] == follower.follow(Snapshot("n1", None))
    assert ["~ allocation not known -> known", "+ default/a main cpu 1 (NUMA node 0)"] == change_lines(
        follower.follow(small_node(pod("a", container("main", cpus="1"))))
    )


def test_lines_may_name_the_node_and_have_colours() -> None:
    found = changes(None, small_node(pod("a", container("main", cpus="1"))))

    assert ["\x1b[32m+ n1: default/a main cpu 1 (NUMA node 0)\x1b[0m"] == change_lines(
        found, with_node=True, style=ANSI
    )


def test_names_in_changes_cannot_move_the_cursor() -> None:
    held = container("main", device("evil\x1b[2J", "x\ny"))

    assert [r"+ default/a main evil\x1b[2J x\x0ay (NUMA node not stated)"] == told(None, small_node(pod("a", held)))

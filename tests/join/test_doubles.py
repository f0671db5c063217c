"""Items held by two pods at the same time, and cases that only look like it."""

import pytest
from builders import GPU, NIC, container, device, gpu, pod

from podres_exporter.join import admin_access, double_held, hardware_of, living
from podres_exporter.join.doubles import SecondLook
from podres_exporter.model import (
    Certainty,
    Claim,
    ClaimDevice,
    ClaimFacts,
    ClaimResult,
    DoubleHeld,
    Dra,
    DraDevice,
    DraPool,
    Holder,
    Pod,
    PodMeta,
    Thing,
)

A, B = ("default", "a"), ("default", "b")


def whole(name: str = "gpu-0", share: str = "") -> ClaimDevice:
    return ClaimDevice("gpu.example.com", "n1", name, share, ())


def claiming(name: str, claim: str, *devices: ClaimDevice) -> Pod:
    return pod(name, container(claims=[Claim("default", claim, devices)]))


def meta(name: str, *, is_terminal: bool = False) -> PodMeta:
    return PodMeta("default", name, f"uid-{name}", phase="Running", is_terminal=is_terminal)


def test_a_device_that_two_pods_hold_is_named_with_both() -> None:
    """The kubelet never gives one id twice unless it errs (#137534)."""
    found = double_held([pod("b", container("x", gpu("G0", 0))), pod("a", container("y", gpu("G0", 0), gpu("G1", 0)))])

    holders = (Holder("default", "a", "y"), Holder("default", "b", "x"))
    assert (DoubleHeld(Thing.DEVICE, GPU, "G0", holders),) == found
    assert (A, B) == found[0].pods


def test_a_cpu_that_two_pods_hold_exclusively_is_named() -> None:
    """Whether the pod as a whole has it or one of its containers."""
    found = double_held([pod("a", container("x", cpus="2-3")), pod("b", container("y"), cpus="3-4")])

    assert (DoubleHeld(Thing.CPU, "cpu", "3", (Holder("default", "a", "x"), Holder("default", "b", ""))),) == found


def test_a_dra_device_in_two_claims_is_possible_until_the_claims_are_read() -> None:
    """One of them may have it for admin access, which the kubelet does not tell (KEP-5018)."""
    pods = [claiming("a", "one", whole()), claiming("b", "two", whole())]

    unread = double_held(pods)
    read = double_held(pods, lambda _namespace, _claim, _device: False)
    watched = double_held(pods, lambda _namespace, claim, _device: claim == "two")

    assert [(Thing.CLAIM_DEVICE, "gpu.example.com", "n1/gpu-0")] == [(d.thing, d.resource, d.item) for d in unread]
    assert [Certainty.POSSIBLE, Certainty.CERTAIN] == [each[0].certainty for each in (unread, read)]
    assert () == watched


def test_admin_access_is_read_from_the_claims() -> None:
    """A claim that could not be read, or that no longer has the device, tells nothing."""
    results = {
        "own": (ClaimResult("r", "gpu.example.com", "n1", "gpu-0"),),
        "watch": (ClaimResult("r", "gpu.example.com", "n1", "gpu-0", is_admin=True),),
        "other": (ClaimResult("r", "gpu.example.com", "n1", "gpu-1"),),
    }
    facts = {("default", name): ClaimFacts("default", name, name, found) for name, found in results.items()}

    told = admin_access(Dra(claims=facts))

    assert [False, True, None, None] == [told("default", name, whole()) for name in ("own", "watch", "other", "none")]
    assert admin_access(None)("default", "own", whole()) is None


def test_one_claim_read_and_one_not_is_possible() -> None:
    """Certain takes two claims of which it is known."""
    pods = [claiming("a", "one", whole()), claiming("b", "two", whole())]

    found = double_held(pods, lambda _namespace, claim, _device: False if claim == "one" else None)

    assert [Certainty.POSSIBLE] == [each.certainty for each in found]


@pytest.mark.parametrize(
    "pods",
    [
        [pod("a", container("x", gpu("G0::0"))), pod("b", container("x", gpu("G0::1")))],
        [pod("a", container("x", device(GPU, "0"))), pod("b", container("x", device(NIC, "0")))],
        [pod("a", container("init", gpu("G0")), container("main", gpu("G0")))],
        [pod("a", container("x", cpus="1-2"), container("y", cpus="1-2"), cpus="1-2")],
        [claiming("a", "one", whole()), claiming("b", "one", whole())],
        [claiming("a", "one", whole(share="s0")), claiming("b", "two", whole(share="s1"))],
        [claiming("a", "one", whole("gpu-0")), claiming("b", "two", whole("gpu-1"))],
        [
            claiming("a", "one", ClaimDevice("", "", "", "", ("v/x=0",))),
            claiming("b", "two", ClaimDevice("", "", "", "", ("v/x=0",))),
        ],
    ],
    ids=[
        "replicas of a time-sliced device",
        "one id of two resources",
        "an init container and its successor",
        "CPUs of the pod on its containers",
        "pods that share a claim",
        "shares of a DRA device",
        "two devices of a pool",
        "CDI names alone",
    ],
)
def test_look_alikes_are_no_double(pods: list[Pod]) -> None:
    """Silent: none of these is an error."""
    assert () == double_held(pods)


def test_a_kubelet_that_lists_active_pods_is_believed() -> None:
    """From 1.34 on what is listed is alive, metadata or not (#132028)."""
    pods = [pod("a"), pod("b")]

    assert pods == living(pods, {}, followed=False, lists_active=True)


def test_an_older_kubelet_lists_finished_predecessors_too() -> None:
    """Alive is what followed metadata says has not finished; a pod that it does not know may have gone."""
    pods = [pod("a"), pod("b"), pod("c")]
    metas = {("default", "a"): meta("a"), ("default", "b"): meta("b", is_terminal=True)}

    assert [pod("a")] == living(pods, metas, followed=True, lists_active=False)
    assert [] == living(pods, metas, followed=False, lists_active=False)


def double(item: str = "G0") -> DoubleHeld:
    return DoubleHeld(Thing.DEVICE, GPU, item, (Holder("default", "a", "x"), Holder("default", "b", "y")))


def test_a_double_is_believed_after_a_second_look_at_both_pods() -> None:
    """The next look must be at least two seconds later, and at each of the two pods."""
    second = SecondLook(2.0)

    first = second.confirmed([double()], {A: 10.0, B: 11.0})
    due = second.due()
    too_soon = second.confirmed([double()], {A: 12.9, B: 12.9})
    one_pod = second.confirmed([double()], {A: 13.0, B: 11.0})
    both = second.confirmed([double()], {A: 13.0, B: 13.0})

    assert ((), (), ()) == (first, too_soon, one_pod)
    assert {A: 13.0, B: 13.0} == due
    assert (double(),) == both
    assert {} == second.due()


def test_a_double_that_is_over_must_be_seen_twice_again() -> None:
    """What was gone in between is news."""
    second = SecondLook(2.0)
    second.confirmed([double()], {A: 0.0, B: 0.0})
    confirmed = second.confirmed([double()], {A: 5.0, B: 5.0})
    stays = second.confirmed([double()], {A: 5.0, B: 5.0})
    over = second.confirmed([], {A: 6.0, B: 6.0})
    again = second.confirmed([double()], {A: 7.0, B: 7.0})

    assert ((double(),), (double(),)) == (confirmed, stays)
    assert ((), ()) == (over, again)


def test_a_command_that_looks_once_believes_what_it_sees() -> None:
    """Without a second look there is nothing to wait for; the daemon's series wait."""
    assert (double(),) == SecondLook(0.0).confirmed([double()], {A: 1.0, B: 1.0})


HARDWARE = hardware_of(
    [
        DraPool(
            "gpu.example.com",
            "n1",
            1,
            (
                DraDevice("gpu-0", uuid="GPU-AA"),
                DraDevice("part", uuid="MIG-1", parent_uuid="GPU-BB"),
                DraDevice("gpu-2"),
            ),
        )
    ]
)


def dual(*pods: Pod, is_admin: bool | None = False) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    found = double_held(pods, lambda _namespace, _claim, device: bool(device.share_id) or is_admin, HARDWARE)
    return [(each.item, each.pods) for each in found if each.thing is Thing.DEVICE]


def test_one_piece_of_hardware_by_a_plugin_and_by_a_claim_is_held_twice() -> None:
    """Neither side knows of the other; ids are compared whatever their case. A partition is a part of the whole."""
    by_plugin = pod("a", container("x", gpu("gpu-aa"), gpu("GPU-BB"), gpu("gpu-2")))

    assert [("gpu-aa", (A, B))] == dual(by_plugin, claiming("b", "one", whole()))
    assert [("GPU-BB", (A, B))] == dual(by_plugin, claiming("b", "one", whole("part")))
    assert [("MIG-1", (A, B))] == dual(pod("a", container("x", gpu("MIG-1"))), claiming("b", "one", whole("part")))
    both = dual(by_plugin, pod("c", container("x", gpu("gpu-aa"))), claiming("b", "one", whole()))
    assert [("gpu-aa", (A, ("default", "c")))] == both


def test_no_alarm_where_hardware_is_shared_watched_not_known_or_one_pod_s() -> None:
    held = pod("a", container("x", gpu("GPU-AA")))

    assert [] == dual(held, claiming("b", "one", whole()), is_admin=True)
    assert [] == dual(held, claiming("b", "one", whole()), is_admin=None)
    assert [] == dual(held, claiming("b", "one", whole(share="s1")))
    assert [] == dual(held, claiming("b", "one", whole("gpu-2")))
    assert [] == dual(pod("a", container("x", gpu("GPU-AA::3"))), claiming("b", "one", whole()))
    own = pod("a", container("x", gpu("GPU-AA"), claims=[Claim("default", "one", (whole(),))]))
    assert [] == dual(own)

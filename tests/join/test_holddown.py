"""When to believe a kubelet that has just started."""

import pytest
from builders import GPU, allocatable, block, container, device, gpu, pod

from podres_exporter.join import Suspicion, judge, lacking_allocatable, lacking_pods, settle
from podres_exporter.join.holddown import FIRST_STABLE_SECONDS, Lack
from podres_exporter.model import Allocatable, Claim, ClaimDevice, Metadata, Pod, PodMeta

HOLD_SECONDS = 30.0


def judged(
    suspicion: Suspicion[str], answer: str, now_seconds: float, *, agrees: bool | None, empty: bool = False
) -> Suspicion[str] | None:
    return judge(suspicion, answer, agrees=agrees, empty=empty, now_seconds=now_seconds, hold_seconds=HOLD_SECONDS)


@pytest.mark.parametrize(
    ("agrees", "empty", "held_seconds"),
    [
        pytest.param(True, False, 0, id="has all that was believed"),
        pytest.param(True, True, 0, id="empty, as what was believed"),
        pytest.param(False, False, HOLD_SECONDS, id="smaller than what was believed"),
        pytest.param(False, True, HOLD_SECONDS, id="empty, where something was believed"),
        pytest.param(None, False, FIRST_STABLE_SECONDS, id="first answer"),
        pytest.param(None, True, HOLD_SECONDS, id="first answer, empty"),
    ],
)
def test_an_answer_is_believed_when_it_agrees_or_has_been_the_same_long_enough(
    agrees: bool | None, empty: bool, held_seconds: float
) -> None:
    """
    Empty, then partial, then complete about a second later; with the API server away, partial for as long as that.

    Source: measured on 1.36.3 at 4 and 10 Hz; kubernetes #102552, #137919.
    """
    suspicion: Suspicion[str] | None = Suspicion()
    waits = []
    for tick in range(100):
        if suspicion is not None:
            suspicion = judged(suspicion, "same", 100.0 + tick / 2, agrees=agrees, empty=empty)
            waits.append(tick / 2)

    assert suspicion is None
    assert held_seconds == waits[-1]


def test_an_answer_that_changes_starts_the_wait_anew() -> None:
    """Stability is what tells a complete answer from one that is still filling."""
    first, second = Suspicion("one pod", 100.0), Suspicion("two pods", 129.0)

    assert first == judged(Suspicion(), "one pod", 100.0, agrees=False)
    assert second == judged(first, "two pods", 129.0, agrees=False)
    assert second == judged(second, "two pods", 158.9, agrees=False)
    assert judged(second, "two pods", 159.0, agrees=False) is None


def test_an_answer_that_agrees_is_believed_amid_a_wait() -> None:
    """Once all that was believed is back there is nothing to wait for."""
    assert judged(Suspicion("one pod", 100.0), "all pods", 100.1, agrees=True) is None


def test_the_hold_is_never_longer_than_the_user_wants() -> None:
    """A first answer waits for the shorter of the two times."""
    suspicion = Suspicion("first", 100.0)

    assert judge(suspicion, "first", agrees=None, empty=False, now_seconds=101.0, hold_seconds=1.0) is None
    assert suspicion == judge(suspicion, "first", agrees=None, empty=False, now_seconds=100.9, hold_seconds=1.0)


@pytest.mark.parametrize("agrees", [False, None])
def test_without_a_hold_every_answer_is_believed(agrees: bool | None) -> None:
    """0 seconds switch the hold-down off."""
    assert judge(Suspicion(), "any", agrees=agrees, empty=True, now_seconds=100.0, hold_seconds=0.0) is None


def test_the_first_answer_of_all_is_not_compared_with_the_empty_suspicion() -> None:
    """The clock is monotonic and may stand anywhere, so no answer has been the same since second 0."""
    assert Suspicion("first", 5000.0) == judged(Suspicion(), "first", 5000.0, agrees=None)


FULL = pod(
    "p",
    container("main", gpu("0", 0), cpus="1-2", memory=[block(64, 0)], claims=[Claim("default", "c", ())]),
    container("sidecar"),
)


@pytest.mark.parametrize(
    "new",
    [
        pytest.param([FULL], id="the same"),
        pytest.param([pod("other"), FULL], id="another pod beside it"),
        pytest.param(
            [
                pod(
                    "p",
                    container(
                        "main",
                        gpu("0"),
                        gpu("1", 0),
                        cpus="1-3",
                        memory=[block(32, 1), block(64, 0)],
                        claims=[
                            Claim("default", "c", (ClaimDevice("d", "p", "0", "", ()),)),
                            Claim("default", "e", ()),
                        ],
                    ),
                    container("new"),
                    container("sidecar", cpus="5"),
                )
            ],
            id="holds more, and a device's nodes are not what is held",
        ),
        pytest.param(
            [
                pod(
                    "p",
                    container("main", gpu("0", 0), memory=[block(64, 0)], claims=[Claim("default", "c", ())]),
                    container("sidecar"),
                    cpus="1-2",
                )
            ],
            id="its CPUs stand at the pod now (1.37)",
        ),
    ],
)
def test_pods_agree_that_hold_at_least_what_they_held(new: list[Pod]) -> None:
    """What has grown is no sign of an answer that is still filling."""
    assert not lacking_pods(tuple(new), (FULL,))


@pytest.mark.parametrize(
    "new",
    [
        pytest.param([], id="no pods"),
        pytest.param([pod("q", *FULL.containers)], id="another name"),
        pytest.param([pod("p", *FULL.containers, namespace="other")], id="another namespace"),
        pytest.param([pod("p", FULL.containers[0])], id="without its sidecar"),
        pytest.param(
            [
                pod(
                    "p",
                    container("main", cpus="1-2", memory=[block(64, 0)], claims=FULL.containers[0].claims),
                    container("sidecar"),
                )
            ],
            id="without its device",
        ),
        pytest.param(
            [
                pod(
                    "p",
                    container("main", cpus="1-2", memory=[block(64, 0)], claims=FULL.containers[0].claims),
                    container("sidecar", gpu("0", 0)),
                )
            ],
            id="its device on another container",
        ),
        pytest.param(
            [
                pod(
                    "p",
                    container("main", gpu("0", 0), cpus="1", memory=[block(64, 0)], claims=FULL.containers[0].claims),
                    container("sidecar"),
                )
            ],
            id="with fewer CPUs",
        ),
        pytest.param(
            [
                pod(
                    "p",
                    container("main", gpu("0", 0), cpus="1-2", claims=FULL.containers[0].claims),
                    container("sidecar"),
                )
            ],
            id="without its memory",
        ),
        pytest.param(
            [pod("p", container("main", gpu("0", 0), cpus="1-2", memory=[block(64, 0)]), container("sidecar"))],
            id="without its claim",
        ),
    ],
)
def test_pods_that_hold_less_do_not_agree(new: list[Pod]) -> None:
    """14 of 20 pods with 2 of 8 devices, a moment after the first answer (measured on 1.36.3 at 10 Hz)."""
    assert lacking_pods(tuple(new), (FULL,))


def test_any_answer_agrees_with_no_pods() -> None:
    """An empty node was believed; nothing can be missing."""
    assert not lacking_pods((), ())
    assert not lacking_pods((FULL,), ())


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        pytest.param(allocatable(gpu("0", 0), gpu("1", 0), cpus="1-2"), True, id="the same"),
        pytest.param(allocatable(gpu("0"), gpu("1", 1), gpu("2"), cpus="0-2"), True, id="more, elsewhere"),
        pytest.param(allocatable(gpu("0", 0), cpus="1-2"), False, id="a device is missing"),
        pytest.param(
            allocatable(gpu("0", 0), device("other.com/gpu", "1", 0), cpus="1-2"), False, id="its id under another name"
        ),
        pytest.param(allocatable(gpu("0", 0), gpu("1", 0), cpus="1"), False, id="a CPU is missing"),
        pytest.param(allocatable(), False, id="no plugin has come back yet"),
    ],
)
def test_what_is_allocatable_agrees_when_all_devices_and_cpus_are_back(new: Allocatable, expected: bool) -> None:
    """After a restart there are none until the plugins register again, one by one (measured on 1.36.3)."""
    believed = allocatable(gpu("0", 0), gpu("1", 0), cpus="1-2")

    assert {GPU} == {device.resource for device in believed.devices}
    assert expected is (not lacking_allocatable(new, believed))


def running(name: str, *, has_started: bool = True, is_terminal: bool = False, is_deleting: bool = False) -> PodMeta:
    """Return a pod that the kubelet has started, as the API server has it."""
    return PodMeta("default", name, "1", has_started=has_started, is_terminal=is_terminal, is_deleting=is_deleting)


def told(*metas: PodMeta, synced: bool = True) -> Metadata:
    return Metadata({meta.key: meta for meta in metas}, synced=synced)


GONE_KEY = ("default", "gone")


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param(told(), id="deleted"),
        pytest.param(told(running("gone", is_terminal=True)), id="finished"),
        pytest.param(told(running("gone", is_deleting=True)), id="being deleted"),
    ],
)
def test_a_pod_that_has_gone_is_nothing_to_wait_for(metadata: Metadata) -> None:
    """The API server knows that its absence from the kubelet's answer is right."""
    lacking: frozenset[Lack] = frozenset({(GONE_KEY,), (GONE_KEY, "cpu", 3)})

    assert frozenset() == settle(lacking, (), metadata)


def test_a_pod_that_still_runs_is_waited_for_with_all_that_it_held() -> None:
    """A young kubelet lists a pod before its devices are back."""
    lacking: frozenset[Lack] = frozenset({(GONE_KEY, "main", "nvidia.com/gpu", "0")})

    assert lacking == settle(lacking, (pod("gone"),), told(running("gone")))


@pytest.mark.parametrize("synced", [True, False])
def test_a_pod_that_was_never_listed_is_lacking_if_the_api_server_knows_it(synced: bool) -> None:
    """So is a pod that started while we did not; what was last known counts too, for the kubelet may know less."""
    found = settle(frozenset(), (pod("a"),), told(running("a"), running("b"), synced=synced))

    assert frozenset({(("default", "b"),)}) == found


def test_a_pod_that_no_kubelet_has_started_is_not_expected() -> None:
    """It is bound to the node and that is all."""
    assert frozenset() == settle(frozenset(), (), told(running("b", has_started=False)))


def test_what_the_api_server_does_not_say_now_excuses_nothing() -> None:
    """A kubelet that cannot reach it lists a part of its pods for as long as that lasts."""
    lacking: frozenset[Lack] = frozenset({(GONE_KEY,)})

    assert lacking == settle(lacking, (), told(synced=False))

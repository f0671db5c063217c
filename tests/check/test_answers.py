"""Findings on the kubelet's answers: rejected, too large, with unusable items."""

from dataclasses import replace

import pytest
from builders import container, pod
from check_rig import TRAIN, calls, found, healthy, holding, refused

from podres_exporter.check import Verdict
from podres_exporter.check.evidence import Call, Look, Settings
from podres_exporter.errors import Reason
from podres_exporter.model import Claim, Malformed, PodSize

MIB = 1 << 20
RPCS = ("List", "GetAllocatableResources", "Get")


@pytest.mark.parametrize(
    ("reason", "verdict"), [(None, Verdict.WARNING), (Reason.THROTTLED, Verdict.FAILED)], ids=["in the end", "never"]
)
def test_rejected_calls_are_another_clients_doing(reason: Reason | None, verdict: Verdict) -> None:
    """Our three calls are far below the limit; whether one got through in the end makes the difference."""
    one = found(healthy(calls=calls(List=Call("List", 0.1, 5, reason, "", 3, 2))), "kubelet.rate-limit")

    assert verdict is one.verdict
    assert "2 of 5 calls rejected" in one.seen
    assert {"calls": 5, "rejected": 2} == one.facts
    assert "ss -xp" in one.remedy


@pytest.mark.parametrize(
    ("size", "verdict", "seen"),
    [
        (4 * MIB, Verdict.OK, "4 MiB at most, of List"),
        (4 * MIB + 1, Verdict.NOTE, "beyond gRPC's usual 4 MiB"),
        (48 * MIB, Verdict.NOTE, "48 MiB at most"),
        (48 * MIB + 1, Verdict.WARNING, "close to the 64 MiB"),
        (64 * MIB, Verdict.WARNING, "close to the 64 MiB"),
    ],
)
def test_the_largest_answer_is_measured_against_both_limits(size: int, verdict: Verdict, seen: str) -> None:
    """Ours is 64 MiB unless told otherwise, gRPC's default 4 MiB."""
    one = found(healthy(calls=calls(List=Call("List", 0.1, size))), "kubelet.size")

    assert verdict is one.verdict
    assert seen in one.seen
    assert {"size_bytes": size} == one.facts


def test_the_size_of_an_answer_that_was_refused_for_it_is_in_the_refusal() -> None:
    """GRPC's core names it; nothing else does."""
    text = "CLIENT: Received message larger than max (272629760 vs. 268435456) (socket /s)"
    one = found(healthy(calls=calls(List=refused("List", Reason.TOO_LARGE, text))), "kubelet.size")

    assert Verdict.FAILED is one.verdict
    assert "260 MiB at most, of List: more than the 64 MiB of --kubelet.max-message-size" == one.seen


@pytest.mark.parametrize(
    ("pod_bytes", "claims", "words"),
    [
        (17 * MIB, [Claim("ml", "gpus", ())], "see why the DRA driver cannot prepare the claims of ml/stuck"),
        (17 * MIB, [], "check what ml/stuck requests"),
        (1 * MIB, [], "very many devices"),
    ],
)
def test_what_fills_a_large_answer_is_named(pod_bytes: int, claims: list[Claim], words: str) -> None:
    """One claim that cannot be prepared makes the kubelet's answer grow without end (kubernetes #141335)."""
    stuck = pod("stuck", container("main", claims=claims), namespace="ml")
    look = Look(holding(stuck, largest_pod=PodSize(pod_bytes, "ml", "stuck")))
    limits = Settings("n1", 10.0, 60.0, "none", max_message_bytes=16 * MIB)
    one = found(healthy(settings=limits, calls=calls(List=Call("List", 0.1, 18 * MIB)), looks=(look,)), "kubelet.size")

    assert Verdict.FAILED is one.verdict
    assert words in one.remedy
    assert ("17 MiB of it are pod ml/stuck" in one.seen) == (pod_bytes > MIB)


def test_without_any_answer_there_is_nothing_to_measure() -> None:
    spoilt = {rpc: refused(rpc, Reason.TIMEOUT) for rpc in RPCS}
    evidence = healthy(calls=spoilt, looks=(Look(None),), allocatable=None)

    assert Verdict.SKIPPED is found(evidence, "kubelet.size").verdict
    assert Verdict.SKIPPED is found(evidence, "kubelet.items").verdict


def test_unusable_items_are_named() -> None:
    """Of both answers; the first few, escaped."""
    evidence = healthy()
    assert evidence.allocatable is not None
    bad = [Malformed(f"pod_resources[ml/a].containers[{number}]", "no\x07 name") for number in range(3)]
    spoilt = replace(evidence.allocatable, malformed=(Malformed("devices[7]", "no id"),))
    one = found(
        replace(evidence, looks=(Look(holding(TRAIN, malformed=tuple(bad))),), allocatable=spoilt), "kubelet.items"
    )

    assert Verdict.WARNING is one.verdict
    assert r"4 items unusable: pod_resources[ml/a].containers[0]: no\x07 name" in one.seen
    assert "and 1 more" in one.seen
    assert {"malformed": 4, "merged_pods": 0} == one.facts


def test_pods_that_share_a_name_are_worth_a_note() -> None:
    evidence = healthy(looks=(Look(holding(TRAIN, merged_pods=1)),))
    one = found(evidence, "kubelet.items")

    assert Verdict.NOTE is one.verdict
    assert "1 entry had the namespace and name of another" in one.seen

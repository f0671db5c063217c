"""The finding on items held by two pods."""

from typing import Any

import pytest
from check_rig import found, healthy

from podres_exporter.check import Verdict
from podres_exporter.check.evidence import Look
from podres_exporter.model import Certainty, DoubleHeld, Holder, Thing

NAME = "node.double-held"


def double(item: str = "G0", thing: Thing = Thing.DEVICE, **more: Any) -> DoubleHeld:
    return DoubleHeld(thing, "nvidia.com/gpu", item, (Holder("ml", "a", "x"), Holder("ml", "b", "y")), **more)


def test_a_device_in_two_hands_is_a_warning_with_both_pods() -> None:
    """Exit code 3: people on call must know which id, which pods, and what to do."""
    one = found(healthy(doubles=(double(), double("5", Thing.CPU))), NAME)

    assert Verdict.WARNING is one.verdict
    assert "2 things held by two pods: nvidia.com/gpu G0 by ml/a and ml/b; CPU 5 by ml/a and ml/b" == one.seen
    assert "delete one of the pods" in one.remedy
    assert (2, 0) == (one.facts["certain"], one.facts["possible"])


def test_what_may_be_admin_access_is_a_note() -> None:
    """It does not change the exit code."""
    one = found(healthy(doubles=(double("n1/g", Thing.CLAIM_DEVICE, certainty=Certainty.POSSIBLE),)), NAME)

    assert Verdict.NOTE is one.verdict
    assert "1 DRA device in two claims: nvidia.com/gpu n1/g by ml/a and ml/b" == one.seen


def test_many_are_folded() -> None:
    one = found(healthy(doubles=tuple(double(f"G{number}") for number in range(7))), NAME)

    assert one.seen.endswith("nvidia.com/gpu G4 by ml/a and ml/b and 2 more")


@pytest.mark.parametrize("doubles", [None, ()])
def test_nothing_held_twice_is_ok_where_it_can_be_judged(doubles: tuple[DoubleHeld, ...] | None) -> None:
    """Kubelets up to 1.33 list finished pods: without metadata it is unknown which are running."""
    one = found(healthy(doubles=doubles), NAME)

    assert (Verdict.SKIPPED if doubles is None else Verdict.OK) is one.verdict


def test_without_the_kubelets_pods_it_is_skipped() -> None:
    assert Verdict.SKIPPED is found(healthy(doubles=None, looks=(Look(None),)), NAME).verdict

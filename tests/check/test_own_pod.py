"""The finding on the exporter's own pod."""

from dataclasses import replace

import pytest
from builders import listing, pod
from check_rig import found, healthy

from podres_exporter.check import Verdict, judge
from podres_exporter.check.evidence import Evidence, Look
from podres_exporter.model import PodKey

NAME, OWN = "node.own-pod", ("podres", "exporter-x7k2p")


def seen_with(own: PodKey | None, *names: str) -> Evidence:
    """Return the evidence of a node n1 that lists these pods, as found in a pod of that name."""
    usual = healthy()
    pods = [pod(name, namespace="podres") for name in names]
    return replace(usual, settings=replace(usual.settings, own_pod=own), looks=(Look(listing(*pods)),))


@pytest.mark.parametrize(
    ("names", "verdict", "words"),
    [
        (("exporter-x7k2p", "other"), Verdict.OK, "lists podres/exporter-x7k2p"),
        (("other", "proxy-n1"), Verdict.WARNING, "lists other pods, but not podres/exporter-x7k2p"),
        (("proxy-n1",), Verdict.WARNING, "lists static pods only"),
        ((), Verdict.WARNING, "lists static pods only"),
    ],
)
def test_a_kubelet_that_does_not_list_the_own_pod_is_a_warning(
    names: tuple[str, ...], verdict: Verdict, words: str
) -> None:
    one = found(seen_with(OWN, *names), NAME)

    assert verdict is one.verdict
    assert words in one.seen


@pytest.mark.parametrize("own", [None, ("podres", "exporter-n1")], ids=["outside a pod", "a static pod"])
def test_nothing_is_said_where_there_is_no_own_pod_to_look_for(own: PodKey | None) -> None:
    assert NAME not in [each.id for each in judge(seen_with(own, "other")).findings]

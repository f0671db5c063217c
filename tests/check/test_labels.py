"""The finding on pod labels that are missing from the metrics."""

from collections.abc import Mapping

import pytest
from asking_rig import known, running
from check_rig import api, found, healthy, no_answer

from podres_exporter.allowlist import parse_allowlist
from podres_exporter.check import Finding, Verdict
from podres_exporter.check.evidence import Look, PodsAnswer, Settings
from podres_exporter.errors import ApiServerError


def labels(allowlist: str, keys: Mapping[str, int], pods: int = 4) -> Finding:
    """Return what is said where *pods* have these labels."""
    return of(allowlist, PodsAnswer(0.1, 100, pods, (), keys))


def of(allowlist: str, answer: PodsAnswer | ApiServerError) -> Finding:
    settings = Settings("n1", 10.0, 60.0, "apiserver", parse_allowlist(allowlist))
    return found(healthy(settings=settings, api=api(pods=answer)), "api.labels")


def test_no_label_is_shown_unless_it_is_asked_for() -> None:
    """The default; it says so, for that is the answer to the question."""
    one = labels("", {"app": 4})

    assert Verdict.OK is one.verdict
    assert "--metadata.pod-labels-allowlist is empty" in one.seen


def test_labels_that_pods_have_are_named() -> None:
    one = labels("pods=[app,example.com/*]", {"app": 4, "example.com/b": 1, "example.com/a": 1, "tier": 2})

    assert (Verdict.OK, "3 labels of 4 pods shown: app, example.com/a, example.com/b") == (one.verdict, one.seen)
    assert {"allowed": 3, "unmatched": []} == one.facts


def test_a_list_that_matches_nothing_is_a_warning_with_labels_that_would() -> None:
    """The names of metric labels, `label_app`, are the usual mistake; the commonest labels come first."""
    one = labels("label_app,x/*", {"a": 1, "b": 1, "c": 1, "d": 1, "app": 4, "tier": 2})

    assert Verdict.WARNING is one.verdict
    assert "matches no label of 4 pods: none has label_app, x/*" in one.seen
    assert one.remedy.endswith("this node's pods have app, tier, a, b, c")
    assert {"allowed": 0, "unmatched": ["label_app", "x/*"]} == one.facts


def test_names_without_a_pod_among_others_are_worth_a_note() -> None:
    one = labels("app,team,y*", {"app": 4})

    assert Verdict.NOTE is one.verdict
    assert "1 label of 4 pods shown: app; no pod has team, y*" == one.seen


def test_pods_without_labels_are_said_to_be_such() -> None:
    one = labels("pods=[*]", {})

    assert (Verdict.WARNING, "the pods of this node have no labels at all") == (one.verdict, one.remedy)


@pytest.mark.parametrize("answer", [PodsAnswer(0.1, 9, 0), no_answer("HTTP 403")], ids=["no pods", "no list"])
def test_labels_are_not_judged_without_pods(answer: PodsAnswer | ApiServerError) -> None:
    assert Verdict.SKIPPED is of("app", answer).verdict


@pytest.mark.parametrize(("count", "verdict"), [(25, Verdict.OK), (26, Verdict.WARNING), (40, Verdict.WARNING)])
def test_more_labels_than_stores_take_are_a_warning(count: int, verdict: Verdict) -> None:
    """Node, namespace and pod, and job and instance come on top; 30 is where Mimir, Cortex and VictoriaMetrics stop."""
    names = tuple((f"label_l{number}", "x") for number in range(count))
    told = known(running("a", labels=names))
    settings = Settings("n1", 10.0, 60.0, "apiserver", parse_allowlist("pods=[*]"))
    answer = PodsAnswer(0.1, 100, 1, (), {"l0": 1})
    one = found(healthy(settings=settings, api=api(pods=answer), looks=(Look(None, told),)), "api.labels")

    assert verdict is one.verdict
    assert ("VictoriaMetrics" in one.remedy) == (verdict is Verdict.WARNING)

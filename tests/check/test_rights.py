"""Findings on RBAC permissions, with the rule that is missing."""

import pytest
from check_rig import allowed, api, found, healthy, no_answer

from podres_exporter.check import Finding, Verdict
from podres_exporter.check.evidence import ApiServer
from podres_exporter.errors import Reason

FORBIDDEN = 'HTTP 403: pods is forbidden: User "{}" cannot list resource "pods" in API group "" at the cluster scope'
RULE = 'a ClusterRole with the rule {apiGroups: [""], resources: [pods], verbs: [list, watch]}'


def of(name: str, server: ApiServer) -> Finding:
    return found(healthy(api=server), f"api.{name}")


@pytest.mark.parametrize("verb", ["list", "watch"])
def test_a_missing_right_fails_with_the_rule(verb: str) -> None:
    """The rule has both verbs, for who lacks one lacks the ClusterRole."""
    server = api(
        reviews={"list": allowed(), "watch": allowed()} | {verb: allowed(is_allowed=False, said="no RBAC rule")}
    )
    one = of(f"may-{verb}", server)

    assert (Verdict.FAILED, f"may not {verb} pods in all namespaces (no RBAC rule)") == (one.verdict, one.seen)
    assert RULE in one.remedy
    assert "the exporter's service account" in one.remedy
    assert {"allowed": False} == one.facts


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        ("system:serviceaccount:monitoring:podres", "ServiceAccount podres of namespace monitoring"),
        ("jane", "User jane"),
    ],
)
def test_the_rule_is_bound_to_whom_the_refused_list_names(user: str, subject: str) -> None:
    """An access review does not say who asked."""
    refusal = no_answer(FORBIDDEN.format(user), Reason.DENIED)
    server = api(reviews={"list": allowed(is_allowed=False), "watch": allowed()}, pods=refusal)

    assert f"bind it to {subject}" in of("may-list", server).remedy
    assert (Verdict.FAILED, "see api.may-list") == (of("list", server).verdict, of("list", server).remedy)


def test_a_refused_list_tells_what_a_refused_review_does_not() -> None:
    """Some clusters do not let everybody ask what they may."""
    error = no_answer("HTTP 403: selfsubjectaccessreviews is forbidden", Reason.DENIED)
    server = api(reviews={"list": error, "watch": error}, pods=no_answer(FORBIDDEN.format("jane"), Reason.DENIED))

    assert Verdict.FAILED is of("may-list", server).verdict
    assert (Verdict.NOTE, {"allowed": None}) == (of("may-watch", server).verdict, of("may-watch", server).facts)
    assert "kubectl auth can-i watch pods" in of("may-watch", server).remedy


def test_a_second_right_that_was_not_asked_for_is_skipped() -> None:
    """The first question was not answered in time."""
    server = api(reviews={"list": no_answer("timed out", Reason.TIMEOUT, "review")})

    assert {Verdict.SKIPPED} == {of(f"may-{verb}", server).verdict for verb in ("list", "watch")}
    assert Verdict.OK is of("reach", server).verdict

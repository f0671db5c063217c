"""Findings on the API server: credentials, connection, permissions, list, node name and clock."""

from dataclasses import replace
from typing import Any

import pytest
from builders import listing, pod
from check_rig import TRAIN, allowed, api, found, healthy, meta, metadata, no_answer, silent, verdicts

from podres_exporter.check import Finding, Verdict
from podres_exporter.check.evidence import Account, ApiServer, Look, PodsAnswer
from podres_exporter.errors import Reason

NAMES = ("credentials", "reach", "may-list", "may-watch", "list", "node-name", "clock", "dra")
FORBIDDEN = (
    'list: HTTP 403: pods is forbidden: User "{}" cannot list resource "pods" in API group "" at the cluster scope'
)
RULE = 'a ClusterRole with the rule {apiGroups: [""], resources: [pods], verbs: [list, watch]}'


def of(name: str, server: ApiServer | None, **changes: Any) -> Finding:
    return found(healthy(api=server, **changes), f"api.{name}")


def account(server: str = "https://10.0.0.1:443", **changes: Any) -> Account:
    return Account("the kubeconfig /k", server, **changes)


def test_a_good_api_server_is_told_with_its_numbers() -> None:
    assert "found: the service account of this pod" == of("credentials", api()).seen
    assert "https://10.0.0.1:443 answers in 4 ms, over TLS" == of("reach", api()).seen
    assert "may watch pods in all namespaces" == of("may-watch", api()).seen
    assert "1 pod of this node, 14.6 KiB in 8 ms" == of("list", api()).seen
    assert "n1: 1 of the kubelet's 1 pod known" == of("node-name", api()).seen
    assert "within 1 s of the API server's" == of("clock", api()).seen


def test_without_a_metadata_source_everything_is_skipped() -> None:
    """`--metadata.source=none` is a choice, not a fault."""
    evidence = healthy(api=None, looks=(Look(listing(TRAIN)),))
    expected = [*(f"api.{name}" for name in (*NAMES, "labels"))]

    assert ["skipped"] * 9 == [verdicts(evidence)[name] for name in expected]
    assert {"skipped"} == set(verdicts(evidence).values())


def test_missing_credentials_fail_with_their_remedy_and_skip_the_rest() -> None:
    """The sentence of the source of the credentials is both."""
    problem = "not running in a pod: X is not set; give --metadata.kubeconfig, or run with --metadata.source=none"
    server = ApiServer(problem=problem)
    one = of("credentials", server)

    assert (Verdict.FAILED, "not running in a pod: X is not set") == (one.verdict, one.seen)
    assert "give --metadata.kubeconfig, or run with --metadata.source=none" == one.remedy
    assert {Verdict.SKIPPED} == {of(name, server).verdict for name in NAMES[1:]}


def test_a_problem_without_a_remedy_gets_one() -> None:
    assert "--metadata.source=none" in of("credentials", ApiServer(problem="odd")).remedy


def test_refused_credentials_fail_where_they_belong_and_nowhere_else() -> None:
    """401 is neither a matter of rights nor of the way there."""
    server = silent("HTTP 401: Unauthorized", Reason.DENIED)
    evidence = healthy(api=server, looks=(Look(listing(TRAIN)),))

    assert "failed" == verdicts(evidence)["api.credentials"]
    assert Verdict.OK is found(evidence, "api.reach").verdict
    assert ["skipped"] * 3 == [verdicts(evidence)[f"api.{name}"] for name in ("may-list", "may-watch", "list")]
    assert "log in again" in found(evidence, "api.credentials").remedy


def test_credentials_that_cannot_be_used_fail() -> None:
    """A token with a line end in it, a key that is gone."""
    one = of("credentials", silent("no credentials: No such file", Reason.DENIED))

    assert Verdict.FAILED is one.verdict
    assert "no credentials: No such file" in one.seen


@pytest.mark.parametrize(
    ("detail", "reason", "changes", "remedy"),
    [
        ("Connection refused", Reason.UNAVAILABLE, {}, "no answer: check the address"),
        ("connect timed out", Reason.TIMEOUT, {}, "NetworkPolicy"),
        ("Read timed out.", Reason.TIMEOUT, {}, "overloaded"),
        ("SSLError: CERTIFICATE_VERIFY_FAILED", Reason.DENIED, {}, "not signed by the trusted CA"),
        ("refused", Reason.UNAVAILABLE, {"account": account(proxy="http://proxy:3128")}, "NO_PROXY"),
    ],
)
def test_a_server_that_does_not_answer_fails_with_the_remedy_of_its_cause(
    detail: str, reason: Reason, changes: dict[str, Any], remedy: str
) -> None:
    server = silent(detail, reason, **changes)
    one = of("reach", server)

    assert Verdict.FAILED is one.verdict
    assert detail in one.seen
    assert remedy in one.remedy
    assert {Verdict.SKIPPED} == {of(name, server).verdict for name in ("may-list", "may-watch", "list", "clock")}


def test_a_proxy_is_named() -> None:
    """HTTPS_PROXY in a pod's environment concerns the API server as well."""
    assert "(through the proxy http://proxy:3128)" in of("reach", api(account=account(proxy="http://proxy:3128"))).seen


@pytest.mark.parametrize(
    ("changes", "verdict", "seen"),
    [
        ({"server": "http://127.0.0.1:8001"}, Verdict.NOTE, "without TLS"),
        ({"is_verified": False}, Verdict.WARNING, "its certificate is not verified"),
    ],
)
def test_a_way_that_is_not_private_is_told(changes: dict[str, Any], verdict: Verdict, seen: str) -> None:
    one = of("reach", api(account=account(**changes)))

    assert verdict is one.verdict
    assert seen in one.seen


def test_a_refusal_shows_that_the_server_can_be_reached() -> None:
    """HTTP 500 is an answer too."""
    one = of("reach", silent("HTTP 500: oops"))

    assert (Verdict.OK, "https://10.0.0.1:443 answers, over TLS") == (one.verdict, one.seen)


def test_a_server_that_is_no_api_server_is_reached_and_of_no_use() -> None:
    """A captive portal says 200 to everything."""
    server = silent("9 bytes are not an access review", Reason.MALFORMED)

    assert Verdict.OK is of("reach", server).verdict
    assert Verdict.NOTE is of("may-list", server).verdict
    assert "not an API server" in of("list", server).remedy


@pytest.mark.parametrize(
    ("detail", "reason", "remedy"),
    [
        ("HTTP 429: too many", Reason.THROTTLED, "Priority and Fairness"),
        ("HTTP 404: not found", Reason.NOT_FOUND, "not an API server"),
        ("5 bytes are no list", Reason.MALFORMED, "not an API server"),
        ("HTTP 500: oops", Reason.UNAVAILABLE, "log"),
    ],
)
def test_a_list_that_fails_has_the_remedy_of_its_cause(detail: str, reason: Reason, remedy: str) -> None:
    one = of("list", api(pods=no_answer(detail, reason)))

    assert (Verdict.FAILED, detail) == (one.verdict, one.seen)
    assert remedy in one.remedy


def test_errors_are_told_without_what_urllib3_puts_before_them() -> None:
    """The address stands there already."""
    one = of("reach", silent("HTTPSConnectionPool(host='10.0.0.1', port=443): Read timed out. (read timeout=5)"))

    assert "https://10.0.0.1:443: Read timed out. (read timeout=5)" == one.seen


def test_a_list_that_was_never_asked_for_does_not_pass() -> None:
    assert Verdict.FAILED is of("list", api(pods=None)).verdict


def test_pods_that_cannot_be_read_are_named() -> None:
    answer = PodsAnswer(0.1, 100, 3, ("items[2]: pod ml/x: metadata: is odd",))
    one = of("list", api(pods=answer))

    assert Verdict.WARNING is one.verdict
    assert "1 pod cannot be read: items[2]: pod ml/x" in one.seen
    assert 1 == one.facts["unreadable"]


@pytest.mark.parametrize("metas", [(), (meta("other"),)], ids=["no pod", "another node's pods"])
def test_a_name_under_which_the_kubelets_pods_are_not_known_is_wrong(metas: tuple[Any, ...]) -> None:
    """Neither label nor owner would be shown, and nothing else would say why."""
    evidence = healthy(looks=(Look(listing(TRAIN), metadata(*metas)),))
    one = found(evidence, "api.node-name")

    assert Verdict.FAILED is one.verdict
    assert f"has {len(metas)} pod" in one.seen
    assert "the kubelet lists 1" in one.seen
    assert "spec.nodeName" in one.remedy
    assert {"skipped"} == {
        verdicts(evidence)[f"pods.{name}"] for name in ("missing", "unknown", "finished", "requests")
    }


def test_a_name_cannot_be_told_without_pods() -> None:
    one = found(healthy(looks=(Look(listing(), metadata()),)), "api.node-name")

    assert (Verdict.OK, "n1; there are no pods to compare") == (one.verdict, one.seen)


def test_a_name_is_not_judged_without_both_sides() -> None:
    assert "(api.list)" in of("node-name", silent("x"), looks=(Look(listing(TRAIN)),)).seen
    assert "(kubelet.list)" in found(healthy(looks=(Look(None, metadata(meta())),)), "api.node-name").seen


def test_some_pods_known_to_one_side_only_do_not_make_the_name_wrong() -> None:
    evidence = healthy(looks=(Look(listing(TRAIN, pod("static")), metadata(meta())),))

    assert "n1: 1 of the kubelet's 2 pods known" == found(evidence, "api.node-name").seen


@pytest.mark.parametrize(
    ("skew", "seconds", "verdict", "seen"),
    [
        (0, 0.1, Verdict.OK, "within 1 s"),
        (4, 0.1, Verdict.OK, "within 4 s"),
        (6, 0.1, Verdict.WARNING, "6 s ahead of"),
        (-6, 0.1, Verdict.WARNING, "6 s behind"),
        (6, 2.0, Verdict.OK, "within 6 s"),
    ],
)
def test_a_clock_that_differs_is_a_warning(skew: float, seconds: float, verdict: Verdict, seen: str) -> None:
    """By more than the answer took."""
    answer = allowed(skew=skew, seconds=seconds)
    one = of("clock", api(reviews={"list": answer}))

    assert verdict is one.verdict
    assert seen in one.seen
    assert {"skew_seconds": skew} == one.facts


def test_a_server_that_does_not_tell_its_time_is_skipped() -> None:
    answer = replace(allowed(), date_seconds=None)

    assert Verdict.SKIPPED is of("clock", api(reviews={"list": answer, "watch": no_answer("x")})).verdict

"""SelfSubjectAccessReviews against healthy, faulty, slow and foreign servers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from api_rig import pod
from fake_clock import FakeClock
from pods_rig import TOKEN, Site, client_at
from raw_server import RawServer, chunked, whole
from tls_rig import Authority

from podres_exporter.clock import Clock, SystemClock
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.kube.access_review import Review, review
from podres_exporter.kube.client import KubeClient
from podres_exporter.sim.api import PODS, Drop, Fail, Hang

ALLOWED = b'{"status": {"allowed": true, "reason": "RBAC: allowed by ClusterRole"}}'


def of(server: RawServer, directory: Path, clock: Clock | None = None) -> KubeClient:
    return client_at(server.url, directory, clock or SystemClock())


def failure(call: Callable[[], object]) -> ApiServerError:
    with pytest.raises(ApiServerError) as caught:
        call()
    return caught.value


def test_a_right_that_we_have_and_one_that_we_lack(site: Site) -> None:
    """For all namespaces; the server tells its time."""
    site.store.create(PODS, pod("a"))
    site.server.faults.on_requests("watch", Fail(403), resource=PODS)
    client = site.client()
    listed, watched = review(client, "list", 2.0), review(client, "watch", 2.0)

    assert (True, False) == (listed.is_allowed, watched.is_allowed)
    assert listed.date_seconds is not None
    assert 60 > abs(listed.date_seconds - SystemClock().wall_seconds())


def test_the_token_is_sent(secured: Site) -> None:
    review(secured.client(), "list", 2.0)

    assert f"Bearer {TOKEN}" == secured.server.requests.recent[0].headers["authorization"]


def test_what_the_authorizer_says_is_kept(tmp_path: Path) -> None:
    with RawServer(whole(ALLOWED, "201 Created", "Date: Tue, 14 Nov 2023 22:13:20 GMT")) as server:
        found = review(of(server, tmp_path), "list", 2.0)

    assert Review(is_allowed=True, said="RBAC: allowed by ClusterRole", date_seconds=1_700_000_000.0) == found


@pytest.mark.parametrize("headers", [(), ("Date: yesterday",), ("Date: Tue, 14 Nov 99999 22:13:20 GMT",)])
def test_a_date_that_is_none_is_not_told(tmp_path: Path, headers: tuple[str, ...]) -> None:
    with RawServer(whole(b'{"status": {"allowed": false}}', "201 Created", *headers)) as server:
        found = review(of(server, tmp_path), "list", 2.0)

    assert Review(is_allowed=False, said="", date_seconds=None) == found


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"status": 7}', b'{"status": {}}', b"[" * 100_000],
    ids=lambda b: repr(b[:9]),
)
def test_an_answer_that_is_no_review_is_malformed(tmp_path: Path, body: bytes) -> None:
    """A captive portal, a proxy's error page."""
    with RawServer(whole(body)) as server:
        error = failure(lambda: review(of(server, tmp_path), "list", 2.0))

    assert (Reason.MALFORMED, "review") == (error.reason, error.verb)


@pytest.mark.parametrize(
    ("fault", "reason", "text"),
    [
        (Fail(401), Reason.DENIED, "HTTP 401: Unauthorized"),
        (Fail(403), Reason.DENIED, "HTTP 403"),
        (Fail(500), Reason.UNAVAILABLE, "HTTP 500"),
        (Drop(), Reason.UNAVAILABLE, "onnection"),
        (Hang(), Reason.TIMEOUT, "timed out"),
    ],
)
def test_a_server_that_does_not_tell_is_an_error_with_its_reason(
    site: Site, fault: Any, reason: Reason, text: str
) -> None:
    site.server.faults.on_requests("*", fault)
    error = failure(lambda: review(site.client(), "list", 0.3))

    assert reason is error.reason
    assert text in error.detail


def test_a_server_that_is_away_is_unavailable(site: Site) -> None:
    site.server.go_down()

    assert Reason.UNAVAILABLE is failure(lambda: review(site.client(), "list", 2.0)).reason


def test_a_certificate_that_nobody_has_signed_is_refused(tmp_path: Path) -> None:
    """Another cluster's kubeconfig."""
    site = Site(FakeClock(), tmp_path, Authority())
    with site.server:
        (tmp_path / "ca.crt").write_bytes(Authority().pem)
        error = failure(lambda: review(site.client(), "list", 2.0))

    assert Reason.DENIED is error.reason
    assert "CERTIFICATE_VERIFY_FAILED" in error.detail


def test_a_server_that_speaks_no_tls_is_unavailable(tmp_path: Path) -> None:
    with RawServer(b"hello\n") as server:
        client = client_at(server.url.replace("http:", "https:"), tmp_path, SystemClock())
        error = failure(lambda: review(client, "list", 2.0))

    assert Reason.UNAVAILABLE is error.reason


def test_a_token_that_is_no_header_is_told_without_it(tmp_path: Path) -> None:
    """http.client would quote it."""
    client = client_at("http://127.0.0.1:1", tmp_path, SystemClock(), token="secret\nvalue")  # noqa: S106 - a test's own
    error = failure(lambda: review(client, "list", 2.0))

    assert Reason.DENIED is error.reason
    assert "secret" not in str(error)
    assert None is error.__cause__


def test_an_answer_that_breaks_off_is_unavailable(tmp_path: Path) -> None:
    with RawServer(chunked(ALLOWED[:20], is_whole=False)) as server:
        error = failure(lambda: review(of(server, tmp_path), "list", 2.0))

    assert Reason.UNAVAILABLE is error.reason


def test_an_answer_that_takes_too_long_as_a_whole_is_a_timeout(tmp_path: Path) -> None:
    """Each piece may come in time."""

    class Racing(FakeClock):
        """Ten seconds go by with every look."""

        def monotonic_seconds(self) -> float:
            self.advance(10.0)
            return super().monotonic_seconds()

    with RawServer(whole(ALLOWED)) as server:
        error = failure(lambda: review(of(server, tmp_path, Racing()), "list", 2.0))

    assert Reason.TIMEOUT is error.reason


def test_an_endless_answer_is_cut_at_the_greatest_size(tmp_path: Path) -> None:
    with RawServer(whole(b" " * 1_000_000 + ALLOWED)) as server:
        error = failure(lambda: review(of(server, tmp_path), "list", 2.0))

    assert Reason.TOO_LARGE is error.reason

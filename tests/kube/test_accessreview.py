"""What we may do, asked of servers that are well, ill, slow or no API server at all."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from api_rig import pod
from fake_clock import FakeClock
from pods_rig import NODE, TOKEN, Site
from raw_server import RawServer, chunked, whole
from tls_rig import Authority

from podres_exporter.clock import SystemClock
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.kube.accessreview import AccessReviewer, Review
from podres_exporter.kube.credentials import kubeconfig_client
from podres_exporter.sim.api import PODS, Drop, Fail, Hang, kubeconfig

ALLOWED = b'{"status": {"allowed": true, "reason": "RBAC: allowed by ClusterRole"}}'


def reviewer(client: Any, clock: Any = None, seconds: float = 2.0) -> AccessReviewer:
    return AccessReviewer(client, clock or SystemClock(), 2.0, seconds)


def of(server: RawServer, directory: Path, clock: Any = None) -> AccessReviewer:
    path = directory / "raw-config"
    path.write_text(kubeconfig(server.url))
    return reviewer(kubeconfig_client(NODE, str(path)), clock)


def failure(call: Callable[[], object]) -> ApiServerError:
    with pytest.raises(ApiServerError) as caught:
        call()
    return caught.value


def test_a_right_that_we_have_and_one_that_we_lack(site: Site) -> None:
    """For all namespaces; the server tells its time."""
    site.store.create(PODS, pod("a"))
    site.server.faults.on_requests("watch", Fail(403), resource=PODS)
    asker = reviewer(site.make_client())
    listed, watched = asker.review("list"), asker.review("watch")

    assert (True, False) == (listed.is_allowed, watched.is_allowed)
    assert listed.date_seconds is not None
    assert 60 > abs(listed.date_seconds - SystemClock().wall_seconds())


def test_the_token_is_sent(secured: Site) -> None:
    reviewer(secured.make_client()).review("list")

    assert f"Bearer {TOKEN}" == secured.server.requests.recent[0].headers["authorization"]


def test_what_the_authorizer_says_is_kept(tmp_path: Path) -> None:
    with RawServer(whole(ALLOWED, "201 Created", "Date: Tue, 14 Nov 2023 22:13:20 GMT")) as server:
        review = of(server, tmp_path).review("list")

    assert Review(is_allowed=True, said="RBAC: allowed by ClusterRole", date_seconds=1_700_000_000.0) == review


@pytest.mark.parametrize("headers", [(), ("Date: yesterday",), ("Date: Tue, 14 Nov 99999 22:13:20 GMT",)])
def test_a_date_that_is_none_is_not_told(tmp_path: Path, headers: tuple[str, ...]) -> None:
    with RawServer(whole(b'{"status": {"allowed": false}}', "201 Created", *headers)) as server:
        review = of(server, tmp_path).review("list")

    assert Review(is_allowed=False, said="", date_seconds=None) == review


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"status": 7}', b'{"status": {}}', b"[" * 100_000],
    ids=lambda b: repr(b[:9]),
)
def test_an_answer_that_is_no_review_is_malformed(tmp_path: Path, body: bytes) -> None:
    """A captive portal, a proxy's error page."""
    with RawServer(whole(body)) as server:
        error = failure(lambda: of(server, tmp_path).review("list"))

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
    error = failure(lambda: reviewer(site.make_client(), seconds=0.3).review("list"))

    assert reason is error.reason
    assert text in error.detail


def test_a_server_that_is_away_is_unavailable(site: Site) -> None:
    site.server.go_down()

    assert Reason.UNAVAILABLE is failure(lambda: reviewer(site.make_client()).review("list")).reason


def test_a_certificate_that_nobody_has_signed_is_refused(tmp_path: Path) -> None:
    """Another cluster's kubeconfig."""
    site = Site(FakeClock(), tmp_path, Authority())
    with site.server:
        (tmp_path / "ca.crt").write_bytes(Authority().pem)
        error = failure(lambda: reviewer(site.make_client()).review("list"))

    assert Reason.DENIED is error.reason
    assert "CERTIFICATE_VERIFY_FAILED" in error.detail


def test_a_server_that_speaks_no_tls_is_unavailable(tmp_path: Path) -> None:
    with RawServer(b"hello\n") as server:
        path = tmp_path / "config"
        path.write_text(kubeconfig(server.url.replace("http:", "https:")))
        error = failure(lambda: reviewer(kubeconfig_client(NODE, str(path))).review("list"))

    assert Reason.UNAVAILABLE is error.reason


def test_a_token_that_is_no_header_is_told_without_it(tmp_path: Path) -> None:
    """http.client would quote it."""
    path = tmp_path / "config"
    path.write_text(kubeconfig("http://127.0.0.1:1", "secret\nvalue"))
    error = failure(lambda: reviewer(kubeconfig_client(NODE, str(path))).review("list"))

    assert Reason.DENIED is error.reason
    assert "secret" not in str(error)
    assert None is error.__cause__


def test_credentials_that_cannot_be_renewed_are_missing(secured: Site) -> None:
    """The package asks for them before every request; a plugin of a kubeconfig may fail."""

    def renew(_configuration: object) -> None:
        raise FileNotFoundError("no such plugin")

    client = secured.make_client()
    client.configuration.refresh_api_key_hook = renew
    error = failure(lambda: reviewer(client).review("list"))

    assert Reason.DENIED is error.reason
    assert "no credentials" in error.detail


def test_an_answer_that_breaks_off_is_unavailable(tmp_path: Path) -> None:
    with RawServer(chunked(ALLOWED[:20], is_whole=False)) as server:
        error = failure(lambda: of(server, tmp_path).review("list"))

    assert Reason.UNAVAILABLE is error.reason


def test_an_answer_that_takes_too_long_as_a_whole_is_a_timeout(tmp_path: Path) -> None:
    """Each piece may come in time."""

    class Racing(FakeClock):
        """Ten seconds go by with every look."""

        def monotonic_seconds(self) -> float:
            self.advance(10.0)
            return super().monotonic_seconds()

    with RawServer(whole(ALLOWED)) as server:
        error = failure(lambda: of(server, tmp_path, Racing()).review("list"))

    assert Reason.TIMEOUT is error.reason


def test_of_an_endless_answer_no_more_is_read_than_a_review_can_have(tmp_path: Path) -> None:
    with RawServer(whole(b" " * 1_000_000 + ALLOWED)) as server:
        error = failure(lambda: of(server, tmp_path).review("list"))

    assert Reason.MALFORMED is error.reason

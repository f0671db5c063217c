"""Requests to the API server, against servers that answer oddly."""

import gzip
from pathlib import Path

import pytest
from raw_server import RawServer, chunked, whole
from tls_rig import Authority

from podres_exporter.cli.kubectl.api import MOST_BYTES, KubeApi, Pods
from podres_exporter.cli.kubectl.connection import connect
from podres_exporter.clock import SystemClock
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.sim.api import ApiServer, Store, kubeconfig


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the proxies of the machine that runs the tests out of them."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def api(directory: Path, url: str, token: str | None = None, seconds: float = 5.0) -> KubeApi:
    file = directory / "config"
    file.write_text(kubeconfig(url, token))
    return KubeApi(connect(str(file), None, {}, connections=2), SystemClock(), seconds)


def failure(directory: Path, answer: bytes, seconds: float = 5.0) -> ApiServerError:
    with RawServer(answer) as server, pytest.raises(ApiServerError) as caught:
        api(directory, server.url).get("/x", {}, seconds)
    return caught.value


def test_a_body_is_unpacked_and_any_code_is_an_answer(tmp_path: Path) -> None:
    body = gzip.compress(b"hello")
    with RawServer(whole(body, "418 Teapot", "Content-Encoding: gzip")) as server:
        assert (418, b"hello") == api(tmp_path, server.url).get("/a:b/c", {"d": "e f"}, 5)

    head = server.heads[0].decode()
    assert head.startswith("GET /a:b/c?d=e%20f HTTP/1.1\r\n")
    assert "Accept-Encoding: gzip\r\n" in head


@pytest.mark.parametrize(
    ("answer", "reason", "words"),
    [
        (whole(b"not gzip", "200 OK", "Content-Encoding: gzip"), Reason.MALFORMED, "cannot be unpacked"),
        (chunked(b"half", is_whole=False), Reason.UNAVAILABLE, ""),
        (b"what?\r\n\r\n", Reason.UNAVAILABLE, ""),
        (b"", Reason.UNAVAILABLE, ""),
    ],
)
def test_what_breaks_off_or_is_no_http_is_an_error(tmp_path: Path, answer: bytes, reason: Reason, words: str) -> None:
    found = failure(tmp_path, answer)

    assert (reason, "get") == (found.reason, found.verb)
    assert words in found.detail


def test_a_body_that_never_ends_is_cut_at_its_longest(tmp_path: Path) -> None:
    """Compression makes a small answer large."""
    body = gzip.compress(b"\0" * (MOST_BYTES + 1), 1)

    assert Reason.TOO_LARGE is failure(tmp_path, whole(body, "200 OK", "Content-Encoding: gzip"), 20).reason


def test_a_body_that_trickles_is_given_up_at_the_deadline(tmp_path: Path) -> None:
    """Each piece comes in time, and all of them would not."""

    class Leap(SystemClock):
        """An hour passes between two looks."""

        now = 0.0

        def monotonic_seconds(self) -> float:
            Leap.now += 3600
            return Leap.now

    file = tmp_path / "config"
    with RawServer(chunked(b"a", b"b")) as server:
        file.write_text(kubeconfig(server.url))
        slow = KubeApi(connect(str(file), None, {}, connections=1), Leap(), 5)
        with pytest.raises(ApiServerError, match="incomplete after") as caught:
            slow.get("/x", {}, 5)

    assert Reason.TIMEOUT is caught.value.reason


def test_a_token_that_is_no_line_is_not_shown(tmp_path: Path) -> None:
    with RawServer(whole(b"")) as server, pytest.raises(ApiServerError) as caught:
        api(tmp_path, server.url, "secret\nsecret").get("/x", {}, 5)

    assert Reason.DENIED is caught.value.reason
    assert "secret" not in str(caught.value)


def test_a_server_that_nobody_vouches_for_is_denied(tmp_path: Path) -> None:
    clock = SystemClock()
    with (
        ApiServer(Store(clock), clock, tls=Authority().server_context("127.0.0.1")) as server,
        pytest.raises(ApiServerError) as caught,
    ):
        api(tmp_path, server.url).get("/version", {}, 5)

    assert Reason.DENIED is caught.value.reason
    assert "CERTIFICATE_VERIFY_FAILED" in caught.value.detail


def test_a_plugin_that_fails_later_is_no_credentials(tmp_path: Path) -> None:
    with RawServer(whole(b"")) as server:
        asker = api(tmp_path, server.url, "token")

        def refuse(_: object) -> None:
            raise OSError("no such plugin")

        asker._client.configuration.refresh_api_key_hook = refuse  # noqa: SLF001
        with pytest.raises(ApiServerError, match="no credentials: no such plugin") as caught:
            asker.get("/x", {}, 5)

    assert Reason.DENIED is caught.value.reason


def test_lists_are_of_a_namespace_or_of_all(tmp_path: Path) -> None:
    assert ("/api/v1/pods", {}) == (Pods().path, Pods().query)
    assert ("/api/v1/namespaces/a/pods", {"labelSelector": "b", "fieldSelector": "c"}) == (
        Pods("a", "b", "c").path,
        Pods("a", "b", "c").query,
    )
    assert "default" == api(tmp_path, "http://127.0.0.1:1").namespace


def test_what_is_closed_asks_no_more(tmp_path: Path) -> None:
    with RawServer(whole(b"")) as server:
        asker = api(tmp_path, server.url)
        asker.close()
        with pytest.raises(ApiServerError) as caught:
            asker.get("/x", {}, 5)

    assert Reason.UNAVAILABLE is caught.value.reason

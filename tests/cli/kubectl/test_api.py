"""Requests to the API server, against servers with malformed and unexpected answers."""

import gzip
from pathlib import Path

import pytest
from raw_server import RawServer, chunked, whole
from tls_rig import Authority

from podres_exporter.cli.kubectl.api import KubeApi, Pods
from podres_exporter.cli.kubectl.connection import connect
from podres_exporter.clock import Clock, SystemClock
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.kube.client import Limits
from podres_exporter.sim.api import ApiServer, Store, kubeconfig


def api(
    directory: Path, url: str, token: str | None = None, seconds: float = 60.0, clock: Clock | None = None
) -> KubeApi:
    file = directory / "config"
    file.write_text(kubeconfig(url, token))
    return connect(str(file), None, {}, clock or SystemClock(), Limits(list_seconds=seconds), connections=2)


def failure(directory: Path, answer: bytes, seconds: float = 60.0) -> ApiServerError:
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
        (whole(b"not gzip", "200 OK", "Content-Encoding: gzip"), Reason.MALFORMED, "cannot be decompressed"),
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
    body = gzip.compress(b"\0" * (Limits().body_bytes + 1), 1)

    assert Reason.TOO_LARGE is failure(tmp_path, whole(body, "200 OK", "Content-Encoding: gzip"), 20).reason


def test_a_body_that_trickles_is_given_up_at_the_deadline(tmp_path: Path) -> None:
    """Each piece comes in time, and all of them would not."""

    class Leap(SystemClock):
        """An hour passes between two looks."""

        now = 0.0

        def monotonic_seconds(self) -> float:
            Leap.now += 3600
            return Leap.now

    with RawServer(chunked(b"a", b"b")) as server:
        slow = api(tmp_path, server.url, clock=Leap())
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


def test_nodes_are_asked_for_by_name_only(tmp_path: Path) -> None:
    """A node object has tens of KiB; a server that cannot leave them out sends them."""
    body = b'{"metadata": {}, "items": [{"metadata": {"name": "a"}, "status": {}}, {"metadata": {"name": "b"}}]}'
    with RawServer(whole(body)) as server:
        assert ["a", "b"] == api(tmp_path, server.url).nodes()

    assert b"Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, " in server.heads[0]


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

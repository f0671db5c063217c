"""The API client against healthy, faulty, slow, hostile and stopped servers, over HTTP and TLS."""

import gzip
import socket
import threading
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from api_rig import pod
from eventually import eventually
from pods_rig import NODE, PATIENT, QUICK, TOKEN, ParkingClock, Site, client_at
from raw_server import RawServer, chunked, whole
from tls_rig import Authority

from podres_exporter.clock import SystemClock
from podres_exporter.errors import ApiServerError, ConfigError, Reason
from podres_exporter.kube.auth.kubeconfig import Kubeconfig
from podres_exporter.kube.client import WITHOUT_MANAGED_FIELDS, KubeClient, Limits
from podres_exporter.kube.reflector.list_watch import ListWatch, pods_of_node
from podres_exporter.sim.api import PODS, ApiServer, Drop, Fail, Hang, StreamFault, Trickle


def failure(call: Callable[[], object]) -> ApiServerError:
    with pytest.raises(ApiServerError) as caught:
        call()
    return caught.value


def reason(call: Callable[[], object]) -> Reason:
    return failure(call).reason


def watched(client: ListWatch, version: str = "1") -> list[bytes]:
    """Return all lines of a watch."""
    with client.watch(version, 250) as lines:
        return list(lines)


def raw_client(server: RawServer, tmp_path: Path, limits: Limits = PATIENT) -> ListWatch:
    return pods_of_node(client_at(server.url, tmp_path, SystemClock(), limits), NODE)


def test_a_list_asks_for_one_node_from_the_cache_and_takes_it_compressed(site: Site) -> None:
    for number in range(10):
        site.store.create(PODS, pod(f"p{number}", annotations={"note": "x" * 14_000}))
    body = site.connect().list()
    request = site.server.requests.recent[0]

    assert 10 == body.count(b'"nodeName":"n1"')
    assert {"fieldSelector": "spec.nodeName=n1", "resourceVersion": "0"} == request.query
    assert ("gzip", WITHOUT_MANAGED_FIELDS) == (request.headers["accept-encoding"], request.headers["accept"])


def test_a_watch_asks_for_bookmarks_and_an_end_and_no_compression(site: Site) -> None:
    site.store.create(PODS, pod("a"))
    site.server.faults.on_next_watches(StreamFault.CLOSE)
    lines = watched(site.connect())
    request = site.server.requests.recent[0]

    assert [True] == [line.startswith(b'{"type":"ADDED"') and line.endswith(b"}") for line in lines]
    assert {
        "fieldSelector": "spec.nodeName=n1",
        "watch": "true",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": "250",
        "resourceVersion": "1",
    } == request.query
    assert "identity" == request.headers["accept-encoding"]


def test_every_request_in_a_cluster_carries_the_token(secured: Site) -> None:
    """Lists, watches, and those after a refusal."""
    client = secured.connect()
    secured.server.faults.on_requests("list", Fail(401), times=1)
    secured.server.faults.on_next_watches(StreamFault.CLOSE, times=None)
    assert Reason.DENIED is reason(client.list)
    client.list()
    watched(client)

    sent = [each.headers.get("authorization") for each in secured.server.requests.recent]
    assert [f"Bearer {TOKEN}"] * 3 == sent


@pytest.mark.parametrize("verb", ["list", "watch"])
@pytest.mark.parametrize(
    ("code", "expected", "wait"),
    [
        (400, Reason.INTERNAL, 7.0),
        (403, Reason.DENIED, None),
        (404, Reason.NOT_FOUND, None),
        (410, Reason.GONE, None),
        (429, Reason.THROTTLED, 7.0),
        (500, Reason.UNAVAILABLE, 7.0),
        (504, Reason.TIMEOUT, 7.0),
    ],
)
def test_a_refusal_is_an_error_with_its_reason(
    site: Site, verb: str, code: int, expected: Reason, wait: float | None
) -> None:
    """The server says how long to wait for what goes by."""
    site.server.faults.on_requests(verb, Fail(code, retry_after_seconds=7))
    client = site.connect()
    error = failure(client.list if verb == "list" else lambda: watched(client))

    assert (verb, expected, wait) == (error.verb, error.reason, error.retry_after_seconds)
    assert error.detail.startswith(f"{verb}: HTTP {code}")


def test_the_connection_is_used_again_after_a_list_a_watch_and_a_refusal(tmp_path: Path) -> None:
    """A handshake per request would be dear for the API server."""
    clock = ParkingClock()
    site = Site(clock, tmp_path, None)
    site.server.faults.on_next_watches(StreamFault.CLOSE, times=None)
    with site.server:
        client = site.connect()
        client.list()
        watched(client)
        site.server.faults.on_requests("list", Fail(500), times=1)
        reason(client.list)
        client.list()
        serving = [each.name for each in threading.enumerate() if each.name.startswith("sim-api-")]

    assert ["sim-api-1", "sim-api-accept"] == sorted(serving)


def test_a_date_to_come_back_at_is_seconds_from_now(tmp_path: Path) -> None:
    """784111777 s is the example of RFC 9110; that is long ago, so there is nothing to wait for."""
    answer = whole(b"", "429 Too Many Requests", "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT")
    with RawServer(answer) as server:
        assert 0.0 == failure(raw_client(server, tmp_path).list).retry_after_seconds


def test_a_proxy_s_error_page_is_not_told(tmp_path: Path) -> None:
    with RawServer(whole(b"<html>" + b"x" * 100_000, "502 Bad Gateway")) as server:
        assert "list: HTTP 502" == failure(raw_client(server, tmp_path).list).detail


def test_an_error_page_that_breaks_off_is_still_its_code(tmp_path: Path) -> None:
    with RawServer(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 100\r\n\r\nx") as server:
        assert "list: HTTP 503" == failure(raw_client(server, tmp_path).list).detail


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent"])
def test_a_redirect_is_not_followed(tmp_path: Path, status: str) -> None:
    """It would carry the token to wherever it leads, be it another path or another host."""
    with RawServer(whole(b"{}")) as other:
        for place in ("/elsewhere", other.url):
            with RawServer(whole(b"", status, f"Location: {place}")) as server:
                client = client_at(server.url, tmp_path, SystemClock(), token=TOKEN)
                assert Reason.INTERNAL is reason(pods_of_node(client, NODE).list)
                assert status[:3] == str(client.get("/version", {}, 5).code)
                assert 2 == len(server.heads)
        assert [] == other.heads


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"", Reason.UNAVAILABLE),
        (b"SSH-2.0-OpenSSH\r\n", Reason.UNAVAILABLE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", Reason.UNAVAILABLE),
        (chunked(b"{", is_whole=False), Reason.UNAVAILABLE),
        (chunked(b"{", is_whole=False) + b"zz\r\n", Reason.UNAVAILABLE),
        (whole(b"this is not gzip", "200 OK", "Content-Encoding: gzip"), Reason.MALFORMED),
        (whole(b"x" * 1_000_001), Reason.TOO_LARGE),
        (whole(gzip.compress(b"x" * 1_000_001, mtime=0), "200 OK", "Content-Encoding: gzip"), Reason.TOO_LARGE),
    ],
)
def test_an_answer_that_is_none_has_a_reason(tmp_path: Path, answer: bytes, expected: Reason) -> None:
    with RawServer(answer) as server:
        assert expected is reason(raw_client(server, tmp_path).list)


def test_a_compressed_list_in_chunks_is_whole(tmp_path: Path) -> None:
    """As the real server sends it, which does not know the length before its end."""
    body = b"0123456789" * 20_000
    packed = gzip.compress(body)
    head, _, chunks = chunked(packed[:100], packed[100:]).partition(b"\r\n\r\n")
    with RawServer(head + b"\r\nContent-Encoding: gzip\r\n\r\n" + chunks) as server:
        assert body == raw_client(server, tmp_path).list()


def test_an_answer_of_exactly_the_greatest_size_is_taken(tmp_path: Path) -> None:
    with RawServer(whole(b"x" * 1_000_000)) as server:
        assert 1_000_000 == len(raw_client(server, tmp_path).list())


def test_a_watch_in_small_pieces_is_whole_lines(tmp_path: Path) -> None:
    with RawServer(chunked(b'{"a"', b':1}\n{"b":2}\n', b"\n", b"{}", b"\n")) as server:
        assert [b'{"a":1}', b'{"b":2}', b"{}"] == watched(raw_client(server, tmp_path))


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (StreamFault.CUT, Reason.UNAVAILABLE),
        (StreamFault.TRUNCATE, Reason.UNAVAILABLE),
        (StreamFault.OVERSIZE, Reason.TOO_LARGE),
        (StreamFault.STALL, Reason.TIMEOUT),
    ],
)
def test_a_watch_that_breaks_has_told_what_came_before(site: Site, fault: StreamFault, expected: Reason) -> None:
    site.server.faults.oversized_line_bytes = 200_000
    site.server.faults.on_next_watches(fault)
    site.store.create(PODS, pod("a"))
    lines: list[bytes] = []
    client = site.connect(QUICK if expected is Reason.TIMEOUT else PATIENT)

    def follow() -> None:
        with client.watch("1", 250) as stream:
            lines.extend(stream)

    error = failure(follow)

    assert ("watch", expected, 1) == (error.verb, error.reason, len(lines))


@pytest.mark.parametrize("verb", ["list", "watch"])
@pytest.mark.parametrize(("fault", "expected"), [(Drop(), Reason.UNAVAILABLE), (Hang(), Reason.TIMEOUT)])
def test_no_answer_has_a_reason(site: Site, verb: str, fault: Drop | Hang, expected: Reason) -> None:
    site.server.faults.on_requests(verb, fault)
    client = site.connect(QUICK if expected is Reason.TIMEOUT else PATIENT)

    assert expected is reason(client.list if verb == "list" else lambda: watched(client))


def test_a_trickling_list_ends_at_its_deadline(site: Site) -> None:
    """Every piece comes in time, so a timeout for each read alone would wait forever."""
    site.store.create(PODS, pod("a"))
    site.server.faults.on_requests("list", Trickle(seconds=1.0, piece_bytes=10))

    assert Reason.TIMEOUT is reason(site.connect(Limits(list_seconds=5.0)).list)


def test_nobody_there_is_unavailable_and_then_somebody_is(site: Site) -> None:
    client = site.connect()
    site.server.go_down()
    assert Reason.UNAVAILABLE is reason(client.list)
    assert Reason.UNAVAILABLE is reason(lambda: watched(client))
    site.server.start()

    assert b'"items":[]' in client.list()


def test_a_name_that_does_not_resolve_is_unavailable(tmp_path: Path) -> None:
    client = pods_of_node(client_at("http://no-such-host.invalid:1", tmp_path, SystemClock()), NODE)

    assert Reason.UNAVAILABLE is reason(client.list)


def test_a_server_that_does_not_speak_tls_is_unavailable(tmp_path: Path) -> None:
    with RawServer(b"plain text\r\n") as server:
        url = server.url.replace("http:", "https:")
        client = pods_of_node(client_at(url, tmp_path, SystemClock()), NODE)

        assert Reason.UNAVAILABLE is reason(client.list)


def test_a_handshake_that_never_ends_is_a_timeout(tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        client = pods_of_node(client_at(url, tmp_path, SystemClock(), Limits(connect_seconds=0.1)), NODE)

        assert Reason.TIMEOUT is reason(client.list)


def test_a_token_that_is_refused_is_read_again(secured: Site) -> None:
    client = secured.connect()
    secured.server.token = "another"  # noqa: S105 - a test's own
    assert Reason.DENIED is reason(client.list)
    (secured.directory / "token").write_text("another")

    assert b'"items":[]' in client.list()


def test_a_kubeconfig_s_token_that_is_refused_is_read_again(secured: Site) -> None:
    path = secured.directory / "config"
    credentials = partial(Kubeconfig, [str(path)], None, {}, secured.clock)
    client = pods_of_node(KubeClient(credentials, "a test", secured.clock, PATIENT), NODE)
    client.list()
    secured.server.token = "another"  # noqa: S105 - a test's own
    path.write_text(path.read_text().replace(TOKEN, "another"))
    assert Reason.DENIED is reason(client.list)

    assert b'"items":[]' in client.list()


def test_an_authority_that_is_not_trusted_is_a_denial_and_is_read_again(
    secured: Site, clock: ParkingClock, tmp_path: Path
) -> None:
    """The cluster's certificates were replaced; the package would keep the old ca.crt forever."""
    client = secured.connect()
    client.list()
    secured.server.stop()
    authority = Authority()
    address = secured.environ["KUBERNETES_SERVICE_HOST"], int(secured.environ["KUBERNETES_SERVICE_PORT"])
    with ApiServer(secured.store, clock, address, TOKEN, tls=authority.server_context()):
        error = failure(client.list)
        (tmp_path / "ca.crt").write_bytes(authority.pem)

        assert Reason.DENIED is error.reason
        assert "CERTIFICATE_VERIFY_FAILED" in error.detail
        assert b'"items":[]' in client.list()


def test_a_certificate_for_another_name_is_a_denial(tmp_path: Path, clock: ParkingClock, authority: Authority) -> None:
    site = Site(clock, tmp_path, authority)
    address = site.environ["KUBERNETES_SERVICE_HOST"], int(site.environ["KUBERNETES_SERVICE_PORT"])
    site.server.stop()
    with ApiServer(site.store, clock, address, TOKEN, tls=authority.server_context("elsewhere.example")):
        assert Reason.DENIED is reason(site.connect().list)


def test_files_that_vanish_are_a_denial_until_they_are_back(secured: Site) -> None:
    client = secured.connect()
    token = secured.directory / "token"
    token.unlink()
    secured.server.faults.on_requests("list", Fail(401), times=1)
    assert Reason.DENIED is reason(client.list)
    error = failure(client.list)
    token.write_text(TOKEN)

    assert (Reason.DENIED, True) == (error.reason, "automountServiceAccountToken" in error.detail)
    assert b'"items":[]' in client.list()


def test_a_token_that_is_unfit_for_a_header_is_not_told_to_anybody(tmp_path: Path) -> None:
    """The text of http.client's own error quotes it."""
    with RawServer(whole(b"{}")) as server:
        client = pods_of_node(client_at(server.url, tmp_path, SystemClock(), token="se\ncret"), NODE)  # noqa: S106 - a test's own
        error = failure(client.list)

    assert Reason.DENIED is error.reason
    assert "cret" not in "".join(traceback.format_exception(error))


def test_without_a_node_nothing_is_asked(site: Site) -> None:
    """An empty selector would list and watch the pods of the whole cluster, from every node."""
    with pytest.raises(ConfigError, match="--node-name"):
        pods_of_node(site.client(), "")

    assert 0 == site.server.requests.count()


@pytest.mark.parametrize("verb", ["list", "watch"])
@pytest.mark.parametrize("has_begun", [True, False])
def test_closing_ends_what_is_under_way_at_once(site: Site, clock: ParkingClock, verb: str, has_begun: bool) -> None:
    """Before the head of the answer and in its body, with TLS too, where another thread may be inside of OpenSSL."""
    faults = site.server.faults
    if not has_begun:
        faults.on_requests(verb, Hang())
    elif verb == "list":
        # The head comes at once, and the body never: time stands still.
        clock.limit_seconds = clock.monotonic_seconds()
        faults.on_requests("list", Trickle(seconds=60.0))
    client = site.connect(Limits())
    errors: list[ApiServerError] = []
    call = client.list if verb == "list" else lambda: watched(client)
    waiting = threading.Thread(target=lambda: errors.append(failure(call)), daemon=True)
    waiting.start()
    assert site.server.requests.wait_for(1, verb)
    if has_begun and verb == "watch":
        assert eventually(lambda: faults.open_watches == 1)
    client.close()
    waiting.join(60)

    assert [Reason.UNAVAILABLE] == [each.reason for each in errors]


def test_what_is_asked_after_closing_fails_without_a_request(site: Site) -> None:
    client = site.connect()
    client.close()
    client.close()

    assert Reason.UNAVAILABLE is reason(client.list)
    assert Reason.UNAVAILABLE is reason(lambda: watched(client))
    assert 0 == site.server.requests.count()


def test_a_watch_that_is_left_is_closed(site: Site) -> None:
    with site.connect().watch("1", 250):
        assert eventually(lambda: site.server.faults.open_watches == 1)

    assert eventually(lambda: site.server.faults.open_watches == 0)

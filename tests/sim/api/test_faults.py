"""Faults injected into the running API server."""

import http.client
import json
import socket
import threading

import pytest
from api_rig import Client, pod
from fake_clock import FakeClock

from podres_exporter.sim.api import (
    ANY,
    NODES,
    PODS,
    ApiServer,
    Delay,
    Drop,
    Fail,
    Hang,
    Store,
    StreamFault,
    Trickle,
)

PODS_PATH = "/api/v1/pods"


def test_the_next_requests_of_a_verb_fail_and_then_no_more(server: ApiServer, client: Client) -> None:
    server.faults.on_requests("list", Fail(500), times=2)

    assert [500, 500, 200] == [client.get(PODS_PATH).code for _ in range(3)]


def test_all_requests_fail_until_the_fault_is_cleared(server: ApiServer, client: Client) -> None:
    server.faults.on_requests(ANY, Fail(503))

    assert [503, 503, 503] == [client.get(path).code for path in (PODS_PATH, "/version", "/api/v1/nodes")]
    server.faults.clear()
    assert 200 == client.get(PODS_PATH).code


def test_a_fault_concerns_its_verb_and_resource_only(server: ApiServer, client: Client) -> None:
    server.faults.on_requests("list", Fail(500), resource=PODS)
    server.faults.on_requests("watch", Fail(404), resource=NODES)

    assert [500, 200, 200, 404] == [
        client.get(path).code for path in (PODS_PATH, "/api/v1/nodes", "/version", "/api/v1/nodes?watch=1")
    ]


def test_faults_come_in_the_order_they_were_switched_on(server: ApiServer, client: Client) -> None:
    server.faults.on_requests("list", Fail(500), times=1)
    server.faults.on_requests("list", Fail(401), times=1)

    assert [500, 401, 200] == [client.get(PODS_PATH).code for _ in range(3)]


def test_throttling_is_plain_text_with_the_time_to_wait(server: ApiServer, client: Client) -> None:
    """It comes from the filter before everything else (server/filters, tooManyRequests)."""
    server.faults.on_requests("list", Fail(429, retry_after_seconds=7))
    reply = client.get(PODS_PATH)

    assert (429, "7", b"Too many requests, please try again later.\n") == (
        reply.code,
        reply.headers["retry-after"],
        reply.body,
    )


@pytest.mark.parametrize(
    ("code", "reason", "message"),
    [
        (410, "Expired", "too old resource version: 5 (1)"),
        (500, "InternalError", "Internal error occurred: simulated fault"),
        (503, "ServiceUnavailable", "the server is currently unable to handle the request"),
        (504, "Timeout", "Timeout: request did not complete within the allotted timeout"),
        (418, "I'maTeapot", "simulated fault"),
    ],
)
def test_a_watch_that_cannot_begin_is_a_status(
    server: ApiServer, client: Client, code: int, reason: str, message: str
) -> None:
    """The other form of 410: as the HTTP status itself."""
    server.faults.on_requests("watch", Fail(code))
    reply = client.get(f"{PODS_PATH}?watch=1&resourceVersion=5")

    assert (code, reason, message) == (reply.code, reply.json["reason"], reply.json["message"])


def test_a_hanging_request_is_counted_and_never_answered(server: ApiServer, client: Client) -> None:
    server.faults.on_requests("list", Hang(), times=1)
    connection = client.connect(timeout_seconds=0.2)
    connection.request("GET", PODS_PATH)

    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    assert {("list", PODS_PATH, 0): 1} == server.requests.counts
    assert 200 == client.get(PODS_PATH).code


def test_clearing_the_faults_closes_what_hangs(server: ApiServer, client: Client) -> None:
    server.faults.on_requests("list", Hang())
    connection = client.connect()
    connection.request("GET", PODS_PATH)
    assert server.requests.wait_for(1, "list", code=0)
    server.faults.clear()

    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    connection.close()


def test_a_dropped_request_gets_no_answer(server: ApiServer, client: Client) -> None:
    server.faults.on_requests("list", Drop(), times=1)

    with pytest.raises(http.client.RemoteDisconnected):
        client.get(PODS_PATH)
    assert [0, 200] == [*(each.code for each in server.requests.recent), client.get(PODS_PATH).code]


def test_a_slow_answer_comes_late_by_the_servers_clock(server: ApiServer, clock: FakeClock, client: Client) -> None:
    before = clock.monotonic_seconds()
    server.faults.on_requests("list", Delay(30.0))

    assert 200 == client.get(PODS_PATH).code
    assert before + 30 == clock.monotonic_seconds()


def test_a_trickling_answer_comes_in_pieces(server: ApiServer, store: Store, clock: FakeClock, client: Client) -> None:
    """A client with a timeout per read alone would wait forever."""
    store.create(PODS, pod("a"))
    before = clock.monotonic_seconds()
    server.faults.on_requests("list", Trickle(seconds=1.0, piece_bytes=10))
    reply = client.get(PODS_PATH)

    assert "a" == reply.json["items"][0]["metadata"]["name"]
    assert before - (-len(reply.body) // 10) == clock.monotonic_seconds()


def test_every_open_watch_can_be_closed_at_once(server: ApiServer, client: Client) -> None:
    streams = [client.watch(f"{PODS_PATH}?resourceVersion=1") for _ in range(3)]
    wait_until_open(server, 3)
    server.faults.on_open_watches(StreamFault.CLOSE)

    assert [b"", b"", b""] == [stream.line() for stream in streams]
    for stream in streams:
        stream.close()


def wait_until_open(server: ApiServer, number: int) -> None:
    """Return when the server follows changes on every stream, which is shortly after it has sent the head."""
    ticker = threading.Event()
    for _ in range(100):
        if server.faults.open_watches == number:
            return
        ticker.wait(0.02)
    pytest.fail("the watches did not open")


def test_a_watch_can_expire_in_the_stream(server: ApiServer, store: Store, client: Client) -> None:
    server.faults.on_next_watches(StreamFault.EXPIRE)
    with client.watch(PODS_PATH) as stream:
        kind, status = stream.event()

        assert ("ERROR", 410, "Expired") == (kind, status["code"], status["reason"])
        assert b"" == stream.line()
    with client.watch(PODS_PATH) as stream:
        store.create(PODS, pod("a"))
        assert ["ADDED a"] == stream.brief(1)


def test_every_next_watch_can_be_hit(server: ApiServer, client: Client) -> None:
    server.faults.on_next_watches(StreamFault.CLOSE, times=None)
    for _ in range(3):
        with client.watch(PODS_PATH) as stream:
            assert b"" == stream.line()
    server.faults.clear()
    with client.watch(PODS_PATH, timeout_seconds=0.2) as stream, pytest.raises(TimeoutError):
        stream.line()


def test_a_truncated_line_is_half_an_event(server: ApiServer, client: Client) -> None:
    server.faults.on_next_watches(StreamFault.TRUNCATE)
    with client.watch(PODS_PATH) as stream:
        line = stream.line()

        with pytest.raises(json.JSONDecodeError):
            json.loads(line)
        assert line.startswith(b'{"type":"BOOKMARK"')
        assert b"" == stream.line()


def test_a_cut_connection_lacks_the_last_chunk(server: ApiServer, client: Client) -> None:
    server.faults.on_next_watches(StreamFault.CUT)
    connection = client.connect()
    connection.request("GET", f"{PODS_PATH}?watch=1")

    with pytest.raises(http.client.IncompleteRead):
        connection.getresponse().read()
    connection.close()


def test_an_oversized_line_is_valid_and_the_watch_goes_on(server: ApiServer, store: Store, client: Client) -> None:
    server.faults.oversized_line_bytes = 300_000
    server.faults.on_next_watches(StreamFault.OVERSIZE)
    with client.watch(PODS_PATH) as stream:
        line = stream.line()
        store.create(PODS, pod("a"))

        assert len(line) > 300_000
        assert "BOOKMARK" == json.loads(line)["type"]
        assert ["ADDED a"] == stream.brief(1)


def test_a_half_open_watch_stays_open_and_says_nothing(server: ApiServer, store: Store, client: Client) -> None:
    server.faults.on_next_watches(StreamFault.STALL)
    with client.watch(f"{PODS_PATH}?resourceVersion=1", timeout_seconds=0.3) as stream:
        store.create(PODS, pod("a"))
        lines: list[bytes] = []
        with pytest.raises(TimeoutError):
            lines.extend(stream.line() for _ in range(2))

        assert len(lines) <= 1


def test_a_half_open_watch_ends_when_the_faults_are_cleared(server: ApiServer, client: Client) -> None:
    with client.watch(f"{PODS_PATH}?resourceVersion=1") as stream:
        wait_until_open(server, 1)
        server.faults.on_open_watches(StreamFault.STALL)
        server.faults.on_next_watches(StreamFault.EXPIRE)
        threading.Timer(0.2, server.faults.clear).start()

        with pytest.raises(http.client.IncompleteRead):
            stream._response.read()  # noqa: SLF001 - a line would hide how it ended


def test_a_server_that_is_down_refuses_and_comes_back_at_the_same_place(
    server: ApiServer, store: Store, client: Client
) -> None:
    url = server.url
    with client.watch(PODS_PATH) as stream:
        server.go_down()

        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            stream._response.read()  # noqa: SLF001 - a line would hide how it ended
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            client.get(PODS_PATH)
    server.go_down()
    server.start()
    store.create(PODS, pod("a"))

    assert (url, 200) == (server.url, client.get(PODS_PATH).code)


def test_connections_can_be_dropped_without_going_down(server: ApiServer, client: Client) -> None:
    connection = client.connect()
    connection.connect()
    connection.request("GET", "/version")
    connection.getresponse().read()
    server.drop_connections()
    assert isinstance(connection.sock, socket.socket)

    assert b"" == connection.sock.recv(1)
    assert 200 == client.get(PODS_PATH).code
    connection.close()

"""The server as a whole: no client can block it, and it stops."""

import contextlib
import os
import resource
import select
import socket
import threading
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import pytest
from eventually import eventually

from podres_exporter.clock import SystemClock
from podres_exporter.listen import ListenAddress
from podres_exporter.web.connections import Limits
from podres_exporter.web.dispatch import Route, Share
from podres_exporter.web.request import Request
from podres_exporter.web.response import Response
from podres_exporter.web.server import WebServer

Serve = Callable[..., WebServer]
Connect = Callable[[WebServer], socket.socket]
ReadAnswer = Callable[..., tuple[int, dict[str, str], bytes]]

HUGE = b"x" * (16 * 1024 * 1024)
GET_METRICS = b"GET /metrics HTTP/1.1\r\nHost: n\r\n\r\n"
GET_HUGE = b"GET /huge HTTP/1.1\r\nHost: n\r\n\r\n"
GET_GATE = b"GET /gate HTTP/1.1\r\nHost: n\r\n\r\n"


class Gate:
    """A handler that says when it runs and ends when it may."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.may_leave = threading.Event()

    def routes(self) -> dict[str, Route]:
        return {
            "/metrics": Route(lambda _: Response(HTTPStatus.OK, b"page"), Share.SCRAPE),
            "/huge": Route(lambda _: Response(HTTPStatus.OK, HUGE), Share.SCRAPE),
            "/gate": Route(lambda _: self.answer(), Share.SCRAPE),
        }

    def answer(self) -> Response:
        self.entered.set()
        assert self.may_leave.wait(60)
        return Response(HTTPStatus.OK, b"through")


@pytest.fixture
def gate() -> Gate:
    return Gate()


def is_at_end(sock: socket.socket) -> bool:
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_hundred_idle_connections_do_not_delay_a_scrape(
    serve: Serve, connect: Connect, read_answer: ReadAnswer, gate: Gate
) -> None:
    """The ones that have been silent longest make room; the rest stay, and are served when they speak."""
    server = serve(gate.routes(), limits=Limits(newcomers=64))
    idle = [connect(server) for _ in range(100)]
    scraper = connect(server)
    scraper.sendall(GET_METRICS)

    assert read_answer(scraper)[2] == b"page"
    assert [True] * 37 == [is_at_end(sock) for sock in idle[:37]]
    idle[37].sendall(GET_METRICS)
    assert read_answer(idle[37])[2] == b"page"


def test_a_hundred_unfinished_heads_do_not_delay_a_scrape(
    serve: Serve, connect: Connect, read_answer: ReadAnswer, gate: Gate
) -> None:
    server = serve(gate.routes())
    for _ in range(100):
        connect(server).sendall(b"GET /metrics HTT")
    scraper = connect(server)
    scraper.sendall(GET_METRICS)

    assert read_answer(scraper)[2] == b"page"


@pytest.mark.parametrize("said", [b"", b"GET /metrics HTT"])
def test_who_has_asked_nothing_costs_no_thread(
    serve: Serve, connect: Connect, read_answer: ReadAnswer, gate: Gate, said: bytes
) -> None:
    server = serve(gate.routes())
    for _ in range(20):
        connect(server).sendall(said)
    scraper = connect(server)
    scraper.sendall(GET_METRICS)
    read_answer(scraper)

    assert sum(each.name.removeprefix("web-").isdecimal() for each in threading.enumerate()) == 1


def test_who_never_asks_is_sent_away_in_the_end(serve: Serve, connect: Connect, gate: Gate) -> None:
    sock = connect(serve(gate.routes(), limits=Limits(idle_seconds=0.2)))

    assert is_at_end(sock)


def test_clients_that_have_asked_nothing_leave_without_a_thread(
    serve: Serve, connect: Connect, read_answer: ReadAnswer, gate: Gate
) -> None:
    """The kernel says that they are gone; a request that came before the farewell is answered all the same."""
    server = serve(gate.routes())
    silent, beginner, asker = connect(server), connect(server), connect(server)
    for sock, said in ((silent, b""), (beginner, b"GET /"), (asker, GET_METRICS)):
        sock.sendall(said)
        sock.shutdown(socket.SHUT_WR)

    assert read_answer(asker)[2] == b"page"
    assert [True, True, True] == [is_at_end(sock) for sock in (silent, beginner, asker)]


def test_readers_that_take_nothing_do_not_delay_a_scrape(
    serve: Serve, connect: Connect, read_answer: ReadAnswer, gate: Gate
) -> None:
    """Sending does not count against --web.max-requests, and a full house gives up the slowest."""
    server = serve(gate.routes(), limits=Limits(connections=8, patience_seconds=0), max_requests=2)
    for _ in range(8):
        slow = connect(server)
        slow.sendall(GET_HUGE)
        slow.recv(1)
    scraper = connect(server)
    scraper.sendall(GET_METRICS)

    assert read_answer(scraper)[2] == b"page"


def test_a_client_is_told_when_every_connection_is_busy(
    serve: Serve, connect: Connect, read_answer: ReadAnswer, gate: Gate
) -> None:
    """Those being answered are not cut for it."""
    server = serve(gate.routes(), limits=Limits(connections=1, queue_seconds=0.1))
    first = connect(server)
    first.sendall(GET_GATE)
    gate.entered.wait(60)
    second = connect(server)
    second.sendall(GET_METRICS)
    status, headers, _ = read_answer(second)
    gate.may_leave.set()

    assert (503, "1", "close") == (status, headers["retry-after"], headers["connection"])
    assert second.recv(1) == b""  # orderly: a reset could take the answer back
    assert read_answer(first)[2] == b"through"


def test_a_server_without_file_descriptors_recovers(
    serve: Serve, read_answer: ReadAnswer, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    """The accepting thread neither dies nor spins, and who waits in the backlog is served in the end."""
    server = serve(gate.routes(), limits=Limits(head_seconds=0.2))
    waiting = socket.socket()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with waiting, contextlib.ExitStack() as stack:
        highest = max(int(name) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208 - numbers, not paths
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        with contextlib.suppress(OSError):
            while True:
                stack.callback(os.close, os.dup(waiting.fileno()))
        waiting.connect((server.addresses[0].host, server.addresses[0].port))
        for _ in range(200):
            if caplog.records:
                break
            select.select([], [], [], 0.01)
        stack.close()
        waiting.settimeout(60)
        waiting.sendall(GET_METRICS)

        assert read_answer(waiting)[2] == b"page"
    assert {"web.accept_failed"} == {record.message for record in caplog.records}
    assert len(caplog.records) < 100


def test_a_server_that_may_have_no_more_threads_says_so_and_recovers(
    serve: Serve, connect: Connect, read_answer: ReadAnswer, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    """A stack that fits into no address space stands for a process that has reached its limit."""
    server = serve(gate.routes())
    usual = threading.stack_size(2**46)
    before = connect(server)
    before.sendall(GET_METRICS)
    try:
        status, _, _ = read_answer(before)
    finally:
        threading.stack_size(usual)
    after = connect(server)
    after.sendall(GET_METRICS)

    assert (503, b"page") == (status, read_answer(after)[2])
    assert [record.message for record in caplog.records] == ["web.thread_failed"]


def test_several_addresses_are_served_by_one_server(read_answer: ReadAnswer, gate: Gate) -> None:
    """--web.listen-address may be repeated."""
    addresses = [ListenAddress("127.0.0.1", 0), ListenAddress("localhost", 0)]
    with WebServer(addresses, gate.routes(), max_requests=1, clock=SystemClock()) as server:
        bodies = []
        for address in server.addresses:
            with socket.create_connection((address.host, address.port), timeout=60) as sock:
                sock.sendall(GET_METRICS)
                bodies.append(read_answer(sock)[2])

    assert [b"page", b"page"] == bodies
    assert len({address.port for address in server.addresses} - {0}) == 2


def test_stop_closes_everything_whatever_clients_do(
    serve: Serve, connect: Connect, read_answer: ReadAnswer, gate: Gate
) -> None:
    """SIGTERM must not wait for an idle connection, an unfinished head, or a reader that takes nothing."""
    server = serve(gate.routes())
    idle, unfinished, slow = connect(server), connect(server), connect(server)
    idle.sendall(GET_METRICS)
    read_answer(idle)
    unfinished.sendall(b"GET /")
    slow.sendall(GET_HUGE)
    slow.recv(1)
    server.stop()

    assert [True, True] == [is_at_end(idle), is_at_end(unfinished)]
    assert [] == [thread.name for thread in threading.enumerate() if thread.name.startswith("web-")]
    with pytest.raises(ConnectionRefusedError):
        connect(server)


def test_stop_lets_an_answer_under_way_finish(
    serve: Serve, connect: Connect, read_answer: ReadAnswer, gate: Gate
) -> None:
    server = serve(gate.routes())
    sock = connect(server)
    sock.sendall(GET_GATE)
    gate.entered.wait(60)
    stopper = threading.Thread(target=server.stop)
    stopper.start()
    gate.may_leave.set()
    _, _, body = read_answer(sock)
    stopper.join()

    assert body == b"through"
    assert is_at_end(sock)


def test_stop_does_not_wait_for_a_handler_that_hangs(serve: Serve, connect: Connect, gate: Gate) -> None:
    server = serve(gate.routes())
    sock = connect(server)
    sock.sendall(GET_GATE)
    gate.entered.wait(60)
    server.stop()
    handler = [thread for thread in threading.enumerate() if thread.name.startswith("web-")]
    gate.may_leave.set()

    assert handler
    assert is_at_end(sock)


def test_stop_without_start_closes_the_sockets_and_may_be_repeated(gate: Gate) -> None:
    server = WebServer([ListenAddress("127.0.0.1", 0)], gate.routes(), max_requests=1, clock=SystemClock())
    server.stop()
    server.stop()

    with socket.socket() as again:
        again.bind((server.addresses[0].host, server.addresses[0].port))


def test_a_request_is_not_queued_behind_all_those_of_another_client(
    serve: Serve, read_answer: ReadAnswer, gate: Gate
) -> None:
    """One client holds the only place and has queued ten requests; the next turn is that of who has queued one."""
    served: list[str] = []

    def note(request: Request) -> Response:
        served.append(request.client)
        return Response(HTTPStatus.OK, b"", ends_connection=True)

    routes = {**gate.routes(), "/note": Route(note, Share.FILE)}
    server = serve(routes, limits=Limits(connections=1, reserved=0, queue_seconds=20))
    address = (server.addresses[0].host, server.addresses[0].port)
    with contextlib.ExitStack() as stack:

        def ask(source: str, path: str) -> socket.socket:
            sock = stack.enter_context(socket.create_connection(address, timeout=5, source_address=(source, 0)))
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n".encode())
            return sock

        ask("127.0.0.2", "/gate")
        gate.entered.wait(60)
        waiting = [ask("127.0.0.2", "/note") for _ in range(10)] + [ask("127.0.0.3", "/note")]
        assert eventually(lambda: len(server._acceptor._queued) == 11)  # noqa: SLF001 - it shows nowhere else
        gate.may_leave.set()
        for each in waiting:
            read_answer(each)

    assert "127.0.0.3" == served[0]
    assert ["127.0.0.2"] * 10 == served[1:]


def test_a_probe_is_answered_while_every_place_is_taken(
    serve: Serve, connect: Connect, read_answer: ReadAnswer, gate: Gate
) -> None:
    """A liveness probe that waits for other clients would restart the exporter."""
    routes = {**gate.routes(), "/-/healthy": Route(lambda _: Response(HTTPStatus.OK, b"well"), Share.PROBE)}
    server = serve(routes, limits=Limits(connections=1, reserved=1, queue_seconds=20))
    first = connect(server)
    first.sendall(GET_GATE)
    gate.entered.wait(60)
    queued, probe = connect(server), connect(server)
    queued.sendall(GET_METRICS)
    probe.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: n\r\n\r\n")
    answered = read_answer(probe)[2]
    gate.may_leave.set()

    assert b"well" == answered
    assert [b"through", b"page"] == [read_answer(each)[2] for each in (first, queued)]


def test_every_answer_has_the_time_of_the_server(
    serve: Serve, connect: Connect, read_answer: ReadAnswer, gate: Gate
) -> None:
    """RFC 9110, 6.6.1, in the one form that may be written (5.6.7); the standard library reads it."""
    sock = connect(serve(gate.routes()))
    dates = []
    for path in (b"/metrics", b"/nothing"):
        sock.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: n\r\n\r\n")
        dates.append(read_answer(sock)[1]["date"])
    sock.sendall(b"GET / HTTP/1.1\nHost: n\n\n")
    dates.append(read_answer(sock)[1]["date"])

    assert all(each.endswith(" GMT") for each in dates)
    assert all(abs(parsedate_to_datetime(each).timestamp() - SystemClock().wall_seconds()) < 60 for each in dates)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"GET /metrics HTTP/1.1\nHost: n\n\n", b"not well-formed"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), b"the request is TLS: use http://"),
        (b"GET /\x00 HTTP/1.1\r\n", b"not well-formed"),
    ],
)
def test_what_can_never_be_a_request_is_told_so_at_once_and_takes_no_thread(
    serve: Serve, connect: Connect, read_answer: ReadAnswer, gate: Gate, data: bytes, words: bytes
) -> None:
    """The deadline of a request head is not waited for: here it is a minute."""
    sock = connect(serve(gate.routes(), limits=Limits(head_seconds=60, connections=0, reserved=0)))
    sock.sendall(data)
    status, headers, body = read_answer(sock)

    assert (400, "close") == (status, headers["connection"])
    assert words in body
    assert is_at_end(sock)

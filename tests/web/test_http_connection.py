"""HTTP with one client over a real socket."""

import contextlib
import http.client
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus

import pytest

from podres_exporter.clock import SystemClock
from podres_exporter.web.channel import PlainChannel
from podres_exporter.web.connections import Connection, Connections, Limits, Stage
from podres_exporter.web.dispatch import Route, Share
from podres_exporter.web.http_connection import HttpConnection
from podres_exporter.web.request import Request
from podres_exporter.web.response import DateHeader, Response
from podres_exporter.web.server import WebServer

Serve = Callable[..., WebServer]
Connect = Callable[[WebServer], socket.socket]
ReadAnswer = Callable[..., tuple[int, dict[str, str], bytes]]

# More than the kernel takes off our hands for one connection, so that sending it waits for the reader.
HUGE = b"x" * (16 * 1024 * 1024)
ECHO = {
    "/echo": Route(lambda request: Response(HTTPStatus.OK, request.headers.get("x-word", "").encode()), Share.FILE),
    "/huge": Route(lambda _: Response(HTTPStatus.OK, HUGE), Share.FILE),
}
DATE = DateHeader(SystemClock())


def get(path: str, *fields: str) -> bytes:
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: node", *fields, "", "")).encode()


def is_at_end(sock: socket.socket) -> bool:
    """Whether the server has closed the connection, orderly or not, without another byte."""
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_known_client_reuses_its_connection(serve: Serve) -> None:
    """The standard library's client is the referee of what we send."""
    server = serve(ECHO)
    with contextlib.closing(http.client.HTTPConnection(server.addresses[0].host, server.addresses[0].port)) as client:
        answers = []
        ports = []
        for word in ("one", "two"):
            client.request("GET", "/echo", headers={"X-Word": word})
            answers.append(client.getresponse().read())
            ports.append(client.sock.getsockname()[1])

    assert [b"one", b"two"] == answers
    assert ports[0] == ports[1]


def test_pipelined_requests_are_answered_in_their_order(
    serve: Serve, connect: Connect, read_answer: ReadAnswer
) -> None:
    sock = connect(serve(ECHO))
    sock.sendall(b"".join(get("/echo", f"X-Word: {number}") for number in range(20)))

    bodies = [read_answer(sock)[2] for _ in range(20)]

    assert [str(number).encode() for number in range(20)] == bodies


def test_a_request_may_come_in_pieces(serve: Serve, connect: Connect, read_answer: ReadAnswer) -> None:
    """TCP keeps no packet borders, so the end of a head may be torn apart too."""
    sock = connect(serve(ECHO))
    for byte in get("/echo", "X-Word: slow"):
        sock.sendall(bytes([byte]))

    assert read_answer(sock)[2] == b"slow"


def test_head_is_get_without_the_body(serve: Serve, connect: Connect, read_answer: ReadAnswer) -> None:
    """RFC 9110, 9.3.2: the same headers, the length among them; the next answer follows at once."""
    sock = connect(serve(ECHO))
    sock.sendall(get("/huge").replace(b"GET", b"HEAD") + get("/echo", "X-Word: next"))

    status, headers, _ = read_answer(sock, to_head=True)

    assert (200, str(len(HUGE))) == (status, headers["content-length"])
    assert read_answer(sock)[2] == b"next"


def test_every_answer_forbids_guessing_its_type_and_hides_our_version(
    serve: Serve, connect: Connect, read_answer: ReadAnswer
) -> None:
    sock = connect(serve(ECHO))
    sock.sendall(get("/echo"))

    _, headers, _ = read_answer(sock)

    assert (headers["x-content-type-options"], headers["server"]) == ("nosniff", "podres-exporter")


@pytest.mark.parametrize(
    ("request_bytes", "connection", "stays_open"),
    [
        (b"GET /echo HTTP/1.1\r\nHost: n\r\n\r\n", "keep-alive", True),
        (b"GET /echo HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n", "close", False),
        (b"GET /echo HTTP/1.0\r\n\r\n", "close", False),
        (b"GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive", True),
    ],
)
def test_the_connection_ends_when_the_client_says_so(
    serve: Serve,
    connect: Connect,
    read_answer: ReadAnswer,
    request_bytes: bytes,
    connection: str,
    stays_open: bool,
) -> None:
    """RFC 9112, 9.3."""
    sock = connect(serve(ECHO))
    sock.sendall(request_bytes)
    _, headers, _ = read_answer(sock)

    assert connection == headers["connection"]
    if stays_open:
        sock.sendall(request_bytes)
        assert read_answer(sock)[0] == 200
    else:
        assert is_at_end(sock)


def test_a_client_that_has_said_all_still_gets_its_answer(
    serve: Serve, connect: Connect, read_answer: ReadAnswer
) -> None:
    """A half-closed connection is how `printf ... | nc` asks."""
    sock = connect(serve(ECHO))
    sock.sendall(get("/echo", "X-Word: last"))
    sock.shutdown(socket.SHUT_WR)

    assert read_answer(sock)[2] == b"last"
    assert is_at_end(sock)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(b"GET /\x1b]0;pwned\x07<script> HTTP/1.1\r\nHost: n\r\n\r\n", 400, id="control characters"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400, id="not HTTP"),
        pytest.param(b"GET /" + b"x" * 9000 + b"<script>", 414, id="long line"),
        pytest.param(b"GET / HTTP/1.1\r\nX: <script>" + b"x" * 17000, 431, id="long head"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"X: <script>\r\n" * 2000, 431, id="many fields"),
        pytest.param(b"GET /<script> HTTP/3.0\r\n\r\n", 505, id="other version"),
    ],
)
def test_what_is_no_request_is_answered_and_ends_the_connection(
    serve: Serve, connect: Connect, read_answer: ReadAnswer, request_bytes: bytes, status: int
) -> None:
    """The answer repeats nothing of it, and arrives although the client has more to send (RFC 9112, 9.6)."""
    sock = connect(serve(ECHO))
    sock.sendall(request_bytes + b"x" * 50_000)

    got, headers, body = read_answer(sock)
    sock.shutdown(socket.SHUT_WR)

    assert (status, "close") == (got, headers["connection"])
    assert b"<script>" not in body
    assert body.decode().strip().isprintable()
    assert is_at_end(sock)


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"POST /echo HTTP/1.1\r\nHost: n\r\nContent-Length: 100\r\n\r\n", 405),
        (b"POST /echo HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 405),
        (b"GET /echo HTTP/1.1\r\nHost: n\r\nContent-Length: 100\r\n\r\n", 413),
        (b"GET /echo HTTP/1.1\r\nHost: n\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", 413),
    ],
)
def test_a_body_is_never_taken_for_a_request(
    serve: Serve, connect: Connect, read_answer: ReadAnswer, request_head: bytes, status: int
) -> None:
    """Request smuggling: what follows a head with a body gets no answer, the connection ends."""
    sock = connect(serve(ECHO))
    sock.sendall(request_head + get("/echo", "X-Word: smuggled"))

    got, headers, _ = read_answer(sock)
    sock.shutdown(socket.SHUT_WR)

    assert (status, "close") == (got, headers["connection"])
    assert is_at_end(sock)


def test_a_client_that_never_finishes_its_head_is_cut(serve: Serve, connect: Connect) -> None:
    """The deadline is for the whole head, so a byte now and then does not buy time."""
    sock = connect(serve(ECHO, limits=Limits(head_seconds=0.2)))
    head = get("/echo", "X-Filler: " + "x" * 4000)
    sent = 0
    while sent < len(head) and not select.select([sock], [], [], 0.01)[0]:
        with contextlib.suppress(ConnectionError):
            sent += sock.send(head[sent : sent + 1])

    assert is_at_end(sock)
    assert sent < 500


def test_an_idle_connection_is_closed_in_the_end(serve: Serve, connect: Connect, read_answer: ReadAnswer) -> None:
    sock = connect(serve(ECHO, limits=Limits(idle_seconds=0.2)))
    sock.sendall(get("/echo"))
    read_answer(sock)

    assert is_at_end(sock)


def test_a_reader_that_does_not_read_is_cut_and_what_it_left_is_dropped(serve: Serve, connect: Connect) -> None:
    """The kernel reports the reset at once: nothing waits in memory for a client that will not take it."""
    sock = connect(serve(ECHO, limits=Limits(answer_seconds=0.2)))
    sock.sendall(get("/huge"))
    poll = select.poll()
    poll.register(sock, 0)  # errors and hang-ups only

    events = poll.poll(5000)

    assert events
    assert events[0][1] & select.POLLERR


def test_a_scraper_that_has_given_up_is_cut(serve: Serve, connect: Connect) -> None:
    """X-Prometheus-Scrape-Timeout-Seconds: what it has not read by then, it will not read."""
    sock = connect(serve(ECHO, limits=Limits(head_seconds=0.4)))
    sock.sendall(get("/huge", "X-Prometheus-Scrape-Timeout-Seconds: 0.2"))
    poll = select.poll()
    poll.register(sock, 0)  # errors and hang-ups only

    assert poll.poll(5000)


def test_a_client_that_will_not_leave_is_cut(serve: Serve, connect: Connect, read_answer: ReadAnswer) -> None:
    """The courtesy of waiting for its farewell is limited as well."""
    sock = connect(serve(ECHO, limits=Limits(leave_seconds=0.1, head_seconds=60, answer_seconds=60)))
    sock.sendall(get("/echo", "Connection: close"))
    read_answer(sock)
    poll = select.poll()
    poll.register(sock, 0)
    is_cut = False
    for _ in range(500):
        with contextlib.suppress(ConnectionError):
            sock.send(b"x")
        if poll.poll(10):
            is_cut = True
            break

    assert is_cut


def test_a_client_that_resets_the_connection_harms_nobody(
    serve: Serve, connect: Connect, read_answer: ReadAnswer, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(ECHO)
    rude = connect(server)
    rude.sendall(get("/huge"))
    rude.recv(1)
    rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    rude.close()
    polite = connect(server)
    polite.sendall(get("/echo", "X-Word: well"))

    assert read_answer(polite)[2] == b"well"
    assert caplog.records == []


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    with near, far:
        yield near, far


@pytest.mark.parametrize("head", [b"head", b"h" * 3_000_000])
def test_what_the_kernel_does_not_take_at_once_is_sent_after(
    pair: tuple[socket.socket, socket.socket], head: bytes
) -> None:
    """A socket with a timeout sends in parts, like a blocking one that a signal interrupts."""
    near, far = pair
    near.settimeout(60)
    received = bytearray()

    def read_all() -> None:
        while chunk := far.recv(65536):
            received.extend(chunk)

    reader = threading.Thread(target=read_all)
    reader.start()
    PlainChannel(near).send(head, HUGE)
    near.shutdown(socket.SHUT_WR)
    reader.join()

    assert head + HUGE == bytes(received)


def test_a_bug_in_a_conversation_ends_it_and_is_logged(
    pair: tuple[socket.socket, socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    near, far = pair
    connections = Connections(Limits(), SystemClock())
    connection = Connection(near, Stage.WAITING, 0.0)
    connections.admit(connection, Stage.WAITING)

    def fail(_: Request) -> Response:
        raise ZeroDivisionError

    far.sendall(get("/"))
    HttpConnection(connection, connections, fail, DATE).run()

    assert far.recv(1) == b""
    assert [record.message for record in caplog.records] == ["web.connection_failed"]
    assert len(connections) == 0


@pytest.mark.parametrize("is_tls", [False, True])
def test_a_connection_that_was_cut_meanwhile_gets_no_answer(
    pair: tuple[socket.socket, socket.socket], is_tls: bool
) -> None:
    """Its place belongs to another; neither a handshake nor an answer is begun."""
    near, far = pair
    asked: list[object] = []

    def answer(request: Request) -> Response:
        asked.append(request)
        return Response(HTTPStatus.OK, b"")

    def open_tls(sock: socket.socket) -> PlainChannel:
        asked.append(sock)
        return PlainChannel(sock)

    far.sendall(get("/"))
    connections = Connections(Limits(), SystemClock())
    HttpConnection(Connection(near, Stage.WAITING, 0.0), connections, answer, DATE, open_tls if is_tls else None).run()

    assert [] == asked
    assert is_at_end(far)


def test_a_connection_that_was_cut_while_the_answer_went_out_is_not_waited_for() -> None:
    """Its place has been given away: there is no farewell to wait for."""
    connections = Connections(Limits(), SystemClock())
    done: list[str] = []

    class Cut(PlainChannel):
        def send(self, head: bytes, body: bytes = b"", tail: bytes = b"") -> None:
            super().send(head, body, tail)
            connections.cut_all()
            done.append("sent")

        def finish(self) -> None:
            done.append("finished")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        far = socket.create_connection(listener.getsockname(), timeout=60)
        connection = Connection(listener.accept()[0], Stage.READING, 0.0)
    with far:
        connections.admit(connection, Stage.READING)
        far.sendall(get("/", "Connection: close"))
        HttpConnection(connection, connections, lambda _: Response(HTTPStatus.OK, b"page"), DATE, Cut).run()

    assert ["sent"] == done

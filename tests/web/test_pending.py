"""Connections without a complete request: which become requests, which are closed, and when."""

import resource
import select
import socket
from collections.abc import Callable, Iterator

import pytest
from fake_clock import FakeClock

from podres_exporter.web.connections import Connection, Limits, Stage
from podres_exporter.web.pending import PLAIN, TLS, FirstMessage, PendingConnections, Verdict

GET = b"GET /metrics HTTP/1.1\r\nHost: node\r\n\r\n"
LIMITS = Limits(newcomers=3)

Arrive = Callable[..., socket.socket]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def expected() -> FirstMessage:
    """Return how clients begin; a test may say otherwise."""
    return PLAIN


@pytest.fixture
def pending(clock: FakeClock, expected: FirstMessage) -> Iterator[PendingConnections]:
    made = PendingConnections(LIMITS, clock, expected)
    yield made
    made.close()


@pytest.fixture
def arrive(pending: PendingConnections, clock: FakeClock) -> Iterator[Arrive]:
    """Return new clients who have taken a seat, a second one after the other, and said a few bytes or none."""
    listener = socket.create_server(("127.0.0.1", 0))
    clients: list[socket.socket] = []

    def come(said: bytes = b"") -> socket.socket:
        clients.append(socket.create_connection(listener.getsockname(), timeout=60))
        clients[-1].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pending.add(listener.accept()[0])
        if said:
            clients[-1].sendall(said)
            assert [] == look(pending)
        clock.advance(1)
        return clients[-1]

    yield come
    for each in (listener, *clients):
        each.close()


def look(pending: PendingConnections) -> list[Connection]:
    """Return who is ready, after waiting for something to look at."""
    select.select([pending], [], [], 5)
    return [connection for connection, _ in pending.take_ready()]


def is_gone(sock: socket.socket) -> bool:
    """Whether the server has closed the connection, orderly or not."""
    sock.settimeout(0)
    try:
        return sock.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def close_all(ready: list[tuple[Connection, Verdict]]) -> int:
    for each, _ in ready:
        each.sock.close()
    return len(ready)


def test_a_head_that_comes_byte_by_byte_is_given_on_with_its_last(pending: PendingConnections, arrive: Arrive) -> None:
    """And whole: what has been looked at is still to be read."""
    sock = arrive()
    for byte in GET[:-1]:
        sock.sendall(bytes([byte]))
        assert [] == look(pending)
    sock.sendall(GET[-1:])
    (connection,) = look(pending)
    with connection.sock:
        read = connection.sock.recv(1000)

    assert GET == read
    assert len(pending) == 0


def test_what_was_seen_is_not_looked_at_again(pending: PendingConnections, arrive: Arrive) -> None:
    """Otherwise one unfinished head would keep the accepting thread busy until its deadline."""
    sock = arrive(b"GET /")
    before = select.select([pending], [], [], 0)[0]
    sock.sendall(b"m")
    after = select.select([pending], [], [], 5)[0]

    assert ([], [pending]) == (before, after)


def test_a_flood_of_requests_is_given_on_in_portions(clock: FakeClock) -> None:
    """Between them the accepting thread sees to who has just come."""
    pending, pairs = PendingConnections(Limits(), clock, PLAIN), [socket.socketpair() for _ in range(20)]
    for near, far in pairs:
        far.sendall(GET)
        pending.add(near)
    portions = [close_all(pending.take_ready()) for _ in range(3)]
    pending.close()
    for _, far in pairs:
        far.close()

    assert [16, 4, 0] == portions


def test_among_idle_connections_the_oldest_makes_room_before_any_that_has_begun(
    pending: PendingConnections, arrive: Arrive
) -> None:
    begun, older, newer, latest = arrive(b"G"), arrive(), arrive(), arrive()

    assert [False, True, False, False] == [is_gone(each) for each in (begun, older, newer, latest)]
    assert len(pending) == 3


def test_among_unfinished_requests_a_client_that_is_about_to_send_one_is_spared(arrive: Arrive) -> None:
    """A new connection is silent for a moment; a flood of half heads must not drive it out for that."""
    older, newer, new = arrive(b"G"), arrive(b"G"), arrive()
    arrive(b"G")

    assert [True, False, False] == [is_gone(each) for each in (older, newer, new)]


def test_where_all_have_begun_the_oldest_beginning_makes_room(pending: PendingConnections, arrive: Arrive) -> None:
    first, second, third = arrive(), arrive(), arrive()
    for each in (second, first, third):
        each.sendall(b"G")
        look(pending)
    arrive()

    assert [False, True, False] == [is_gone(each) for each in (first, second, third)]


@pytest.mark.parametrize(
    ("expected", "said", "seconds"),
    [
        pytest.param(PLAIN, b"", LIMITS.idle_seconds, id="silent"),
        pytest.param(PLAIN, b"GET /", LIMITS.head_seconds, id="half a head"),
        pytest.param(TLS, b"", LIMITS.head_seconds, id="silent where TLS is spoken"),
        pytest.param(TLS, b"\x16\x03", LIMITS.head_seconds, id="half a handshake"),
    ],
)
def test_who_does_not_ask_in_time_must_go(
    pending: PendingConnections, arrive: Arrive, clock: FakeClock, said: bytes, seconds: float
) -> None:
    older, newer = arrive(said), arrive(said)
    clock.advance(seconds - 2)
    pending.drop_overdue()
    in_time = [is_gone(older), is_gone(newer)]
    clock.advance(0.5)
    pending.drop_overdue()

    assert [False, False] == in_time
    assert [True, False] == [is_gone(older), is_gone(newer)]


def test_more_bytes_do_not_buy_a_beginning_time(pending: PendingConnections, arrive: Arrive, clock: FakeClock) -> None:
    """The deadline counts from the first byte, and that byte's time goes along to the thread."""
    sock = arrive()
    began = clock.monotonic_seconds()
    for byte in GET[:-1]:
        sock.sendall(bytes([byte]))
        look(pending)
        clock.advance(0.01)
    sock.sendall(GET[-1:])
    (connection,) = look(pending)
    connection.sock.close()

    assert (Stage.READING, began) == (connection.stage, connection.since_seconds)


@pytest.mark.parametrize("said", [b"", b"GET /"])
def test_who_leaves_is_forgotten(pending: PendingConnections, arrive: Arrive, said: bytes) -> None:
    arrive(said).close()

    assert [] == look(pending)
    assert len(pending) == 0


def test_who_resets_the_connection_is_forgotten(pending: PendingConnections, arrive: Arrive) -> None:
    sock = arrive(b"GET /")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.close()

    assert [] == look(pending)
    assert len(pending) == 0


def test_closing_leaves_nobody(pending: PendingConnections, arrive: Arrive) -> None:
    silent, begun = arrive(), arrive(b"GET /")
    pending.close()

    assert [True, True] == [is_gone(silent), is_gone(begun)]


def test_newcomers_leave_descriptors_to_others(clock: FakeClock) -> None:
    """Where the process may have few, the kubelet's connection and the scraper's must not go without."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (400, hard))
    try:
        pending = PendingConnections(Limits(newcomers=256), clock, PLAIN)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    pairs = [socket.socketpair() for _ in range(101)]
    for near, _ in pairs:
        pending.add(near)
    count = len(pending)
    pending.close()
    for _, far in pairs:
        far.close()

    assert count == 100

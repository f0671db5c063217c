"""Waiting with clients who have asked nothing yet: who is given on, who must go, and when."""

import resource
import select
import socket
from collections.abc import Callable, Iterator

import pytest
from fake_clock import FakeClock

from podres_exporter.web.connections import Connection
from podres_exporter.web.limits import Limits, Stage
from podres_exporter.web.opening import PLAIN, TLS, Opening
from podres_exporter.web.reception import Reception

GET = b"GET /metrics HTTP/1.1\r\nHost: node\r\n\r\n"
LIMITS = Limits(newcomers=3)

Arrive = Callable[..., socket.socket]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def opening() -> Opening:
    """Return how clients begin; a test may say otherwise."""
    return PLAIN


@pytest.fixture
def reception(clock: FakeClock, opening: Opening) -> Iterator[Reception]:
    made = Reception(LIMITS, clock, opening)
    yield made
    made.close()


@pytest.fixture
def arrive(reception: Reception, clock: FakeClock) -> Iterator[Arrive]:
    """Return new clients who have taken a seat, a second one after the other, and said a few bytes or none."""
    listener = socket.create_server(("127.0.0.1", 0))
    clients: list[socket.socket] = []

    def come(said: bytes = b"") -> socket.socket:
        clients.append(socket.create_connection(listener.getsockname(), timeout=5))
        clients[-1].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reception.seat(listener.accept()[0])
        if said:
            clients[-1].sendall(said)
            assert [] == look(reception)
        clock.advance(1)
        return clients[-1]

    yield come
    for each in (listener, *clients):
        each.close()


def look(reception: Reception) -> list[Connection]:
    """Return who is ready, after waiting for something to look at."""
    select.select([reception], [], [], 5)
    return reception.take_ready()


def is_gone(sock: socket.socket) -> bool:
    """Whether the server has closed the connection, orderly or not."""
    sock.settimeout(0)
    try:
        return sock.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def close_all(connections: list[Connection]) -> int:
    for each in connections:
        each.sock.close()
    return len(connections)


def test_a_head_that_comes_byte_by_byte_is_given_on_with_its_last(reception: Reception, arrive: Arrive) -> None:
    """And whole: what has been looked at is still to be read."""
    sock = arrive()
    for byte in GET[:-1]:
        sock.sendall(bytes([byte]))
        assert [] == look(reception)
    sock.sendall(GET[-1:])
    (connection,) = look(reception)
    with connection.sock:
        read = connection.sock.recv(1000)

    assert GET == read
    assert len(reception) == 0


def test_what_was_seen_is_not_looked_at_again(reception: Reception, arrive: Arrive) -> None:
    """Otherwise one unfinished head would keep the accepting thread busy until its deadline."""
    sock = arrive(b"GET /")
    before = select.select([reception], [], [], 0)[0]
    sock.sendall(b"m")
    after = select.select([reception], [], [], 5)[0]

    assert ([], [reception]) == (before, after)


def test_a_flood_of_requests_is_given_on_in_portions(clock: FakeClock) -> None:
    """Between them the accepting thread sees to who has just come."""
    reception, pairs = Reception(Limits(), clock, PLAIN), [socket.socketpair() for _ in range(20)]
    for near, far in pairs:
        far.sendall(GET)
        reception.seat(near)
    portions = [close_all(reception.take_ready()) for _ in range(3)]
    reception.close()
    for _, far in pairs:
        far.close()

    assert [16, 4, 0] == portions


def test_the_one_longest_silent_makes_room_before_any_that_has_begun(reception: Reception, arrive: Arrive) -> None:
    begun, older, newer, latest = arrive(b"G"), arrive(), arrive(), arrive()

    assert [False, True, False, False] == [is_gone(each) for each in (begun, older, newer, latest)]
    assert len(reception) == 3


def test_where_all_have_begun_the_oldest_beginning_makes_room(reception: Reception, arrive: Arrive) -> None:
    first, second, third = arrive(), arrive(), arrive()
    for each in (second, first, third):
        each.sendall(b"G")
        look(reception)
    arrive()

    assert [False, True, False] == [is_gone(each) for each in (first, second, third)]


@pytest.mark.parametrize(
    ("opening", "said", "seconds"),
    [
        pytest.param(PLAIN, b"", LIMITS.idle_seconds, id="silent"),
        pytest.param(PLAIN, b"GET /", LIMITS.head_seconds, id="half a head"),
        pytest.param(TLS, b"", LIMITS.head_seconds, id="silent where TLS is spoken"),
        pytest.param(TLS, b"\x16\x03", LIMITS.head_seconds, id="half a handshake"),
    ],
)
def test_who_does_not_ask_in_time_must_go(
    reception: Reception, arrive: Arrive, clock: FakeClock, said: bytes, seconds: float
) -> None:
    older, newer = arrive(said), arrive(said)
    clock.advance(seconds - 2)
    reception.drop_overdue()
    in_time = [is_gone(older), is_gone(newer)]
    clock.advance(0.5)
    reception.drop_overdue()

    assert [False, False] == in_time
    assert [True, False] == [is_gone(older), is_gone(newer)]


def test_more_bytes_do_not_buy_a_beginning_time(reception: Reception, arrive: Arrive, clock: FakeClock) -> None:
    """The deadline counts from the first byte, and that byte's time goes along to the thread."""
    sock = arrive()
    began = clock.monotonic_seconds()
    for byte in GET[:-1]:
        sock.sendall(bytes([byte]))
        look(reception)
        clock.advance(0.01)
    sock.sendall(GET[-1:])
    (connection,) = look(reception)
    connection.sock.close()

    assert (Stage.READING, began) == (connection.stage, connection.since_seconds)


@pytest.mark.parametrize("said", [b"", b"GET /"])
def test_who_leaves_is_forgotten(reception: Reception, arrive: Arrive, said: bytes) -> None:
    arrive(said).close()

    assert [] == look(reception)
    assert len(reception) == 0


def test_who_resets_the_connection_is_forgotten(reception: Reception, arrive: Arrive) -> None:
    sock = arrive(b"GET /")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.close()

    assert [] == look(reception)
    assert len(reception) == 0


def test_closing_leaves_nobody(reception: Reception, arrive: Arrive) -> None:
    silent, begun = arrive(), arrive(b"GET /")
    reception.close()

    assert [True, True] == [is_gone(silent), is_gone(begun)]


def test_newcomers_leave_descriptors_to_others(clock: FakeClock) -> None:
    """Where the process may have few, the kubelet's connection and the scraper's must not go without."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (400, hard))
    try:
        reception = Reception(Limits(newcomers=256), clock, PLAIN)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    pairs = [socket.socketpair() for _ in range(101)]
    for near, _ in pairs:
        reception.seat(near)
    count = len(reception)
    reception.close()
    for _, far in pairs:
        far.close()

    assert count == 100

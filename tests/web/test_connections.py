"""Which connections are closed to make room for others."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from podres_exporter.web.connections import Connection, Connections, Limits, Stage


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def wall_seconds(self) -> float:
        return self.now

    def monotonic_seconds(self) -> float:
        return self.now

    def wait(self, event: threading.Event, timeout_seconds: float) -> bool:
        self.now += timeout_seconds
        return event.is_set()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def connections(clock: HandClock) -> Connections:
    return Connections(Limits(connections=2), clock)


@pytest.fixture
def client(clock: HandClock) -> Iterator[Callable[[], Connection]]:
    """Return new connections; the far ends stay open."""
    ends: list[socket.socket] = []

    def connect() -> Connection:
        near, far = socket.socketpair()
        ends.extend((near, far))
        return Connection(near, Stage.WAITING, clock.now)

    yield connect
    for end in ends:
        end.close()


def is_cut(connection: Connection) -> bool:
    """A socket that was shut down reads as ended; an open one has nothing to read yet."""
    connection.sock.setblocking(False)
    try:
        return connection.sock.recv(1) == b""
    except BlockingIOError:
        return False


W, R, A, L = Stage.WAITING, Stage.READING, Stage.ANSWERING, Stage.LEAVING


@pytest.mark.parametrize(
    ("oldest_first", "goes"),
    [
        pytest.param([W, W, W, W], 0, id="of those who wait, the one longest idle"),
        pytest.param([R, R, R, R], 0, id="of those who begin, the oldest"),
        pytest.param([W, R, L, L], 2, id="first who has its last answer"),
        pytest.param([R, W, W, A], 1, id="a fresh handshake is spared while they are few"),
        pytest.param([W, A, R, R], 2, id="a scraper between two scrapes is spared by half a house of beginners"),
        pytest.param([A, A, R, A], 2, id="a beginner before an answer"),
    ],
)
def test_who_can_be_spared_best_makes_room(
    clock: HandClock, client: Callable[[], Connection], oldest_first: list[Stage], goes: int
) -> None:
    """A client that does not come to a request can never keep a scraper out."""
    connections = Connections(Limits(connections=4), clock)
    present = []
    for stage in oldest_first:
        present.append(client())
        connections.admit(present[-1], stage)
        clock.now += 0.1

    connections.make_room(1)

    assert [index == goes for index in range(4)] == [is_cut(each) for each in present]


def test_to_go_on_with_a_stage_buys_no_time(
    connections: Connections, clock: HandClock, client: Callable[[], Connection]
) -> None:
    """A handshake has its deadline from its first byte, which came before there was a thread for it."""
    connection = client()
    connection.stage = Stage.READING
    clock.now += 4
    connections.admit(connection, Stage.READING)
    clock.now += 0.9
    connections.enter(connection, Stage.READING)
    connections.cut_overdue()
    in_time = is_cut(connection)
    clock.now += 0.2
    connections.cut_overdue()

    assert (False, True) == (in_time, is_cut(connection))


def test_a_connection_whose_request_has_just_come_is_spared(
    connections: Connections, clock: HandClock, client: Callable[[], Connection]
) -> None:
    answering, idle = client(), client()
    connections.admit(answering, Stage.WAITING)
    clock.now += 1
    connections.admit(idle, Stage.WAITING)
    connections.enter(answering, Stage.ANSWERING)

    connections.make_room(2)

    assert [False, True] == [is_cut(answering), is_cut(idle)]


def test_an_answer_that_is_being_made_is_not_cut_for_a_newcomer(
    connections: Connections, clock: HandClock, client: Callable[[], Connection]
) -> None:
    """That would not free its thread, so there is no place either, however long it takes."""
    busy = [client(), client()]
    for each in busy:
        connections.admit(each, Stage.WAITING)
        connections.enter(each, Stage.ANSWERING)
    clock.now += 10
    connections.make_room(1)

    assert [False, False] == [is_cut(each) for each in busy]
    assert not connections.admit(client(), Stage.WAITING)
    assert len(connections) == 2


def test_a_place_is_free_when_its_thread_has_let_go_and_no_sooner(
    connections: Connections, client: Callable[[], Connection]
) -> None:
    """A thread that is busy with a password or a page goes on after its connection was cut: it still counts."""
    present = [client(), client()]
    for each in present:
        connections.admit(each, Stage.WAITING)
    connections.make_room(1)
    cut = next(each for each in present if each.is_cut)
    while_busy = connections.admit(client(), Stage.WAITING)
    connections.make_room(1)
    cuts = [each.is_cut for each in present]
    connections.close(cut)

    assert (False, 1) == (while_busy, sum(cuts))
    assert connections.admit(client(), Stage.WAITING)


def test_probes_have_places_that_others_cannot_take(clock: HandClock, client: Callable[[], Connection]) -> None:
    connections = Connections(Limits(connections=1, reserved=2), clock)
    admitted = [connections.admit(client(), Stage.ANSWERING, is_probe=is_probe) for is_probe in (False, False)]
    probes = [connections.admit(client(), Stage.ANSWERING, is_probe=True) for _ in range(3)]

    assert [True, False] == admitted
    assert [True, True, False] == probes


def test_the_client_with_most_connections_makes_room_first(clock: HandClock, client: Callable[[], Connection]) -> None:
    """A scraper that waits for its next request is older than a flood from another address, and is spared."""
    connections = Connections(Limits(connections=4), clock)
    present = []
    for name in ("scraper", "crowd", "crowd", "person"):
        present.append(client())
        present[-1].client = name
        connections.admit(present[-1], Stage.WAITING)
        clock.now += 0.1
    connections.make_room(1)

    assert [False, True, False, False] == [is_cut(each) for each in present]


def test_a_reader_that_outlasts_patience_makes_room(
    connections: Connections, clock: HandClock, client: Callable[[], Connection]
) -> None:
    """Readers that take nothing must not keep a scraper out either, however many they are."""
    slow, quick = client(), client()
    for each in (slow, quick):
        connections.admit(each, Stage.WAITING)
        connections.enter(each, Stage.ANSWERING)
        connections.begin_sending(each)
        clock.now += 0.4
    connections.make_room(2)

    assert [True, False] == [is_cut(slow), is_cut(quick)]


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_has_its_deadline(
    connections: Connections, clock: HandClock, client: Callable[[], Connection], stage: Stage
) -> None:
    connection = client()
    connections.admit(connection, Stage.WAITING)
    connections.enter(connection, stage)
    clock.now += Limits().of(stage)
    connections.cut_overdue()
    in_time = is_cut(connection)
    clock.now += 0.001
    connections.cut_overdue()

    assert (False, True) == (in_time, is_cut(connection))


def test_a_cut_connection_learns_it_before_it_answers(
    connections: Connections, clock: HandClock, client: Callable[[], Connection]
) -> None:
    """Its request has lost the race against the deadline, and half an answer would be worse than none."""
    connection = client()
    connections.admit(connection, Stage.WAITING)
    clock.now += 1000
    connections.cut_overdue()

    assert not connections.enter(connection, Stage.ANSWERING)


def test_closing_spares_only_answers_and_admits_nobody(
    connections: Connections, client: Callable[[], Connection]
) -> None:
    answering, idle = client(), client()
    connections.admit(answering, Stage.WAITING)
    connections.admit(idle, Stage.WAITING)
    connections.enter(answering, Stage.ANSWERING)

    connections.begin_closing()

    assert [False, True] == [is_cut(answering), is_cut(idle)]
    assert not connections.admit(client(), Stage.WAITING)
    assert not connections.enter(answering, Stage.WAITING)


def test_a_client_that_left_first_does_not_disturb_a_cut(
    connections: Connections, client: Callable[[], Connection]
) -> None:
    gone, other = client(), client()
    connections.admit(gone, Stage.WAITING)
    connections.admit(other, Stage.WAITING)
    gone.sock.close()

    connections.cut_all()

    assert is_cut(other)


def test_deadlines_are_looked_at_often_enough_for_the_shortest() -> None:
    assert (0.5, 0.25) == (Limits().check_seconds, Limits(head_seconds=1.0).check_seconds)


def test_where_all_only_wait_deadlines_are_looked_at_less_often() -> None:
    """Scrapers wait nearly all the time, and each look wakes the process."""
    assert (5.0, 1.0) == (Limits().calm_seconds, Limits(idle_seconds=4.0).calm_seconds)


def test_it_is_calm_while_all_wait_for_their_next_request(
    connections: Connections, client: Callable[[], Connection]
) -> None:
    waiting, busy = client(), client()
    connections.admit(waiting, Stage.WAITING)
    before = connections.are_calm
    connections.admit(busy, Stage.READING)

    assert (True, False) == (before, connections.are_calm)


def test_a_stage_may_be_given_less_than_its_limit_but_not_more(
    connections: Connections, clock: HandClock, client: Callable[[], Connection]
) -> None:
    """A scraper that says when it gives up is not held for longer."""
    short, long = client(), client()
    for connection, seconds in ((short, 10.0), (long, 10_000.0)):
        connections.admit(connection, Stage.WAITING)
        connections.enter(connection, Stage.ANSWERING, seconds)
    clock.now += 10.001
    connections.cut_overdue()
    after_ten = [is_cut(short), is_cut(long)]
    clock.now += Limits().answer_seconds
    connections.cut_overdue()

    assert [True, False] == after_ten
    assert is_cut(long)

"""Who may stay connected, and whose place is given to another."""

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
def client() -> Iterator[Callable[[], Connection]]:
    """Return new connections; the far ends stay open."""
    ends: list[socket.socket] = []

    def connect() -> Connection:
        near, far = socket.socketpair()
        ends.extend((near, far))
        return Connection(near)

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


@pytest.mark.parametrize("stage", [Stage.WAITING, Stage.READING, Stage.LEAVING])
def test_the_connection_longest_without_a_request_makes_room(
    connections: Connections, clock: HandClock, client: Callable[[], Connection], stage: Stage
) -> None:
    """An idle or slow client can never keep a scraper out."""
    older, newer, latest = client(), client(), client()
    connections.admit(older)
    connections.enter(older, stage)
    clock.now += 1
    connections.admit(newer)

    is_admitted = connections.admit(latest)

    assert is_admitted
    assert [True, False, False] == [is_cut(each) for each in (older, newer, latest)]


def test_a_connection_whose_request_has_just_come_is_spared(
    connections: Connections, clock: HandClock, client: Callable[[], Connection]
) -> None:
    answering, idle, latest = client(), client(), client()
    connections.admit(answering)
    clock.now += 1
    connections.admit(idle)
    connections.enter(answering, Stage.ANSWERING)

    connections.admit(latest)

    assert [False, True] == [is_cut(answering), is_cut(idle)]


def test_nobody_is_admitted_while_all_are_being_answered(
    connections: Connections, client: Callable[[], Connection]
) -> None:
    busy = [client(), client()]
    for each in busy:
        connections.admit(each)
        connections.enter(each, Stage.ANSWERING)

    assert not connections.admit(client())
    assert len(connections) == 2


def test_an_answer_that_tries_everybodys_patience_makes_room(
    connections: Connections, clock: HandClock, client: Callable[[], Connection]
) -> None:
    """Readers that take nothing must not keep a scraper out either, however many they are."""
    slow, quick = client(), client()
    for each in (slow, quick):
        connections.admit(each)
        connections.enter(each, Stage.ANSWERING)
        clock.now += 1.5

    assert connections.admit(client())
    assert [True, False] == [is_cut(slow), is_cut(quick)]


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_has_its_deadline(
    connections: Connections, clock: HandClock, client: Callable[[], Connection], stage: Stage
) -> None:
    connection = client()
    connections.admit(connection)
    connections.enter(connection, stage)
    clock.now += Limits().of(stage)
    connections.cut_overdue()
    in_time = is_cut(connection)
    clock.now += 0.001
    connections.cut_overdue()

    assert (False, True) == (in_time, is_cut(connection))
    assert len(connections) == 0


def test_a_cut_connection_learns_it_before_it_answers(
    connections: Connections, clock: HandClock, client: Callable[[], Connection]
) -> None:
    """Its request has lost the race against the deadline, and half an answer would be worse than none."""
    connection = client()
    connections.admit(connection)
    clock.now += 1000
    connections.cut_overdue()

    assert not connections.enter(connection, Stage.ANSWERING)


def test_closing_spares_only_answers_and_admits_nobody(
    connections: Connections, client: Callable[[], Connection]
) -> None:
    answering, idle = client(), client()
    answering.thread = threading.current_thread()
    connections.admit(answering)
    connections.admit(idle)
    connections.enter(answering, Stage.ANSWERING)

    threads = connections.begin_closing()

    assert threads == [threading.current_thread()]
    assert [False, True] == [is_cut(answering), is_cut(idle)]
    assert not connections.admit(client())
    assert not connections.enter(answering, Stage.WAITING)


def test_closing_waits_for_the_threads_of_connections_that_were_cut_before(
    connections: Connections, client: Callable[[], Connection]
) -> None:
    """They may still be on their way out, and stop() promises that nothing is left."""
    cut, closed = client(), client()
    for each in (cut, closed):
        each.thread = threading.current_thread()
        connections.admit(each)
    connections.cut_all()
    connections.close(closed)

    assert [threading.current_thread()] == connections.begin_closing()


def test_a_client_that_left_first_does_not_disturb_a_cut(
    connections: Connections, client: Callable[[], Connection]
) -> None:
    gone, other = client(), client()
    connections.admit(gone)
    connections.admit(other)
    gone.sock.close()

    connections.cut_all()

    assert is_cut(other)


def test_deadlines_are_looked_at_often_enough_for_the_shortest() -> None:
    assert (0.5, 0.25) == (Limits().check_seconds, Limits(head_seconds=1.0).check_seconds)


def test_a_stage_may_be_given_less_than_its_limit_but_not_more(
    connections: Connections, clock: HandClock, client: Callable[[], Connection]
) -> None:
    """A scraper that says when it gives up is not held for longer."""
    short, long = client(), client()
    for connection, seconds in ((short, 10.0), (long, 10_000.0)):
        connections.admit(connection)
        connections.enter(connection, Stage.ANSWERING, seconds)
    clock.now += 10.001
    connections.cut_overdue()
    after_ten = [is_cut(short), is_cut(long)]
    clock.now += Limits().answer_seconds
    connections.cut_overdue()

    assert [True, False] == after_ten
    assert is_cut(long)

"""The pool of worker threads: reuse and end."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from eventually import eventually

from podres_exporter.clock import SystemClock
from podres_exporter.web.connections import Connection, Stage
from podres_exporter.web.workers import Workers


class Talk:
    """Conversations that last until they may end."""

    def __init__(self) -> None:
        self.may_end = threading.Semaphore(0)
        self.names: list[str] = []
        self.freed = threading.Semaphore(0)

    def serve(self, connection: Connection) -> None:
        self.names.append(threading.current_thread().name)
        with connection.sock:
            assert self.may_end.acquire(timeout=60)


@pytest.fixture
def talk() -> Talk:
    return Talk()


@pytest.fixture
def workers(talk: Talk) -> Iterator[Workers]:
    made = Workers(talk.serve, SystemClock(), most=20, on_free=talk.freed.release)
    yield made
    talk.may_end.release(100)
    made.begin_stopping()
    made.join(60)


@pytest.fixture
def connection() -> Callable[[], Connection]:
    return lambda: Connection(socket.socket(), Stage.ANSWERING, 0.0)


def names() -> list[str]:
    return sorted(each.name for each in threading.enumerate() if each.name.startswith("web-"))


def test_a_thread_is_used_again(workers: Workers, talk: Talk, connection: Callable[[], Connection]) -> None:
    """To start one takes as long as to answer a scrape; its name says that it waits."""
    for count in (1, 2):
        workers.take(connection())
        talk.may_end.release()
        assert eventually(lambda: len(talk.names) == count and names() == ["web-spare"])  # noqa: B023 - called here

    assert ["web-1", "web-1"] == talk.names


def test_two_clients_are_spoken_with_at_once(
    workers: Workers, talk: Talk, connection: Callable[[], Connection]
) -> None:
    workers.take(connection())
    workers.take(connection())

    assert eventually(lambda: len(talk.names) == 2)


def test_few_stay_after_many_were_needed(workers: Workers, talk: Talk, connection: Callable[[], Connection]) -> None:
    for _ in range(20):
        workers.take(connection())
    talk.may_end.release(20)

    assert eventually(lambda: names() == ["web-spare"] * 4)


def test_all_end_when_they_are_told_to(workers: Workers, talk: Talk, connection: Callable[[], Connection]) -> None:
    """Those who wait at once, those who speak when they have spoken."""
    for _ in range(3):
        workers.take(connection())
    talk.may_end.release()
    assert eventually(lambda: names().count("web-spare") == 1)
    workers.begin_stopping()
    idle_ended = eventually(lambda: names() == [each for each in names() if each != "web-spare"])
    talk.may_end.release(2)
    workers.join(60)

    assert idle_ended
    assert [] == names()


def test_one_that_speaks_on_is_waited_for_and_left_in_the_end(
    workers: Workers, connection: Callable[[], Connection]
) -> None:
    clock = SystemClock()
    workers.take(connection())
    workers.begin_stopping()
    before = clock.monotonic_seconds()
    workers.join(0.1)
    took = clock.monotonic_seconds() - before

    assert took >= 0.09
    assert ["web-1"] == names()


def test_where_no_thread_may_be_started_the_caller_learns_it(
    workers: Workers, talk: Talk, connection: Callable[[], Connection]
) -> None:
    """A stack that fits into no address space stands for a process that has reached its limit."""
    one = connection()
    usual = threading.stack_size(2**46)
    try:
        with one.sock, pytest.raises(RuntimeError):
            workers.take(one)
    finally:
        threading.stack_size(usual)
    workers.join(60)

    assert [] == talk.names

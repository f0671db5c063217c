"""The order of password checks, and rejected clients."""

import threading
from collections.abc import Callable

import pytest
from eventually import eventually

from podres_exporter.web.config.password_queue import PasswordQueue


class Checks:
    """Logins, each in a thread of its own, that are checked one by one when the test lets them."""

    def __init__(self, queue: PasswordQueue) -> None:
        self.queue = queue
        self.began: list[str] = []
        self.results: dict[str, bool | None] = {}
        self.threads: list[threading.Thread] = []
        self._may_end = threading.Semaphore(0)

    def begin(self, name: str, client: str = "a", user: str = "u", *, is_right: bool = False) -> None:
        """Start a login and wait until it runs, waits, or was refused."""

        def check() -> bool:
            self.began.append(name)
            assert self._may_end.acquire(timeout=60)
            return is_right

        def log_in() -> None:
            digest = name.encode().ljust(32, b"-")[::-1]
            self.results[name] = self.queue.run(client, user.encode(), name.encode()[:1] * 2 + digest, check)

        before = self.settled
        self.threads.append(threading.Thread(target=log_in))
        self.threads[-1].start()
        assert eventually(lambda: self.settled > before)

    @property
    def settled(self) -> int:
        """How many logins run, wait, or are over."""
        return len(self.began) + len(self.queue._waiting) + sum(each is None for each in self.results.values())  # noqa: SLF001 - what waits shows nowhere else

    def finish_one(self) -> None:
        """Let the check that runs end; the next begins, if there is one."""
        over = sum(each is not None for each in self.results.values())
        self._may_end.release()
        assert eventually(lambda: sum(each is not None for each in self.results.values()) > over)
        assert eventually(lambda: len(self.began) > over + 1 or not self.queue._waiting)  # noqa: SLF001 - as above

    def finish(self) -> list[str]:
        """Let all end; return the order in which they were checked."""
        for _ in self.threads:
            self._may_end.release()
        for thread in self.threads:
            thread.join(60)
        return self.began


@pytest.fixture
def checks() -> Checks:
    return Checks(PasswordQueue(places=2))


def test_logins_are_checked_one_at_a_time_in_their_order(checks: Checks) -> None:
    for name in ("1", "2", "3"):
        checks.begin(name, is_right=name == "2")
    alone = list(checks.began)

    assert ["1", "2", "3"] == checks.finish()
    assert ["1"] == alone
    assert {"1": False, "2": True, "3": False} == checks.results


def test_beyond_the_places_a_login_is_refused_at_once(checks: Checks) -> None:
    for name in ("1", "2", "3", "4"):
        checks.begin(name)
    refused = checks.results.copy()
    checks.finish()

    assert {"4": None} == refused


def test_a_client_that_failed_less_takes_the_place_of_one_that_failed_more(checks: Checks) -> None:
    checks.begin("guess 1", "guesser")
    checks.finish_one()
    for name in ("guess 2", "guess 3", "guess 4"):
        checks.begin(name, "guesser")
    checks.begin("scraper", "scraper", is_right=True)
    refused = [name for name, result in checks.results.items() if result is None]

    assert ["guess 1", "guess 2", "scraper"] == checks.finish()[:3]
    assert 1 == len(refused)
    assert checks.results["scraper"]


def test_one_address_may_have_many_users_behind_it(checks: Checks) -> None:
    """A node's address stands for all pods on it where connections are translated: the user tells them apart."""
    checks.begin("1 guess", user="x")
    checks.finish_one()
    for name in ("2 guess", "3 guess", "4 guess"):
        checks.begin(name, user="x")
    checks.begin("good", user="prometheus", is_right=True)

    assert "good" == checks.finish()[2]
    assert checks.results["good"]


def test_a_login_that_was_refused_goes_before_new_guesses_when_it_comes_again(checks: Checks) -> None:
    """A scraper repeats its password and a guesser does not, even where user and address are the same."""
    for name in ("1", "2", "3", "good"):
        checks.begin(name)
    first = checks.results.pop("good", True)
    checks.begin("good", is_right=True)

    assert first is None
    assert "good" == checks.finish()[1]
    assert checks.results["good"]


def test_a_right_login_clears_what_failed_before(checks: Checks) -> None:
    for is_right in (False, True):
        checks.begin(f"{is_right}", "a", is_right=is_right)
        checks.finish_one()
    for name, client in (("running", "c"), ("1 late", "b"), ("2 waits", "a")):
        checks.begin(name, client)
    checks.begin("3 beyond", "a")

    assert checks.results["3 beyond"] is None
    assert ["running", "1 late", "2 waits"] == checks.finish()[2:]


def test_a_check_that_raises_lets_the_next_one_run(checks: Checks) -> None:
    def fail() -> bool:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        checks.queue.run("a", b"u", bytes(32), fail)

    assert checks.queue.run("a", b"u", bytes(32), lambda: True)


def test_what_is_remembered_of_failures_is_bounded() -> None:
    queue = PasswordQueue()
    wrong: Callable[[], bool] = lambda: False  # noqa: E731 - a name for what is passed a thousand times
    for number in range(5000):
        queue.run(f"10.0.{number >> 8}.{number & 255}", b"u%d" % number, bytes(32), wrong)

    assert len(queue._failures) <= 1024  # noqa: SLF001 - what is kept shows nowhere else

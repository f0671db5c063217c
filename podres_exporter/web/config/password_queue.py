"""
Decide whose password is checked next, so that guesses cannot crowd out legitimate logins: bcrypt is slow on purpose.
"""

import threading
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

_PLACES = 8
"""How many may wait, each with its thread; at the usual cost, that is half a second."""

_MOST_FAILURES = 8
_REMEMBERED_CLIENTS = 1024
_TAGS = 1 << 16


@dataclass(eq=False, slots=True)
class _Waiting:
    """A waiting login. *may_run* is set once it may run or has lost its place."""

    client: str
    user: bytes
    digest: bytes
    decided: threading.Event = field(default_factory=threading.Event)
    may_run: bool = False


class PasswordQueue:
    """
    A small queue that runs one check at a time; thread-safe.

    Priority goes to clients with the fewest failures; then to logins that were refused earlier for lack of a place and
    are retried (a scraper repeats its password, a guesser tries the next one); then to user names with the fewest
    failures. A login of higher priority takes the place of a lower one, so that one client, or one address with many
    users behind it, cannot block the first login of another.
    """

    def __init__(self, places: int = _PLACES) -> None:
        """Start empty."""
        self._places = places
        self._lock = threading.Lock()
        self._is_running = False
        self._waiting: list[_Waiting] = []
        # Failures by client, and by client and user; the least recent is evicted first.
        self._failures: dict[tuple[str, bytes | None], int] = {}
        self._refused = array("I", bytes(4 * _TAGS))

    def run(self, client: str, user: bytes, digest: bytes, check: Callable[[], bool]) -> bool | None:
        """Return the result of *check* once it is its turn; None if there is no place for it."""
        if not self._enter(_Waiting(client, user, digest)):
            return None
        is_right = False
        try:
            is_right = check()
        finally:
            self._leave(client, user, is_right=is_right)
        return is_right

    def _enter(self, login: _Waiting) -> bool:
        """Wait for the login's turn; return False if it gets none."""
        with self._lock:
            if not self._is_running:
                self._is_running = True
                return True
            if len(self._waiting) >= self._places:
                last = max(self._waiting, key=self._rank)
                if self._rank(login) >= self._rank(last):
                    self._refuse(login)
                    return False
                self._waiting.remove(last)
                self._refuse(last)
            self._waiting.append(login)
        login.decided.wait()
        return login.may_run

    def _leave(self, client: str, user: bytes, *, is_right: bool) -> None:
        """Record the result and let the next one run."""
        with self._lock:
            for key in ((client, None), (client, user)):
                failures = self._failures.pop(key, 0)
                if not is_right:
                    self._failures[key] = min(failures + 1, _MOST_FAILURES)
            while len(self._failures) > _REMEMBERED_CLIENTS:
                del self._failures[next(iter(self._failures))]
            if not self._waiting:
                self._is_running = False
                return
            following = min(self._waiting, key=self._rank)
            self._waiting.remove(following)
            following.may_run = True
            following.decided.set()

    def _rank(self, login: _Waiting) -> tuple[int, bool, int]:
        """Return the priority; the lowest goes first."""
        is_first_try = self._refused[_slot(login.digest)] != _tag(login.digest)
        by_client, by_user = (self._failures.get((login.client, user), 0) for user in (None, login.user))
        return by_client, is_first_try, by_user

    def _refuse(self, login: _Waiting) -> None:
        """Refuse a login a place, and remember that; it replaces an earlier one with the same slot."""
        self._refused[_slot(login.digest)] = _tag(login.digest)
        login.decided.set()


def _slot(digest: bytes) -> int:
    return int.from_bytes(digest[:2])


def _tag(digest: bytes) -> int:
    return int.from_bytes(digest[2:6])

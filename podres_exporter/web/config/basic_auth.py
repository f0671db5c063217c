"""HTTP basic authentication with bcrypt: cached, rate-limited, and without timing hints about users."""

import base64
import hashlib
import hmac
import importlib
import re
import secrets
from collections.abc import Callable, Mapping
from enum import Enum

from podres_exporter.web.config.password_queue import PasswordQueue

PasswordCheck = Callable[[bytes, bytes], bool]
"""A function that checks a password against a hash."""

HASH = re.compile(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")

_NOBODY = "QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
"""Salt and digest that unknown users are compared with; from exporter-toolkit, the password does not matter."""

_MAX_PASSWORD_BYTES = 72
"""bcrypt ignores everything after this many bytes. Go truncates there; Python's has raised an error since 5.0."""

_REMEMBERED_FAILURES = 100


def load_bcrypt() -> PasswordCheck:
    """Return bcrypt's check function, from the extra `auth`; raises ImportError if it is not installed."""
    check: PasswordCheck = importlib.import_module("bcrypt").checkpw
    return check


class Login(Enum):
    """The result of a login."""

    RIGHT = "user and password match"
    WRONG = "unknown user or wrong password"
    NONE = "no user and password were sent"
    BUSY = "too many passwords are waiting to be checked"


class BasicAuth:
    """
    Checks `Authorization` headers; thread-safe.

    bcrypt is slow on purpose (some 60 ms), so results are cached under a keyed digest, never under the password.
    Successes are cached by user, so that a flood of guesses cannot evict a scraper's password; of failures, the last
    hundred. A login that succeeded before never waits. Others are computed one at a time, so a flood costs at most one
    CPU, and few may wait, so it costs few threads.

    Source: exporter-toolkit handler.go (fixed hash for unknown users, bcryptMtx, cache).
    """

    def __init__(self, hashes: Mapping[str, str], check: PasswordCheck) -> None:
        """Take bcrypt hashes by user name, at least one."""
        self._hashes = {user.encode(): bcrypt_hash.encode() for user, bcrypt_hash in hashes.items()}
        # As expensive as the most expensive hash, or the response time would reveal which users exist.
        cost = max(int(bcrypt_hash[4:6]) for bcrypt_hash in hashes.values())
        self._unknown_user_hash = f"$2y${cost:02d}${_NOBODY}".encode()
        self._check = check
        self._key = secrets.token_bytes(32)
        self._queue = PasswordQueue()
        self._succeeded: dict[bytes, bytes] = {}
        self._failed: dict[bytes, None] = {}

    def login(self, authorization: str, client: str = "") -> Login:
        """Check the header's value, sent by *client*."""
        credentials = parse_basic(authorization)
        if credentials is None:
            return Login.NONE
        user, password = credentials
        digest = self._digest(user, password)
        known = self._remembered(user, digest)
        if known is None:
            known = self._queue.run(client, user, digest, lambda: self._check_new(user, password, digest))
        return Login.BUSY if known is None else Login.RIGHT if known else Login.WRONG

    def knows(self, authorization: str) -> bool:
        """Return whether the header's value was found correct before; a cheap lookup."""
        credentials = parse_basic(authorization)
        return credentials is not None and self._remembered(credentials[0], self._digest(*credentials)) is True

    def _check_new(self, user: bytes, password: bytes, digest: bytes) -> bool:
        """Return whether the password is correct; an identical request may have been checked in the meantime."""
        known = self._remembered(user, digest)
        return self._compare(user, password, digest) if known is None else known

    def _remembered(self, user: bytes, digest: bytes) -> bool | None:
        """Return the cached result, None if there is none."""
        if hmac.compare_digest(self._succeeded.get(user, b""), digest):
            return True
        return False if digest in self._failed else None

    def _compare(self, user: bytes, password: bytes, digest: bytes) -> bool:
        """Compute and cache the result; called one at a time."""
        is_right = self._matches(self._hashes.get(user, self._unknown_user_hash), password) and user in self._hashes
        if is_right:
            self._succeeded[user] = digest
        else:
            while len(self._failed) >= _REMEMBERED_FAILURES:
                del self._failed[next(iter(self._failed))]
            self._failed[digest] = None
        return is_right

    def _matches(self, bcrypt_hash: bytes, password: bytes) -> bool:
        try:
            return self._check(password[:_MAX_PASSWORD_BYTES], bcrypt_hash)
        except ValueError:  # some releases of bcrypt reject passwords with a zero byte
            return False

    def _digest(self, user: bytes, password: bytes) -> bytes:
        """Return a digest that cannot be computed without this process's key."""
        return hashlib.blake2b(b"%d:%b%b" % (len(user), user, password), key=self._key, digest_size=32).digest()


def parse_basic(authorization: str) -> tuple[bytes, bytes] | None:
    """Return user and password of an `Authorization` value, None if it has none (RFC 7617, 2)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except ValueError:
        return None
    return (user, password) if colon else None

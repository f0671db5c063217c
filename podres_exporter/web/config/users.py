"""Names and passwords: bcrypt, asked as seldom as possible, and nothing that tells how far a guess was right."""

import base64
import hashlib
import hmac
import importlib
import re
import secrets
import threading
from collections.abc import Callable, Mapping

PasswordCheck = Callable[[bytes, bytes], bool]
"""Whether a password belongs to a hash."""

HASH = re.compile(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")

_NOBODY = "QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
"""Salt and digest that unknown users are compared with. They are exporter-toolkit's; the password does not matter."""

_MAX_PASSWORD_BYTES = 72
"""bcrypt sees no more of a password. Go's compares that much; Python's raises on a longer one since 5.0."""

_REMEMBERED_FAILURES = 100


def load_bcrypt() -> PasswordCheck:
    """Return bcrypt's check, from the extra `auth`; raises ImportError where it is not installed."""
    check: PasswordCheck = importlib.import_module("bcrypt").checkpw
    return check


class BasicAuth:
    """
    Decides on `Authorization` headers; safe to use from any thread.

    bcrypt is slow on purpose (some 60 ms), so answers are remembered under a keyed digest, never under the password.
    What succeeded is kept by user, so that a flood of guesses cannot push a scraper's password out; of what failed, the
    last hundred. Only one thread at a time computes: a flood costs one CPU at most.

    Source: exporter-toolkit handler.go (fixed hash for unknown users, bcryptMtx, cache).
    """

    def __init__(self, hashes: Mapping[str, str], check: PasswordCheck) -> None:
        """Take bcrypt hashes by user name, at least one."""
        self._hashes = {user.encode(): bcrypt_hash.encode() for user, bcrypt_hash in hashes.items()}
        # As dear as the dearest, or the time of an answer would tell which users exist.
        cost = max(int(bcrypt_hash[4:6]) for bcrypt_hash in hashes.values())
        self._nobodys_hash = f"$2y${cost:02d}${_NOBODY}".encode()
        self._check = check
        self._key = secrets.token_bytes(32)
        self._bcrypt = threading.Lock()
        self._succeeded: dict[bytes, bytes] = {}
        self._failed: dict[bytes, None] = {}

    def allows(self, authorization: str) -> bool:
        """Return whether the header's value names a user with the right password."""
        credentials = parse_basic(authorization)
        if credentials is None:
            return False
        user, password = credentials
        digest = self._digest(user, password)
        known = self._remembered(user, digest)
        if known is not None:
            return known
        with self._bcrypt:
            known = self._remembered(user, digest)  # a twin of this request may have been first
            return self._compare(user, password, digest) if known is None else known

    def _remembered(self, user: bytes, digest: bytes) -> bool | None:
        """Return what came out the last time, None where that is not known."""
        if hmac.compare_digest(self._succeeded.get(user, b""), digest):
            return True
        return False if digest in self._failed else None

    def _compare(self, user: bytes, password: bytes, digest: bytes) -> bool:
        """Compute and remember; the caller holds the lock."""
        is_right = self._matches(self._hashes.get(user, self._nobodys_hash), password) and user in self._hashes
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
        except ValueError:  # some releases of bcrypt take no password with a zero byte
            return False

    def _digest(self, user: bytes, password: bytes) -> bytes:
        """Return a digest that nobody can compute without this process's key."""
        return hashlib.blake2b(b"%d:%b%b" % (len(user), user, password), key=self._key, digest_size=32).digest()


def parse_basic(authorization: str) -> tuple[bytes, bytes] | None:
    """Return user and password of an `Authorization` value, None where it has none (RFC 7617, 2)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except ValueError:
        return None
    return (user, password) if colon else None

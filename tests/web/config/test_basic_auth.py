"""Basic authentication: accepted passwords, cost, and caching."""

import base64
import gc
import threading

import bcrypt
import pytest
from web_rig import CHEAP

from podres_exporter.web.config.basic_auth import BasicAuth, Login, load_bcrypt, parse_basic

FAKE = b"$2y$04$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"


class Counted:
    """bcrypt's check, with the hashes that it was asked about and how many asked at once."""

    def __init__(self) -> None:
        self.hashes: list[bytes] = []
        self.most_at_once = 0
        self._running = 0
        self._lock = threading.Lock()

    def __call__(self, password: bytes, bcrypt_hash: bytes) -> bool:
        with self._lock:
            self.hashes.append(bcrypt_hash)
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
        try:
            return bcrypt.checkpw(password, bcrypt_hash)
        finally:
            with self._lock:
                self._running -= 1


def basic(user: str, password: str | bytes) -> str:
    secret = password if isinstance(password, bytes) else password.encode()
    return "Basic " + base64.b64encode(user.encode() + b":" + secret).decode()


def allows(auth: BasicAuth, header: str) -> bool:
    return auth.login(header) is Login.RIGHT


@pytest.fixture
def check() -> Counted:
    return Counted()


@pytest.fixture
def auth(check: Counted) -> BasicAuth:
    return BasicAuth({"alice": CHEAP, "zoë": CHEAP}, check)


@pytest.mark.parametrize(
    ("header", "is_allowed"),
    [
        (basic("alice", "secret"), True),
        (basic("zoë", "secret"), True),
        (basic("alice", "secret").replace("Basic", "bASIC"), True),
        (basic("alice", "Secret"), False),
        (basic("alice", ""), False),
        (basic("alice", b"secret\0"), False),
        (basic("bob", "secret"), False),
        (basic("", "secret"), False),
        ("", False),
        ("Basic", False),
        ("Basic !!!", False),
        ("Basic ÄÖ", False),
        ("Basic " + base64.b64encode(b"alice").decode(), False),
        ("Bearer " + base64.b64encode(b"alice:secret").decode(), False),
    ],
)
def test_only_a_known_user_with_the_right_password_is_let_in(auth: BasicAuth, header: str, is_allowed: bool) -> None:
    """RFC 7617: the scheme in any case, base64 of `user:password`."""
    assert is_allowed == allows(auth, header)
    assert is_allowed == allows(auth, header)


def test_a_password_may_have_colons() -> None:
    """RFC 7617, 2: the first colon ends the user."""
    assert (b"alice", b"a:b") == parse_basic(basic("alice", "a:b"))


def test_what_bcrypt_does_not_see_of_a_long_password_does_not_matter(check: Counted) -> None:
    """Go compares the first 72 bytes; Python's bcrypt 5 would raise."""
    long = "x" * 72
    auth = BasicAuth({"alice": bcrypt.hashpw(long.encode(), bcrypt.gensalt(4)).decode()}, check)

    assert allows(auth, basic("alice", long + "y"))


def test_a_password_that_bcrypt_refuses_is_a_wrong_one() -> None:
    """Some releases raise on a zero byte; that must not become a 500."""

    def refuse(_: bytes, __: bytes) -> bool:
        raise ValueError("password may not contain NUL bytes")

    assert not allows(BasicAuth({"alice": CHEAP}, refuse), basic("alice", b"a\0b"))


def test_an_unknown_user_costs_as_much_as_the_dearest_known_one(check: Counted) -> None:
    """The time of an answer must not tell which users exist (exporter-toolkit handler.go)."""
    dear = bcrypt.hashpw(b"x", bcrypt.gensalt(5)).decode()
    allows(BasicAuth({"alice": CHEAP, "bob": dear}, check), basic("nobody", "secret"))

    assert [FAKE.replace(b"$04$", b"$05$")] == check.hashes


def test_the_right_password_of_nobodys_hash_lets_nobody_in() -> None:
    """Whatever it is: a hash that is public must not be a key."""
    auth = BasicAuth({"alice": CHEAP}, lambda _, __: True)

    assert not allows(auth, basic("nobody", "fakepassword"))
    assert not allows(auth, basic("nobody", "fakepassword"))


def test_a_password_is_computed_once_whatever_came_out(auth: BasicAuth, check: Counted) -> None:
    """It takes as long as rendering a page a hundred times."""
    for _ in range(3):
        allows(auth, basic("alice", "secret"))
        allows(auth, basic("alice", "wrong"))
        allows(auth, basic("bob", "secret"))

    assert [CHEAP.encode(), CHEAP.encode(), FAKE] == check.hashes


def test_a_flood_of_guesses_does_not_push_the_right_password_out(auth: BasicAuth, check: Counted) -> None:
    """A good scraper is answered without bcrypt all the while, and what is kept of the guesses is bounded."""
    allows(auth, basic("alice", "secret"))
    for number in range(150):
        allows(auth, basic("alice", f"guess {number}"))
    computed = len(check.hashes)
    allows(auth, basic("alice", "secret"))
    allows(auth, basic("alice", "guess 149"))
    allows(auth, basic("alice", "guess 0"))

    assert computed + 1 == len(check.hashes)


def test_many_at_once_compute_one_at_a_time_and_variables_only_once(auth: BasicAuth, check: Counted) -> None:
    """A flood costs one CPU at most (bcryptMtx)."""
    headers = [basic("alice", "secret")] * 4 + [basic("alice", f"guess {number}") for number in range(4)]
    threads = [threading.Thread(target=auth.login, args=(header,)) for header in headers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 == check.most_at_once
    assert 5 == len(check.hashes)


def test_no_password_is_kept(auth: BasicAuth) -> None:
    """What is remembered is a digest under a key that only this process has."""
    allows(auth, basic("alice", "secret"))
    allows(auth, basic("alice", "a-wrong-one"))
    left: list[object] = [auth]
    seen: dict[int, object] = {}
    while left:
        one = left.pop()
        if id(one) not in seen and isinstance(one, BasicAuth | dict | bytes | str):
            seen[id(one)] = one
            left.extend(gc.get_referents(one))
    texts = [
        each if isinstance(each, bytes) else each.encode() for each in seen.values() if isinstance(each, bytes | str)
    ]

    assert b"alice" in texts
    assert [] == [text for text in texts if b"secret" in text or b"a-wrong-one" in text]


def test_bcrypt_is_found_where_it_is_installed() -> None:
    """The extra `auth`."""
    assert load_bcrypt()(b"secret", CHEAP.encode())

"""Rate limit and password check of requests, over real connections."""

import base64
import http.client
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pytest
from fake_clock import FakeClock
from web_rig import CHEAP, ask, client, config_file, write_config

from podres_exporter.exposition.negotiation import Format
from podres_exporter.web.routes import site
from podres_exporter.web.server import WebServer

Serve = Callable[..., WebServer]
GOOD = "Basic " + base64.b64encode(b"alice:secret").decode()
BAD = "Basic " + base64.b64encode(b"alice:guess").decode()
USERS = {"basic_auth_users": {"alice": CHEAP}}


def metrics(_: Format, __: bool, /) -> tuple[bytes, bytes]:
    return b"pa", b"ge\n"


def snapshot(_: bool, /) -> tuple[bytes, str]:
    return b"{}", '"tag"'


SITE = site(
    "/metrics", metrics=metrics, snapshot=snapshot, healthy=lambda: (True, "well"), ready=lambda: (False, "not yet")
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def start(serve: Serve, tmp_path: Path, clock: FakeClock) -> Callable[[object], int]:
    """Return what serves the site behind a web config file, and returns the port."""

    def begin(content: object) -> int:
        access = config_file(write_config(tmp_path, content), clock)
        return serve(SITE, access=access).addresses[0].port

    return begin


@pytest.mark.parametrize("path", ["/", "/metrics", "/nothing", "/-/healthy/", "/-/", "//-/healthy"])
@pytest.mark.parametrize("header", [{}, {"Authorization": BAD}, {"Authorization": "Bearer x"}])
def test_nothing_but_the_probes_is_shown_without_a_password(
    start: Callable[[object], int], path: str, header: dict[str, str]
) -> None:
    """Not even which paths there are; the header is the one of Prometheus' exporters."""
    with client(start(USERS)) as connection:
        response, body = ask(connection, path, **header)

    assert (401, "Basic") == (response.status, response.headers["WWW-Authenticate"])
    assert b"page" not in body
    assert b"/metrics" not in body


def test_the_right_password_opens_everything(start: Callable[[object], int]) -> None:
    with client(start(USERS)) as connection:
        answers = [ask(connection, path, Authorization=GOOD)[0].status for path in ("/", "/metrics", "/nothing")]

    assert [200, 200, 404] == answers


@pytest.mark.parametrize("method", ["POST", "HEAD", "DELETE"])
def test_no_method_gets_round_the_password(start: Callable[[object], int], method: str) -> None:
    with client(start(USERS)) as connection:
        connection.request(method, "/metrics")

        assert 401 == connection.getresponse().status


def test_probes_need_no_password(start: Callable[[object], int]) -> None:
    """A kubelet's httpGet probe cannot take one from a Secret."""
    with client(start(USERS)) as connection:
        answers = [ask(connection, f"/-/{probe}") for probe in ("healthy", "ready")]

    assert [(200, b"well\n"), (503, b"not yet\n")] == [(response.status, body) for response, body in answers]


def test_a_new_password_counts_from_the_next_second_on(
    start: Callable[[object], int], tmp_path: Path, clock: FakeClock
) -> None:
    """On connections that are open, too."""
    with client(start(USERS)) as connection:
        before = ask(connection, Authorization=GOOD)[0].status
        write_config(tmp_path, {"basic_auth_users": {"bob": CHEAP}})
        clock.advance(1)
        after = ask(connection, Authorization=GOOD)[0].status
        bob = "Basic " + base64.b64encode(b"bob:secret").decode()

        assert [200, 401, 200] == [before, after, ask(connection, Authorization=bob)[0].status]


@pytest.mark.parametrize("path", ["/metrics", "/nothing", "/-/healthy"])
def test_the_headers_of_the_file_stand_on_every_answer_once(start: Callable[[object], int], path: str) -> None:
    """Also the one that every answer has anyway."""
    headers = {"X-Frame-Options": "deny", "X-Content-Type-Options": "nosniff", "Strict-Transport-Security": "max-age=9"}
    with client(start({"http_server_config": {"headers": headers}})) as connection:
        response, _ = ask(connection, path)

    assert {name: [value] for name, value in headers.items()} == {
        name: response.headers.get_all(name) for name in headers
    }


def test_what_comes_faster_than_the_limit_is_told_to_come_later(
    start: Callable[[object], int], clock: FakeClock
) -> None:
    """The limit comes before the password, as in the original; probes do not count, and guesses have a limit apart."""
    port = start(USERS | {"rate_limit": {"interval": "1.5s", "burst": 2}})
    with client(port) as connection:
        first = [ask(connection, Authorization=GOOD)[0].status for _ in range(3)]
        probe = ask(connection, "/-/healthy")[0].status
        response, body = ask(connection, Authorization=GOOD)
        clock.advance(1.5)
        later = [ask(connection)[0].status for _ in range(3)]

    assert [200, 200, 429] == first
    assert 200 == probe
    assert (429, "2") == (response.status, response.headers["Retry-After"])
    assert b"rate_limit" in body
    assert [401, 401, 429] == later


def guesses(port: int, count: int) -> list[http.client.HTTPConnection]:
    """Return connections on each of which another password of alice was guessed, and the answer was not read."""
    connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=60) for _ in range(count)]
    for number, connection in enumerate(connections):
        guess = base64.b64encode(b"alice:%d" % number).decode()
        connection.request("GET", "/metrics", headers={"Authorization": f"Basic {guess}"})
    return connections


def test_a_login_that_was_right_before_never_waits_for_guesses(start: Callable[[object], int]) -> None:
    """A few passwords wait to be checked; the others are told to come again, and that costs nothing."""
    port = start(USERS)
    with client(port) as scraper:
        ask(scraper, Authorization=GOOD)
        connections = guesses(port, 30)
        known = [ask(scraper, Authorization=GOOD)[0].status for _ in range(20)]
    refused = []
    for connection in connections:
        response = connection.getresponse()
        refused.append((response.status, response.headers["Connection"]))
        connection.close()

    assert [200] * 20 == known
    assert {(401, "close")} <= set(refused) <= {(401, "close"), (429, "close")}


def test_a_first_login_among_guesses_is_checked_at_the_latest_when_it_comes_again(
    start: Callable[[object], int],
) -> None:
    """Even of the user whose password is guessed, from the address from which it is guessed."""
    port = start(USERS)
    connections = guesses(port, 30)
    statuses = []
    for _ in range(30):
        with client(port) as scraper:
            statuses.append(ask(scraper, Authorization=GOOD)[0].status)
        if statuses[-1] == HTTPStatus.OK:
            break
        connections += guesses(port, 10)
    for connection in connections:
        connection.close()

    assert HTTPStatus.OK == statuses[-1]

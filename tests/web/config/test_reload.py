"""Reloading the web config file while it is in use."""

import os
import threading
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pytest
import trustme
from fake_clock import FakeClock
from web_rig import CHEAP, Loads, ask, client, client_context, config_file, tls_folder, write_config, write_pair

from podres_exporter.errors import ConfigError
from podres_exporter.web.config.reload import LOOK_SECONDS
from podres_exporter.web.dispatch import Route, Share
from podres_exporter.web.response import Response
from podres_exporter.web.server import WebServer


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1000.0)


@pytest.fixture
def loads() -> Loads:
    return Loads()


def test_nothing_is_read_again_while_nothing_changes(tmp_path: Path, clock: FakeClock, loads: Loads) -> None:
    file = config_file(write_config(tmp_path, {"basic_auth_users": {"a": CHEAP}}), clock, loads)
    first = file.current()
    clock.advance(3600)

    assert first is file.current()
    assert [1000.0] == loads.seen


def test_a_change_is_looked_for_once_a_second(tmp_path: Path, clock: FakeClock, loads: Loads) -> None:
    """A flood of requests must not become a flood of stat()."""
    file = config_file(write_config(tmp_path, ""), clock, loads)
    write_config(tmp_path, {"http_server_config": {"headers": {"X-Frame-Options": "deny"}}})
    clock.advance(LOOK_SECONDS - 0.01)
    early = file.current().headers
    clock.advance(0.01)

    assert () == early
    assert ("X-Frame-Options: deny",) == file.current().headers
    assert [1000.0, 1001.0] == loads.seen


def test_a_broken_change_keeps_the_old_and_is_said_once(
    tmp_path: Path, clock: FakeClock, loads: Loads, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever edits a file on a running node must not lock every scraper out by a typing error."""
    path = write_config(tmp_path, {"basic_auth_users": {"a": CHEAP}})
    file = config_file(path, clock, loads)
    first = file.current()
    write_config(tmp_path, "basic_auth_users: {a: hunter2}\nnonsense: 1\n")
    for _ in range(5):
        clock.advance(LOOK_SECONDS)
        assert first is file.current()
    (record,) = caplog.records
    write_config(tmp_path, {"basic_auth_users": {"a": CHEAP}, "http_server_config": {}})
    clock.advance(LOOK_SECONDS)
    file.current()

    assert "web.config_rejected" == record.message
    problems = record.__dict__["problems"]
    assert f'{path}: basic_auth_users["a"]: is not a bcrypt hash' in problems
    assert f"{path}: nonsense: unknown key" in problems
    assert "hunter2" not in problems
    assert [1000.0, "rejected", 1006.0] == loads.seen


def test_a_pair_that_is_renewed_file_by_file_is_taken_once_it_fits(
    tmp_path: Path, clock: FakeClock, loads: Loads
) -> None:
    """Between the two writes the key does not belong to the certificate: the old pair goes on."""
    ca = trustme.CA()
    file = config_file(tls_folder(tmp_path, ca), clock, loads)
    first = file.current()
    write_pair(tmp_path / "new", ca)
    (tmp_path / "new/cert.pem").replace(tmp_path / "cert.pem")
    clock.advance(LOOK_SECONDS)
    between = file.current()
    (tmp_path / "new/key.pem").replace(tmp_path / "key.pem")
    clock.advance(LOOK_SECONDS)
    after = file.current()

    assert first is between
    assert first.tls is not after.tls
    assert [1000.0, "rejected", 1002.0] == loads.seen


def test_a_file_that_goes_and_comes_back_is_good_again(tmp_path: Path, clock: FakeClock, loads: Loads) -> None:
    path = write_config(tmp_path, "")
    file = config_file(path, clock, loads)
    path.rename(tmp_path / "away")
    clock.advance(LOOK_SECONDS)
    file.current()
    (tmp_path / "away").rename(path)
    clock.advance(LOOK_SECONDS)
    file.current()

    assert [1000.0, "rejected", 1002.0] == loads.seen


@pytest.mark.parametrize(("first", "word"), [("tls", "off"), ("plain", "on")])
def test_a_change_between_tls_and_plain_needs_a_restart_and_says_so(
    tmp_path: Path, clock: FakeClock, loads: Loads, caplog: pytest.LogCaptureFixture, first: str, word: str
) -> None:
    ca = trustme.CA()
    path = tls_folder(tmp_path, ca)
    with_tls = path.read_text()
    if first == "plain":
        write_config(tmp_path, "")
    file = config_file(path, clock, loads)
    write_config(tmp_path, "" if first == "tls" else with_tls)
    clock.advance(LOOK_SECONDS)

    assert (first == "tls") == (file.current().tls is not None)
    assert (first == "tls") == file.is_tls
    assert [1000.0, "rejected"] == loads.seen
    assert f"switching TLS {word} needs a restart" in caplog.records[-1].__dict__["problems"]


def test_what_did_not_change_keeps_its_memory(tmp_path: Path, clock: FakeClock) -> None:
    """A new certificate must not cost every scraper a bcrypt, or refill the bucket."""
    content = {"basic_auth_users": {"a": CHEAP}, "rate_limit": {"interval": "1h", "burst": 1}}
    file = config_file(write_config(tmp_path, content), clock)
    first = file.current()
    write_config(tmp_path, content | {"http_server_config": {"headers": {"X-Frame-Options": "deny"}}})
    clock.advance(LOOK_SECONDS)
    second = file.current()
    write_config(tmp_path, {"basic_auth_users": {"b": CHEAP}, "rate_limit": {"interval": "1h", "burst": 2}})
    clock.advance(LOOK_SECONDS)
    third = file.current()

    assert first is not second
    assert (first.auth, first.bucket) == (second.auth, second.bucket)
    assert first.auth is not third.auth
    assert first.bucket is not third.bucket


def test_who_comes_while_another_looks_does_not_wait(tmp_path: Path, clock: FakeClock) -> None:
    """A slow disk delays one request, not all."""
    entered, may_leave = threading.Event(), threading.Event()

    class SlowLoads(Loads):
        def web_config_loaded(self, at_seconds: float) -> None:
            if self.seen:
                entered.set()
                assert may_leave.wait(60)
            super().web_config_loaded(at_seconds)

    loads = SlowLoads()
    file = config_file(write_config(tmp_path, ""), clock, loads)
    write_config(tmp_path, "{}")
    clock.advance(LOOK_SECONDS)
    looker = threading.Thread(target=file.current)
    looker.start()
    assert entered.wait(60)
    file.current()
    seen_meanwhile = list(loads.seen)
    may_leave.set()
    looker.join()

    assert [1000.0] == seen_meanwhile
    assert [1000.0, 1001.0] == loads.seen


@pytest.mark.parametrize(("http2", "events"), [(True, ["web.http2_not_served"]), (False, [])])
def test_http2_is_accepted_and_said_once_not_to_be_served(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture, http2: bool, events: list[str]
) -> None:
    """Files of other exporters say `http2: true`; clients agree on HTTP/1.1 by themselves (ALPN)."""
    caplog.set_level("INFO")
    file = config_file(write_config(tmp_path, {"http_server_config": {"http2": http2}}), clock)
    for _ in range(3):
        clock.advance(LOOK_SECONDS)
        file.current()

    assert events == [record.message for record in caplog.records]


def test_a_missing_file_at_the_start_is_named(tmp_path: Path, clock: FakeClock) -> None:
    with pytest.raises(ConfigError) as caught:
        config_file(tmp_path / "web.yml", clock)

    assert (
        f"--web.config.file: {tmp_path}/web.yml: cannot be read: No such file or directory",
    ) == caught.value.problems


CONTENTS = {
    "an empty file": b"",
    "no YAML": b"{",
    "an unknown key": b"tls_server_config: {certfile: cert.pem}",
    "another encoding": "\u00e9: 1".encode("utf-16"),
    "a file without end": bytes(2 << 20),
}
PLACES: dict[str, Callable[[Path], None]] = {
    "no file": lambda _: None,
    "a directory": Path.mkdir,
    "a FIFO": os.mkfifo,
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a device": lambda path: path.symlink_to("/dev/zero"),
}
FAULTS = (*CONTENTS, *PLACES, "half a certificate", "another's key", "a FIFO as the key")


def spoil(folder: Path, fault: str) -> None:
    """Change the files as an administrator might."""
    config, cert, key = (folder / name for name in ("web.yml", "cert.pem", "key.pem"))
    if fault in CONTENTS:
        config.write_bytes(CONTENTS[fault])
    elif fault in PLACES:
        config.unlink()
        PLACES[fault](config)
    elif fault == "half a certificate":
        cert.write_bytes(cert.read_bytes()[:200])
    elif fault == "another's key":
        write_pair(folder / "other", trustme.CA())
        (folder / "other" / "key.pem").replace(key)
    else:
        key.unlink()
        os.mkfifo(key)


@pytest.mark.parametrize("fault", FAULTS)
def test_clients_are_served_through_every_fault_of_a_reload(
    serve: Callable[..., WebServer], tmp_path: Path, clock: FakeClock, fault: str
) -> None:
    """With the certificate and the passwords of before, over kept and over new connections, without waiting."""
    ca, events = trustme.CA(), Loads()
    access = config_file(tls_folder(tmp_path, ca), clock, events)
    server = serve({"/metrics": Route(lambda _: Response(HTTPStatus.OK, b"page"), Share.SCRAPE)}, access=access)
    port, context = server.addresses[0].port, client_context(ca)
    with client(port, context) as kept:
        ask(kept)
        spoil(tmp_path, fault)
        bodies = []
        for _ in range(3):
            clock.advance(1)
            bodies.append(ask(kept)[1])
            with client(port, context) as new:
                bodies.append(ask(new)[1])

    assert [b"page"] * 6 == bodies
    assert ["rejected"] == events.seen[1:]

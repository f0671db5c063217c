"""
Measure a well-behaved scraper's latency next to abusive clients: `make bench-abuse`.

The exporter, the abusive clients and the good one are separate processes. The good one scrapes over a kept connection
and over new ones, alternately. Three kinds of seconds alternate: quiet ones; ones in which the abusive clients attack
another server, which shows the effect of their CPU use alone; and ones in which they attack the exporter.
Prints a table of 99th percentiles with the exporter's threads and memory as the attack ends and ten seconds after it;
asserts nothing. A scrape that fails counts as a whole second.
"""

import argparse
import contextlib
import http.client
import json
import os
import random
import re
import selectors
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import trustme

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.rigs.children import beside

from podres_exporter.clock import SystemClock

CLOCK = SystemClock()
ROUNDS, SCRAPES, WARM_UP = 3, 140, 30
"""So many times all three kinds of seconds, so many scrapes per connection in each, so many before it all."""
AT_MOST_SECONDS = 2.2
"""How long each kind lasts where scrapes take long, so that the table is there within four minutes."""
PAUSE_SECONDS, RAMP_SECONDS, AFTER_SECONDS = 0.004, 0.3, 10.0
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100)
GET = b"GET /metrics HTTP/1.1\r\nHost: n\r\n\r\n"


def idle(port: int) -> None:
    """Open 500 connections and say nothing."""
    hold(port, 500, b"")


def half(port: int) -> None:
    """Begin a handshake or a request, 200 at a time, and never finish."""
    hold(port, 200, HELLO)


def long_heads(port: int) -> None:
    """Send a head of 1 MiB, ten at a time."""
    hold(port, 10, b"GET / HTTP/1.1\r\n" + b"X-Filler: " + b"y" * 1024 * 1024)


def hold(port: int, count: int, data: bytes) -> None:
    """Open so many connections, send the same on each, and start again after half a second."""
    while True:
        with contextlib.ExitStack() as stack:
            for _ in range(count):
                with contextlib.suppress(OSError):
                    sock = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=2))
                    sock.sendall(data)
            threading.Event().wait(0.5)


def slow(port: int) -> None:
    """Send 40 requests byte by byte."""
    while True:
        with contextlib.ExitStack() as stack:
            socks = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=2)) for _ in range(40)]
            for byte in GET[:-4]:
                for sock in socks:
                    with contextlib.suppress(OSError):
                        sock.sendall(bytes([byte]))
                threading.Event().wait(0.02)


ATTACKS: dict[str, Callable[[int], None]] = {
    "500 idle connections": idle,
    "200 half requests or handshakes": half,
    "40 requests byte by byte": slow,
    "10 heads of 1 MiB": long_heads,
}


class Scraper:
    """The good client, on the connection that it keeps and on new ones."""

    def __init__(self, port: int, context: ssl.SSLContext | None) -> None:
        self._port, self._context = port, context
        self._kept = self._connect()

    def seconds(self, count: int) -> tuple[list[float], list[float]]:
        """Return how long so many scrapes took on the kept connection and on new ones; fewer where all is slow."""
        kept: list[float] = []
        new: list[float] = []
        until = CLOCK.monotonic_seconds() + AT_MOST_SECONDS
        while len(new) < count and CLOCK.monotonic_seconds() < until:
            kept.append(self._scrape(self._kept, close=False))
            new.append(self._scrape(self._connect(), close=True))
        return kept, new

    def _connect(self) -> http.client.HTTPConnection:
        """Return a client that connects when it is used, and again whenever it has lost its connection."""
        if self._context is None:
            return http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        return http.client.HTTPSConnection("127.0.0.1", self._port, timeout=5, context=self._context)

    def _scrape(self, connection: http.client.HTTPConnection, *, close: bool) -> float:
        # Bad clients work in a rhythm, which the pauses must not fall in with.
        threading.Event().wait(random.uniform(0, 2 * PAUSE_SECONDS))  # noqa: S311 - no secret
        began = CLOCK.monotonic_seconds()
        try:
            connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
            connection.getresponse().read()
            took = CLOCK.monotonic_seconds() - began
        except (OSError, http.client.HTTPException):
            took, close = 1.0, True
        if close:
            connection.close()
        return took


@contextlib.contextmanager
def exporter(folder: Path, ca: trustme.CA | None) -> Iterator[tuple[int, int]]:
    """Yield port and process number of the demo's exporter, with TLS if there is a CA."""
    flags = ["--web.listen-address=127.0.0.1:0"]
    if ca is not None:
        pair = ca.issue_cert("127.0.0.1")
        (folder / "cert.pem").write_bytes(b"".join(each.bytes() for each in pair.cert_chain_pems))
        (folder / "key.pem").write_bytes(pair.private_key_pem.bytes())
        section = {"tls_server_config": {"cert_file": "cert.pem", "key_file": "key.pem"}}
        (folder / "web.yml").write_text(json.dumps(section))
        flags.append(f"--web.config.file={folder / 'web.yml'}")
    command = [sys.executable, "-m", "podres_exporter", "serve", *flags, "--metadata.source=none"]
    environment = {**os.environ, "PODRES_KUBELET_SOCKET": str(folder / "k.sock")}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    found = next(match for line in process.stderr if (match := re.search(r"://[^/]*:([0-9]+)/", line)))
    try:
        yield int(found[1]), process.pid
    finally:
        process.terminate()
        process.communicate(timeout=10)


def swallow(listener: socket.socket) -> None:
    """Accept everybody, read what comes, answer nothing."""
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            assert isinstance(key.fileobj, socket.socket)
            if key.fileobj is listener:
                selector.register(listener.accept()[0], selectors.EVENT_READ)
                continue
            with contextlib.suppress(ConnectionError):
                if key.fileobj.recv(65536):
                    continue
            selector.unregister(key.fileobj)
            key.fileobj.close()


def p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[-1] * 1000


def footprint(pid: int) -> str:
    """Return threads and MiB of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = {name: int(re.search(rf"^{name}:\s*([0-9]+)", status, re.MULTILINE)[1]) for name in ("Threads", "VmRSS")}  # type: ignore[index]  # both are always there
    return f"{found['Threads']:>4}{found['VmRSS'] / 1024:>6.1f}"


def measure(
    attack: Callable[[int], None], scraper: Scraper, port: int, pid: int, other: int
) -> tuple[list[list[float]], str]:
    """Return the p99 in ms of (quiet, noise, attacked) on a kept and a new connection, and two footprints."""
    taken: list[tuple[list[float], list[float], list[float]]] = [([], [], []), ([], [], [])]
    ended = CLOCK.monotonic_seconds()
    at_the_end = ""
    for _ in range(ROUNDS):
        for kind, target in ((2, port), (1, other), (0, None)):
            with beside(attack, target) if target else contextlib.nullcontext():
                threading.Event().wait(RAMP_SECONDS)
                for all_of_them, these in zip(taken, scraper.seconds(SCRAPES), strict=True):
                    all_of_them[kind].extend(these)
                if kind == 2:
                    at_the_end = footprint(pid)
            if kind == 2:
                ended = CLOCK.monotonic_seconds()
    threading.Event().wait(max(0.0, ended + AFTER_SECONDS - CLOCK.monotonic_seconds()))
    return [[p99(values) for values in each] for each in taken], f"{at_the_end}  {footprint(pid)}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Does a good scraper notice bad clients?")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as well")
    parser.add_argument("--only", default="", metavar="TEXT", help="only attacks whose name contains this")
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    ca = trustme.CA()
    context = ssl.create_default_context()
    ca.configure_trust(context)
    print(f"{'':<44}{'p99 in ms':>24}{'attacked':>16}{'at its end':>14}{'10 s after':>12}")
    print(
        f"{'attack':<32}{'':<6}{'':<6}{'quiet':>8}{'noise':>8}{'attacked':>9}{'/quiet':>8}{'/noise':>8}"
        f"{'thr':>6}{'MiB':>6}{'thr':>6}{'MiB':>6}"
    )
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener, beside(swallow, listener):
        for scheme, authority, client in (("plain", None, None), ("TLS", ca, context)):
            with tempfile.TemporaryDirectory(prefix="podres-") as folder, exporter(Path(folder), authority) as serving:
                scraper = Scraper(serving[0], client)
                scraper.seconds(WARM_UP)
                for title, attack in ATTACKS.items():
                    if options.only not in title:
                        continue
                    cells, prints = measure(attack, scraper, *serving, listener.getsockname()[1])
                    for connection, (quiet, noise, loud) in zip(("kept", "new"), cells, strict=True):
                        print(
                            f"{title:<32}{scheme:<6}{connection:<6}{quiet:>8.2f}{noise:>8.2f}{loud:>9.2f}"
                            f"{loud / quiet:>8.1f}{loud / noise:>8.1f}  {prints}",
                            flush=True,
                        )
                        row = (title, scheme, connection, quiet, noise, loud, loud / quiet)
                        names = ("attack", "scheme", "connection", "quiet_p99_ms", "noise_p99_ms", "attacked_p99_ms")
                        rows.append(dict(zip((*names, "ratio"), row, strict=True)))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()

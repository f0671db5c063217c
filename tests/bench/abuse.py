"""
Does a good scraper notice bad clients: `make bench-abuse`.

The exporter, the bad clients and the good one are processes of their own. The good one scrapes every 50 ms, over a
connection that it keeps and over new ones; its 99th percentile while each attack lasts stands beside the one of quiet
times. Prints a table; asserts nothing.
"""

import contextlib
import http.client
import json
import multiprocessing
import os
import re
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

from podres_exporter.clock import SystemClock

CLOCK = SystemClock()
SECONDS, PAUSE_SECONDS = 6.0, 0.05
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
    """Open so many connections, send the same on each, and begin anew after half a second."""
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


def scrapes(port: int, context: ssl.SSLContext | None, *, keep: bool) -> list[float]:
    """Return how long each scrape of a few seconds took; a failed one counts as a whole second."""
    taken, until = [], CLOCK.monotonic_seconds() + SECONDS
    connection: http.client.HTTPConnection | None = None
    while CLOCK.monotonic_seconds() < until:
        began = CLOCK.monotonic_seconds()
        try:
            if connection is None or not keep:
                connection = (
                    http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                    if context is None
                    else http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=context)
                )
            connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
            connection.getresponse().read()
            taken.append(CLOCK.monotonic_seconds() - began)
            if not keep:
                connection.close()
        except OSError:
            taken.append(1.0)
            connection = None
        threading.Event().wait(PAUSE_SECONDS)
    return taken


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


def p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[-1] * 1000


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def main() -> None:
    """Measure and print."""
    print(f"{'attack':<34}{'':<8}{'kept p99 ms':>12}{'ratio':>7}{'new p99 ms':>12}{'ratio':>7}{'threads':>9}")
    ca = trustme.CA()
    context = ssl.create_default_context()
    ca.configure_trust(context)
    for name, authority, client in (("plain", None, None), ("TLS", ca, context)):
        with tempfile.TemporaryDirectory(prefix="podres-") as folder, exporter(Path(folder), authority) as (port, pid):
            quiet = [p99(scrapes(port, client, keep=keep)) for keep in (True, False)]
            print(f"{'none':<34}{name:<8}{quiet[0]:>12.2f}{1:>7.1f}{quiet[1]:>12.2f}{1:>7.1f}{threads(pid):>9}")
            for title, attack in ATTACKS.items():
                attacker = multiprocessing.get_context("fork").Process(target=attack, args=(port,), daemon=True)
                attacker.start()
                loud = [p99(scrapes(port, client, keep=keep)) for keep in (True, False)]
                count = threads(pid)
                attacker.kill()
                attacker.join()
                ratios = [after / before for before, after in zip(quiet, loud, strict=True)]
                print(
                    f"{title:<34}{name:<8}{loud[0]:>12.2f}{ratios[0]:>7.1f}{loud[1]:>12.2f}{ratios[1]:>7.1f}{count:>9}",
                    flush=True,
                )


if __name__ == "__main__":
    main()

"""The clients of the exporter during a soak test: scrapers, a JSON reader, a browser, and one that disconnects."""

import contextlib
import gzip
import http.client
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Self

from podres_exporter.clock import SystemClock

_RESET = struct.pack("ii", 1, 0)
_SUCCESS = re.compile(rb'podres_source_last_success_timestamp_seconds\{source="kubelet"\} ([0-9.e+]+)')
_POLLS = re.compile(rb'podres_kubelet_rpcs_total\{[^}]*rpc="List"[^}]*\} ([0-9.e+]+)')
_OPENMETRICS = "application/openmetrics-text;version=1.0.0"
TIMEOUT_SECONDS = 5.0
_CROWD = 12


class Clients:
    """Threads that ask until the block is left. `good` and `bad` count by kind; what was bad is kept in `problems`."""

    def __init__(self, port: int, pause_seconds: float) -> None:
        """Ask nothing yet."""
        self.good: Counter[str] = Counter()
        self.bad: Counter[str] = Counter()
        self.problems: list[str] = []
        self.successes: list[float] = []
        self.polls = 0.0
        self._port, self._pause = port, pause_seconds
        self._stop = threading.Event()
        self._quiet = threading.Lock()
        self._kept = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        self._etags: dict[str, str] = {}
        kinds: tuple[Callable[[], None], ...] = (
            lambda: self._page("kept, gzip", self._kept, "gzip", "text/plain"),
            lambda: self._page("new, identity", self._new(), "identity", _OPENMETRICS),
            lambda: self._page("new, gzip", self._new(), "gzip", _OPENMETRICS),
            lambda: self._resource("JSON", "/api/v1/snapshot"),
            lambda: self._resource("page", "/"),
            self._leave,
        )
        self._threads = [threading.Thread(target=self._repeat, args=(each,), daemon=True) for each in kinds]

    def __enter__(self) -> Self:
        """Begin, with a crowd: the server keeps a few threads to spare, and has all of them from now on."""
        self._page("kept, gzip", self._kept, "gzip", "text/plain")
        with contextlib.ExitStack() as stack:
            for connection in [stack.enter_context(contextlib.closing(self._new())) for _ in range(_CROWD)]:
                connection.request("GET", "/-/healthy")
                connection.getresponse().read()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End, and hang up."""
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * TIMEOUT_SECONDS)
        self._kept.close()

    @contextlib.contextmanager
    def silence(self) -> Iterator[None]:
        """Suspend all clients within the block, so that counts do not include their requests."""
        with self._quiet:
            yield

    def _new(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_SECONDS)

    def _repeat(self, ask: Callable[[], None]) -> None:
        clock = SystemClock()
        while not clock.wait(self._stop, self._pause):
            with self._quiet:
                ask()

    def _note(self, kind: str, problem: str) -> None:
        (self.bad if problem else self.good)[kind] += 1
        if problem:
            self.problems.append(f"{kind}: {problem}")

    def _ask(
        self, kind: str, connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes] | None:
        """Return answer and body; None, and noted, where there is none."""
        try:
            connection.request("GET", path, headers=dict(headers))
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self._note(kind, repr(error))
            return None
        if connection is not self._kept:
            connection.close()
        return response, gzip.decompress(body) if response.headers["Content-Encoding"] == "gzip" else body

    def _page(self, kind: str, connection: http.client.HTTPConnection, encoding: str, accept: str) -> None:
        answer = self._ask(kind, connection, "/metrics", {"Accept-Encoding": encoding, "Accept": accept})
        if answer is None:
            return
        response, body = answer
        whole = body.endswith(b"# EOF\n") if accept == _OPENMETRICS else body.endswith(b"\n")
        is_good = response.status == 200 and whole and b"podres_source_up{" in body
        self._note(kind, "" if is_good else f"{response.status}, {len(body)} bytes")
        if (match := _SUCCESS.search(body)) and self.successes[-1:] != [float(match[1])]:
            self.successes.append(float(match[1]))
        if match := _POLLS.search(body):
            self.polls = float(match[1])

    def _resource(self, kind: str, path: str) -> None:
        """Ask for what has an ETag, and show the last one."""
        headers = {"Accept-Encoding": "gzip", **({"If-None-Match": self._etags[path]} if path in self._etags else {})}
        answer = self._ask(kind, self._new(), path, headers)
        if answer is None:
            return
        response, body = answer
        self._etags[path] = response.headers["ETag"] or ""
        is_good = response.status == 304 or (response.status == 200 and len(body) > 100)
        self._note(kind, "" if is_good else f"{response.status}, {len(body)} bytes")

    def _leave(self) -> None:
        """Ask for everything and go before it has come, so that the server's last bytes meet a reset."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), TIMEOUT_SECONDS) as sock:
            sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: n\r\n\r\n" * 3)
            sock.recv(1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.good["left in the middle"] += 1

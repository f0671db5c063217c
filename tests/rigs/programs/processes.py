"""podres-exporter as a process, started as users do."""

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from podres_exporter.clock import SystemClock

T = TypeVar("T")
Page = tuple[int, str]


def eventually(look: Callable[[], T | None], seconds: float = 120.0) -> T:
    """Return the first thing that *look* finds; the test fails where it finds nothing in time."""
    clock, never = SystemClock(), threading.Event()
    deadline = clock.monotonic_seconds() + seconds
    while clock.monotonic_seconds() < deadline:
        found = look()
        if found is not None:
            return found
        never.wait(0.05)
    raise AssertionError(f"not seen within {seconds} s")


def get(url: str) -> Page:
    """Return status and body; 0 if no server answers."""
    try:
        with urllib.request.urlopen(url, timeout=60) as response:  # noqa: S310 - what our own process has printed
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except urllib.error.URLError:
        return 0, ""


class Process:
    """A running podres-exporter with a temporary directory of its own; its output goes to files beside that."""

    def __init__(self, directory: Path, *argv: str, **environment: str) -> None:
        self.temporary = directory / "tmp"
        self.temporary.mkdir()
        self._outputs = directory / "out", directory / "err"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PODRES_")}
        with self._outputs[0].open("wb") as out, self._outputs[1].open("wb") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "podres_exporter", *argv],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                env={**kept, "NODE_NAME": "node1", "TMPDIR": str(self.temporary), **environment},
            )

    @property
    def out(self) -> str:
        return self._outputs[0].read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        return self._outputs[1].read_text(encoding="utf-8")

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def url(self) -> str:
        """Return the URL that the process announces: `demo` on standard output, `serve` in its log."""

        def announced() -> str | None:
            assert self.running, self.err
            found = re.search(r"http://127\.0\.0\.1:[0-9]+", self.out + self.err)
            return found[0] if found else None

        return eventually(announced)

    def events(self, name: str) -> list[str]:
        """Return the log lines of an event."""
        return [line for line in self.err.splitlines() if f" event={name}" in line]

    def type(self, line: str) -> None:
        """Write a line to the process's standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal; return the exit code. Raises TimeoutExpired after a minute: nothing may keep the process."""
        self._process.send_signal(number)
        return self._process.wait(60)

    def exit_code(self) -> int:
        """Return the exit code of a process that ends by itself."""
        return self._process.wait(60)

    def dispose(self) -> None:
        """Leave no process behind, whatever became of the test."""
        self._process.kill()
        self._process.wait(60)
        assert self._process.stdin is not None
        self._process.stdin.close()


Start = Callable[..., Process]

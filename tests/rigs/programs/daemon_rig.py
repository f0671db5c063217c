"""`serve` as a process with its own command line and environment."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from processes import eventually

from podres_exporter.clock import SystemClock


class Daemon:
    """A running process; standard output and error go to the file `log` in *directory*."""

    def __init__(self, directory: Path, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._log = directory / "log"
        self._clock = SystemClock()
        self._started_at = self._clock.monotonic_seconds()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=dict(environment)
            )

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def seconds(self) -> float:
        """How long ago it was started."""
        return self._clock.monotonic_seconds() - self._started_at

    @property
    def resident_mib(self) -> float:
        return int(self.status("VmRSS").split()[0]) / 1024

    def status(self, field: str) -> str:
        """Return what the kernel says of the process, such as CapEff."""
        text = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        found = re.search(rf"^{field}:\s*(.*)$", text, re.MULTILINE)
        assert found, text
        return found[1]

    def port(self) -> int:
        """Return the port that the process announces in its log."""

        def announced() -> int | None:
            assert self._process.poll() is None, self.log
            found = re.search(r"urls=https?://127\.0\.0\.1:([0-9]+)", self.log)
            return int(found[1]) if found else None

        return eventually(announced)

    def wait(self, seconds: float = 60.0) -> int:
        """Return the exit code, once it has ended by itself."""
        return self._process.wait(seconds)

    def end(self) -> int:
        """Send SIGTERM; return the exit code."""
        self._process.terminate()
        return self._process.wait(60)

    def dispose(self) -> None:
        """Leave no process behind, whatever became of the test."""
        self._process.kill()
        self._process.wait(60)

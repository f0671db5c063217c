"""Reload a web config file when it, or a file that it refers to, changes while the server runs."""

import logging
import socket
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from podres_exporter.clock import Clock
from podres_exporter.errors import ConfigError
from podres_exporter.web.channel import Channel
from podres_exporter.web.config.files import FileReader, signature
from podres_exporter.web.config.guard import guarded
from podres_exporter.web.config.protection import Protection, load_protection
from podres_exporter.web.dispatch import Answer

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How long a change may go unnoticed: requests within this time do not check again."""


class LoadEvents(Protocol):
    """Observes loads."""

    def web_config_loaded(self, at_seconds: float) -> None:
        """The file was loaded, at this wall time in seconds."""
        ...

    def web_config_rejected(self) -> None:
        """A changed file is invalid."""
        ...


class WebConfigFile:
    """
    The last valid state of the file and all files it refers to; an AccessControl, thread-safe.

    Whether TLS is used at all is decided at start-up: open connections and printed URLs could not follow a change.
    """

    def __init__(self, path: Path, clock: Clock, events: LoadEvents) -> None:
        """Load the file; raises ConfigError with every fault."""
        self._path, self._clock, self._events = path, clock, events
        self._lock = threading.Lock()
        reader = FileReader()
        self._protection = load_protection(path, reader, clock)
        self._signatures = reader.signatures
        self._looked_at_seconds = clock.monotonic_seconds()
        self._is_tls = self._protection.tls is not None
        events.web_config_loaded(clock.wall_seconds())
        if self._protection.document.http2:
            log.info("web.http2_not_served", extra={"file": str(path), "served": "HTTP/1.1"})

    @property
    def is_tls(self) -> bool:
        """Whether clients must use TLS."""
        return self._is_tls

    def open(self, sock: socket.socket) -> Channel:
        """Return the channel with the current certificate; raises OSError if the handshake fails."""
        tls = self.current().tls
        if tls is None:
            raise AssertionError("a server without TLS opens no channel")
        return tls.open(sock)

    def guard(self, answer: Answer, open_paths: Collection[str]) -> Answer:
        """Wrap *answer* with the current limit and passwords; *open_paths* need no password."""
        return guarded(answer, self.current, open_paths)

    def current(self) -> Protection:
        """Return the current settings; the first request after a change re-reads the files, others do not wait."""
        due = self._looked_at_seconds + LOOK_SECONDS
        if self._clock.monotonic_seconds() >= due and self._lock.acquire(blocking=False):
            try:
                self._look()
                self._looked_at_seconds = self._clock.monotonic_seconds()
            finally:
                self._lock.release()
        return self._protection

    def _look(self) -> None:
        """Apply a changed file; an invalid one is reported once and changes nothing."""
        if self._signatures == {path: signature(path) for path in self._signatures}:
            return
        reader = FileReader()
        try:
            protection = load_protection(self._path, reader, self._clock, self._protection)
            self._check_kind(protection)
        except ConfigError as error:
            log.error("web.config_rejected", extra={"problems": "; ".join(error.problems)})  # noqa: TRY400 - no bug
            self._events.web_config_rejected()
        else:
            self._protection = protection
            self._events.web_config_loaded(self._clock.wall_seconds())
            log.info("web.config_reloaded", extra={"file": str(self._path)})
        self._signatures = reader.signatures

    def _check_kind(self, protection: Protection) -> None:
        """Raise ConfigError if the file has changed between TLS and no TLS."""
        if self._is_tls != (protection.tls is not None):
            switched = "off" if self._is_tls else "on"
            raise ConfigError([f"{self._path}: tls_server_config: switching TLS {switched} needs a restart"])

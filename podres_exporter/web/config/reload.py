"""Reload a web config file when it, or a file that it names, changes while the server runs."""

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
"""How long a change may go unseen: clients that come faster do not make us look more often."""


class LoadEvents(Protocol):
    """Who hears of loads."""

    def web_config_loaded(self, at_seconds: float) -> None:
        """Hear that the file was loaded, at a second of wall time."""
        ...

    def web_config_rejected(self) -> None:
        """Hear that a changed file cannot be used."""
        ...


class WebConfigFile:
    """
    The newest good state of the file and of all that it names; an AccessControl, safe to use from any thread.

    Whether TLS is spoken at all is decided at the start: open connections and printed URLs could not follow.
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
        """Whether clients must speak TLS."""
        return self._is_tls

    def open(self, sock: socket.socket) -> Channel:
        """Return the channel with the newest certificate; raises OSError where client and server cannot agree."""
        tls = self.current().tls
        if tls is None:
            raise AssertionError("a server without TLS opens no channel")
        return tls.open(sock)

    def guard(self, answer: Answer, open_paths: Collection[str]) -> Answer:
        """Return *answer* behind the newest limit and passwords; *open_paths* are for everyone."""
        return guarded(answer, self.current, open_paths)

    def current(self) -> Protection:
        """Return the settings that count now; the first request after a change reads the files, others do not wait."""
        due = self._looked_at_seconds + LOOK_SECONDS
        if self._clock.monotonic_seconds() >= due and self._lock.acquire(blocking=False):
            try:
                self._look()
                self._looked_at_seconds = self._clock.monotonic_seconds()
            finally:
                self._lock.release()
        return self._protection

    def _look(self) -> None:
        """Take a changed file over; one that cannot be used is reported once and changes nothing."""
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
        """Raise ConfigError where the file has changed between TLS and none."""
        if self._is_tls != (protection.tls is not None):
            switched = "off" if self._is_tls else "on"
            raise ConfigError([f"{self._path}: tls_server_config: TLS is switched {switched} by a restart only"])

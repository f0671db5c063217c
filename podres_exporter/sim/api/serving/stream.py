"""Stream a watch to its client in chunks, apply faults, and detect that the client has disconnected."""

import select
import socket
import ssl
import threading
from collections.abc import Callable

from podres_exporter.sim.api.reads.watch import DEFAULT_TIMEOUT_SECONDS, Schedule, View, Watch, error_line
from podres_exporter.sim.api.serving.fault_kinds import StreamFault
from podres_exporter.sim.api.serving.faults import Mailbox
from podres_exporter.sim.api.serving.state import ServerState
from podres_exporter.sim.api.storage.status import expired

_TICK_SECONDS = 0.05
"""How late a fault or the clock is noticed. A waiting thread cannot see a clock jump that a test has moved."""

_PADDING = "podres.sim/padding"


class Stream:
    """
    One watch on one connection, after its head was sent.

    *write* sends bytes and raises OSError when the client has left; *closing* is set when the server stops.
    """

    def __init__(
        self,
        state: ServerState,
        view: View,
        client: socket.socket,
        write: Callable[[bytes], None],
        closing: threading.Event,
    ) -> None:
        """Take what is needed; nothing is sent yet."""
        self._state = state
        self._view = view
        self._client = client
        self._write = write
        self._closing = closing
        asked = view.options.timeout_seconds
        self._schedule = Schedule(state.clock.monotonic_seconds(), asked or DEFAULT_TIMEOUT_SECONDS)

    def run(self, watch: Watch) -> bool:
        """Send everything until the end; return whether the connection may be used again."""
        with watch.feed, self._state.faults.watching() as mailbox:
            for line in watch.initial_lines(self._state.clock.wall_seconds()):
                self._send(line)
            return self._follow(watch, mailbox)

    def fail(self, line: bytes) -> bool:
        """Send one line and end, for a watch that could not begin."""
        self._send(line)
        return self._end()

    def _follow(self, watch: Watch, mailbox: Mailbox) -> bool:
        """Send changes and bookmarks as they come."""
        while not self._closing.is_set() and not has_left(self._client):
            batch = watch.feed.take(_TICK_SECONDS)
            for line in watch.lines(batch, self._state.clock.wall_seconds()):
                self._send(line)
            if (fault := self._state.faults.collect(mailbox)) and (is_usable := self._suffer(fault, watch)) is not None:
                return is_usable
            now = self._state.clock.monotonic_seconds()
            for _ in range(self._schedule.due_bookmarks(now)):
                if bookmark := watch.bookmark():
                    self._send(bookmark)
            if watch.feed.is_lost or self._schedule.is_over(now):
                return self._end()
        return False

    def _suffer(self, fault: StreamFault, watch: Watch) -> bool | None:
        """Let a fault happen; return whether the connection may be used again, None where the watch goes on."""
        version = self._state.store.version
        match fault:
            case StreamFault.OVERSIZE:
                annotations = {_PADDING: "x" * self._state.faults.oversized_line_bytes}
                self._send(self._view.bookmark_line(version, annotations))
                return None
            case StreamFault.CUT:
                return False
            case StreamFault.STALL:
                wait_for_nothing(self._state, self._client, self._closing)
                return False
            case StreamFault.EXPIRE:
                self._send(error_line(expired(f"too old resource version: {watch.known_version} ({version})")))
            case StreamFault.TRUNCATE:
                line = self._view.bookmark_line(version)
                self._send(line[: len(line) // 2])
            case StreamFault.CLOSE:
                pass
        return self._end()

    def _send(self, line: bytes) -> None:
        """Send one chunk."""
        self._write(b"%x\r\n%b\r\n" % (len(line), line))

    def _end(self) -> bool:
        """Send the last chunk; the connection may be used again."""
        self._write(b"0\r\n\r\n")
        return True


def wait_for_nothing(state: ServerState, client: socket.socket, closing: threading.Event) -> None:
    """Return when the client has left, the server stops, or the faults are cleared."""
    generation = state.faults.generation
    while generation == state.faults.generation and not has_left(client):
        if closing.wait(_TICK_SECONDS):
            return


def has_left(client: socket.socket) -> bool:
    """Return whether the other side has closed or reset the connection."""
    try:
        readable, _, _ = select.select([client], [], [], 0)
        if not readable:
            return False
        return _has_hung_up(client) if isinstance(client, ssl.SSLSocket) else not client.recv(1, socket.MSG_PEEK)
    except OSError:
        return True


def _has_hung_up(client: ssl.SSLSocket) -> bool:
    """
    Return whether a readable TLS connection is at its end, whose farewell is a record like any other.

    TLS cannot be peeked into: a byte that a client sends while it is being answered is lost. No client does.
    """
    client.setblocking(False)
    try:
        return not client.recv(1)
    except ssl.SSLWantReadError:
        return False
    finally:
        client.setblocking(True)

"""
Send pod events to every watching client, each with a bounded queue.

Source: kubelet apis/pods/server.go, broadcaster: who is 100 events behind is dropped.
"""

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import grpc

QUEUE = 100


class StreamEnd(Exception):  # noqa: N818 - it is no error here
    """How a stream ends."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        """Keep both."""
        super().__init__(details)
        self.code, self.details = code, details


@dataclass(slots=True, eq=False)
class _Client:
    """Compared by identity: a client that leaves must not unregister another one that is in the same state."""

    queue: deque[bytes] = field(default_factory=deque)
    end: StreamEnd | None = None


class Broadcast:
    """May be used from any thread. *is_silent*: events are dropped without an error."""

    def __init__(self) -> None:
        """Begin without clients."""
        self.is_silent = False
        self._clients: list[_Client] = []
        self._changed = threading.Condition()

    @property
    def watching(self) -> int:
        """How many clients are registered."""
        with self._changed:
            return len(self._clients)

    def send(self, event: bytes) -> None:
        """Queue an event for every client; one whose queue is full is dropped."""
        with self._changed:
            for client in () if self.is_silent else self._clients:
                if len(client.queue) < QUEUE:
                    client.queue.append(event)
                elif client.end is None:
                    client.end = StreamEnd(grpc.StatusCode.RESOURCE_EXHAUSTED, "watch client channel closed")
            self._changed.notify_all()

    def end(self, end: StreamEnd) -> None:
        """End every stream that is open."""
        with self._changed:
            for client in self._clients:
                client.queue.clear()
                client.end = end
            self._changed.notify_all()

    def register(self) -> "Registration":
        """Return a registration; events from now on are for it, too."""
        client = _Client()
        with self._changed:
            self._clients.append(client)
        return Registration(self._changed, self._clients, client)


class Registration:
    """One client's queue."""

    def __init__(self, changed: threading.Condition, clients: list[_Client], client: _Client) -> None:
        """Share the lock and the list of the broadcast."""
        self._changed, self._clients, self._client = changed, clients, client
        self._is_over = False

    def events(self) -> Iterator[bytes]:
        """Yield event after event until `close`. Raises StreamEnd."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_over or self._client.queue or self._client.end)
                if self._is_over:
                    return
                if not self._client.queue and self._client.end is not None:
                    raise self._client.end
                event = self._client.queue.popleft()
            yield event

    def close(self) -> None:
        """Unregister."""
        with self._changed:
            self._is_over = True
            if self._client in self._clients:
                self._clients.remove(self._client)
            self._changed.notify_all()

"""Serve the newest snapshot as JSON: rendered on the first request and cached until the next snapshot."""

import threading
from dataclasses import dataclass

from podres_exporter.clock import Clock
from podres_exporter.exposition.bodies import RENDERING, etag, gzip_member
from podres_exporter.model import Snapshot

Body = tuple[bytes, str]
"""The bytes and their strong ETag, quotes included."""


class _Document:
    """One snapshot as JSON; each of the two encodings is rendered at most once, at its first request."""

    def __init__(self, snapshot: Snapshot, generated_at_seconds: float, version: str) -> None:
        """Render nothing yet."""
        self.snapshot, self.generated_at_seconds, self._version = snapshot, generated_at_seconds, version
        self._bodies: dict[bool, Body] = {}
        self._lock = threading.Lock()

    def body(self, gzip: bool) -> Body:
        """Return the document, gzipped or not. Concurrent requests wait for the same bytes."""
        with self._lock:
            if gzip not in self._bodies:
                with RENDERING:
                    self._bodies[gzip] = self._make(gzip)
            return self._bodies[gzip]

    def _make(self, gzip: bool) -> Body:
        """Return a body; the two encodings differ, so their strong ETags must differ too (RFC 9110, 8.8.3.3)."""
        data = self._bodies[False][0] if False in self._bodies else self._json()
        return (gzip_member(data), etag(data, "gzip")) if gzip else (data, etag(data))

    def _json(self) -> bytes:
        from podres_exporter.document import encode_json  # noqa: PLC0415 - most exporters are never asked for it

        return encode_json(self.snapshot, generated_at_seconds=self.generated_at_seconds, version=self._version)


@dataclass(frozen=True, slots=True)
class _Published:
    """A document, and the monotonic second from which its allocation is too old to show."""

    document: _Document
    expires_at_seconds: float


class SnapshotDocument:
    """Holds the document of the newest snapshot; the poll loop calls `publish`, requests call `body`."""

    def __init__(self, node: str, version: str, clock: Clock) -> None:
        """Start with a document that says that there is no allocation yet; *version* is the exporter's."""
        self._version, self._clock = version, clock
        self._published = _Published(self._document(Snapshot(node, None)), 0.0)
        self._lock = threading.Lock()

    def publish(self, snapshot: Snapshot, expires_at_seconds: float) -> None:
        """
        Publish *snapshot*; its allocation expires at *expires_at_seconds* (monotonic).

        The document's time is that of its publication; if equal snapshots follow one another, that of the first, so
        that equal content has equal bytes.
        """
        with self._lock:
            document = self._published.document
            if document.snapshot != snapshot:
                document = self._document(snapshot)
            self._published = _Published(document, expires_at_seconds)

    def body(self, gzip: bool) -> Body:
        """Return the document, gzipped or not, with its ETag. Never blocks on a source."""
        return self.current().body(gzip)

    def current(self) -> _Document:
        """Return the current document; the expiry is checked here too, in case the poll loop hangs."""
        now = self._clock.monotonic_seconds()
        with self._lock:
            document, expires_at_seconds = self._published.document, self._published.expires_at_seconds
            if document.snapshot.allocation is not None and now >= expires_at_seconds:
                document = _Document(document.snapshot.expired(), document.generated_at_seconds, self._version)
                self._published = _Published(document, expires_at_seconds)
            return document

    def _document(self, snapshot: Snapshot) -> _Document:
        return _Document(snapshot, self._clock.wall_seconds(), self._version)

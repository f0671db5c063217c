"""
Render and cache the metrics page: each format and encoding at most once per change.

The page has two parts. The allocation, nearly all of the page, is rendered by the poll loop when it changed. The rest
(running totals, sources, own counters) is small, changes all the time, and is rendered at most once a second. A scrape
usually finds both ready. They are sent one after the other and never joined, so that the large part is in memory only
once per allocation, however many clients read it slowly.
"""

import math
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial

from podres_exporter.clock import Clock
from podres_exporter.exposition.bodies import Deflated, deflate, gzip_end
from podres_exporter.exposition.negotiation import Format
from podres_exporter.exposition.own import OwnMetrics
from podres_exporter.exposition.text import AllocationWriter, page, write_rest
from podres_exporter.families.spec import Family
from podres_exporter.model import Allocation, Snapshot

REST_SECONDS = 1.0
"""Maximum age of the small part: fresh enough for any scrape interval, while a flood of scrapes costs nothing."""

PageParts = tuple[bytes, bytes]
"""The large part and the small one, which together form the page."""

Written = list[tuple[Family, str]]
"""Families with their rendered lines."""


@dataclass(slots=True)
class _Body:
    """
    The rendered allocation and its encodings by format, each made at the first scrape that needs it.

    *written* is prepared for the first scrape and then released: one page is kept in memory, in the requested form. If
    another form is requested as well, it is rendered again.
    """

    write: Callable[[], Written]
    written: Written | None = None
    identity: dict[Format, bytes] = field(default_factory=dict)
    deflated: dict[Format, Deflated] = field(default_factory=dict)

    def get(self, text_format: Format) -> bytes:
        """Return the text as UTF-8."""
        if text_format not in self.identity:
            self.identity[text_format] = b"".join(self._pieces(text_format))
        return self.identity[text_format]

    def get_deflated(self, text_format: Format) -> Deflated:
        """Return the compressed text; the text itself is not kept, because most scrapers never request it."""
        if text_format not in self.deflated:
            self.deflated[text_format] = deflate(self._pieces(text_format))
        return self.deflated[text_format]

    def _pieces(self, text_format: Format) -> Iterator[bytes]:
        """Yield the text family by family."""
        written = self.write() if self.written is None else self.written
        self.written = None
        for family in written:
            yield page([family], text_format).encode()


@dataclass(frozen=True, slots=True)
class _Published:
    """One snapshot with its body, and the monotonic second from which its allocation is too old to show."""

    snapshot: Snapshot
    body: _Body
    expires_at_seconds: float


@dataclass(frozen=True, slots=True)
class _Variant:
    """One finished answer, the body it was made from, and when."""

    body: _Body
    made_at_seconds: float
    parts: PageParts


class Exposition:
    """Holds the page of the newest snapshot; the poll loop calls `publish`, scrapes call `body`."""

    def __init__(
        self, node: str, families: Collection[Family], own: OwnMetrics, clock: Clock, *, node_label: bool = True
    ) -> None:
        """Start with a page that says that there is no allocation yet."""
        self._families, self._own, self._clock, self._node_label = families, own, clock, node_label
        self._writer = AllocationWriter(families, node, node_label=node_label)
        self._empty = _Body(list)
        self._allocation: Allocation | None = None
        self._published = _Published(Snapshot(node, None), self._empty, 0.0)
        self._variants: dict[tuple[Format, bool], _Variant] = {}
        self._lock = threading.Lock()
        self._scraped_at_seconds = -math.inf

    @property
    def scraped_at_seconds(self) -> float:
        """The monotonic second of the last scrape."""
        return self._scraped_at_seconds

    def publish(self, snapshot: Snapshot, expires_at_seconds: float) -> None:
        """
        Publish *snapshot*; its allocation expires at *expires_at_seconds* (monotonic).

        The expiry is also checked at each scrape, in case the poll loop hangs.
        """
        body = self._published.body
        if snapshot.allocation is None:
            body = self._empty
        elif snapshot.allocation is not self._allocation:
            write = partial(self._writer.write, snapshot.allocation)
            body = _Body(write, write())
        self._allocation = snapshot.allocation
        self._published = _Published(snapshot, body, expires_at_seconds)
        self._variants.clear()

    def body(self, text_format: Format, gzip: bool) -> PageParts:
        """Return the page in one format, gzipped or not, as its two parts. Never blocks on a source."""
        now = self._scraped_at_seconds = self._clock.monotonic_seconds()
        published = self._published
        body, snapshot = published.body, published.snapshot
        if snapshot.allocation is not None and now >= published.expires_at_seconds:
            body, snapshot = self._empty, snapshot.expired()
        if known := self._known(body, text_format, gzip, now):
            return known
        with self._lock:
            # Other requests may have waited for the same page: render it once for all of them.
            if known := self._known(body, text_format, gzip, now):
                return known
            make = partial(self._gzipped if gzip else self._identity, body, text_format, snapshot)
            variant = _Variant(body, now, make())
            if self._published is published:
                self._variants[text_format, gzip] = variant
            return variant.parts

    def _known(self, body: _Body, text_format: Format, gzip: bool, now: float) -> PageParts | None:
        """Return the page if it is ready and fresh enough."""
        known = self._variants.get((text_format, gzip))
        return known.parts if known and known.body is body and now - known.made_at_seconds < REST_SECONDS else None

    def _identity(self, body: _Body, text_format: Format, snapshot: Snapshot) -> PageParts:
        return body.get(text_format), self._rest(text_format, snapshot)

    def _gzipped(self, body: _Body, text_format: Format, snapshot: Snapshot) -> PageParts:
        start = body.get_deflated(text_format)
        return start.blocks, gzip_end(start, self._rest(text_format, snapshot))

    def _rest(self, text_format: Format, snapshot: Snapshot) -> bytes:
        """Return the small part: running totals, sources, own counters, and the end marker."""
        written = write_rest(snapshot, self._families, node_label=self._node_label)
        end = b"# EOF\n" if text_format is Format.OPENMETRICS else b""
        return page(written, text_format).encode() + self._own.text(text_format) + end

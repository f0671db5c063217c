"""The page of the newest snapshot as bytes: rendered on the first request and cached until the next snapshot."""

import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from podres_exporter.exposition.bodies import RENDERING, etag, gzip_member
from podres_exporter.model import Snapshot
from podres_exporter.page.assets import Asset, PageLinks

Body = tuple[bytes, str]
"""The bytes, and the strong ETag that names them, quotes included."""


class Dated(Protocol):
    """A snapshot, and when it was published in Unix seconds; another object as soon as there is another snapshot."""

    @property
    def snapshot(self) -> Snapshot:
        """What to show."""
        ...

    @property
    def generated_at_seconds(self) -> float:
        """Since when."""
        ...


class SnapshotPage:
    """Hands the page out to any number of threads."""

    def __init__(
        self,
        current: Callable[[], Dated],
        assets: Mapping[str, Asset],
        links: PageLinks,
        why_down: Callable[[], str] = str,
    ) -> None:
        """Make nothing yet; *current* returns what to show now, *why_down* what the kubelet's last error says."""
        self._current, self._assets, self._links, self._why_down = current, assets, links, why_down
        self._shown: Dated | None = None
        self._bodies: dict[bool, Body] = {}
        self._lock = threading.Lock()

    def body(self, gzip: bool) -> Body:
        """Return the page, gzipped or not, with its ETag. Who asks at the same time waits for the same bytes."""
        with self._lock:
            shown = self._current()
            if shown is not self._shown:
                self._shown, self._bodies = shown, {False: self._plain(shown)}
            if gzip not in self._bodies:
                data, _ = self._bodies[False]
                self._bodies[True] = gzip_member(data), etag(data, "gzip")
            return self._bodies[gzip]

    def _plain(self, shown: Dated) -> Body:
        from podres_exporter.page.document import render  # noqa: PLC0415 - most exporters are never looked at

        with RENDERING:
            data = render(
                shown.snapshot, shown.generated_at_seconds, self._assets, self._links, self._why_down()
            ).encode()
        return data, etag(data)

"""Track the health of each source, and log its changes."""

import logging
from collections.abc import Iterable

from podres_exporter.clock import Clock
from podres_exporter.errors import SourceError
from podres_exporter.model import SourceHealth

log = logging.getLogger(__name__)


class HealthBook:
    """Owned by the poll loop. Logs changes, never the same state twice."""

    def __init__(self, sources: Iterable[str], clock: Clock) -> None:
        """No source has been used yet, so none is up."""
        self._clock = clock
        self._health = {source: SourceHealth(source, up=False, last_success_seconds=None) for source in sources}
        self._down_since_seconds: dict[str, float] = {}
        self.last_error: dict[str, SourceError] = {}

    def up(self, source: str) -> None:
        """The source has answered."""
        if not self._health[source].up:
            since = self._down_since_seconds.pop(source, None)
            outage = {} if since is None else {"outage_seconds": round(self._clock.monotonic_seconds() - since, 1)}
            log.info("source.up", extra={"source": source, **outage})
        self._health[source] = SourceHealth(source, up=True, last_success_seconds=self._clock.wall_seconds())

    def down(self, error: SourceError) -> None:
        """The source has not answered."""
        source = error.source
        if source not in self._down_since_seconds:
            self._down_since_seconds[source] = self._clock.monotonic_seconds()
            log.warning("source.down", extra={"source": source, "reason": error.reason.value, "detail": error.detail})
        self.last_error[source] = error
        last_success = self._health[source].last_success_seconds
        self._health[source] = SourceHealth(source, up=False, last_success_seconds=last_success, reason=error.reason)

    def all(self) -> tuple[SourceHealth, ...]:
        """Return the health of every source."""
        return tuple(self._health.values())

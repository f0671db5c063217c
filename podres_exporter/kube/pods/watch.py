"""Follow the pods of a node in a background thread, by list and watch of the API server."""

import random
from collections.abc import Callable, Collection

from podres_exporter.clock import Clock
from podres_exporter.kube.interfaces import ListWatchTransport, MetadataObserver
from podres_exporter.kube.pods.cache import GRACE_SECONDS, PodCache
from podres_exporter.kube.pods.feed import PodFeed
from podres_exporter.kube.reflector.reflector import Reflector
from podres_exporter.model import Metadata, PodKey
from podres_exporter.podmeta import PodDecoder


class PodWatch(Reflector):
    """A PodMetaSource over a transport."""

    def __init__(
        self,
        transport: ListWatchTransport,
        decoder: PodDecoder,
        clock: Clock,
        observer: MetadataObserver,
        uniform: Callable[[], float] = random.random,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        """Start nothing yet; *grace_seconds*: shorter interruptions change nothing."""
        self._cache = PodCache(clock, grace_seconds)
        feed = PodFeed(transport, decoder, observer, self._cache)
        super().__init__(transport, feed, self._cache.failed, clock, observer, uniform)

    def start(self, changed: Callable[[Collection[PodKey]], None]) -> None:
        """Start following the pods in the background."""
        self._cache.changed = changed
        self.start_following()

    def metadata(self) -> Metadata:
        """Return the current metadata; callable from any thread."""
        return self._cache.metadata()

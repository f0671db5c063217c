"""Follow the pods of a node by list and watch, and decode lists and events into the cache."""

import logging
import random
from collections.abc import Callable, Collection

from podres_exporter.clock import Clock
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.kube.errors import reason_of
from podres_exporter.kube.interfaces import LIST_VERB, WATCH_VERB, ListWatchTransport, MetadataObserver
from podres_exporter.kube.pods.cache import GRACE_SECONDS, PodCache
from podres_exporter.kube.reflector.reflector import Reflector
from podres_exporter.model import Malformed, Metadata, PodKey
from podres_exporter.podmeta import (
    Bookmark,
    Changed,
    Deleted,
    Failed,
    Foreign,
    PodDecoder,
    PodList,
    PodListReader,
    Unknown,
    decode_event,
)

log = logging.getLogger(__name__)


def read_pods(transport: ListWatchTransport, decoder: PodDecoder, clock: Clock) -> Metadata:
    """Return the pods of one list, for one-shot commands. Raises ApiServerError."""
    found, _ = _listed(transport, decoder)
    pods = {each.meta.key: each.meta for each in found.pods}
    return Metadata(pods, synced=not found.malformed, is_up=True, last_success_seconds=clock.wall_seconds())


class PodFeed:
    """Owned by one thread. Every call raises ApiServerError if the request or the watch fails."""

    def __init__(
        self, transport: ListWatchTransport, decoder: PodDecoder, observer: MetadataObserver, cache: PodCache
    ) -> None:
        """Keep the collaborators; nothing is requested yet."""
        self._transport, self._decoder, self._observer, self._cache = transport, decoder, observer, cache
        self._has_warned = False
        self._version = ""

    def list(self) -> str:
        """
        List the pods and return the list's version.

        The cache of an API server may be behind what another one has told: pods that have started since would be taken
        for gone. What its storage has is believed, for it may have been restored from a backup.

        Source: kubernetes #59848; client-go Reflector relistResourceVersion.
        """
        found = self._request_list()
        if is_older(found.resource_version, self._version):
            log.info("metadata.old_list", extra={"version": found.resource_version, "known": self._version})
            found = self._request_list(is_latest=True)
        self._version = found.resource_version
        self._warn_of_foreign(found.foreign)
        self._report([*found.malformed, *(problem for pod in found.pods for problem in pod.problems)])
        self._cache.listed([pod.meta for pod in found.pods], is_complete=not found.malformed)
        log.debug("metadata.listed", extra={"pods": len(found.pods), "version": found.resource_version})
        return found.resource_version

    def _request_list(self, *, is_latest: bool = False) -> PodList:
        """Return the pods of one list, which is counted."""
        self._observer.request(LIST_VERB)
        found, size_bytes = _listed(self._transport, self._decoder, is_latest=is_latest)
        self._observer.received(size_bytes)
        return found

    def watch(self, version: str, timeout_seconds: int, progressed: Callable[[str], None]) -> None:
        """Process events until the server ends the watch; *progressed* is called with the version of each."""
        self._observer.request(WATCH_VERB)
        with self._transport.watch(version, timeout_seconds) as lines:
            self._cache.opened()
            for line in lines:
                self._observer.received(len(line))
                taken = self._take(line)
                self._version = taken or self._version
                progressed(taken)

    def _take(self, line: bytes) -> str:
        """
        Process one event and return its version, empty if it has none. Raises ApiServerError if it ends the watch.
        """
        event = decode_event(line, self._decoder)
        self._observer.event(type(event).__name__.lower())
        match event:
            case Changed(pod):
                self._report(pod.problems)
                self._cache.added(pod.meta)
                return pod.resource_version
            case Foreign(version):
                self._warn_of_foreign(1)
                self._cache.heard()
                return version
            case Deleted(key, uid, version):
                self._cache.removed(key, uid)
                return version
            case Bookmark(version):
                self._cache.heard()
                return version
            case Unknown():
                self._cache.heard()
                return ""
            case Failed(code, _, message, retry_after_seconds):
                raise ApiServerError(WATCH_VERB, reason_of(code), f"{code}: {message}", retry_after_seconds)
            case _:
                self._report([Malformed(event.path, event.problem)])
                raise ApiServerError(
                    WATCH_VERB, Reason.MALFORMED, f"a watch event could not be read: {event.path}: {event.problem}"
                )

    def _warn_of_foreign(self, pods: int) -> None:
        """Log once that pods of other nodes are received and ignored."""
        if pods and not self._has_warned:
            self._has_warned = True
            log.warning(
                "metadata.foreign_pods",
                extra={"pods": pods, "why": "the API server, or a proxy in front of it, ignores the field selector"},
            )

    def _report(self, items: Collection[Malformed]) -> None:
        """Report items that could not be read."""
        if items:
            self._observer.malformed(tuple(items))
        for item in items:
            log.debug("metadata.malformed_item", extra={"path": item.path, "problem": item.problem})


def is_older(version: str, known: str) -> bool:
    """
    Return whether a version of the API server is older than another one, as far as both are numbers.

    Source: KEP-5504: they are comparable, for one kind of objects.
    """
    return version.isdecimal() and known.isdecimal() and int(version) < int(known)


def _listed(transport: ListWatchTransport, decoder: PodDecoder, *, is_latest: bool = False) -> tuple[PodList, int]:
    """
    Return the pods of a list, and its size in bytes.

    Raises ApiServerError, also if the list has no version from which to start a watch.
    """
    reader = PodListReader(decoder)
    with transport.list_pieces(is_latest=is_latest) as pieces:
        for piece in pieces:
            reader.feed(piece)
    found = reader.finish()
    if not found.resource_version:
        raise ApiServerError(LIST_VERB, Reason.MALFORMED, "the list has no resourceVersion")
    return found, reader.size_bytes


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

"""The DRA source: follow the node's ResourceSlices and read the ResourceClaims of its pods."""

import json
import logging
import random
import threading
from collections.abc import Callable
from dataclasses import replace

from podres_exporter.clock import Clock
from podres_exporter.dra import NO_ATTRIBUTES, AttributeAllowlist
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.kube.client import KubeClient
from podres_exporter.kube.dra.claims import GET_VERB, ClaimCache, Users, is_same_claim
from podres_exporter.kube.dra.pools import PoolCache, merged
from podres_exporter.kube.dra.slices import SliceFeed, SliceStore
from podres_exporter.kube.interfaces import LIST_VERB, MetadataObserver
from podres_exporter.kube.reflector.list_watch import ListWatch
from podres_exporter.kube.reflector.pacing import pause
from podres_exporter.kube.reflector.reflector import STOP_SECONDS, Reflector
from podres_exporter.model import Dra, DraPool

log = logging.getLogger(__name__)

GROUP = "resource.k8s.io"
GROUP_PATH = f"/apis/{GROUP}"
VERSIONS = ("v1", "v1beta2", "v1beta1")
"""Preferred first; v1 since Kubernetes 1.34, v1beta1 since 1.32. Older versions are not served by default."""

_RIGHTS = (
    "a ClusterRole with apiGroups: [resource.k8s.io], resourceslices: [list, watch], resourceclaims: [get]; "
    "or --no-collector.dra"
)

DISCOVERY_SECONDS = 10.0
NOT_SERVED_SECONDS = 3600.0
"""How long to wait before checking again whether the API server serves the API: it may have been upgraded."""


def served_version(client: KubeClient) -> str | None:
    """Return the API version to use, None if none is served. Raises ApiServerError."""
    answer = client.get(GROUP_PATH, {}, DISCOVERY_SECONDS)
    if answer.code == 404:
        return None
    try:
        served = {each["version"] for each in json.loads(answer.expect(GET_VERB))["versions"]}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ApiServerError(GET_VERB, Reason.MALFORMED, "the answer is not an API group") from error
    return next((version for version in VERSIONS if version in served), None)


def slices_of_node(client: KubeClient, version: str, node: str) -> ListWatch:
    """Return the list-watch for the slices of one node; `spec.nodeName` is indexed in the API server's cache."""
    return ListWatch(client, f"{GROUP_PATH}/{version}/resourceslices", f"spec.nodeName={node}")


class DraWatch:
    """
    A DraSource with two threads: one discovers the API version and follows the slices, the other reads claims.

    Only this node's slices are requested; each claim is read once.
    """

    def __init__(
        self,
        client: KubeClient,
        node: str,
        clock: Clock,
        observer: MetadataObserver,
        uniform: Callable[[], float] = random.random,
        allowed: AttributeAllowlist = NO_ATTRIBUTES,
    ) -> None:
        """Start nothing yet. *allowed* are attributes of devices to keep."""
        self._client, self._node, self._clock = client, node, clock
        self._observer, self._uniform, self._allowed = observer, uniform, allowed
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._users: Users = {}
        self._dra: Dra | None = None
        self._changed: Callable[[], None] = _no_listener
        self._down_for: Reason | None = None
        self._is_claims_right_missing = False
        self._reflector: Reflector | None = None
        self._threads = [
            threading.Thread(target=self._follow_slices, name="dra-slices", daemon=True),
            threading.Thread(target=self._read_claims, name="dra-claims", daemon=True),
        ]
        self._cache: ClaimCache | None = None
        self._far: PoolCache | None = None
        self._own_pools: tuple[DraPool, ...] = ()
        self._far_pools: tuple[DraPool, ...] = ()

    def start(self, changed: Callable[[], None]) -> None:
        """
        Start following in the background; *changed* is called from a thread of the source when something has changed.
        """
        self._changed = changed
        for thread in self._threads:
            thread.start()

    def dra(self) -> Dra | None:
        """Return the current facts; None if the API is not served, or not yet known to be; callable from any thread."""
        return self._dra

    def want(self, users: Users) -> None:
        """
        Set which claims the pods of this node use now.

        A claim whose pods are all gone is dropped at once, because its name may now belong to another claim.
        """
        with self._lock:
            if users == self._users:
                return
            before, self._users = self._users, users
            dra = self._dra
            if dra is not None:
                known = dra.claims.items()
                kept = {key: facts for key, facts in known if is_same_claim(before.get(key), users.get(key), facts)}
                self._dra = dra if len(kept) == len(dra.claims) else replace(dra, claims=kept)
        self._wake.set()

    def stop(self) -> None:
        """Stop within a second or two, whatever the server does."""
        self._stop.set()
        self._wake.set()
        reflector = self._reflector
        if reflector is not None:
            reflector.stop()
        self._client.close()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(STOP_SECONDS)

    def _follow_slices(self) -> None:
        version = self._version()
        if version is None:
            return
        store = SliceStore(self._node)
        transport = slices_of_node(self._client, version, self._node)
        feed = SliceFeed(
            transport,
            version,
            self._observer,
            store,
            clock=self._clock,
            allowed=self._allowed,
            changed=lambda at, is_list: self._took_slices(store, at, is_list=is_list),
        )
        self._cache = ClaimCache(self._client, f"{GROUP_PATH}/{version}", self._clock)
        self._far = PoolCache(self._client, transport.path, version, self._clock, self._allowed)
        self._publish(Dra())
        reflector = Reflector(transport, feed, self._failed, self._clock, self._observer, self._uniform)
        self._reflector = reflector
        if not self._stop.is_set():
            reflector.start_following()
        self._wake.set()

    def _version(self) -> str | None:
        """Return the version to use as soon as one is served; None if the source was stopped before."""
        failures, has_said = 0, False
        while not self._stop.is_set():
            try:
                self._observer.request(GET_VERB)
                version = served_version(self._client)
            except ApiServerError as error:
                if self._stop.is_set():
                    return None
                failures += 1
                self._observer.error(error.verb, error.reason)
                self._complain(error)
                wait = pause(failures, error.reason, error.retry_after_seconds).seconds(self._uniform())
            else:
                if version is not None:
                    log.info("dra.following", extra={"version": version})
                    return version
                failures, wait = 0, NOT_SERVED_SECONDS
                if not has_said:
                    log.info("dra.off", extra={"why": "the API server does not serve resource.k8s.io"})
                has_said = True
            self._clock.wait(self._stop, wait)
        return None

    def _took_slices(self, store: SliceStore, at: float, *, is_list: bool) -> None:
        """Publish the current pools."""
        with self._lock:
            before = self._dra or Dra()
            is_synced = is_list or before.is_synced
            self._own_pools = store.pools
            after = replace(
                before,
                pools=merged(store.pools, self._far_pools),
                is_synced=is_synced,
                is_up=True,
                last_success_seconds=at,
                reason=None,
            )
            self._dra = after
        if self._down_for is not None or not before.is_up:
            log.info("source.up", extra={"source": "dra"})
            self._down_for = None
        if (before.pools, before.is_synced, before.is_up) != (after.pools, after.is_synced, after.is_up):
            self._changed()
        if before.pools != after.pools:
            self._wake.set()  # claims may name pools that are gone, or that are still missing

    def _failed(self, error: ApiServerError) -> None:
        """Note a failed request for slices; known slices are kept but no longer followed."""
        self._complain(error)
        with self._lock:
            before = self._dra or Dra()
            self._dra = replace(before, is_up=False, reason=error.reason)
        if before.is_up or before.reason is not error.reason:
            self._changed()

    def _complain(self, error: ApiServerError) -> None:
        """Log that the source is down, once for each kind of failure, and which permission is missing."""
        if self._down_for is error.reason:
            return
        self._down_for = error.reason
        remedy = {}
        if "HTTP 403" in error.detail:
            remedy = {"missing": _RIGHTS}
        detail = {"reason": error.reason.value, "detail": error.detail, **remedy}
        log.warning("source.down", extra={"source": "dra", **detail})

    def _publish(self, dra: Dra) -> None:
        with self._lock:
            self._dra = dra
        self._changed()

    def _read_claims(self) -> None:
        """Read wanted claims that are not known yet, one by one."""
        while not self._stop.is_set():
            try:
                wait = self._turn()
            except Exception:
                log.exception("dra.claims_failed")
                wait = 60.0
            if wait == float("inf"):
                self._wake.wait()
            else:
                self._clock.wait(self._wake, wait)
            self._wake.clear()

    def _turn(self) -> float:
        """Read the next due claim, if any; return in how many seconds the one after it is due."""
        cache = self._cache
        if cache is None:
            return float("inf")
        with self._lock:
            users = self._users
        cache.want(users)
        key, wait = cache.next_due()
        if key is not None and wait <= 0.0:
            self._observer.request(GET_VERB)
            try:
                facts = cache.read(key)
            except ApiServerError as error:
                if self._stop.is_set():
                    return float("inf")
                self._observer.error(error.verb, error.reason)
                if error.reason is Reason.DENIED and not self._is_claims_right_missing:
                    self._is_claims_right_missing = True
                    log.warning("dra.claims_forbidden", extra={"detail": error.detail, "missing": _RIGHTS})
                cache.failed(key, error)
                log.debug("dra.claim_failed", extra={"claim": "/".join(key), "detail": error.detail})
            else:
                cache.took(key, facts)
            _, wait = cache.next_due()
        self._publish_claims(cache, users)
        return min(wait, self._read_pools(cache))

    def _read_pools(self, cache: ClaimCache) -> float:
        """Read the next due pool that is not of this node alone; return in how many seconds the one after it is due."""
        far, dra = self._far, self._dra
        if far is None or dra is None or not dra.is_synced:
            return float("inf")
        far.want(cache.facts().values(), self._own_pools)
        key, wait = far.next_due()
        if key is not None and wait <= 0.0:
            self._observer.request(LIST_VERB)
            try:
                far.read(key)
            except ApiServerError as error:
                if self._stop.is_set():
                    return float("inf")
                self._observer.error(error.verb, error.reason)
                log.debug("dra.pool_failed", extra={"pool": "/".join(key), "detail": error.detail})
            _, wait = far.next_due()
        with self._lock:
            before = self._dra or Dra()
            self._far_pools = far.pools()
            self._dra = replace(before, pools=merged(self._own_pools, self._far_pools))
            is_same = before.pools == self._dra.pools
        if not is_same:
            self._changed()
        return wait

    def _publish_claims(self, cache: ClaimCache, users: Users) -> None:
        facts = cache.facts()
        with self._lock:
            if users is not self._users:
                return  # the set of wanted claims has changed; the next turn starts with them
            before = self._dra or Dra()
            if before.claims == facts:
                return
            self._dra = replace(before, claims=facts)
        self._changed()


def _no_listener() -> None:
    """Placeholder until a listener is set."""

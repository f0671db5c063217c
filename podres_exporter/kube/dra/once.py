"""Read the DRA objects of the node once, for one-shot commands."""

import logging
from collections.abc import Callable
from dataclasses import replace

from podres_exporter.clock import Clock
from podres_exporter.dra import NO_ATTRIBUTES, AttributeAllowlist, decode_claim, decode_slices
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.kube.client import KubeClient
from podres_exporter.kube.dra.claims import GET_SECONDS, GET_VERB, Users
from podres_exporter.kube.dra.pools import PoolCache, merged
from podres_exporter.kube.dra.slices import SliceStore
from podres_exporter.kube.dra.source import GROUP_PATH, served_version, slices_of_node
from podres_exporter.model import ClaimFacts, ClaimKey, Dra

log = logging.getLogger(__name__)

_OF_ONE_CLAIM = frozenset({Reason.NOT_FOUND, Reason.MALFORMED})
"""Failures that concern one claim only; any other failure would repeat for the next claim."""


class DraOnce:
    """A DraSource that lists the slices when created, and reads claims when they are wanted."""

    def __init__(
        self,
        client: KubeClient,
        node: str,
        clock: Clock,
        version: str | None = None,
        allowed: AttributeAllowlist = NO_ATTRIBUTES,
    ) -> None:
        """List the slices; if that fails, nothing is known of them, and why; claims may still be read."""
        self._client, self._path = client, ""
        self._dra: Dra | None = None
        try:
            version = version or served_version(client)
            if version is None:
                return
            self._path = f"{GROUP_PATH}/{version}"
            self._far = PoolCache(client, f"{self._path}/resourceslices", version, clock, allowed)
            found = decode_slices(slices_of_node(client, version, node).list(), version, allowed)
        except ApiServerError as error:
            log.warning("source.down", extra={"source": "dra", "reason": error.reason.value, "detail": error.detail})
            self._dra = Dra(reason=error.reason)
            return
        store = SliceStore(node)
        store.replace(found.slices)
        self._dra = Dra(
            store.pools, is_synced=not found.malformed, is_up=True, last_success_seconds=clock.wall_seconds()
        )

    def start(self, changed: Callable[[], None]) -> None:
        """Do nothing: everything is read once."""

    def dra(self) -> Dra | None:
        """Return the facts read so far."""
        return self._dra

    def want(self, users: Users) -> None:
        """Read the claims that are not known yet, one by one; stop at the first general failure."""
        if self._dra is None or not self._path:
            return
        claims: dict[ClaimKey, ClaimFacts] = dict(self._dra.claims)
        for key in sorted(users.keys() - claims.keys()):
            path = f"{self._path}/namespaces/{key[0]}/resourceclaims/{key[1]}"
            try:
                facts = decode_claim(self._client.get(path, {}, GET_SECONDS).expect(GET_VERB))
            except ApiServerError as error:
                if error.reason in _OF_ONE_CLAIM:
                    continue
                log.warning("dra.claims_failed", extra={"reason": error.reason.value, "detail": error.detail})
                break
            if facts is not None:
                claims[key] = facts
        if claims != self._dra.claims:
            self._dra = replace(self._dra, claims=claims)
            self._read_pools()

    def _read_pools(self) -> None:
        """Read the pools that claims name and that are not of this node alone, as far as they can be read."""
        if self._dra is None or not self._dra.is_synced:
            return
        own = tuple(pool for pool in self._dra.pools if not pool.is_multi_node)
        self._far.want(self._dra.claims.values(), own)
        while (due := self._far.next_due()) and due[0] is not None and due[1] <= 0.0:
            try:
                self._far.read(due[0])
            except ApiServerError as error:
                log.warning("dra.pool_failed", extra={"pool": "/".join(due[0]), "detail": error.detail})
        self._dra = replace(self._dra, pools=merged(own, self._far.pools()))

    def stop(self) -> None:
        """Close the connection."""
        self._client.close()

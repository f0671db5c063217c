"""Asks the kubelet, knows what the running one can answer, and notices when another one has started."""

import logging
from collections.abc import Callable
from typing import TypeVar

from podres_exporter.errors import KubeletError, Reason
from podres_exporter.model import Allocatable, Listing, PodKey, RpcSupport, Support
from podres_exporter.service.events import Events
from podres_exporter.sources.interfaces import ALLOCATABLE, GET, LIST, RPCS, KubeletSource, SocketIdentity

log = logging.getLogger(__name__)

T = TypeVar("T")

_ABSENT = frozenset({Reason.UNIMPLEMENTED, Reason.DISABLED})


class Questions:
    """
    Owned by the poll loop. Every call raises KubeletError.

    The socket is looked at before and after each answer. Where it is another one after it, the kubelet has restarted
    around the call, and nobody knows which of the two has answered.
    """

    def __init__(self, kubelet: KubeletSource, events: Events) -> None:
        """Know nothing of the kubelet yet."""
        self._kubelet, self._events = kubelet, events
        self._known: dict[str, Reason | None] = {}
        self.identity: SocketIdentity | None = None

    def has_restarted(self) -> bool:
        """Look at the socket; True where another kubelet has made it than the last time, or the first one seen."""
        identity = self._kubelet.identity()
        if identity is None or identity == self.identity:
            return False
        if self.identity is not None:
            self._known.clear()
            self._events.restarted()
            log.warning("kubelet.restarted")
        self.identity = identity
        return True

    def list(self) -> tuple[Listing, bool]:
        """Return all pods, and whether they are those of the kubelet that was there before."""
        listing = self._kubelet.list()
        self._known[LIST] = None
        self._report(LIST, listing)
        return listing, self._is_the_same()

    def allocatable(self) -> Allocatable | None:
        """Return what may be handed out; None where the running kubelet does not have the method, or has it off."""
        if self._support(ALLOCATABLE) is Support.UNSUPPORTED:
            return None
        answer = self._noted(ALLOCATABLE, self._kubelet.allocatable)
        if answer is None:
            return None
        self._report(ALLOCATABLE, answer)
        if not self._is_the_same():
            raise _restarted(ALLOCATABLE)
        return answer

    def get(self, key: PodKey) -> Listing | None:
        """Return one pod as a listing; None where the kubelet does not know it, or has finished with it."""
        try:
            answer = self._noted(GET, lambda: self._kubelet.get(*key))
        except KubeletError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            self._known[GET] = answer = None
        else:
            if answer is None:
                raise KubeletError(GET, self._known[GET] or Reason.UNIMPLEMENTED, "the kubelet does not serve it")
            self._report(GET, answer)
        if not self._is_the_same():
            raise _restarted(GET)
        if answer is not None and answer.pods[0].key != key:
            raise KubeletError(GET, Reason.MALFORMED, "the answer is of another pod")
        return answer

    def probe_get(self, listing: Listing) -> None:
        """
        Learn once per start of the kubelet whether it has Get, with a pod that it has just listed.

        Later kubelets fail unknown pods and count that as an error of their own; a listed pod disturbs nothing.
        """
        if GET not in self._known and listing.pods:
            try:
                self.get(listing.pods[0].key)
            except KubeletError as error:
                log.debug("kubelet.get_failed", extra={"reason": error.reason.value, "detail": error.detail})

    def serves(self, rpc: str) -> bool | None:
        """Tell whether the running kubelet serves the RPC; None while that is not known."""
        return self._known[rpc] is None if rpc in self._known else None

    def support(self) -> tuple[RpcSupport, ...]:
        """Return what is known of each RPC of the running kubelet."""
        return tuple(RpcSupport(rpc, self._support(rpc)) for rpc in RPCS)

    def lacks(self, rpc: str, *reasons: Reason) -> bool:
        """Tell whether the kubelet is known not to serve the RPC, for one of these reasons."""
        return self._known.get(rpc) in reasons

    def _support(self, rpc: str) -> Support:
        if rpc not in self._known:
            return Support.UNKNOWN
        return Support.SUPPORTED if self._known[rpc] is None else Support.UNSUPPORTED

    def _is_the_same(self) -> bool:
        return self._kubelet.identity() == self.identity

    def _noted(self, rpc: str, call: Callable[[], T]) -> T | None:
        """Return the answer and note that the kubelet has the method; None where it has not: that is no outage."""
        try:
            answer = call()
        except KubeletError as error:
            if error.reason not in _ABSENT:
                raise
            self._known[rpc] = error.reason
            log.info("kubelet.rpc_absent", extra={"rpc": rpc, "reason": error.reason.value})
            return None
        self._known[rpc] = None
        return answer

    def _report(self, rpc: str, answer: Listing | Allocatable) -> None:
        """Count the unusable items of an answer and name them where they do not flood the log."""
        self._events.malformed(rpc, len(answer.malformed))
        for fault in answer.malformed:
            log.debug("kubelet.malformed_item", extra={"rpc": rpc, "path": fault.path, "problem": fault.problem})


def _restarted(rpc: str) -> KubeletError:
    return KubeletError(rpc, Reason.UNAVAILABLE, "the kubelet has restarted")

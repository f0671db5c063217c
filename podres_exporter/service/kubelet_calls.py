"""Call the kubelet, track which RPCs the running one serves, and detect restarts."""

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

    The socket's identity is checked before and after each call. If it differs, the kubelet restarted during the call,
    and it is unknown which of the two processes answered.
    """

    def __init__(self, kubelet: KubeletSource, events: Events) -> None:
        """Start without knowledge of the kubelet."""
        self._kubelet, self._events = kubelet, events
        self._known: dict[str, Reason | None] = {}
        self.identity: SocketIdentity | None = None

    def has_restarted(self) -> bool:
        """
        Check the socket; return True if the kubelet has recreated it since the last check, or if it is the first one
        seen.
        """
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
        """Return all pods, and whether the kubelet is still the same one."""
        listing = self._kubelet.list()
        self._known[LIST] = None
        self._report(LIST, listing)
        return listing, self._is_the_same()

    def allocatable(self) -> Allocatable | None:
        """Return the allocatable resources; None if the running kubelet lacks the method or has it disabled."""
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
        """Return one pod as a listing; None if the kubelet does not know it, or the pod has finished."""
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
            raise KubeletError(GET, Reason.MALFORMED, "the answer is for another pod")
        return answer

    def probe_get(self, listing: Listing) -> None:
        """
        Find out once per kubelet start whether Get is served, with a pod that was just listed.

        Newer kubelets fail requests for unknown pods and count them as errors; a listed pod has no such effect.
        """
        if GET not in self._known and listing.pods:
            try:
                self.get(listing.pods[0].key)
            except KubeletError as error:
                log.debug("kubelet.get_failed", extra={"reason": error.reason.value, "detail": error.detail})

    def serves(self, rpc: str) -> bool | None:
        """Return whether the running kubelet serves the RPC; None if not known yet."""
        return self._known[rpc] is None if rpc in self._known else None

    def support(self) -> tuple[RpcSupport, ...]:
        """Return what is known about each RPC of the running kubelet."""
        return tuple(RpcSupport(rpc, self._support(rpc)) for rpc in RPCS)

    def lacks(self, rpc: str, *reasons: Reason) -> bool:
        """Return whether the kubelet is known not to serve the RPC, for one of these reasons."""
        return self._known.get(rpc) in reasons

    def _support(self, rpc: str) -> Support:
        if rpc not in self._known:
            return Support.UNKNOWN
        return Support.SUPPORTED if self._known[rpc] is None else Support.UNSUPPORTED

    def _is_the_same(self) -> bool:
        return self._kubelet.identity() == self.identity

    def _noted(self, rpc: str, call: Callable[[], T]) -> T | None:
        """Return the answer and note that the method is served; None if it is not, which is not an outage."""
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
        """Count the unusable items of an answer, and log them at a level where they do not flood the log."""
        self._events.malformed(rpc, len(answer.malformed))
        for fault in answer.malformed:
            log.debug("kubelet.malformed_item", extra={"rpc": rpc, "path": fault.path, "problem": fault.problem})


def _restarted(rpc: str) -> KubeletError:
    return KubeletError(rpc, Reason.UNAVAILABLE, "the kubelet has restarted")

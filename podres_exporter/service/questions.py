"""Asks the kubelet once per poll, knows what the running kubelet can answer, and notices when it has started anew."""

import logging
from dataclasses import dataclass

from podres_exporter.errors import KubeletError, Reason
from podres_exporter.model import Allocatable, Listing, Pod, PodKey, RpcSupport, Support
from podres_exporter.service.events import Events
from podres_exporter.sources.ports import ALLOCATABLE, GET, LIST, RPCS, KubeletSource, SocketIdentity

log = logging.getLogger(__name__)

_ABSENT = frozenset({Reason.UNIMPLEMENTED, Reason.DISABLED})


@dataclass(frozen=True, slots=True)
class Round:
    """
    The answers of one poll. *allocatable* is None where the kubelet cannot be asked for it.

    *identity* is the socket that answered, None where there is none; *restarted* tells that it is not the one of the
    round before, *first* that there was none before.
    """

    listing: Listing | KubeletError
    allocatable: Allocatable | KubeletError | None
    identity: SocketIdentity | None
    restarted: bool
    first: bool


class Questions:
    """Owned by the poll loop."""

    def __init__(self, kubelet: KubeletSource, events: Events) -> None:
        """Know nothing of the kubelet yet."""
        self._kubelet, self._events = kubelet, events
        self._identity: SocketIdentity | None = None
        self._known: dict[str, Reason | None] = {}

    def ask(self) -> Round:
        """
        Ask for the pods and for what may be handed out.

        The socket is looked at after the answers: a kubelet that restarts in between then counts as restarted, while
        looked at before, its first empty answer would pass as one of the old kubelet.
        """
        listing = self._list()
        allocatable = None if isinstance(listing, KubeletError) else self._allocatable()
        identity = self._kubelet.identity()
        first = self._identity is None and identity is not None
        restarted = not first and identity is not None and identity != self._identity
        if restarted:
            self._known.clear()
            self._events.restarted()
            log.warning("kubelet.restarted")
        self._identity = identity or self._identity
        if not isinstance(listing, KubeletError):
            self._known[LIST] = None
            self._note(ALLOCATABLE, allocatable)
            self._probe_get(listing)
        return Round(listing, self._unless_absent(allocatable), identity, restarted, first)

    def get(self, key: PodKey) -> Pod | None:
        """
        Return one pod, None where the kubelet does not list it (any more).

        Raises KubeletError; also where the kubelet has started anew since the last round, for a young kubelet does not
        know all its pods yet.
        """
        try:
            pod = self._kubelet.get(*key)
        except KubeletError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            pod = None
        if self._kubelet.identity() != self._identity:
            raise KubeletError(GET, Reason.UNAVAILABLE, "the kubelet has restarted")
        return pod

    def has(self, rpc: str) -> bool:
        """Tell whether the running kubelet is known to serve the RPC."""
        return self._support(rpc) is Support.SUPPORTED

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

    def _list(self) -> Listing | KubeletError:
        try:
            listing = self._kubelet.list()
        except KubeletError as error:
            return error
        self._report(LIST, listing)
        return listing

    def _allocatable(self) -> Allocatable | KubeletError | None:
        """Return the answer; not asked again where the running kubelet does not have the method or has it off."""
        if self._support(ALLOCATABLE) is Support.UNSUPPORTED:
            return None
        try:
            answer = self._kubelet.allocatable()
        except KubeletError as error:
            return error
        self._report(ALLOCATABLE, answer)
        return answer

    def _unless_absent(self, answer: Allocatable | KubeletError | None) -> Allocatable | KubeletError | None:
        """Return the answer, None for an error that says the method is not there: a feature absent is no outage."""
        return None if isinstance(answer, KubeletError) and answer.reason in _ABSENT else answer

    def _probe_get(self, listing: Listing) -> None:
        """
        Learn once per start of the kubelet whether it has Get, with a pod that it has just listed.

        Later kubelets fail unknown pods and count that as an error of their own; a listed pod disturbs nothing.
        """
        if GET in self._known or not listing.pods:
            return
        try:
            self._kubelet.get(*listing.pods[0].key)
        except KubeletError as error:
            if error.reason is Reason.NOT_FOUND:
                self._known[GET] = None
            else:
                self._note(GET, error)
        else:
            self._known[GET] = None

    def _note(self, rpc: str, answer: object) -> None:
        """Remember that the kubelet has the method, or that it has not; any other failure says nothing about that."""
        if isinstance(answer, KubeletError):
            if answer.reason in _ABSENT:
                self._known[rpc] = answer.reason
                log.info("kubelet.rpc_absent", extra={"rpc": rpc, "reason": answer.reason.value})
        elif answer is not None:
            self._known[rpc] = None

    def _report(self, rpc: str, answer: Listing | Allocatable) -> None:
        """Count the unusable items of an answer and name them where they do not flood the log."""
        self._events.malformed(rpc, len(answer.malformed))
        for fault in answer.malformed:
            log.debug("kubelet.malformed_item", extra={"rpc": rpc, "path": fault.path, "problem": fault.problem})

"""Replay a recording as the sources of a snapshot (`--from`)."""

import threading
from collections.abc import Mapping

from podres_exporter.errors import KubeletError, Reason, TopologyError
from podres_exporter.model import Allocatable, Listing, Topology
from podres_exporter.recording import Call, Recording, Refusal
from podres_exporter.sources.interfaces import ALLOCATABLE, GET, LIST, SocketIdentity
from podres_exporter.wire import AllocatableDecoder, ListDecoder, decode_get

_NOT_RECORDED = Refusal(Reason.UNAVAILABLE, "not in the recording")


class RecordedKubelet:
    """A KubeletSource that answers as the recorded kubelet did."""

    def __init__(self, recording: Recording) -> None:
        """Keep the calls."""
        self._calls: Mapping[str, Call] = recording.calls
        self._identity: SocketIdentity | None = None
        if recording.socket_age_seconds is not None:
            made_at = recording.recorded_at_seconds - recording.socket_age_seconds
            self._identity = SocketIdentity(0, 0, int(made_at * 1e9))

    def identity(self) -> SocketIdentity | None:
        """Return a socket of the recorded age."""
        return self._identity

    def list(self) -> Listing:
        """Return the pods."""
        return ListDecoder().decode(self._answer(LIST))

    def allocatable(self) -> Allocatable:
        """Return the recorded allocatable resources."""
        return AllocatableDecoder().decode(self._answer(ALLOCATABLE))

    def get(self, namespace: str, name: str) -> Listing:  # noqa: ARG002 - there is one answer
        """Return the recorded Get answer, whichever pod is requested: it only shows whether Get is served."""
        return decode_get(self._answer(GET))

    def close(self) -> None:
        """Do nothing."""

    def _answer(self, rpc: str) -> bytes:
        """Return the raw answer; raises KubeletError if there was none."""
        call = self._calls.get(rpc, Call(refusal=_NOT_RECORDED))
        if call.answer is None:
            refusal = call.refusal or _NOT_RECORDED
            raise KubeletError(rpc, refusal.reason, refusal.detail)
        return call.answer


class RecordedTopology:
    """A TopologySource that returns the recorded topology."""

    def __init__(self, recording: Recording) -> None:
        """Keep the topology."""
        self._topology = recording.topology

    def read(self) -> Topology:
        """Return the topology; raises TopologyError if it could not be read at the time."""
        if isinstance(self._topology, Topology):
            return self._topology
        refusal = self._topology or _NOT_RECORDED
        raise TopologyError(refusal.reason, refusal.detail)


class RecordedClock:
    """A clock stopped at the time of the recording."""

    def __init__(self, wall_seconds: float) -> None:
        """Stop the clock at that time."""
        self._wall_seconds = wall_seconds

    def wall_seconds(self) -> float:
        """Seconds since the Unix epoch, always the same."""
        return self._wall_seconds

    def monotonic_seconds(self) -> float:
        """Return zero: time stands still."""
        return 0.0

    def wait(self, event: threading.Event, timeout_seconds: float) -> bool:  # noqa: ARG002 - no time goes by
        """Return at once."""
        return event.is_set()

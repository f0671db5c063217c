"""Read a node once, for one-shot commands: the daemon's poller, ticked once."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from podres_exporter.allocation import Site
from podres_exporter.allocation.reasons import admission_is_under_way
from podres_exporter.clock import Clock
from podres_exporter.errors import KubeletError, Reason, TopologyError
from podres_exporter.join import accrue
from podres_exporter.model import Allocatable, Listing, Metadata, Snapshot, Topology, Usage
from podres_exporter.service.events import Changes
from podres_exporter.service.follower import ADMISSION_SECONDS, PollSettings
from podres_exporter.service.poller import Poller, Sources
from podres_exporter.sources.interfaces import KubeletSource, TopologySource

_FOR_EVER = 24 * 3600.0

READ_AGAIN_SECONDS = 2.0
"""How often the API server is polled to see whether an admission is over."""


@dataclass(frozen=True, slots=True)
class Look:
    """
    A snapshot and how it was obtained: failures by RPC (except Get), the topology or why there is none, and the number
    of unreadable items.
    """

    snapshot: Snapshot
    failures: Mapping[str, KubeletError]
    topology: Topology | TopologyError | None
    malformed: int


def wait_for_admissions(read: Callable[[], Metadata], clock: Clock) -> Metadata:
    """
    Return the metadata once no pod may be in admission, because a List during an admission can do harm.

    It is re-read every two seconds, for at most ten seconds.
    """
    never, metadata = threading.Event(), read()
    until = clock.monotonic_seconds() + ADMISSION_SECONDS
    while admission_is_under_way(metadata) and clock.monotonic_seconds() < until:
        clock.wait(never, READ_AGAIN_SECONDS)
        metadata = read()
    return metadata


def look(node: str, sources: Sources, clock: Clock, site: Site | None = None) -> Look:
    """
    Read all sources and return a snapshot.

    The List is not delayed: call `wait_for_admissions` first. *site* is where the command runs, None if the answers are
    from elsewhere. Free amounts are unknown if the kubelet has not received its API server's pods yet. The metadata
    source must have been started, and is not stopped here.
    """
    kubelet, topology, events = _Kubelet(sources.kubelet), _Topology(sources.topology), SilentEvents()
    poller = Poller(
        PollSettings(
            node,
            interval_seconds=_FOR_EVER,
            max_age_seconds=_FOR_EVER,
            hold_seconds=0.0,
            second_look_seconds=0.0,
            admission_seconds=0.0,
            site=site or Site(node),
        ),
        replace(sources, kubelet=kubelet, topology=topology, cpusets=None),
        publish=lambda snapshot, expires_at_seconds: None,  # noqa: ARG005 - it is taken from the poller, below
        changes=Changes(lambda: None),
        events=events,
        clock=clock,
    )
    poller.tick()
    if sources.dra.dra() is not None:
        poller.join_again()  # the claims of these pods can be read now that the pods are known
    return Look(_at_once(poller.snapshot()), kubelet.failures, topology.last, events.malformed_items)


def _at_once(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with all totals at 0: a single read spans no time, however long the sources took."""
    if snapshot.allocation is None:
        return snapshot
    return replace(snapshot, usage=accrue(Usage(), snapshot.allocation, 0.0))


class SilentEvents:
    """Events that are not exported as metrics."""

    def __init__(self) -> None:
        """Start counting at 0."""
        self.malformed_items = 0

    def rpc(self, rpc: str, seconds: float, reason: Reason | None) -> None:
        """Ignore it."""

    def malformed(self, rpc: str, items: int) -> None:  # noqa: ARG002 - they are counted together
        """Count the items."""
        self.malformed_items += items

    def restarted(self) -> None:
        """Ignore it."""

    def listed(self, reason: str) -> None:
        """Ignore it."""

    def list_delayed(self, outcome: str) -> None:
        """Ignore it."""

    def resync_differed(self) -> None:
        """Ignore it."""

    def loop_error(self) -> None:
        """Ignore it."""


class _Kubelet:
    """A KubeletSource wrapper that records failures, except those of Get."""

    def __init__(self, kubelet: KubeletSource) -> None:
        self._kubelet = kubelet
        self.identity, self.get, self.close = kubelet.identity, kubelet.get, kubelet.close
        self.failures: dict[str, KubeletError] = {}

    def list(self) -> Listing:
        try:
            return self._kubelet.list()
        except KubeletError as error:
            self.failures[error.rpc] = error
            raise

    def allocatable(self) -> Allocatable:
        try:
            return self._kubelet.allocatable()
        except KubeletError as error:
            self.failures[error.rpc] = error
            raise


class _Topology:
    """A TopologySource wrapper that records the last answer."""

    def __init__(self, topology: TopologySource) -> None:
        self._topology = topology
        self.last: Topology | TopologyError | None = None

    def read(self) -> Topology:
        try:
            topology = self.last = self._topology.read()
        except TopologyError as error:
            self.last = error
            raise
        return topology

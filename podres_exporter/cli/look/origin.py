"""The interface of the sources of a snapshot (node, file, exporter), and what is missing from a snapshot."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from podres_exporter.cli.signals import Alarm
from podres_exporter.config import Config
from podres_exporter.errors import Reason, SnapshotError
from podres_exporter.model import Snapshot
from podres_exporter.recording import Recording
from podres_exporter.text.availability import origin_name, why_down, why_nothing

Keep = Callable[[Recording], None]
"""Records the raw answers of a node, before they are known to be usable."""

Show = Callable[[Snapshot], bool]
"""Prints what changed since the last snapshot; False if standard output was closed by its reader."""


@dataclass(frozen=True, slots=True)
class Observation:
    """
    A snapshot with an allocation, and when it was made (Unix seconds); ages are computed at *now_seconds*.

    *failures* are the problems by source, as far as the origin knows; anything else missing is visible in the snapshot.
    """

    snapshot: Snapshot
    made_at_seconds: float
    now_seconds: float | None
    failures: Mapping[str, str] = field(default_factory=dict)


class SnapshotOrigin(Protocol):
    """
    A node, a file or an exporter. Every request has a deadline.

    Its methods raise SnapshotError if there is nothing to show, and ConfigError if given credentials cannot be used.
    """

    @property
    def config(self) -> Config:
        """The validated configuration of the command."""
        ...

    def look(self) -> Observation:
        """Return the current snapshot."""
        ...

    def watch(self, alarm: Alarm, show: Show) -> None:
        """Show snapshot after snapshot until KeyboardInterrupt, or until *show* returns False."""
        ...


_SLICES = "the API server, for ResourceSlices,"
_NO_SLICES = "UUIDs and NUMA nodes of DRA devices, and what is left of them, are missing or old"
_NO_METADATA = "labels, owners and phases are missing, and pods that have finished may be shown"


def missing(observation: Observation) -> list[str]:
    """Return one sentence for each thing that is missing; none if everything is there."""
    snapshot, failures, found = observation.snapshot, observation.failures, []
    if "metadata" in failures or (snapshot.metadata is not None and not snapshot.metadata.is_up):
        cause = failures.get("metadata", f"the exporter cannot reach {origin_name(snapshot.metadata)}; see its log")
        found.append(f"without metadata: {_NO_METADATA}: {cause}")
    elif snapshot.metadata is not None and not snapshot.metadata.synced:
        found.append(f"metadata may be incomplete: {origin_name(snapshot.metadata)} has not sent everything yet")
    if "topology" in failures or _is_down(snapshot, "topology"):
        cause = failures.get("topology", "see the exporter's log")
        found.append(f"the NUMA nodes of CPUs are not known: {cause}; see --topology.sysfs")
    slices = next((each for each in snapshot.sources if each.source == "dra"), None)
    if slices is not None and not slices.up and _has_claims(snapshot):
        remedy = "; podres-exporter check names the missing right" if slices.reason is Reason.DENIED else ""
        found.append(f"{_NO_SLICES}: {why_down(slices, _SLICES)}{remedy}")
    if "allocatable" in failures:
        found.append(f"free amounts are not known: {failures['allocatable']}")
    if any(part.stale for part in snapshot.parts if part.part == "pods"):
        found.append("this is the kubelet's last good answer: it is not answering now, or has just restarted")
    if "malformed" in failures:
        found.append(f"{failures['malformed']}; --record saves the answers for a bug report")
    return found


def nothing_to_show(where: str, snapshot: Snapshot) -> SnapshotError:
    """Return the error for a snapshot without an allocation; *where* is the file or exporter it came from."""
    return SnapshotError(f"{where}: nothing to show: {why_nothing(snapshot)}; see the exporter's log")


def _has_claims(snapshot: Snapshot) -> bool:
    views = snapshot.allocation.pods if snapshot.allocation else ()
    return any(each.claims for view in views for each in view.pod.containers)


def _is_down(snapshot: Snapshot, source: str) -> bool:
    return any(not each.up for each in snapshot.sources if each.source == source)

"""What went wrong in one look, by source."""

from podres_exporter.errors import Reason, TopologyError
from podres_exporter.recording import Refusal
from podres_exporter.service.oneshot import Look
from podres_exporter.sources.ports import ALLOCATABLE

_ABSENT = frozenset({Reason.UNIMPLEMENTED, Reason.DISABLED})
"""A kubelet without the method is no outage."""


def causes_of(seen: Look, metadata: Refusal | None) -> dict[str, str]:
    """Return what went wrong in one look, by source; *metadata* is why the API server told nothing."""
    causes = {}
    if metadata is not None:
        causes["metadata"] = metadata.detail or metadata.reason.value
    if isinstance(seen.topology, TopologyError):
        causes["topology"] = seen.topology.detail
    failure = seen.failures.get(ALLOCATABLE)
    if failure is not None and failure.reason not in _ABSENT:
        causes["allocatable"] = str(failure)
    if seen.malformed:
        causes["malformed"] = f"{seen.malformed} items of the kubelet's answers cannot be read and are left out"
    return causes

"""Status in the document: sources, RPCs, freshness, and why there may be no allocation."""

from typing import Annotated, ClassVar

from podres_exporter.document.faults import distinct
from podres_exporter.document.values import Moment, Record, doc
from podres_exporter.errors import Reason
from podres_exporter.model import Metadata, MetadataOrigin, Part, RpcSupport, Snapshot, SourceHealth, Support
from podres_exporter.moment import read_moment, write_moment
from podres_exporter.text.availability import NoAllocation, no_allocation, why_nothing


class AvailabilityRecord(Record, kw_only=True):
    """Whether there is an allocation, and if not, why."""

    available: Annotated[bool, doc("Whether `pods`, `stock` and `skippedPods` are present.")]
    reason: Annotated[
        NoAllocation | None,
        doc(
            "Why there is no allocation: the kubelet has not answered yet; it has just started and its answers are "
            "still incomplete (before 0.2); its last good answer is older than the maximum age. Absent if there is "
            "one."
        ),
    ] = None
    message: Annotated[str, doc("The reason as a sentence.")] = ""


class SourceRecord(Record, kw_only=True):
    """A source of data."""

    source: Annotated[str, doc("kubelet, topology or metadata (the API server, or the kubelet's Pods API).")]
    up: Annotated[bool, doc("Whether it answered the last request.")]
    last_success: Annotated[Moment | None, doc("When it last answered. Absent until it does.")] = None
    reason: Annotated[
        Reason | None, doc("Why it is down; denied: it refused. Absent while it is up, or where that is not known.")
    ] = None

    key: ClassVar[tuple[str, ...]] = ("source",)


class RpcRecord(Record, kw_only=True):
    """An RPC of the pod-resources API."""

    rpc: Annotated[str, doc("List, GetAllocatableResources or Get.")]
    support: Annotated[Support, doc("Whether the running kubelet serves it; unknown until it was called.")]

    key: ClassVar[tuple[str, ...]] = ("rpc",)


class PartRecord(Record, kw_only=True):
    """One part of the kubelet's data."""

    part: Annotated[str, doc("pods or allocatable.")]
    stale: Annotated[bool, doc("Whether the data is older than the last poll.")]
    held: Annotated[
        bool,
        doc("Whether some of the data was reported before the kubelet's restart and not since, and is retained."),
    ]

    key: ClassVar[tuple[str, ...]] = ("part",)


class MetadataSourceRecord(Record, kw_only=True):
    """The source of pod metadata."""

    synced: Annotated[bool, doc("Whether the node's pods are completely known and followed.")]
    up: Annotated[bool, doc("Whether it answered the last request.")]
    away: Annotated[
        bool, doc("Whether it cannot be reached, so that a restarted kubelet may not know its pods either.")
    ]
    last_success: Annotated[Moment | None, doc("When it last answered. Absent until it does.")] = None
    origin: Annotated[MetadataOrigin, doc("apiserver or podsapi (the kubelet's Pods API). Absent for apiserver.")] = (
        MetadataOrigin.APISERVER
    )
    reason: Annotated[Reason | None, doc("Why it is not up, if a request failed.")] = None


class StatusRecord(Record, kw_only=True):
    """The freshness and completeness of the document."""

    allocation: Annotated[AvailabilityRecord | None, doc("Whether there is an allocation, and if not, why.")] = None
    sources: Annotated[list[SourceRecord], doc("The sources, and whether they answer.")]
    rpcs: Annotated[list[RpcRecord], doc("The RPCs of the pod-resources API that the kubelet serves.")]
    parts: Annotated[list[PartRecord], doc("The freshness of both parts of the kubelet's data.")]
    metadata: Annotated[
        MetadataSourceRecord | None,
        doc("The state of the pod metadata. Absent if metadata is off."),
    ] = None


def write_status(snapshot: Snapshot) -> StatusRecord:
    """Return the status; `allocation` says in words what the absence of `pods` means."""
    return StatusRecord(
        allocation=_write_availability(snapshot),
        sources=[
            SourceRecord(
                source=each.source, up=each.up, last_success=_moment(each.last_success_seconds), reason=each.reason
            )
            for each in snapshot.sources
        ],
        rpcs=[RpcRecord(rpc=each.rpc, support=each.support) for each in snapshot.rpcs],
        parts=[PartRecord(part=each.part, stale=each.stale, held=each.held) for each in snapshot.parts],
        metadata=write_metadata_source(snapshot.metadata) if snapshot.metadata else None,
    )


def _write_availability(snapshot: Snapshot) -> AvailabilityRecord:
    """Return whether there is an allocation, and if not, why."""
    if snapshot.allocation is not None:
        return AvailabilityRecord(available=True)
    return AvailabilityRecord(available=False, reason=no_allocation(snapshot), message=why_nothing(snapshot))


def write_metadata_source(metadata: Metadata) -> MetadataSourceRecord:
    """Return the state of the metadata source."""
    return MetadataSourceRecord(
        synced=metadata.synced,
        up=metadata.is_up,
        away=metadata.is_away,
        last_success=_moment(metadata.last_success_seconds),
        origin=metadata.origin,
        reason=metadata.reason,
    )


def read_sources(status: StatusRecord) -> tuple[SourceHealth, ...]:
    """Return the health of the sources."""
    return tuple(
        SourceHealth(row.source, row.up, read_optional(row.last_success), row.reason)
        for row in distinct(status.sources)
    )


def read_rpcs(status: StatusRecord) -> tuple[RpcSupport, ...]:
    """Return which RPCs the kubelet serves."""
    return tuple(RpcSupport(row.rpc, row.support) for row in distinct(status.rpcs))


def read_parts(status: StatusRecord) -> tuple[Part, ...]:
    """Return the freshness of the parts."""
    return tuple(Part(row.part, row.stale, row.held) for row in distinct(status.parts))


def read_metadata_source(record: MetadataSourceRecord) -> Metadata:
    """Return the state of the metadata source, without its pods."""
    moment = read_optional(record.last_success)
    return Metadata({}, record.synced, record.up, record.away, moment, record.origin, record.reason)


def read_optional(moment: str | None) -> float | None:
    """Return the Unix seconds of a timestamp; None if it is absent."""
    return None if moment is None else read_moment(moment)


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else write_moment(seconds)

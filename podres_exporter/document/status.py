"""How far the document may be trusted: sources, calls, freshness, and why there may be no allocation."""

from podres_exporter.document.moment import write_moment
from podres_exporter.document.reader import Reader
from podres_exporter.document.values import Fields, stated
from podres_exporter.model import Metadata, Part, RpcSupport, Snapshot, SourceHealth, Support
from podres_exporter.text.availability import no_allocation, why_nothing


def write_status(snapshot: Snapshot) -> Fields:
    """Return the status; `allocation` repeats in words what the absence of `pods` says."""
    return stated(
        {
            "allocation": _write_availability(snapshot),
            "sources": [
                stated({"source": each.source, "up": each.up, "lastSuccess": _moment(each.last_success_seconds)})
                for each in snapshot.sources
            ],
            "rpcs": [{"rpc": each.rpc, "support": each.support.value} for each in snapshot.rpcs],
            "parts": [{"part": each.part, "stale": each.stale, "held": each.held} for each in snapshot.parts],
            "metadata": snapshot.metadata and _write_metadata(snapshot.metadata),
        }
    )


def read_sources(reader: Reader) -> tuple[SourceHealth, ...]:
    """Return the health of the sources."""
    return tuple(
        SourceHealth(row.text("source"), row.flag("up"), row.moment("lastSuccess"))
        for row in reader.distinct("sources", "source")
    )


def read_rpcs(reader: Reader) -> tuple[RpcSupport, ...]:
    """Return which calls the kubelet serves."""
    return tuple(RpcSupport(row.text("rpc"), row.choice("support", Support)) for row in reader.distinct("rpcs", "rpc"))


def read_parts(reader: Reader) -> tuple[Part, ...]:
    """Return the freshness of the parts."""
    return tuple(
        Part(row.text("part"), row.flag("stale"), row.flag("held")) for row in reader.distinct("parts", "part")
    )


def read_metadata(reader: Reader) -> Metadata | None:
    """Return what is said of the API server as a source, without its pods; None where it is not asked."""
    if not reader.has("metadata"):
        return None
    row = reader.below("metadata")
    return Metadata({}, row.flag("synced"), row.flag("up"), row.flag("away"), row.moment("lastSuccess"))


def _write_availability(snapshot: Snapshot) -> Fields:
    """Return whether there is an allocation, and if not, why."""
    if snapshot.allocation is not None:
        return {"available": True}
    return {"available": False, "reason": no_allocation(snapshot).value, "message": why_nothing(snapshot)}


def _write_metadata(metadata: Metadata) -> Fields:
    last_success = _moment(metadata.last_success_seconds)
    return stated(
        {"synced": metadata.synced, "up": metadata.is_up, "away": metadata.is_away, "lastSuccess": last_success}
    )


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else write_moment(seconds)

"""A recording to values that JSON has."""

from base64 import b64encode

from podres_exporter.document.metadata import write_meta
from podres_exporter.document.moment import write_moment
from podres_exporter.document.topology import write_topology
from podres_exporter.document.values import Fields, stated
from podres_exporter.model import Metadata, Topology
from podres_exporter.recording.records import Call, Recording, Refusal

MAJOR = 1
API_VERSION = f"podres-recording/v{MAJOR}"
"""Changes only when a reader of the old version would be wrong about the new one; keys may be added without."""
KIND = "PodResourcesRecording"


def encode(recording: Recording) -> Fields:
    """Return the recording's file; the kubelet's answers are in base64."""
    return stated(
        {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "recordedAt": write_moment(recording.recorded_at_seconds),
            "exporter": {"version": recording.version},
            "node": recording.node,
            "namesHidden": recording.names_hidden,
            "kubelet": stated(
                {
                    "socketAgeSeconds": recording.socket_age_seconds,
                    "calls": [_write_call(rpc, call) for rpc, call in sorted(recording.calls.items())],
                }
            ),
            "topology": _write_topology(recording.topology),
            "metadata": _write_metadata(recording),
        }
    )


def _write_call(rpc: str, call: Call) -> Fields:
    answer = None if call.answer is None else b64encode(call.answer).decode("ascii")
    return stated({"rpc": rpc, "answer": answer, "refusal": call.refusal and _write_refusal(call.refusal)})


def _write_refusal(refusal: Refusal) -> Fields:
    return stated({"reason": refusal.reason.value, "detail": refusal.detail or None})


def _write_topology(topology: Topology | Refusal | None) -> Fields | None:
    match topology:
        case Topology():
            return write_topology(topology)
        case Refusal():
            return {"refusal": _write_refusal(topology)}
        case _:
            return None


def _write_metadata(recording: Recording) -> Fields | None:
    """Return what the API server told, pod by pod as `podres/v1` has it; None where it was not to be asked."""
    metadata, refusal = recording.metadata, recording.metadata_refusal
    if metadata is None and refusal is None:
        return None
    return stated({**(_told(metadata) if metadata else {}), "refusal": refusal and _write_refusal(refusal)})


def _told(metadata: Metadata) -> Fields:
    heard = metadata.last_success_seconds
    return {
        "synced": metadata.synced,
        "up": metadata.is_up,
        "away": metadata.is_away,
        "lastSuccess": None if heard is None else write_moment(heard),
        "pods": [
            {"namespace": key[0], "name": key[1], "metadata": write_meta(meta)}
            for key, meta in sorted(metadata.pods.items(), key=lambda row: row[0])
        ],
    }

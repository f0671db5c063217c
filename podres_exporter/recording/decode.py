"""Values of JSON to a recording."""

import binascii
import re
from base64 import b64decode

from podres_exporter.document.metadata import read_meta
from podres_exporter.document.plain import shown
from podres_exporter.document.reader import Reader
from podres_exporter.document.topology import read_topology
from podres_exporter.errors import DocumentVersionError, Reason
from podres_exporter.model import Metadata, PodMeta, Topology
from podres_exporter.recording.encode import API_VERSION, KIND, MAJOR
from podres_exporter.recording.records import Call, Recording, Refusal

_MOST_SECONDS = 1e10
"""300 years, before and after."""
_VERSION = re.compile(r"podres-recording/v([0-9]{1,9})")


def is_recording(document: object) -> bool:
    """Return whether the document says that it is a recording, of whatever version."""
    return isinstance(document, dict) and str(document.get("apiVersion")).startswith("podres-recording/")


def decode(document: object) -> Recording:
    """
    Return the recording of a document as JSON gives it.

    Raises DocumentVersionError where it is of another major version, DocumentError naming the place where it is
    malformed.
    """
    reader = Reader(document)
    _check(reader)
    kubelet = reader.below("kubelet")
    metadata = reader.below("metadata")
    return Recording(
        node=reader.text("node"),
        version=reader.below("exporter").text("version"),
        recorded_at_seconds=_moment(reader),
        calls={row.text("rpc"): _read_call(row) for row in kubelet.distinct("calls", "rpc")},
        socket_age_seconds=_socket_age(kubelet),
        topology=_read_topology(reader),
        metadata=_read_metadata(metadata) if metadata.has("up") else None,
        metadata_refusal=_read_refusal(metadata.below("refusal")) if metadata.has("refusal") else None,
        names_hidden=reader.flag("namesHidden"),
    )


def _check(reader: Reader) -> None:
    """Return if the document is a recording that can be read."""
    stated_version, kind = reader.text("apiVersion"), reader.text("kind")
    match = _VERSION.fullmatch(stated_version)
    if not match:
        raise reader.fault("apiVersion", f"is {shown(stated_version)}; a recording has {API_VERSION}")
    major = int(match[1])
    if major != MAJOR:
        raise DocumentVersionError(stated_version, API_VERSION, newer=major > MAJOR)
    if kind != KIND:
        raise reader.fault("kind", f"is {shown(kind)}; a recording has {KIND}")


def _socket_age(reader: Reader) -> float | None:
    """Return how old the socket was; clocks may have been set back, but not by more than a socket's age can be."""
    if not reader.has("socketAgeSeconds"):
        return None
    seconds = reader.amount("socketAgeSeconds")
    if abs(seconds) > _MOST_SECONDS:
        raise reader.fault("socketAgeSeconds", f"is beyond {_MOST_SECONDS:g} seconds")
    return seconds


def _moment(reader: Reader) -> float:
    seconds = reader.moment("recordedAt")
    if seconds is None:
        raise reader.fault("recordedAt", "is missing")
    return seconds


def _read_call(reader: Reader) -> Call:
    answer = None
    if reader.has("answer"):
        try:
            answer = b64decode(reader.text("answer"), validate=True)
        except (binascii.Error, ValueError) as error:
            raise reader.fault("answer", f"is damaged: no base64 ({error})") from error
    return Call(answer, _read_refusal(reader.below("refusal")) if reader.has("refusal") else None)


def _read_refusal(reader: Reader) -> Refusal:
    return Refusal(reader.choice("reason", Reason), reader.text("detail", ""))


def _read_topology(reader: Reader) -> Topology | Refusal | None:
    if not reader.has("topology"):
        return None
    row = reader.below("topology")
    return _read_refusal(row.below("refusal")) if row.has("refusal") else read_topology(row)


def _read_metadata(reader: Reader) -> Metadata:
    pods = [_read_pod(row) for row in reader.distinct("pods", "namespace", "name")]
    return Metadata(
        {meta.key: meta for meta in pods},
        reader.flag("synced"),
        reader.flag("up"),
        reader.flag("away"),
        reader.moment("lastSuccess"),
    )


def _read_pod(reader: Reader) -> PodMeta:
    return read_meta(reader.below("metadata"), (reader.text("namespace"), reader.text("name")))

"""A file in the place of the node: a recording is asked as the node was, a snapshot document is read."""

import json
import sys
import zlib
from pathlib import Path

from podres_exporter import document
from podres_exporter.cli.look.origin import Gathered
from podres_exporter.cli.look.plan import STDIN
from podres_exporter.cli.look.shortfalls import shortfalls, without_allocation
from podres_exporter.document.reader import Reader
from podres_exporter.errors import DocumentError, SnapshotError
from podres_exporter.recording import Recording, decode, is_recording

LONGEST = 64 * 1024 * 1024
"""Bytes that are read of a file, and made of one that is compressed."""
_NEITHER = "this is neither a recording (dump --record) nor a snapshot (dump -o json): "
_GZIP = b"\x1f\x8b"


def from_file(name: str) -> Gathered:
    """Return what the file says. Raises SnapshotError where it cannot be used, or says nothing of use."""
    where = "standard input" if name == STDIN else name
    loaded = _json(_bytes(name, where), where)
    try:
        if is_recording(loaded):
            return _replayed(decode(loaded), where)
        snapshot = document.decode(loaded)
        made_at_seconds = Reader(loaded).moment("generatedAt") or 0.0
    except DocumentError as error:
        raise SnapshotError(f"{where}: {'' if _is_ours(loaded) else _NEITHER}{error}") from error
    if snapshot.allocation is None:
        raise without_allocation(where, snapshot)
    return Gathered(snapshot, made_at_seconds, tuple(shortfalls(snapshot, {})))


def _replayed(recording: Recording, where: str) -> Gathered:
    """Put the recorded questions again, and believe the answers as one look would."""
    from podres_exporter.cli.look.causes import causes_of  # noqa: PLC0415 - gRPC, not for snapshots
    from podres_exporter.service.oneshot import look  # noqa: PLC0415 - gRPC, not for snapshots
    from podres_exporter.service.poller import Sources  # noqa: PLC0415 - gRPC, not for snapshots
    from podres_exporter.sources.ports import LIST  # noqa: PLC0415 - gRPC, not for snapshots
    from podres_exporter.sources.recorded import (  # noqa: PLC0415 - gRPC, not for snapshots
        RecordedClock,
        RecordedKubelet,
        RecordedTopology,
    )
    from podres_exporter.sources.toldmetadata import ToldMetadata  # noqa: PLC0415 - gRPC, not for snapshots

    sources = Sources(RecordedKubelet(recording), RecordedTopology(recording), ToldMetadata(recording.metadata))
    seen = look(recording.node, sources, RecordedClock(recording.recorded_at_seconds))
    if LIST in seen.failures:
        raise SnapshotError(f"{where}: the recorded kubelet did not tell its pods: {seen.failures[LIST]}")
    found = shortfalls(seen.snapshot, causes_of(seen, recording.metadata_refusal))
    return Gathered(seen.snapshot, recording.recorded_at_seconds, tuple(found))


def _is_ours(loaded: object) -> bool:
    """Return whether the file says of itself that it is one of the two."""
    return isinstance(loaded, dict) and str(loaded.get("apiVersion")).startswith("podres")


def _bytes(name: str, where: str) -> bytes:
    """Return the file's content, decompressed if it is gzip."""
    try:
        if name == STDIN:
            data = sys.stdin.buffer.read(LONGEST + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(LONGEST + 1)
    except OSError as error:
        raise SnapshotError(f"{where} cannot be read: {error.strerror}") from error
    if data.startswith(_GZIP):
        data = _inflated(data, where)
    if len(data) > LONGEST:
        raise SnapshotError(f"{where} has more than {LONGEST} bytes; no node has that many")
    return data


def _inflated(data: bytes, where: str) -> bytes:
    inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        inflated = inflate.decompress(data, LONGEST + 1)
    except zlib.error as error:
        raise SnapshotError(f"{where} is damaged: {error}") from error
    if not inflate.eof and not inflate.unconsumed_tail:
        raise SnapshotError(f"{where} is truncated: the compressed data has no end; copy it again")
    return inflated


def _json(data: bytes, where: str) -> object:
    try:
        loaded: object = json.loads(data)
    except json.JSONDecodeError as error:
        is_cut = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated")
        what = "is empty" if not data.strip() else "is truncated: the JSON has no end" if is_cut else "is no JSON"
        raise SnapshotError(f"{where} {what} (line {error.lineno}, column {error.colno})") from error
    except (ValueError, RecursionError) as error:
        raise SnapshotError(f"{where} is no JSON") from error
    return loaded

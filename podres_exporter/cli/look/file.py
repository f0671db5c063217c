"""A file as the origin of a snapshot (`--from`): a recording of the raw answers, or a snapshot document."""

import json
import sys
import zlib
from pathlib import Path

from podres_exporter import document
from podres_exporter.cli.look.origin import Observation, Show, nothing_to_show
from podres_exporter.cli.signals import Alarm
from podres_exporter.config import Config
from podres_exporter.errors import DocumentError, SnapshotError
from podres_exporter.recording import Recording
from podres_exporter.recording.file import decode, is_recording

STDIN = "-"
LONGEST = 64 * 1024 * 1024
"""The maximum number of bytes, compressed and decompressed."""
_NEITHER = "this is neither a recording (dump --record) nor a snapshot (dump -o json): "
Loaded = Recording | document.Decoded
_GZIP = b"\x1f\x8b"


class FileOrigin:
    """A SnapshotOrigin that reads a file, or standard input."""

    def __init__(self, config: Config, name: str) -> None:
        """Read nothing yet; *name* is a path, or `-` for standard input."""
        self.config, self.name = config, name

    def look(self) -> Observation:
        """Return the snapshot in the file."""
        return observe_file(self.name)

    def watch(self, alarm: Alarm, show: Show) -> None:  # noqa: ARG002 - the interface's
        """Reject it: a file does not change."""
        raise SnapshotError(f"{self.name}: a file does not change; omit --watch")


def observe_file(name: str) -> Observation:
    """
    Return the snapshot in a file; `-` is standard input.

    The answers of a recording are processed like those of a node. Raises SnapshotError.
    """
    where, decoded = _where(name), load_file(name)
    if isinstance(decoded, Recording):
        return _replayed(decoded, where)
    if decoded.snapshot.allocation is None:
        raise nothing_to_show(where, decoded.snapshot)
    return Observation(decoded.snapshot, decoded.generated_at_seconds or 0.0, decoded.generated_at_seconds)


def load_file(name: str) -> Loaded:
    """Return the recording or the snapshot that is in a file. Raises SnapshotError."""
    where = _where(name)
    loaded = _json(_bytes(name, where), where)
    try:
        return decode(loaded) if is_recording(loaded) else document.decode_dated(loaded)
    except DocumentError as error:
        raise SnapshotError(f"{where}: {'' if _is_ours(loaded) else _NEITHER}{error}") from error


def _where(name: str) -> str:
    return "standard input" if name == STDIN else name


def _replayed(recording: Recording, where: str) -> Observation:
    """Replay the recorded sources through the poller."""
    from podres_exporter.cli.look.failures import failures_of  # noqa: PLC0415 - gRPC, not for snapshots
    from podres_exporter.service.oneshot import look  # noqa: PLC0415 - gRPC, not for snapshots
    from podres_exporter.service.poller import Sources  # noqa: PLC0415 - gRPC, not for snapshots
    from podres_exporter.sources.fixed import FixedDra, FixedMetadata  # noqa: PLC0415 - gRPC, not for snapshots
    from podres_exporter.sources.interfaces import LIST  # noqa: PLC0415 - gRPC, not for snapshots
    from podres_exporter.sources.recorded import (  # noqa: PLC0415 - gRPC, not for snapshots
        RecordedClock,
        RecordedKubelet,
        RecordedTopology,
    )

    metadata, dra = FixedMetadata(recording.metadata), FixedDra(recording.dra)
    sources = Sources(RecordedKubelet(recording), RecordedTopology(recording), metadata, dra)
    seen = look(recording.node, sources, RecordedClock(recording.recorded_at_seconds))
    if LIST in seen.failures:
        raise SnapshotError(f"{where}: the recorded kubelet did not list its pods: {seen.failures[LIST]}")
    recorded_at = recording.recorded_at_seconds
    return Observation(seen.snapshot, recorded_at, recorded_at, failures_of(seen, recording.metadata_refusal))


def _is_ours(loaded: object) -> bool:
    """Return whether the file claims to be a recording or a snapshot."""
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
        what = "is empty" if not data.strip() else "is truncated: the JSON has no end" if is_cut else "is not JSON"
        raise SnapshotError(f"{where} {what} (line {error.lineno}, column {error.colno})") from error
    except (ValueError, RecursionError) as error:
        raise SnapshotError(f"{where} is not JSON") from error
    return loaded

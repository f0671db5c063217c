"""Write a recording to a file, with its names hidden on request."""

import gzip
import json
import secrets
from dataclasses import replace
from pathlib import Path

from podres_exporter.cli.console import write
from podres_exporter.cli.flags.request import STANDARD_OUTPUT
from podres_exporter.cli.output_file import write_whole
from podres_exporter.errors import Reason, SnapshotError
from podres_exporter.recording import Call, Pseudonyms, Recording, Refusal
from podres_exporter.recording.file import encode
from podres_exporter.wire import renamed

_KEY_BYTES = 32


def save(recording: Recording, path: Path, *, hide_names: bool) -> None:
    """
    Write the recording, compressed if the name ends in `.gz`, readable only by its owner; `-` is standard output.

    Raises SnapshotError or OutputError if that fails; an existing file is then unchanged.
    """
    kept = hidden(recording, Pseudonyms(secrets.token_bytes(_KEY_BYTES))) if hide_names else recording
    text = json.dumps(encode(kept), indent=1) + "\n"
    if path == STANDARD_OUTPUT:
        write(text)
        return
    data = text.encode()
    if path.suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    try:
        write_whole(path, data)
    except OSError as error:
        raise SnapshotError(f"--record: {path} cannot be written: {error.strerror}") from error


def hidden(recording: Recording, names: Pseudonyms) -> Recording:
    """Return the recording with pseudonyms for all names, and without texts that may contain names."""
    return replace(
        recording,
        node=names.name(recording.node),
        calls={rpc: _hidden_call(rpc, call, names) for rpc, call in recording.calls.items()},
        topology=_hidden_refusal(recording.topology) if isinstance(recording.topology, Refusal) else recording.topology,
        metadata=recording.metadata and names.metadata(recording.metadata),
        dra=recording.dra and names.dra(recording.dra),
        metadata_refusal=_hidden_refusal(recording.metadata_refusal),
        names_hidden=True,
    )


def _hidden_call(rpc: str, call: Call, names: Pseudonyms) -> Call:
    """Return the call; an answer whose names cannot be located is removed, with a note."""
    refusal = _hidden_refusal(call.refusal)
    if call.answer is None:
        return Call(None, refusal)
    answer = renamed(rpc, call.answer, names)
    if answer is None:
        detail = f"{len(call.answer)} bytes that cannot be read, left out because they may contain names"
        return Call(None, Refusal(Reason.MALFORMED, detail))
    return Call(answer, refusal)


def _hidden_refusal(refusal: Refusal | None) -> Refusal | None:
    return refusal and Refusal(refusal.reason)

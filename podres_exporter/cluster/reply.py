"""Decode an exporter's answer."""

import json
from dataclasses import replace

from podres_exporter.cluster.outcome import Answered, Outcome, Target, Trouble
from podres_exporter.document import decode_json
from podres_exporter.errors import DocumentError, DocumentVersionError, Reason
from podres_exporter.printable import printable


def read_reply(target: Target, body: bytes) -> Outcome:
    """
    Return the exporter's snapshot, or why it cannot be read.

    The node's name is the API server's: exporters may be configured with another one, or several with the same.
    """
    try:
        decoded = decode_json(body)
    except DocumentVersionError as error:
        return _unreadable(target, _other_version(error, _version(body)))
    except DocumentError as error:
        version = _version(body)
        by = f" (podres-exporter {printable(version)})" if version else ""
        return _unreadable(target, f"its snapshot cannot be read: {printable(str(error))}{by}")
    except (ValueError, RecursionError):
        return _unreadable(target, "its answer is not JSON; is it a podres-exporter?")
    if decoded.generated_at_seconds is None:
        return _unreadable(target, "its snapshot does not say when it was made")
    snapshot = decoded.snapshot
    return Answered(
        target, replace(snapshot, node=target.node), decoded.generated_at_seconds, decoded.version, snapshot.node
    )


def _unreadable(target: Target, detail: str) -> Trouble:
    return Trouble(target.node, target.pod, Reason.MALFORMED, detail)


def _other_version(error: DocumentVersionError, version: str) -> str:
    """Return which of the two must be upgraded."""
    writer = f"podres-exporter {printable(version)}" if version else "its exporter"
    stated = printable(error.stated)
    return f"{writer} writes {stated} and this command reads {error.readable}; use the same release for both"


def _version(body: bytes) -> str:
    """Return the exporter's version, empty if the document does not state it."""
    document = json.loads(body)
    exporter = document.get("exporter") if isinstance(document, dict) else None
    version = exporter.get("version") if isinstance(exporter, dict) else None
    return version if isinstance(version, str) else ""

"""What an exporter has sent, read."""

from dataclasses import replace
from typing import Any

from msgspec.json import Decoder

from podres_exporter.cluster.outcome import Outcome, Target, Told, Trouble
from podres_exporter.document import decode
from podres_exporter.document.moment import read_moment
from podres_exporter.errors import DocumentError, DocumentVersionError, Reason
from podres_exporter.podmeta.faults import UNREADABLE
from podres_exporter.printable import printable

_JSON = Decoder()


def read_reply(target: Target, body: bytes) -> Outcome:
    """
    Return what the exporter tells, or why it cannot be read.

    The node is called what the API server calls it: exporters may be told another name, and several the same.
    """
    try:
        document = _JSON.decode(body)
    except UNREADABLE:
        return _unreadable(target, "its answer is no JSON; is that a podres-exporter?")
    version = _version(document)
    try:
        snapshot = decode(document)
        generated_at_seconds = read_moment(str(document.get("generatedAt")))
    except DocumentVersionError as error:
        return _unreadable(target, _other_version(error, version))
    except DocumentError as error:
        by = f" (podres-exporter {printable(version)})" if version else ""
        return _unreadable(target, f"its snapshot cannot be read: {printable(str(error))}{by}")
    except ValueError:
        return _unreadable(target, "its snapshot does not say when it was made")
    return Told(target, replace(snapshot, node=target.node), generated_at_seconds, version, snapshot.node)


def _unreadable(target: Target, detail: str) -> Trouble:
    return Trouble(target.node, target.pod, Reason.MALFORMED, detail)


def _other_version(error: DocumentVersionError, version: str) -> str:
    """Return which of the two is to be brought to the other's release."""
    writer = f"podres-exporter {printable(version)}" if version else "its exporter"
    stated = printable(error.stated)
    return f"{writer} writes {stated} and this command reads {error.readable}; bring both to one release"


def _version(document: Any) -> str:
    """Return the exporter's version, empty where the document does not say it."""
    exporter = document.get("exporter") if isinstance(document, dict) else None
    version = exporter.get("version") if isinstance(exporter, dict) else None
    return version if isinstance(version, str) else ""

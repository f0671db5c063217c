"""The outcome of asking one node's exporter: its decoded snapshot, or why there is none."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from podres_exporter.document import decode_json
from podres_exporter.errors import DocumentError, DocumentVersionError, Reason
from podres_exporter.model import Snapshot
from podres_exporter.printable import printable
from podres_exporter.text.words import counted, some


@dataclass(frozen=True, slots=True)
class Target:
    """One exporter to query: the pod *name* on *node*; *is_ready* is its readiness."""

    node: str
    namespace: str
    name: str
    port: int
    is_secure: bool = False
    is_ready: bool = True

    @property
    def pod(self) -> str:
        """The pod as `namespace/name`."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Answered:
    """
    An exporter's answer. The snapshot has the node's name from the API server; *said_node* is the exporter's.

    *generated_at_seconds* are Unix seconds by the node's clock; *version* is the exporter's.
    """

    target: Target
    snapshot: Snapshot
    generated_at_seconds: float
    version: str
    said_node: str

    @property
    def node(self) -> str:
        """The node's name."""
        return self.target.node


@dataclass(frozen=True, slots=True)
class Trouble:
    """A node without an answer, and why; *pod* is empty if it has none, *detail* includes the remedy."""

    node: str
    pod: str
    reason: Reason
    detail: str


Outcome = Answered | Trouble

INTERRUPTED = "interrupted before it answered"
"""The detail of a node that the user did not want to wait for."""


def told(outcomes: Iterable[Outcome]) -> list[Answered]:
    """Return the answers by node."""
    return sorted((each for each in outcomes if isinstance(each, Answered)), key=lambda each: each.node)


def troubles(outcomes: Iterable[Outcome]) -> list[Trouble]:
    """Return the failures by node."""
    return sorted((each for each in outcomes if isinstance(each, Trouble)), key=lambda each: (each.node, each.pod))


def trouble_lines(found: Sequence[Trouble]) -> list[str]:
    """Return sentences that name every node without an answer; nodes with the same problem share one."""
    nodes_by_detail: dict[str, list[str]] = {}
    for each in found:
        nodes_by_detail.setdefault(each.detail, []).append(_name(each))
    late = nodes_by_detail.pop(INTERRUPTED, [])
    lines = [f"{', '.join(names)}: {detail}" for detail, names in nodes_by_detail.items()]
    return [*lines, f"interrupted: {counted(len(late), 'node')} missing, as {some(late)}"] if late else lines


def is_interrupted(outcomes: Iterable[Outcome]) -> bool:
    """Return whether the user ended the wait, so that nodes are missing."""
    return any(isinstance(each, Trouble) and each.detail == INTERRUPTED for each in outcomes)


def _name(trouble: Trouble) -> str:
    name = printable(trouble.node) or "a node not known yet"
    return f"{name} ({printable(trouble.pod)})" if trouble.pod else name


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

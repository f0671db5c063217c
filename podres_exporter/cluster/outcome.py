"""The outcome of fetching one node: a snapshot, or why there is none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from podres_exporter.errors import Reason
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

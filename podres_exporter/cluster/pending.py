"""A pod that is not scheduled yet: its requests, why it waits, and which nodes it would fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from podres_exporter.cluster.fit import Ranked, fit_document, fit_lines
from podres_exporter.cluster.outcome import Trouble
from podres_exporter.fit import ask_of
from podres_exporter.model import PodMeta
from podres_exporter.printable import printable
from podres_exporter.text.words import LEAST_COLUMNS, wrapped

KIND = "PendingPod"


@dataclass(frozen=True, slots=True)
class Pending:
    """A pod that is not bound to a node; *said* is what the scheduler says of it, empty where it says nothing."""

    meta: PodMeta
    said: str = ""


def pending_lines(pod: Pending, answers: Ranked, columns: int = 100) -> list[str]:
    """Return who it is, what the scheduler says, and what the nodes would."""
    width = max(columns, LEAST_COLUMNS)
    meta = pod.meta
    words = ", ".join(printable(word) for word in (meta.qos_class, meta.phase) if word)
    lines = wrapped(f"{printable('/'.join(meta.key))}  ({words or 'no status'})", width, "", "  ")
    lines += wrapped("no node has it yet: the scheduler has not bound it", width, "  ", "    ")
    if pod.said:
        lines += wrapped(f"the scheduler says: {printable(' '.join(pod.said.split()))}", width, "  ", "    ")
    return [*lines, "", "where it could go now:", *fit_lines(answers, width)]


def pending_document(pod: Pending, answers: Ranked, found: Sequence[Trouble]) -> dict[str, Any]:
    """Return the same as values that JSON has."""
    whole = fit_document(answers, found, ask_of(pod.meta))
    about = {"namespace": pod.meta.namespace, "pod": pod.meta.name, "phase": pod.meta.phase, "scheduler": pod.said}
    return {**whole, "kind": KIND, **about}

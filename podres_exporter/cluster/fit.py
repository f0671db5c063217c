"""Fit a pod on the nodes of a cluster, best node first; also for a pending pod, with why it is pending."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from podres_exporter.cluster.documents import failed_documents
from podres_exporter.cluster.outcome import Trouble
from podres_exporter.document import API_VERSION
from podres_exporter.fit import Answer, Ask, Fits, KubeletOptions, Outcome, Policy, Scope, ask_of, fit, rank
from podres_exporter.fit.document import ask_dict
from podres_exporter.fit.document import to_dict as answer_dict
from podres_exporter.fit.reasons import reason
from podres_exporter.fit.text import asked_text
from podres_exporter.model import PodMeta, Snapshot
from podres_exporter.printable import printable
from podres_exporter.text.amounts import nodes_phrase
from podres_exporter.text.grid import table
from podres_exporter.text.words import LEAST_COLUMNS, counted, folded, joined, wrapped

KIND, PENDING_KIND = "FitList", "PendingPod"
_MOST_NODES = 4
_DEPENDS, _UNKNOWN = "depends", "?"

Ranked = Sequence[Answer]


def ranked(
    snapshots: Iterable[Snapshot],
    ask: Ask,
    policy: Policy | None = None,
    scope: Scope = Scope.CONTAINER,
    options: KubeletOptions | None = None,
) -> list[Answer]:
    """Return the answer of every node, best first."""
    answers = {each.node: fit(each, ask, policy, scope, options=options) for each in snapshots}
    return [answer for _, answer in rank(answers)]


def verdict(answers: Ranked) -> Fits:
    """Return yes if some node says yes, no if all say no, else unknown."""
    said = {answer.fits for answer in answers}
    if Fits.YES in said:
        return Fits.YES
    return Fits.NO if said == {Fits.NO} else Fits.UNKNOWN


def fit_lines(answers: Ranked, columns: int = 100) -> list[str]:
    """Return the counts, a row for each node and the limits, in lines of at most *columns* (at least 80)."""
    width = max(columns, LEAST_COLUMNS)
    lines = wrapped(_headline(answers), width, hanging="  ")
    if not answers:
        return lines
    lines += wrapped(f"asked: {asked_text(answers[0])}", width, "  ", "         ")
    rows = [[["NODE"], ["FITS"], ["NUMA"], ["IN", "THE", "WAY"]], *map(_row, answers)]
    notes = (line for note in _notes(answers) for line in wrapped(f"- {note}", width, "", "  "))
    return [*lines, "", *table(rows, width), "", *notes]


def _headline(answers: Ranked) -> str:
    """Return how many nodes give which answer: `yes on 3 of 50 nodes, no on 45, depends on 2`."""
    counts = Counter(_word(answer) for answer in answers)
    said = [f"{word} on {counts[word]}" for word in ("yes", "no") if counts[word] or word == "yes"]
    said[0] += f" of {counted(len(answers), 'node')}"
    said += [f"it depends on the topology policy on {counts[_DEPENDS]}"] if counts[_DEPENDS] else []
    said += [f"not known on {counts[_UNKNOWN]}"] if counts[_UNKNOWN] else []
    return ", ".join(said)


def _word(answer: Answer) -> str:
    if answer.fits is not Fits.UNKNOWN:
        return answer.fits.value
    return _UNKNOWN if {each.fits for each in answer.outcomes} == {Fits.UNKNOWN} else _DEPENDS


def _row(answer: Answer) -> list[list[str]]:
    return [[answer.node], [_word(answer)], [_place(answer)], _in_the_way(answer).split()]


def _place(answer: Answer) -> str:
    """Return the NUMA nodes on which it would be placed, `any` if nothing restricts it."""
    yes = [each for each in answer.outcomes if each.fits is Fits.YES]
    if not yes:
        return "-"
    nodes = frozenset[int]().union(*(each.numa_nodes for each in yes))
    return nodes_phrase(nodes).partition(" ")[2] if nodes else "any"


def _in_the_way(answer: Answer) -> str:
    """Return the obstacles, by policy if they differ, and which pods would have to go."""
    refused: dict[tuple[str, str], list[str]] = {}
    for each in answer.outcomes:
        if each.fits is Fits.NO:
            refused.setdefault((reason(each), _leaving(each)), []).append(each.policy.value)
    if not refused and _word(answer) == _UNKNOWN and (why := reason(answer.outcomes[0])):
        return why
    if not refused and _word(answer) == _UNKNOWN:
        return printable(answer.notes[0].text) if answer.notes else "the kubelet does not report enough"
    told = []
    for (why, leaving), policies in refused.items():
        under = f"under {joined(policies)}: " if len(policies) < len(answer.outcomes) else ""
        told.append(f"{under}{why}{leaving}")
    return "; ".join(told) or "-"


def _leaving(outcome: Outcome) -> str:
    if not outcome.freeing:
        return ""
    names = folded([printable("/".join(key)) for key in outcome.freeing], 2, "{} more")
    return f"; it would fit without {joined(names, 'or')}"


def _notes(answers: Ranked) -> list[str]:
    """Return the limits of the answers without duplicates; nodes are named if they do not apply to all."""
    nodes_by_note: dict[str, list[str]] = {}
    for answer in answers:
        for note in answer.notes:
            nodes_by_note.setdefault(note.text, []).append(printable(answer.node))
    return [
        note if len(nodes) == len(answers) else f"{', '.join(folded(nodes, _MOST_NODES))}: {note}"
        for note, nodes in nodes_by_note.items()
    ]


def fit_document(answers: Ranked, found: Sequence[Trouble], ask: Ask) -> dict[str, Any]:
    """Return the answers as JSON values, best first; `failed` is always present."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "fits": verdict(answers).value,
        "asked": ask_dict(ask),
        "items": [answer_dict(answer) for answer in answers],
        "failed": failed_documents(found),
    }


@dataclass(frozen=True, slots=True)
class Pending:
    """A pod that is not bound to a node; *said* is the scheduler's message, if any."""

    meta: PodMeta
    said: str = ""


def pending_lines(pod: Pending, answers: Ranked, columns: int = 100) -> list[str]:
    """Return the pod, the scheduler's message, and the nodes' answers."""
    width = max(columns, LEAST_COLUMNS)
    meta = pod.meta
    words = ", ".join(printable(word) for word in (meta.qos_class, meta.phase) if word)
    lines = wrapped(f"{printable('/'.join(meta.key))}  ({words or 'no status'})", width, "", "  ")
    lines += wrapped("not scheduled to a node yet", width, "  ", "    ")
    if pod.said:
        lines += wrapped(f"the scheduler says: {printable(' '.join(pod.said.split()))}", width, "  ", "    ")
    return [*lines, "", "where it would fit now:", *fit_lines(answers, width)]


def pending_document(pod: Pending, answers: Ranked, found: Sequence[Trouble]) -> dict[str, Any]:
    """Return the same as JSON values."""
    whole = fit_document(answers, found, ask_of(pod.meta))
    about = {"namespace": pod.meta.namespace, "pod": pod.meta.name, "phase": pod.meta.phase, "scheduler": pod.said}
    return {**whole, "kind": PENDING_KIND, **about}

"""Render an answer for a terminal."""

from collections.abc import Sequence
from itertools import groupby

from podres_exporter.admission import Policy
from podres_exporter.fit.answer import Answer, Fits, Outcome
from podres_exporter.fit.holders import MOST_TRIED, Holder
from podres_exporter.fit.notes import MOST_NODES
from podres_exporter.fit.reasons import reason
from podres_exporter.fit.room import Room
from podres_exporter.model import ContainerKind, ContainerSpec, PodKey, Verdict
from podres_exporter.printable import printable
from podres_exporter.quantity import bytes_text
from podres_exporter.text.amounts import cpus_text, nodes_phrase, resource_amount
from podres_exporter.text.grid import table
from podres_exporter.text.words import ENDLESS, LEAST_COLUMNS, folded, joined, wrapped

_MOST_HOLDERS = 8


def fit_text(answer: Answer, columns: int = 100) -> list[str]:
    """Return the answer as lines of at most *columns* (at least 80): verdict, reasons, room, limits."""
    return answer_lines(answer, max(columns, LEAST_COLUMNS))


def answer_lines(answer: Answer, width: int) -> list[str]:
    """Return the same as lines of at most *width*, which may be a part of the terminal's."""
    lines = wrapped(headline(answer), width, hanging="  ")
    lines += wrapped(f"asked: {asked_text(answer)}", width, "  ", "         ")
    if policies_differ(answer):
        lines += ["", *policies_text(answer, width)]
    if answer.rooms:
        lines += ["", *rooms_text(answer, width)]
    lines += _in_the_way(answer.outcomes, width)
    return [*lines, "", *(line for note in answer.notes for line in wrapped(f"- {note.text}", width, "", "  "))]


def headline(answer: Answer) -> str:
    """Return the answer in one sentence that begins with yes, no, unknown, or that it depends."""
    node = printable(answer.node)
    yes, no = ([each for each in answer.outcomes if each.fits is verdict] for verdict in (Fits.YES, Fits.NO))
    if not (yes or no):
        why = reason(answer.outcomes[0])
        return f"unknown: {why}" if why else f"unknown: {node} does not report enough to judge"
    if len(answer.outcomes) == 1:
        only = answer.outcomes[0]
        return f"yes: {_where(only, node)}" if yes else f"no: {reason(only)}"
    if len(yes) == len(answer.outcomes):
        return f"yes: {_where(yes[-1], node)}, whatever the kubelet's topology policy is"
    if len(no) == len(answer.outcomes):
        return f"no: {reason(no[0])}, whatever the kubelet's topology policy is"
    unknown = [each for each in answer.outcomes if each.fits is Fits.UNKNOWN]
    said = [
        f"{word} under {joined([each.policy.value for each in found])}"
        for word, found in (("yes", yes), ("no", no), ("unknown", unknown))
        if found
    ]
    return f"it depends on the kubelet's topology policy: {', '.join(said)}"


def _where(outcome: Outcome, node: str = "") -> str:
    """Return the place as a phrase; under policy none, and without locality, it is anywhere."""
    nodes = outcome.numa_nodes
    if not nodes:
        why = "policy none aligns nothing" if outcome.policy is Policy.NONE else "nothing of it has a NUMA node"
        return f"anywhere{f' on {node}' if node else ''} ({why})"
    by_nodes = {place.numa_nodes for place in outcome.places if place.numa_nodes}
    phrase = f"on NUMA {nodes_phrase(nodes)}{f' of {node}' if node else ''}"
    if len(by_nodes) > 1:
        placed = [each for each in outcome.places if each.numa_nodes]
        phrase += (
            f" ({', '.join(f'{printable(each.container)} on {nodes_phrase(each.numa_nodes)}' for each in placed)})"
        )
    badly = any(place.verdict is Verdict.MISALIGNED for place in outcome.places)
    return f"{phrase}, misaligned" if badly else phrase


def asked_text(answer: Answer) -> str:
    """Return the requests, by container if there are several."""
    specs = answer.ask.containers
    if len(specs) == 1:
        return request_text(specs[0])
    return "; ".join(f"{_label(spec)}: {request_text(spec)}" for spec in specs)


def _label(spec: ContainerSpec) -> str:
    name = printable(spec.name)
    return name if spec.kind is ContainerKind.APP else f"{name} ({spec.kind})"


def request_text(spec: ContainerSpec) -> str:
    """Return the requests of one container: `4 CPUs, 16Gi memory, 2 nvidia.com/gpu`."""
    cpus = cpus_text(spec.cpu_millicores)
    words = [f"{cpus} {'CPU' if cpus == '1' or cpus.endswith('m') else 'CPUs'}"] if spec.cpu_millicores else []
    words += [
        f"{bytes_text(size)} {printable(kind)}" for kind, size in sorted(spec.memory, key=lambda m: m[0] != "memory")
    ]
    words += [f"{count} {printable(resource)}" for resource, count in spec.devices]
    words += [
        f"claim {printable(claim)}{f' request {printable(request)}' if request else ''}"
        for claim, request in sorted(set(spec.claims))
    ]
    return ", ".join(words) or "nothing"


def policies_text(answer: Answer, columns: int) -> list[str]:
    """Return one line per policy: whether it fits, and where or why not."""
    rows: list[Sequence[Sequence[str]]] = [[["policy"], ["fits"], ["where, or why not"]]]
    rows += [[[each.policy.value], [each.fits.value], _detail(each).split()] for each in answer.outcomes]
    return table(rows, columns, "  ")


def _detail(outcome: Outcome) -> str:
    match outcome.fits:
        case Fits.YES:
            return _where(outcome)
        case Fits.NO:
            return reason(outcome)
        case _:
            return f"not known: {reason(outcome)}" if outcome.hurdles else "not known, see below"


def policies_differ(answer: Answer) -> bool:
    """Return whether the policies give different results, apart from policy none's missing place."""
    details = {(each.fits, _detail(each)) for each in answer.outcomes if each.policy is not Policy.NONE}
    return len(details) > 1 or len({each.fits for each in answer.outcomes}) > 1


def _in_the_way(outcomes: Sequence[Outcome], columns: int) -> list[str]:
    """Return who holds what is short, and whose removal would help; equal outcomes are merged."""
    lines: list[str] = []
    refused = [outcome for outcome in outcomes if outcome.holders]
    for (nearest, held, freeing), group in groupby(
        refused, key=lambda each: (each.nearest, each.holders, each.freeing)
    ):
        same = [outcome.policy.value for outcome in group]
        under = f" (under {joined(same)})" if len(same) < len(outcomes) else ""
        place = "on the whole node" if nearest is None else f"on NUMA node {nearest}, the closest to fitting"
        lines += ["", *wrapped(f"held {place}{under}:", columns)]
        rows: list[Sequence[Sequence[str]]] = []
        for resource, each in groupby(held, key=lambda holder: holder.resource):
            pods = [f"{_pod(one.namespace, one.name)} ({_share(one)})" for one in each]
            rows.append([[resource], folded(pods, _MOST_HOLDERS, "(+{})")])
        lines += table(rows, columns, "  ")
        lines += wrapped(_leaving(held, freeing), columns, "  ", "    ")
    return lines


def _share(holder: Holder) -> str:
    """Return how much a pod holds, and whether it is about to be freed."""
    amount = resource_amount(holder.resource, holder.amount)
    return f"{amount}, {holder.ending}" if holder.ending else amount


def _pod(namespace: str, name: str) -> str:
    return f"{printable(namespace)}/{printable(name)}"


def _leaving(held: Sequence[Holder], freeing: Sequence[PodKey]) -> str:
    """Return whose removal would make room, among those tried."""
    if freeing:
        ending = {(each.namespace, each.name): each.ending for each in held if each.ending}
        names = [f"{_pod(*key)} ({ending[key]})" if key in ending else _pod(*key) for key in freeing]
        return f"it would fit without: {joined(folded(names, _MOST_HOLDERS, '{} more'), 'or')}"
    if len({(each.namespace, each.name) for each in held}) > MOST_TRIED:
        return f"none of the {MOST_TRIED} largest pods would make room on its own"
    return "no single pod would make room"


_INDENT = "  "


Rows = list[list[list[str]]]


def rooms_text(answer: Answer, columns: int) -> list[str]:
    """
    Return the table of free amounts: resources as rows, NUMA nodes as columns.

    Transposed if that is too wide, as on machines with many nodes.
    """
    nodes = sorted({node for room in answer.rooms for node in room.by_node})
    if len(nodes) > MOST_NODES:
        # Such a machine uses most of its nodes for one kind of memory; nodes without any of the resources are omitted.
        nodes = [node for node in nodes if any(room.by_node.get(node, (0, 0))[1] for room in answer.rooms)]
    rows = _rows(answer, nodes)
    if max(map(len, table(rows, ENDLESS, _INDENT))) > columns:
        rows = _turned(rows)
    return table(rows, columns, _INDENT)


def _rows(answer: Answer, nodes: list[int]) -> Rows:
    """Return a row per resource and, if NUMA nodes are shown, one for the nodes with room for everything."""
    has_unplaced = any(room.unplaced for room in answer.rooms)
    head = [
        "free of all",
        "asked",
        *(f"node {node}" for node in nodes),
        *["no node"][: int(has_unplaced)],
        "whole node",
    ]
    rows = [[[title] for title in head]]
    for room in answer.rooms:
        cells = [room.resource, resource_amount(room.resource, room.asked), *(_cell(room, node) for node in nodes)]
        cells += [str(room.unplaced or "-")] if has_unplaced else []
        rows.append([[cell] for cell in (*cells, _cell(room, None))])
    if answer.fitting_nodes is not None:
        fitting = ["yes" if node in answer.fitting_nodes else "no" for node in nodes]
        rows.append([[cell] for cell in ("room for all", "", *fitting, *[""] * (len(head) - 2 - len(nodes)))])
    return rows


def _turned(rows: Rows) -> Rows:
    return [list(column) for column in zip(*rows, strict=True)]


def _cell(room: Room, node: int | None) -> str:
    """Return `2 of 4`, on a node or (None) in total; `-` if there is none."""
    free, allocatable = (room.free, room.allocatable) if node is None else room.by_node.get(node, (0, 0))
    if not allocatable:
        return "-"
    return f"{resource_amount(room.resource, free)} of {resource_amount(room.resource, allocatable)}"

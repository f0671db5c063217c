"""What is free of each asked resource as a table, a column for each NUMA node."""

from podres_exporter.fit.answer import Answer
from podres_exporter.fit.notes import MOST_NODES
from podres_exporter.fit.room import Room
from podres_exporter.text.amounts import resource_amount
from podres_exporter.text.layout import table
from podres_exporter.text.words import ENDLESS

_INDENT = "  "


Rows = list[list[list[str]]]


def rooms_text(answer: Answer, columns: int) -> list[str]:
    """
    Return the table of what is free of what may be given: resources below each other and NUMA nodes side by side.

    The other way round where that is too wide, as it is on machines of many nodes.
    """
    nodes = sorted({node for room in answer.rooms for node in room.by_node})
    if len(nodes) > MOST_NODES:
        # A machine of so many has most of them for one kind of memory; those that have nothing of this say nothing.
        nodes = [node for node in nodes if any(room.by_node.get(node, (0, 0))[1] for room in answer.rooms)]
    rows = _rows(answer, nodes)
    if max(map(len, table(rows, ENDLESS, _INDENT))) > columns:
        rows = _turned(rows)
    return table(rows, columns, _INDENT)


def _rows(answer: Answer, nodes: list[int]) -> Rows:
    """Return a row per resource and, where NUMA nodes are told apart, one that says which have room for all."""
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
    """Return `2 of 4`, on a node or (None) on the whole; `-` where there is none."""
    free, allocatable = (room.free, room.allocatable) if node is None else room.by_node.get(node, (0, 0))
    if not allocatable:
        return "-"
    return f"{resource_amount(room.resource, free)} of {resource_amount(room.resource, allocatable)}"

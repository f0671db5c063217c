"""What a container holds as a small picture: a row for each resource, a column for each NUMA node."""

from collections.abc import Sequence

from podres_exporter.explain.account import Holding
from podres_exporter.model.allocation import NumaNodes
from podres_exporter.text.amounts import nodes_phrase, resource_amount
from podres_exporter.text.layout import table
from podres_exporter.text.words import folded

_MOST_COLUMNS = 4
"""NUMA nodes of a machine that are all shown; of a larger one only those that are in use."""
_MOST_ITEMS = 8
_NOTHING = "."


def picture(holdings: Sequence[Holding], numa_nodes: NumaNodes, columns: int, indent: str) -> list[str]:
    """
    Return the rows; long lists of ids are folded. What is near several nodes has a column of its own, and so has what
    has no stated node.
    """
    used = {nodes for holding in holdings for nodes, _ in holding.items}
    shown = used | {frozenset([node]) for node in numa_nodes} if len(numa_nodes) <= _MOST_COLUMNS else used
    places = sorted(shown, key=_order)
    rows: list[Sequence[Sequence[str]]] = [
        [[""], *([nodes_phrase(nodes) if nodes else "node not stated"] for nodes in places)]
    ]
    for holding in holdings:
        items = dict(holding.items)
        cells = [folded(items[nodes], _MOST_ITEMS, "(+{})") if nodes in items else [_NOTHING] for nodes in places]
        rows.append([[holding.resource, f"({resource_amount(holding.resource, holding.total)})"], *cells])
    return table(rows, columns, indent)


def _order(nodes: NumaNodes) -> tuple[int, list[int]]:
    """Return the sort key: single nodes, then sets of them, then what is not stated."""
    return (len(nodes) or 1 << 16, sorted(nodes))

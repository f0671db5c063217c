"""How amounts, NUMA nodes and verdicts are written for people, and how what is not known is."""

from collections.abc import Collection, Iterable, Sequence

from podres_exporter.families.spec import nodes_text
from podres_exporter.model import PodMeta, Verdict
from podres_exporter.model.allocation import NumaNodes
from podres_exporter.printable import printable
from podres_exporter.quantity import bytes_text

NONE = "-"
"""There is none, or it does not apply."""
UNKNOWN = "?"
"""Nobody tells."""
CPU, MEMORY = "cpu", "memory"
WHOLE_POD = "(pod)"
"""Stands in place of a container's name, which has no parentheses, for what the kubelet lists of the pod itself."""

ALIGNED = {
    Verdict.ALIGNED: "yes",
    Verdict.MISALIGNED: "no",
    Verdict.SPANS: "spans",
    Verdict.UNKNOWN: UNKNOWN,
    Verdict.UNSUPPORTED: UNKNOWN,
    Verdict.NOT_APPLICABLE: NONE,
}


def amount_text(amount: int | None, *, is_bytes: bool) -> str:
    """Return bytes or a number; `?` where it is not known."""
    if amount is None:
        return UNKNOWN
    return bytes_text(amount) if is_bytes else str(amount)


def nodes_cell(nodes: NumaNodes) -> str:
    """Return the NUMA nodes as a list such as `0-1`; `?` where none is stated."""
    return nodes_text(nodes) or UNKNOWN


def on_nodes(nodes: NumaNodes) -> str:
    """Return `(node 1)`, `(nodes 0-1)`, or `(node not stated)`."""
    if not nodes:
        return "(node not stated)"
    return f"({'node' if len(nodes) == 1 else 'nodes'} {nodes_text(nodes)})"


def workload_cell(meta: PodMeta | None) -> str:
    """Return `Deployment/web`; `-` for a pod that nothing owns, `?` where nobody tells."""
    if meta is None:
        return UNKNOWN
    return printable(f"{meta.workload_kind}/{meta.workload_name}") if meta.workload_kind else NONE


def memory_order(memory_type: str) -> tuple[bool, str]:
    """Return the sort key that puts memory before huge pages."""
    return (memory_type != MEMORY, memory_type)


def ids_in_order(ids: Iterable[str]) -> list[str]:
    """Return ids so that `gpu-9` comes before `gpu-10`; ids of one length, such as UUIDs, stand by the alphabet."""
    return sorted(ids, key=lambda each: (len(each), each))


def folded(items: Sequence[str], most: int) -> list[str]:
    """Return the first *most* items, and how many more there are."""
    return list(items) if len(items) <= most else [*items[:most], f"and {len(items) - most} more"]


def counted(count: int, singular: str, plural: str = "") -> str:
    """Return `1 pod`, `2 pods`."""
    return f"{count} {singular if count == 1 else plural or f'{singular}s'}"


def joined(words: Collection[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last

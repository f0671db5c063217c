"""Spellings that all parts of the document share."""

from podres_exporter.model import MemoryBlock
from podres_exporter.model.allocation import NumaNodes

Fields = dict[str, object]
"""One mapping of the document. No list or mapping stands in it twice: YAML would write the second as an alias."""


def stated(fields: Fields) -> Fields:
    """Return the fields without those that are None; what is unknown is absent."""
    return {key: value for key, value in fields.items() if value is not None}


def write_nodes(nodes: NumaNodes) -> list[int] | None:
    """Return the NUMA nodes, ascending; None where nothing is stated."""
    return sorted(nodes) if nodes else None


def write_block(block: MemoryBlock) -> Fields:
    """Return one memory block."""
    nodes = write_nodes(block.numa_nodes)
    return stated({"memoryType": block.memory_type, "numaNodes": nodes, "bytes": block.size_bytes})

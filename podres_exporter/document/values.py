"""The types that all records of the document are made of."""

from math import isinf
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from podres_exporter.cpuset import CpuSet, parse_cpuset
from podres_exporter.model.allocation import NumaNodes
from podres_exporter.moment import read_moment

PARSE = "parse"
"""Where a type keeps the function that parses its texts, for messages about those that it refuses."""
MOST_BYTES = 2**96 - 1
"""A block's size has 64 bits without a sign (proto ContainerMemory.size), and sizes are added up."""
_MOST_COUNT = 2**63 - 1
"""What quantities are capped at; the kubelet's own numbers of nodes and CPUs have 64 bits with a sign."""
_CPUS = r"^([0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*)?$"
_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z$"


class Record(Struct, rename="camel", omit_defaults=True, kw_only=True, gc=False):
    """
    One mapping of the document: keys in camel case, those with their default left out, unknown ones ignored.

    Records are trees, so the cycle collector need not look at them: with it, a node of 40,000 devices takes ten times
    as long to convert (measured).

    *key* names the fields that tell the records of one list apart, where no two may be equal: each is a series of its
    own, and a series that comes twice makes Prometheus refuse the page.
    """

    key: ClassVar[tuple[str, ...]] = ()


def doc(description: str) -> Meta:
    """Return the description of a field, for the JSON Schema."""
    return Meta(description=description)


def write_nodes(nodes: NumaNodes) -> list[int]:
    """Return the NUMA nodes, ascending; most devices have one or none."""
    return sorted(nodes) if nodes else []


def read_cpus(text: str | None) -> CpuSet | None:
    """Return the CPUs of a list; None where there is none."""
    return None if text is None else parse_cpuset(text)


def read_size(size: int) -> int:
    """Return the size. Raises ValueError where no sum of sizes is so large; msgspec bounds integers of 64 bits only."""
    if size > MOST_BYTES:
        raise ValueError(f"is a number beyond all bounds; a whole number of at most {MOST_BYTES} belongs here")
    return size


def read_total(total: float) -> float:
    """Return the total. Raises ValueError where it is infinite."""
    if isinf(total):
        raise ValueError("is a number beyond all bounds; a finite number belongs here")
    return total


Count = Annotated[int, Meta(ge=0, le=_MOST_COUNT)]
"""A whole number of 0 or more. JSON has numbers of any length, and samples are floats."""
Size = Annotated[int, Meta(ge=0, extra_json_schema={"maximum": MOST_BYTES}, extra={PARSE: read_size})]
"""Bytes of memory."""
Total = Annotated[float, Meta(ge=0, extra={PARSE: read_total})]
"""A running total: a counter is never below 0."""
Cpus = Annotated[str, Meta(extra_json_schema={"pattern": _CPUS}, extra={PARSE: parse_cpuset})]
"""CPUs as a list such as `0-3,8`."""
Moment = Annotated[str, Meta(extra_json_schema={"pattern": _MOMENT}, extra={PARSE: read_moment})]
"""A point in time as RFC 3339 writes it."""
Nodes = Annotated[list[Count], Meta(extra_json_schema={"minItems": 1, "uniqueItems": True})]
"""NUMA nodes, ascending; absent where none is stated."""
Ids = Annotated[list[str], Meta(extra_json_schema={"uniqueItems": True})]
"""Identifiers, each once."""

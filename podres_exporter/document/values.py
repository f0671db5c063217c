"""Base types of the document's records: quantities, CPU lists, timestamps, and a record class."""

from math import isinf
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from podres_exporter.cpuset import CpuSet, parse_cpuset
from podres_exporter.model.allocation import NumaNodes
from podres_exporter.moment import read_moment

PARSE = "parse"
"""The key under which a type stores its text parser, for error messages."""
MOST_BYTES = 2**96 - 1
"""A block's size is an unsigned 64-bit integer (proto ContainerMemory.size), and sizes are added up."""
_MOST_COUNT = 2**63 - 1
"""The cap of quantities; the kubelet's own numbers of nodes and CPUs are signed 64-bit integers."""
_CPUS = r"^([0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*)?$"
_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z$"


class Record(Struct, rename="camel", omit_defaults=True, kw_only=True, gc=False):
    """
    A mapping of the document: keys in camel case, defaults omitted, unknown keys ignored.

    Records are trees, so they are excluded from cycle collection: with it, converting a node of 40,000 devices takes
    ten times as long (measured).

    *key* names the fields that must be unique within a list: each record becomes a series, and a duplicate series makes
    Prometheus reject the page.
    """

    key: ClassVar[tuple[str, ...]] = ()


def doc(description: str) -> Meta:
    """Return the description of a field, for the JSON Schema."""
    return Meta(description=description)


def write_nodes(nodes: NumaNodes) -> list[int]:
    """Return the NUMA nodes, ascending; most devices have one or none."""
    return sorted(nodes) if nodes else []


def read_cpus(text: str | None) -> CpuSet | None:
    """Parse a CPU list; None if absent."""
    return None if text is None else parse_cpuset(text)


def read_size(size: int) -> int:
    """Check a size. Raises ValueError if it exceeds 64 bits; msgspec only limits integers to 64 bits in JSON."""
    if size > MOST_BYTES:
        raise ValueError(f"is too large; must be a whole number of at most {MOST_BYTES}")
    return size


def read_total(total: float) -> float:
    """Check a total. Raises ValueError if it is infinite."""
    if isinf(total):
        raise ValueError("is too large; must be a finite number")
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

"""Build sentences: counts, lists, shortened names and wrapped lines."""

import textwrap
from collections.abc import Collection, Iterable, Sequence

from podres_exporter.cpuset import format_cpuset
from podres_exporter.model import CpusetDrift, DoubleHeld, Thing
from podres_exporter.printable import printable

LEAST_COLUMNS = 80
"""The minimum width of a layout; below it, names would be cut to nothing."""
ENDLESS = 1 << 20
"""The width used when writing to a pipe, so that nothing is cut."""
_TAIL = 8


def counted(count: int, singular: str, plural: str = "") -> str:
    """Return `1 pod`, `2 pods`."""
    return f"{count} {singular if count == 1 else plural or f'{singular}s'}"


def joined(words: Collection[str], last: str = "and") -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    *first, final = words or [""]
    return f"{', '.join(first)} {last} {final}" if first else final


def folded(items: Sequence[str], most: int, more: str = "and {} more") -> list[str]:
    """Return the first *most* items, and how many more there are."""
    return list(items) if len(items) <= most else [*items[:most], more.format(len(items) - most)]


def some(names: Collection[str], most: int = 3) -> str:
    """Return the first names, safe to print, and how many more there are: `a, b, c and 2 more`."""
    ordered = [printable(name) for name in names]
    more = len(ordered) - most
    return ", ".join(ordered) if more <= 0 else f"{', '.join(ordered[:most])} and {more} more"


def pods_text(keys: Collection[tuple[str, str]]) -> str:
    """Return some pods as `namespace/name`, sorted."""
    return some(["/".join(key) for key in sorted(keys)])


def ids_in_order(ids: Iterable[str]) -> list[str]:
    """Return ids in natural order, `gpu-9` before `gpu-10`; ids of equal length, such as UUIDs, alphabetically."""
    return sorted(ids, key=lambda each: (len(each), each))


def shortened(text: str, width: int) -> str:
    """Return the text, safe to print, with its middle cut out if it is too long: names differ at their ends."""
    safe = printable(text)
    if len(safe) <= width:
        return safe
    tail = min(_TAIL, (width - 2) // 2)
    return f"{safe[: width - 2 - tail]}..{safe[len(safe) - tail :]}"


def wrapped(text: str, columns: int, indent: str = "", hanging: str | None = None) -> list[str]:
    """Return the sentence as lines of at most *columns*; later lines begin with *hanging*. Long words are broken."""
    rest = indent if hanging is None else hanging
    return textwrap.wrap(
        text, columns, initial_indent=indent, subsequent_indent=rest, break_on_hyphens=False, break_long_words=True
    )


def sentence_lines(text: str, columns: int) -> list[str]:
    """Return a note below a table as lines of at most *columns*; continuation lines are indented."""
    return wrapped(text, max(columns, LEAST_COLUMNS), hanging="  ")


def double_name(double: DoubleHeld) -> str:
    """Return the item alone: `CPU 5`, or resource and device."""
    item = printable(double.item)
    return f"CPU {item}" if double.thing is Thing.CPU else f"{printable(double.resource)} {item}"


def drift_text(drift: CpusetDrift) -> str:
    """Return how a container's cgroup differs from its CPUs: `may not run on CPU 5, may also run on CPUs 8-9`."""
    parts = [("may not run on", drift.missing), ("may also run on", drift.foreign)]
    return ", ".join(f"{words} CPU{'s' * (len(cpus) > 1)} {format_cpuset(cpus)}" for words, cpus in parts if cpus)


def double_text(double: DoubleHeld) -> str:
    """Return the item and the pods that hold it: `nvidia.com/gpu GPU-0 by ml/a and ml/b`."""
    return f"{double_name(double)} by {joined([printable('/'.join(pod)) for pod in double.pods])}"

"""What `dump` shows, from its flags: the same for one node and for a cluster."""

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from podres_exporter.dump import Selection

TABLES = ("table", "wide")
FORMATS = (*TABLES, "json", "yaml", "prom", "csv")

_NUMBER = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class View:
    """One of the formats; *is_free* and *is_summary* are tables of their own, *everything* is for the plain one."""

    output: str
    is_free: bool = False
    is_summary: bool = False
    everything: bool = False


def output_fault(output: str, formats: tuple[str, ...]) -> list[str]:
    """Return a sentence if there is no such format."""
    if output in formats:
        return []
    *first, last = formats
    return [f"-o: {output!r} is unknown; choose {', '.join(first)} or {last}"]


def view_of(arguments: argparse.Namespace, faults: list[str]) -> View:
    """Return how to show it; *faults* gets a sentence for each contradiction."""
    view = View(arguments.output, is_free=arguments.free, is_summary=arguments.nodes, everything=arguments.all)
    faults += output_fault(view.output, FORMATS)
    tables = views(view)
    if view.output in FORMATS and view.output not in TABLES:
        faults += [f"{flag}: is a table of its own, and -o {view.output} is none" for flag in tables]
    if len(tables) > 1:
        faults.append("--free and --nodes: are tables of their own; ask for one after the other")
    if view.everything and (view.output != "table" or tables):
        faults.append("--all: is for the table of containers; json and yaml have all of them anyway")
    return view


def views(view: View) -> list[str]:
    """Return the flags of the tables of their own that were given."""
    return [flag for flag, is_given in (("--free", view.is_free), ("--nodes", view.is_summary)) if is_given]


def selection_of(arguments: argparse.Namespace, faults: list[str], *, namespaces: bool) -> Selection:
    """
    Return what is selected; *faults* gets a sentence for each value that selects nothing.

    *namespaces*: whether the selection has them. In a cluster they are asked of the API server.
    """
    faults += [f"{flag}: the name is empty; leave the flag out for all of them" for flag in _empty(arguments)]
    numbers = [text for text in arguments.numa_node if _NUMBER.fullmatch(text)]
    faults += [
        f"--numa-node: {text!r} is not the number of a NUMA node; write for example 0"
        for text in arguments.numa_node
        if text not in numbers
    ]
    return Selection(
        tuple(arguments.namespace) if namespaces else (),
        tuple(arguments.pod),
        tuple(arguments.container),
        tuple(arguments.resource),
        arguments.device,
        frozenset(map(int, numbers)),
    )


def _empty(arguments: argparse.Namespace) -> Iterator[str]:
    """Yield the flags that were given an empty text."""
    for name in ("namespace", "pod", "container", "resource", "device"):
        given = getattr(arguments, name)
        if "" in (given if isinstance(given, list) else [given]):
            yield f"--{name}"


def record_path(text: str | None, faults: list[str]) -> Path | None:
    """Return the file to record into; None if there is none to be, or if *faults* says what is wrong with it."""
    if text is None:
        return None
    path = Path(text)
    if not text or path.is_dir() or not path.parent.is_dir():
        faults.append(f"--record: {text!r} does not name a file in an existing directory")
        return None
    if text == "-" or path.is_relative_to("/dev") or (path.exists() and not path.is_file()):
        faults.append(f"--record: {text!r} is not a regular file; write for example node1.json.gz")
        return None
    return path

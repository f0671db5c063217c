"""What `dump` shows, from its flags, for one node and for a cluster; and pod names in kubectl's notation."""

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from podres_exporter.dump import Selection, free, summary, table, wide

TABLES = ("table", "wide")
FORMATS = (*TABLES, "json", "yaml", "prom", "csv", "name")
_OF_KUBECTL = ("jsonpath", "go-template", "custom-columns", "template")

_NUMBER = re.compile(r"[0-9]{1,4}")


_KINDS = frozenset({"pod", "pods", "po"})


@dataclass(frozen=True, slots=True)
class View:
    """
    The output format; *is_free* and *is_summary* are tables of their own, *everything* applies to the default table.

    *sort_by* is the header of a column, empty for the order of the pods.
    """

    output: str
    is_free: bool = False
    is_summary: bool = False
    everything: bool = False
    headers: bool = True
    sort_by: str = ""


def output_fault(output: str, formats: tuple[str, ...]) -> list[str]:
    """Return a sentence if the format does not exist."""
    if output in formats:
        return []
    if output.partition("=")[0] in _OF_KUBECTL:
        return [
            f"-o: {output.partition('=')[0]} exists in kubectl only; use -o json and jq, for example -o json | jq .pods"
        ]
    *first, last = formats
    return [f"-o: {output!r} is unknown; choose {', '.join(first)} or {last}"]


def view_of(arguments: argparse.Namespace, faults: list[str]) -> View:
    """Return the output format; *faults* gets a sentence for each contradiction."""
    view = View(
        "yaml" if arguments.output == "yml" else arguments.output,
        is_free=arguments.free,
        is_summary=arguments.nodes,
        everything=arguments.all,
        headers=not arguments.no_headers,
        sort_by=arguments.sort_by.upper(),
    )
    faults += output_fault(view.output, FORMATS)
    tables = views(view)
    if view.output in FORMATS and view.output not in TABLES:
        faults += [f"{flag}: prints a table of its own and cannot be combined with -o {view.output}" for flag in tables]
        faults += [f"--sort-by: is for tables and cannot be combined with -o {view.output}"] if view.sort_by else []
        faults += [] if view.headers else [f"--no-headers: is for tables and cannot be combined with -o {view.output}"]
    if len(tables) > 1:
        faults.append("--free and --nodes: are separate tables; use one at a time")
    if view.everything and (view.output != "table" or tables):
        faults.append("--all: is for the table of containers; json and yaml always contain all of them")
    known = columns_of(view)
    if view.sort_by and view.output in TABLES and view.sort_by not in known:
        faults.append(f"--sort-by: {arguments.sort_by!r} is not a column of this table; choose {', '.join(known)}")
    return view


def columns_of(view: View) -> tuple[str, ...]:
    """Return the headers of the table selected by *view*."""
    if view.is_free:
        return ("NODE", *free.HEADERS)
    if view.is_summary:
        return ("NODE", *summary.STOCK_HEADERS, *summary.STATE_HEADERS)
    return ("NODE", *(wide.HEADERS if view.output == "wide" else table.HEADERS))


def views(view: View) -> list[str]:
    """Return the given flags that select a separate table."""
    return [flag for flag, is_given in (("--free", view.is_free), ("--nodes", view.is_summary)) if is_given]


def selection_of(arguments: argparse.Namespace, faults: list[str], *, namespaces: bool) -> Selection:
    """
    Return the selection; *faults* gets a sentence for each invalid value.

    *namespaces*: whether the selection includes them. In a cluster, the API server selects them.
    """
    faults += [f"{flag}: the name is empty; omit the flag for all of them" for flag in _empty(arguments)]
    numbers = [text for text in arguments.numa_node if _NUMBER.fullmatch(text)]
    faults += [
        f"--numa-node: {text!r} is not the number of a NUMA node; write for example 0"
        for text in arguments.numa_node
        if text not in numbers
    ]
    pods = [parse_pod_name(text) for text in arguments.pods]
    faults += ["POD: the pod's name is empty; write NAME, or NAMESPACE/NAME" for pod in pods if not pod.name]
    return Selection(
        tuple(arguments.namespace) if namespaces else (),
        (*arguments.pod, *(pod.pattern for pod in pods)),
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


STANDARD_OUTPUT = Path("-")
"""The value of `--record` for standard output: the exporter's pod has no writable directory."""


def record_path(text: str | None, faults: list[str]) -> Path | None:
    """Return the file to record into; None without one, or if *faults* says what is wrong with it."""
    if text is None:
        return None
    path = Path(text)
    if path == STANDARD_OUTPUT:
        return path
    if not text or path.is_dir() or not path.parent.is_dir():
        faults.append(f"--record: {text!r} does not name a file in an existing directory")
        return None
    if path.is_relative_to("/dev") or (path.exists() and not path.is_file()):
        faults.append(
            f"--record: {text!r} is not a regular file; write for example node1.json.gz, or - for standard output"
        )
        return None
    return path


@dataclass(frozen=True, slots=True)
class PodName:
    """A pod's name, with its namespace if given before it."""

    name: str
    namespace: str | None = None

    @property
    def pattern(self) -> str:
        """The pod as a value of `--pod`."""
        return self.name if self.namespace is None else f"{self.namespace}/{self.name}"


def parse_pod_name(text: str) -> PodName:
    """Parse a pod name; the prefixes `pod/`, `pods/` and `po/` are kubectl's."""
    kind, slash, rest = text.partition("/")
    if slash and kind in _KINDS:
        text = rest
    namespace, slash, name = text.rpartition("/")
    return PodName(name, namespace if slash else None)


def explained_pod(text: str, namespace: str | None, faults: list[str]) -> PodName:
    """Return the pod named by POD and -n; *faults* gets a sentence if they contradict each other."""
    pod = parse_pod_name(text)
    if pod.namespace is not None and namespace not in {None, pod.namespace}:
        faults.append(f"-n: is {namespace!r}, but the pod's name says {pod.namespace!r}")
    stated = namespace if pod.namespace is None else pod.namespace
    if not pod.name or stated == "":
        faults.append("POD: the pod's name is empty; write NAME, or NAMESPACE/NAME")
    return PodName(pod.name, stated)

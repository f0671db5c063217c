"""`kubectl podres dump`: who holds what, on every node; rows are printed before all nodes have answered."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from podres_exporter.cli.console import EXIT_OK, EXIT_PARTIAL, is_terminal, remark, write
from podres_exporter.cli.flags.request import TABLES, View, selection_of, view_of, views
from podres_exporter.cli.kubectl.api import Pods
from podres_exporter.cli.kubectl.collect import Cluster, cluster, listed, make_way
from podres_exporter.cli.kubectl.command import complain, named_troubles, refuse
from podres_exporter.cli.verbs.render import Rendered, layout_of, names_text
from podres_exporter.clock import Clock, SystemClock
from podres_exporter.cluster.documents import Shown, dump_document, json_of, yaml_of
from podres_exporter.cluster.outcome import Outcome, told, troubles
from podres_exporter.cluster.tables import GrowingTable, Table, free_table, holder_table, node_tables
from podres_exporter.dump import Selection, csv_text, select_nodes, without_holder
from podres_exporter.dump.narrow import holders, only_pods
from podres_exporter.dump.prom import prom_text
from podres_exporter.model import PodKey, Snapshot
from podres_exporter.printable import printable

PATIENCE_SECONDS = 2.0
"""How long nothing is printed: if all nodes answer by then, one table is fitted to all of it."""
PAUSE_SECONDS = 1.0
"""The pause between two parts, so that columns rarely need to grow."""


class EarlyRows:
    """Prints a table in parts, given the outcomes in the order of the nodes."""

    def __init__(
        self, table: GrowingTable, shown: Callable[[Sequence[Snapshot]], Sequence[Snapshot]], clock: Clock
    ) -> None:
        """*shown* returns the selection of some snapshots."""
        self._table, self._shown, self._clock = table, shown, clock
        self._due_at = clock.monotonic_seconds() + PATIENCE_SECONDS
        self._waiting: list[Outcome] = []
        self._printed: set[str] = set()
        self.has_begun = False

    def take(self, outcomes: Sequence[Outcome]) -> str:
        """Add an outcome; return the rows that are due, empty if none are."""
        self._waiting += outcomes
        now = self._clock.monotonic_seconds()
        if now < self._due_at:
            return ""
        self._due_at = now + PAUSE_SECONDS
        return self._text(self._waiting)

    def rest(self, outcomes: Sequence[Outcome]) -> str:
        """Return the remaining rows of all outcomes."""
        return self._text(outcomes)

    def _text(self, outcomes: Sequence[Outcome]) -> str:
        nodes = [each for each in told(outcomes) if each.node not in self._printed]
        self._printed.update(each.node for each in nodes)
        self._waiting = []
        lines = self._table.lines(self._shown([each.snapshot for each in nodes])) if nodes else []
        self.has_begun = self.has_begun or bool(lines)
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Request:
    """The request. *namespace* None is the context's; *is_everywhere*: all namespaces. *labels* select pods."""

    selection: Selection
    view: View
    namespace: str | None
    is_everywhere: bool
    labels: str


def run(arguments: argparse.Namespace) -> int:
    """Print it; return 0 if it is complete, 1 if no node answers, 3 if some do not."""
    faults: list[str] = []
    way, request = make_way(arguments, faults), _request(arguments, faults)
    refuse(faults)
    with cluster(way, SystemClock()) as found:
        is_wanted = _wanted(found, request)
        early = _early(request, is_wanted)
        outcomes = found.ask(early=None if early is None else early.take)
    if not told(outcomes):
        return named_troubles(outcomes)
    text, notes = _rendered(outcomes, request, is_wanted, _namespace(found, request))
    write(early.rest(outcomes) if early is not None and early.has_begun else text)
    code = named_troubles(outcomes)
    remark(notes)
    untold = request.view.output not in TABLES and any(each.snapshot.allocation is None for each in told(outcomes))
    if untold:
        names = ", ".join(printable(each.node) for each in told(outcomes) if each.snapshot.allocation is None)
        complain([f"{names}: nothing to show; see kubectl podres check"])
    return EXIT_PARTIAL if code == EXIT_OK and untold else code


def _request(arguments: argparse.Namespace, faults: list[str]) -> Request:
    view, selection = view_of(arguments, faults), selection_of(arguments, faults, namespaces=False)
    about_nodes = arguments.namespace is None and (bool(views(view)) or arguments.device is not None)
    named = any("/" in pattern for pattern in selection.pods)
    is_everywhere = arguments.all_namespaces or about_nodes or named
    return Request(selection, view, arguments.namespace, is_everywhere, arguments.selector)


def _early(request: Request, is_wanted: Callable[[PodKey], bool]) -> EarlyRows | None:
    """
    Return what prints rows before all nodes have answered, None where only the whole can be printed.

    That is for programs, for tables that are sorted, and where a name may be that of nothing on any node.
    """
    view, selection = request.view, request.selection
    is_whole = selection == Selection(numa_nodes=selection.numa_nodes)
    if views(view) or view.output not in TABLES or view.sort_by or not is_whole or not is_terminal():
        return None
    clock = SystemClock()
    table = GrowingTable(
        layout_of(view), clock.wall_seconds(), is_wide=view.output == "wide", everything=view.everything
    )
    return EarlyRows(table, lambda snapshots: select_nodes(only_pods(snapshots, is_wanted), selection), clock)


def _namespace(found: Cluster, request: Request) -> str | None:
    """Return the namespace whose pods are shown, None for all."""
    return None if request.is_everywhere else request.namespace or found.api.namespace


def _wanted(found: Cluster, request: Request) -> Callable[[PodKey], bool]:
    """Return which pods are selected; the API server matches labels, as snapshots have only the allowed ones."""
    namespace = _namespace(found, request)
    if request.labels:
        pods = listed(lambda: found.api.pods(Pods(namespace, request.labels)), namespace)
        keys = {(each.metadata.namespace, each.metadata.name) for each in pods}
        return lambda key: key in keys
    return lambda key: namespace in {None, key[0]}


def _rendered(
    outcomes: Sequence[Outcome], request: Request, is_wanted: Callable[[PodKey], bool], namespace: str | None
) -> Rendered:
    """Return the text and its notes; if the text is empty, a hint what may be meant."""
    nodes = told(outcomes)
    whole = only_pods([each.snapshot for each in nodes], is_wanted)
    shown = select_nodes(whole, request.selection)
    match request.view.output:
        case "json" | "yaml" as output:
            pairs = [Shown(each, snapshot) for each, snapshot in zip(nodes, shown, strict=True)]
            document = dump_document(pairs, troubles(outcomes))
            return (json_of if output == "json" else yaml_of)(document), []
        case "csv":
            return csv_text(shown), []
        case "prom":
            return prom_text(shown), []
        case "name":
            return names_text(shown), []
        case _:
            lines, notes = _table(whole, shown, request, namespace)
            return "".join(f"{line}\n" for line in lines), notes


def _table(whole: Sequence[Snapshot], shown: Sequence[Snapshot], request: Request, namespace: str | None) -> Table:
    """Return one of the tables, fitted to the terminal."""
    view, layout = request.view, layout_of(request.view)
    if view.is_free:
        return free_table(shown, layout)
    if view.is_summary:
        return node_tables(shown, layout)
    free = without_holder(whole, request.selection)
    if free and not holders(shown):
        return free, []
    lines, notes = holder_table(
        shown, layout, SystemClock().wall_seconds(), is_wide=view.output == "wide", everything=view.everything
    )
    if not holders(shown) and not view.everything:
        where = "" if namespace is None else f" in namespace {printable(namespace)}; use -A for all namespaces"
        notes = [*notes, f"nothing is held{where}"]
    return [*lines, *free], notes

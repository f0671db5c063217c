"""Render a snapshot in one of the formats of `dump`."""

from collections.abc import Sequence

from podres_exporter import __version__
from podres_exporter.cli.console import columns, wants_colours
from podres_exporter.cli.flags.request import View
from podres_exporter.cli.look.origin import Observation
from podres_exporter.config import Config
from podres_exporter.dump import (
    ANSI,
    PLAIN,
    Layout,
    Selection,
    csv_text,
    free_lines,
    free_notes,
    json_text,
    summary_lines,
    summary_notes,
    table_text,
    wide_lines,
    wide_notes,
    without_holder,
    yaml_text,
)
from podres_exporter.model import Snapshot
from podres_exporter.printable import printable
from podres_exporter.text.words import ENDLESS

Rendered = tuple[str, list[str]]
"""The text for standard output, including the final newline, and the notes for standard error."""


def rendered(observation: Observation, shown: Snapshot, selection: Selection, view: View, config: Config) -> Rendered:
    """Return *shown*, a part of a snapshot, in the format of the *view*."""
    made_at_seconds = observation.made_at_seconds
    match view.output:
        case "json":
            return json_text([shown], generated_at_seconds=made_at_seconds, version=__version__), []
        case "yaml":
            return yaml_text([shown], generated_at_seconds=made_at_seconds, version=__version__), []
        case "csv":
            return csv_text([shown]), []
        case "prom":
            from podres_exporter.dump.prom import prom_text  # noqa: PLC0415 - the writer of pages, for this format alone
            from podres_exporter.families.catalogue import selected  # noqa: PLC0415 - as above

            families = selected(config.collectors, config.counts_only)
            return prom_text([shown], families, node_label=config.node_label), []
        case "name":
            return names_text([shown]), []
        case _:
            is_holders = not (view.is_free or view.is_summary)
            free = without_holder([observation.snapshot], selection) if is_holders else []
            lines, notes = _table([shown], view, observation.now_seconds)
            lines = free if free and not _holds(shown) else [*lines, *free]
            return "".join(f"{line}\n" for line in lines), notes


def layout_of(view: View) -> Layout:
    """Return the table layout, from the terminal and the flags."""
    return Layout(columns(ENDLESS), ANSI if wants_colours() else PLAIN, view.headers, view.sort_by)


def names_text(snapshots: Sequence[Snapshot]) -> str:
    """Return the pods in the format of `kubectl get pods -o name`."""
    return "".join(
        f"pod/{printable(view.pod.name)}\n"
        for snapshot in snapshots
        for view in (snapshot.allocation.pods if snapshot.allocation else ())
    )


def _holds(snapshot: Snapshot) -> bool:
    return snapshot.allocation is not None and bool(snapshot.allocation.pods)


def _table(shown: Sequence[Snapshot], view: View, now_seconds: float | None) -> tuple[list[str], list[str]]:
    """Return one of the tables, and its notes."""
    layout = layout_of(view)
    if view.is_free:
        return free_lines(shown, layout), free_notes(shown)
    if view.is_summary:
        return summary_lines(shown, layout), summary_notes(shown)
    if view.output == "wide":
        return wide_lines(shown, layout, now_seconds=now_seconds), wide_notes(shown)
    return table_text(shown, layout, everything=view.everything, now_seconds=now_seconds)

"""A snapshot in one of the formats of `dump`."""

from collections.abc import Sequence

from podres_exporter import __version__
from podres_exporter.cli.console import columns, wants_colours
from podres_exporter.cli.flags.request import View
from podres_exporter.cli.look.origin import Observation
from podres_exporter.config import Config
from podres_exporter.dump import (
    ANSI,
    PLAIN,
    Selection,
    csv_text,
    free_lines,
    json_text,
    nobody_holds,
    prom_text,
    summary_lines,
    table_lines,
    wide_lines,
    yaml_text,
)
from podres_exporter.families import selected
from podres_exporter.model import Snapshot
from podres_exporter.text.words import ENDLESS


def rendered(observation: Observation, shown: Snapshot, selection: Selection, view: View, config: Config) -> str:
    """Return the text of what is *shown* of a snapshot, with its last line end."""
    match view.output:
        case "json":
            return json_text([shown], generated_at_seconds=observation.made_at_seconds, version=__version__)
        case "yaml":
            return yaml_text([shown], generated_at_seconds=observation.made_at_seconds, version=__version__)
        case "csv":
            return csv_text([shown])
        case "prom":
            return prom_text([shown], selected(config.collectors, config.counts_only), node_label=config.node_label)
        case _:
            is_holders = not (view.is_free or view.is_summary)
            free = nobody_holds([observation.snapshot], selection) if is_holders else []
            lines = free if free and not _holds(shown) else [*_table([shown], view), *free]
            return "".join(f"{line}\n" for line in lines)


def _holds(snapshot: Snapshot) -> bool:
    return snapshot.allocation is not None and bool(snapshot.allocation.pods)


def _table(shown: Sequence[Snapshot], view: View) -> list[str]:
    """Return one of the tables, fitted to the terminal and coloured if that can be."""
    style, width = ANSI if wants_colours() else PLAIN, columns(ENDLESS)
    if view.is_free:
        return free_lines(shown, columns=width, style=style)
    if view.is_summary:
        return summary_lines(shown, columns=width, style=style)
    if view.output == "wide":
        return wide_lines(shown, columns=width, style=style)
    return table_lines(shown, columns=width, style=style, everything=view.everything)

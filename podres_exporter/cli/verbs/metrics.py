"""`metrics`: print the catalogue of families as a table, as Markdown for the docs, or as JSON."""

import argparse
import json

from podres_exporter.cli.console import write
from podres_exporter.errors import ConfigError
from podres_exporter.families.catalogue import CATALOGUE
from podres_exporter.families.collectors import OFF_BY_DEFAULT
from podres_exporter.families.own import FAMILIES as OWN_FAMILIES
from podres_exporter.families.spec import ExporterFamily, Family


def run(arguments: argparse.Namespace) -> int:
    """Print the catalogue."""
    writers = {"table": as_table, "markdown": as_markdown, "json": as_json}
    if arguments.output not in writers:
        raise ConfigError([f"--output: {arguments.output!r} is unknown; choose table, markdown or json"])
    write(writers[arguments.output]() + "\n")
    return 0


def labels_of(family: Family) -> tuple[str, ...]:
    """Return the labels as in a scrape, `node` first if the family has it."""
    has_node = not isinstance(family, ExporterFamily) and family not in OWN_FAMILIES
    return (*(("node",) if has_node else ()), *family.all_labels)


def as_table() -> str:
    """Return one paragraph per family."""
    return "\n\n".join(
        f"{family.name} ({family.kind.value}, collector {family.collector}{_off(family)})\n"
        f"  labels: {', '.join(labels_of(family)) or 'none'}\n"
        f"  {family.help}"
        for family in CATALOGUE
    )


def as_markdown() -> str:
    """Return the table of deploy/docs/metrics.md."""
    rows = [
        f"| `{family.name}` | {family.kind.value} | {' '.join(f'`{label}`' for label in family.all_labels)} "
        f"| {family.collector}{_off(family)} | {family.help} |"
        for family in CATALOGUE
    ]
    return "\n".join(["| family | type | labels | collector | what |", "|---|---|---|---|---|", *rows])


def as_json() -> str:
    """Return an array of objects."""
    return json.dumps(
        [
            {
                "name": family.name,
                "type": family.kind.value,
                "labels": list(labels_of(family)),
                "collector": family.collector,
                "default": family.collector not in OFF_BY_DEFAULT,
                "stability": "experimental",
                "help": family.help,
            }
            for family in CATALOGUE
        ],
        indent=2,
    )


def _off(family: Family) -> str:
    return ", off by default" if family.collector in OFF_BY_DEFAULT else ""

"""
Render snapshots as text: tables, CSV, JSON, YAML and Prometheus text; also selection and changes.

Each of table, wide, free and summary returns its cells (`..._cells`), the notes below them (`..._notes`), and both as
lines of a given width (`..._lines`). All take a list of snapshots, and name the node if there are several. selection
and narrow filter a snapshot, changes compares two of them.

In tables `-` means none or not applicable, and `?` unknown.
"""

from podres_exporter.dump.documents import LIST_KIND, json_text, yaml_text
from podres_exporter.dump.free import free_cells, free_lines, free_notes
from podres_exporter.dump.selection import Selection, select, select_nodes, without_holder
from podres_exporter.dump.spreadsheet import CSV_HEADER, csv_text
from podres_exporter.dump.summary import summary_cells, summary_lines, summary_notes
from podres_exporter.dump.table import table_cells, table_lines, table_notes, table_text
from podres_exporter.dump.wide import wide_cells, wide_lines, wide_notes
from podres_exporter.text.grid import Grid, Layout, fitted, grid_lines
from podres_exporter.text.style import ANSI, PLAIN, Style, Tone, tone_of
from podres_exporter.text.words import LEAST_COLUMNS

__all__ = [
    "ANSI",
    "CSV_HEADER",
    "LEAST_COLUMNS",
    "LIST_KIND",
    "PLAIN",
    "Grid",
    "Layout",
    "Selection",
    "Style",
    "Tone",
    "csv_text",
    "fitted",
    "free_cells",
    "free_lines",
    "free_notes",
    "grid_lines",
    "json_text",
    "select",
    "select_nodes",
    "summary_cells",
    "summary_lines",
    "summary_notes",
    "table_cells",
    "table_lines",
    "table_notes",
    "table_text",
    "tone_of",
    "wide_cells",
    "wide_lines",
    "wide_notes",
    "without_holder",
    "yaml_text",
]

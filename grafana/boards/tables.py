"""Table panels of the dashboards: one row per series, or rows and columns by two labels."""

from collections.abc import Mapping
from typing import Any

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from boards.parts import PLAIN, Steps, basics, texts

HEALTH = {"Healthy": "green", "Unhealthy": "red", "Unknown": "yellow"}
ABNORMAL_FIRST: list[Builder[common.TableSortByFieldState]] = [
    common_builders.TableSortByFieldState().display_name("Health").desc(True)
]


def link(title: str, uid: str, **variables: str) -> dict[str, str]:
    """Return a data link to another board; *variables* are set from columns of the same row or from the cell."""
    chosen = "".join(f"&var-{name}={value}" for name, value in variables.items())
    return {
        "title": title,
        "url": f"/d/{uid}?${{__url_time_range}}&${{datasource:queryparam}}&${{cluster:queryparam}}{chosen}",
    }


def rows(  # noqa: PLR0913  # the options of a table, by name
    title: str,
    description: str,
    expr: str,
    columns: Mapping[str, str],
    *,
    value: str = "",
    unit: str = "short",
    steps: Steps = PLAIN,
    size: tuple[int, int] = (24, 10),
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
) -> table.Panel:
    """
    Return a table with a row per series: *columns* are labels and their headings, *value* is the heading of the number.

    Without *value* the number says nothing and is left out. *overrides* are field options by heading.
    """
    query = Dataquery().expr(expr).instant().format(PromQueryFormat.TABLE)
    shown = [*columns, *(["Value"] if value else [])]
    options = {
        "includeByName": dict.fromkeys(shown, True),
        "excludeByName": {"Time": True, **({} if value else {"Value": True})},
        "indexByName": {name: index for index, name in enumerate(shown)},
        "renameByName": {**columns, **({"Value": value} if value else {})},
    }
    panel = _table(title, description, query, unit=unit, steps=steps, size=size)
    panel = panel.with_transformation(dashboard.DataTransformerConfig(id_val="organize", options=options))
    first = next(iter(columns.values()))
    panel = panel.sort_by([common_builders.TableSortByFieldState().display_name(value or first).desc(bool(value))])
    if value and steps is not PLAIN:
        overrides = {value: coloured(), **(overrides or {})}
    return _overridden(panel, overrides or {})


def matrix(  # noqa: PLR0913  # the options of a table, by name
    title: str,
    description: str,
    expr: str,
    row: tuple[str, str],
    column: str,
    *,
    unit: str = "short",
    steps: Steps = PLAIN,
    size: tuple[int, int] = (12, 8),
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    empty: str = "null",
) -> table.Panel:
    """Return a table with a row per value of the label *row* (label, heading) and a column per value of *column*."""
    query = Dataquery().expr(expr).instant().format(PromQueryFormat.TABLE)
    grouping = {"rowField": row[0], "columnField": column, "valueField": "Value", "emptyValue": empty}
    renaming = {"renameByName": {f"{row[0]}\\{column}": row[1]}, "excludeByName": {}, "indexByName": {}}
    panel = (
        _table(title, description, query, unit=unit, steps=steps, size=size)
        .with_transformation(dashboard.DataTransformerConfig(id_val="groupingToMatrix", options=grouping))
        .with_transformation(dashboard.DataTransformerConfig(id_val="organize", options=renaming))
    )
    panel = panel.sort_by([common_builders.TableSortByFieldState().display_name(row[1]).desc(False)])
    if steps is not PLAIN:
        panel = panel.cell_options(
            common.TableColoredBackgroundCellOptions(mode=common.TableCellBackgroundDisplayMode.BASIC)
        )
    # Resources have long names, and one clipped at its vendor could be any. Before 12.1 the option is unknown.
    panel = panel.override_by_regexp(".+", [dashboard.DynamicConfigValue(id_val="custom.wrapHeaderText", value=True)])
    own = overrides or {}
    return _overridden(panel, {**own, row[1]: {"custom.cellOptions": {"type": "auto"}, **own.get(row[1], {})}})


def coloured() -> dict[str, Any]:
    """Return the field options of a column whose cells have the colour of their threshold or mapping."""
    return {"custom.cellOptions": {"type": "color-text"}}


def mapped(colours: Mapping[str, str]) -> dict[str, Any]:
    """Return the field options of a column of words, each with its colour."""
    return {**coloured(), "mappings": texts({word: (word, colour) for word, colour in colours.items()})}


def narrow(width: int) -> dict[str, Any]:
    """Return the field options of a column of so many pixels."""
    return {"custom.width": width}


def linked(*links: dict[str, str]) -> dict[str, Any]:
    """Return the field options of a column whose cells lead somewhere."""
    return {"links": list(links)}


def _table(
    title: str, description: str, query: Dataquery, *, unit: str, steps: Steps, size: tuple[int, int]
) -> table.Panel:
    return (
        basics(table.Panel(), title, description, query, steps, unit, size)
        .cell_height(common.TableCellHeight.SM)
        .show_header(True)
        .min_width(100)
        .filterable(True)
        .no_value("")
    )


def _overridden(panel: table.Panel, overrides: Mapping[str, Mapping[str, Any]]) -> table.Panel:
    for name, options in overrides.items():
        values = [dashboard.DynamicConfigValue(id_val=key, value=value) for key, value in options.items()]
        panel = panel.override_by_name(name, values)
    return panel

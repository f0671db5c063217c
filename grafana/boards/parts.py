"""Panels of the dashboards: single values, bars and graphs, with common settings; one query each."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries
from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import common, dashboard

DATASOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
Panel = stat.Panel | bargauge.Panel | table.Panel | timeseries.Panel
AnyPanel = TypeVar("AnyPanel", stat.Panel, bargauge.Panel, table.Panel, timeseries.Panel)
Steps = Sequence[tuple[float | None, str]]
"""Thresholds: from which value on which colour; the first has no value."""

PLAIN: Steps = ((None, "text"),)
NONE_LEFT: Steps = ((None, "orange"), (1, "green"))
ANY_IS_BAD: Steps = ((None, "green"), (1, "red"))
ANY_IS_A_PITY: Steps = ((None, "green"), (1, "orange"))
FILLING: Steps = ((None, "green"), (0.8, "yellow"), (1, "orange"))
"""A share that is given away: full is what one pays for, so it is no red."""
WHOLE_WIDTH = 24


def thresholds(steps: Steps) -> build.ThresholdsConfig:
    """Return the steps as Grafana wants them."""
    values = [dashboard.Threshold(value=value, color=colour) for value, colour in steps]
    return build.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(values)


def texts(colours: Mapping[str, tuple[str, str]]) -> list[dashboard.ValueMapping]:
    """Return a value mapping: value to text and colour."""
    results = {
        value: dashboard.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(colours.items())
    }
    return [dashboard.ValueMap(options=results)]


def basics(
    panel: AnyPanel, title: str, description: str, query: Dataquery, steps: Steps, unit: str, size: tuple[int, int]
) -> AnyPanel:
    """Return the panel with what every panel has; *size* is width and height on the grid of 24 columns."""
    mode = dashboard.FieldColorModeId.THRESHOLDS
    return (
        panel.title(title)
        .description(description)
        .datasource(DATASOURCE)
        .with_target(query.datasource(DATASOURCE).ref_id("A"))
        .thresholds(thresholds(steps))
        .color_scheme(build.FieldColor().mode(mode))
        .unit(unit)
        .span(size[0])
        .height(size[1])
    )


def _last() -> common_builders.ReduceDataOptions:
    return common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def number(
    title: str,
    description: str,
    expr: str,
    *,
    unit: str = "short",
    steps: Steps = PLAIN,
    legend: str = "",
    width: int = 4,
) -> stat.Panel:
    """Return big numbers: one, or one per series of the query."""
    query = Dataquery().expr(expr).instant().legend_format(legend or "__auto")
    return (
        basics(stat.Panel(), title, description, query, steps, unit, (width, 4))
        .reduce_options(_last())
        .color_mode(common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.NONE)
        .text_mode(common.BigValueTextMode.VALUE_AND_NAME if legend else common.BigValueTextMode.VALUE)
        .no_value("none")
    )


def bars(
    title: str,
    description: str,
    expr: str,
    legend: str,
    *,
    unit: str = "percentunit",
    steps: Steps = FILLING,
    width: int = 12,
) -> bargauge.Panel:
    """Return horizontal bars, one per series of the query; a share runs from 0 to 1."""
    query = Dataquery().expr(expr).instant().legend_format(legend)
    panel = (
        basics(bargauge.Panel(), title, description, query, steps, unit, (width, 8))
        .reduce_options(_last())
        .orientation(common.VizOrientation.HORIZONTAL)
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .value_mode(common.BarGaugeValueMode.COLOR)
        .name_placement(common.BarGaugeNamePlacement.LEFT)
        .show_unfilled(True)
        .min(0)
        .no_value("none")
    )
    return panel.max(1) if unit == "percentunit" else panel


def curves(  # noqa: PLR0913  # the options of curves, by name
    title: str,
    description: str,
    expr: str,
    legend: str,
    *,
    unit: str = "short",
    stacked: bool = False,
    width: int = 12,
    reach: float | None = None,
) -> timeseries.Panel:
    """
    Return lines over time, or areas on top of each other where their sum says something.

    *reach* is how far up the axis goes at least: without it, what is always 0 gets an axis to 100.
    """
    query = Dataquery().expr(expr).range().legend_format(legend)
    legends = common_builders.VizLegendOptions().show_legend(True)
    placement = common.LegendPlacement.RIGHT if width == WHOLE_WIDTH else common.LegendPlacement.BOTTOM
    panel = (
        basics(timeseries.Panel(), title, description, query, PLAIN, unit, (width, 8))
        .color_scheme(build.FieldColor().mode(dashboard.FieldColorModeId.PALETTE_CLASSIC))
        .legend(legends.display_mode(common.LegendDisplayMode.LIST).placement(placement).calcs([]))
        .tooltip(
            common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
        )
        .line_width(1)
        .fill_opacity(30 if stacked else 0)
        .show_points(common.VisibilityMode.NEVER)
        .axis_soft_min(0)
        .no_value("none")
    )
    if unit == "percentunit":
        reach = 1
    if reach is not None:
        panel = panel.axis_soft_max(reach)
    if stacked:
        panel = panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL).group("A"))
        panel = panel.line_interpolation(common.LineInterpolation.STEP_AFTER)
    return panel

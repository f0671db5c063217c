"""Parts of every dashboard: variables, links, time range, rows."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard

from boards.parts import DATASOURCE, Panel

TAG = "podres"
CLUSTER_BOARD, NODE_BOARD, WORKLOAD_BOARD, EXPORTER_BOARD = (
    "podres-cluster",
    "podres-node",
    "podres-workload",
    "podres-exporter",
)
ALL = dashboard.VariableOption(selected=True, text="All", value="$__all")


def row(title: str, panels: Sequence[Panel], *, collapsed: bool = False) -> tuple[build.Row, Sequence[Panel]]:
    """Return a row and the panels below it; a collapsed one holds them, and asks nothing until it is opened."""
    made = build.Row(title).collapsed(collapsed)
    if not collapsed:
        return made, panels
    for panel in panels:
        made = made.with_panel(panel)
    return made, ()


def board(
    title: str,
    uid: str,
    description: str,
    variables: Sequence[build.QueryVariable],
    rows: Sequence[tuple[build.Row, Sequence[Panel]]],
) -> dashboard.Dashboard:
    """Return a dashboard with ids of its panels that stay as long as their order does."""
    made = (
        build.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .readonly()
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .time("now-6h", "now")
        .timezone("browser")
        .refresh("1m")
        .annotations([])
        .with_variable(build.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    )
    for variable in variables:
        made = made.with_variable(variable)
    for heading, panels in rows:
        made = made.with_row(heading)
        for panel in panels:
            made = made.with_panel(panel)
    done = made.build()
    done.links = [_links()]
    _number_panels(done)
    return done


def _links() -> dashboard.DashboardLink:
    """Return links to the other boards of the tag, side by side, with variables and time kept."""
    made = dashboard.DashboardLink(
        title="podres", type_val=dashboard.DashboardLinkType.DASHBOARDS, tags=[TAG], include_vars=True, keep_time=True
    )
    made.placement = None  # type: ignore[assignment]  # the default of the builders hides them in a menu
    return made


def _number_panels(made: dashboard.Dashboard) -> None:
    """Give every panel an id of its own; Grafana wants them, and links to a panel name them."""
    number = 0
    for panel in made.panels or []:
        for each in (panel, *(panel.panels if isinstance(panel, dashboard.RowPanel) else ())):
            number += 1
            each.id_val = number


def variable(name: str, label: str, query: str, *, hidden: bool = False, help_text: str = "") -> build.QueryVariable:
    """
    Return a variable that may have several values or all of them.

    All of them are `.*`, which matches series without the label too.
    """
    made = (
        build.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query({"query": query, "refId": f"variable-{name}", "qryType": 1})
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.NATURAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(ALL)
        .description(help_text)
    )
    return made.hide(dashboard.VariableHide.HIDE_VARIABLE) if hidden else made


def cluster(*, several: bool) -> build.QueryVariable:
    """Return the variable of the cluster; hidden where there is one, for Grafana cannot hide it by itself."""
    return variable("cluster", "Cluster", "label_values(podres_exporter_build_info, cluster)", hidden=not several)


def beginning_with_one(made: build.QueryVariable) -> build.QueryVariable:
    """Return the variable without "All", so that it stands on its first value: all of them are too much to ask."""
    return made.include_all(False).all_value("").current(dashboard.VariableOption(text="", value=""))


def node() -> build.QueryVariable:
    """Return the variable of the node."""
    return variable("node", "Node", f"label_values({_NODES}, node)")


def one_node() -> build.QueryVariable:
    """Return the variable of the node for boards that show what is on it."""
    return beginning_with_one(node()).multi(False)


def namespace() -> build.QueryVariable:
    """Return the variable of the namespace, of the chosen nodes."""
    return variable("namespace", "Namespace", f'label_values({_SEEN[:-1]}, node=~"$node"}}, namespace)')


def one_namespace() -> build.QueryVariable:
    """Return the variable of the namespace for boards that show what is in it."""
    query = 'label_values(namespace:podres_container_devices:sum{cluster=~"$cluster"}, namespace)'
    return beginning_with_one(variable("namespace", "Namespace", query))


def job() -> build.QueryVariable:
    """Return the variable of the exporters' job; all are those that it lists, for other jobs have `up` too."""
    made = variable("job", "Job", 'label_values(podres_exporter_build_info{cluster=~"$cluster"}, job)')
    return made.all_value("")


def pod() -> build.QueryVariable:
    """Return the variable of the pod, of the chosen namespaces."""
    holding = '{__name__=~"podres_container_devices|podres_pod_exclusive_cpus|podres_container_claim_device_info", '
    return variable("pod", "Pod", f'label_values({holding}cluster=~"$cluster", namespace=~"$namespace"}}, pod)')


def resource() -> build.QueryVariable:
    """Return the variable of the extended resource."""
    query = 'label_values(cluster:podres_node_allocatable_devices:sum{cluster=~"$cluster"}, resource)'
    return variable("resource", "Resource", query)


_NODES = '{__name__=~"podres_node_allocated_devices|podres_node_cpuset_info", cluster=~"$cluster"}'
_SEEN = (
    '{__name__=~"podres_pod_info|podres_container_devices|podres_pod_exclusive_cpus|podres_node_allocated_devices", '
    'cluster=~"$cluster"}'
)


def found(name: str, metric: str) -> build.QueryVariable:
    """
    Return a hidden variable that says whether another exporter's series are there: their number, or 0.

    A row's title shows it, so one sees whether it is worth opening.
    """
    return (
        build.QueryVariable(name)
        .label(name)
        .datasource(DATASOURCE)
        .query({"query": f"query_result(count({metric}) or vector(0))", "refId": f"variable-{name}", "qryType": 3})
        .regex(r"/} ([0-9]+)/")
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.DISABLED)
        .hide(dashboard.VariableHide.HIDE_VARIABLE)
        .description(f"How many series of {metric} there are.")
    )

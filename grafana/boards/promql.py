"""
PromQL expressions shared by the dashboards.

Every metric is first reduced by `max by` to what it is about, so that two exporters of one node, as a rollout has them
for a moment, count once, and so that labels of the target (instance, job) never stand in the way of a join.
"""

CLUSTER = 'cluster=~"$cluster"'
NODE = f'{CLUSTER}, node=~"$node"'
RESOURCE = 'resource=~"$resource"'
NAMESPACE = 'namespace=~"$namespace"'
POD = f'{NAMESPACE}, pod=~"$pod"'
CONTAINER_LABELS = "node, namespace, pod, container"
RATE = "$__rate_interval"


def once(metric: str, by: str, *matchers: str, scope: str = NODE) -> str:
    """Return the metric reduced to the labels *by* and `cluster`, of what the variables of the board choose."""
    return f"max by (cluster, {by}) ({metric}{{{', '.join((scope, *matchers))}}})"


def total(metric: str, by: str, identity: str, *matchers: str) -> str:
    """Return the sum of the metric by the labels *by*, each *identity* counted once."""
    return f"sum by ({by}) ({once(metric, identity, *matchers)})"


def once_in_cluster(metric: str, by: str, *matchers: str) -> str:
    """Return the same as `once` for boards that show a whole cluster and have no variable of the node."""
    return once(metric, by, *matchers, scope=CLUSTER)


def recorded(metric: str, by: str, *matchers: str) -> str:
    """Return the sum of a recorded series by these labels; what is recorded is reduced already."""
    return f"sum by ({by}) ({metric}{{{', '.join((CLUSTER, *matchers))}}})"


def or_zero(expression: str) -> str:
    """Return the one number that the expression says, and 0 where it says nothing."""
    return f"sum({expression}) or vector(0)"


def named(expression: str, label: str, value: str) -> str:
    """Return the expression with a label more."""
    return f'label_replace({expression}, "{label}", "{value}", "", "")'


def renamed(expression: str, new: str, old: str) -> str:
    """Return the expression with the value of the label *old* under the name *new* too."""
    return f'label_replace({expression}, "{new}", "$1", "{old}", "(.+)")'


STOCK = "node, resource, numa_nodes"
FREE = "podres_node_free_devices"
ALLOCATED = "podres_node_allocated_devices"
ALLOCATABLE = "podres_node_allocatable_devices"


def stock(metric: str, by: str) -> str:
    """Return how many devices of the node's stock there are, by the labels *by*."""
    return total(metric, by, STOCK, RESOURCE)


def share(part: str, whole: str) -> str:
    """Return the part of the whole from 0 to 1; nothing where the whole is nothing."""
    return f"{part}\n/\n({whole} > 0)"


def held_devices(who: str) -> str:
    """
    Return one series per device that *who* (matchers) hold, of device plugins and of claims, with its known health.

    Value 1. A claim's device has its driver as `resource`, and `claim` and `pool` beside it.
    """
    plain = f"{CONTAINER_LABELS}, resource, device, numa_nodes"
    devices = once("podres_container_device_info", plain, RESOURCE, who)
    claims = once("podres_container_claim_device_info", f"{CONTAINER_LABELS}, claim, driver, pool, device", who)
    claimed = renamed(claims, "resource", "driver")
    key = f"cluster, {CONTAINER_LABELS}, resource, device, claim, pool"
    health = once("podres_container_device_health", f"{key}, health".removeprefix("cluster, "), who)
    every = f"({devices}\nor\n{claimed})"
    return f"{every}\n* on ({key}) group_left (health)\n{health}\nor on ({key})\n{every}"


def by_id(vendor: str, label: str, who: str, *, source: str = "device_base", per_node: bool = False) -> str:
    """
    Return a vendor's numbers with the containers that hold the devices, joined on the device's own id.

    *vendor* has the id in *label* and must have been reduced to it, `cluster`, and `node` where ids repeat from node to
    node (*per_node*). Each holder of a shared device has the number of the whole device, for nothing tells the shares
    apart.
    """
    holder = renamed(f"podres_container_device_info{{{NODE}, {who}}}", label, source)
    held = f"group by (cluster, {CONTAINER_LABELS}, resource, {label}) (\n  {holder})"
    on = f"cluster, node, {label}" if per_node else f"cluster, {label}"
    return f"{held}\n* on ({on}) group_left ()\n{vendor}"


def by_container(vendor: str, resources: str, who: str) -> str:
    """
    Return a vendor's numbers of containers, for exporters that name the container and no id of the kubelet.

    Their labels are namespace, pod and container, or exported_... where they are scraped without honorLabels. Only
    containers that hold a device of *resources* (a pattern) are kept.
    """
    holder = f'podres_container_devices{{{NODE}, {who}, resource=~"{resources}"}}'
    held = f"group by (cluster, {CONTAINER_LABELS}, resource) ({holder})"
    key = "cluster, namespace, pod, container"
    for label in ("namespace", "pod", "container"):
        vendor = renamed(vendor, label, f"exported_{label}")
    return f"{held}\n* on ({key}) group_left ()\navg by ({key}) (\n  {vendor})"


def on_node(series: str, matchers: str = "", wrap: str = "{}") -> str:
    """Return the series of another exporter with the label `node`: its own, else the host of its instance."""
    without, having = (
        wrap.format(f"{series}{{{', '.join(filter(None, (matchers, each)))}}}") for each in ('node=""', 'node!=""')
    )
    return f'label_replace({without}, "node", "$1", "instance", "([^:]+)(:[0-9]+)?")\n  or {having}'

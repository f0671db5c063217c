"""Choose one exporter pod on each node."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from podres_exporter.cluster.outcome import Target, Trouble
from podres_exporter.cluster.pod_list import ListedPod
from podres_exporter.errors import Reason
from podres_exporter.printable import printable

DEFAULT_PORT = 10190
PORT_NAME = "metrics"
NO_EXPORTER = "there is no exporter pod on it"


@dataclass(frozen=True, slots=True)
class Rules:
    """
    *port* None: the container port named `metrics`, else 10190. *nodes* are the wanted ones (empty: all).

    *takes_unready*: query running exporters that are not ready, to find out what is wrong with them.
    """

    port: int | None = None
    is_secure: bool = False
    nodes: frozenset[str] = frozenset()
    takes_unready: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The exporters to query, and the nodes without a usable exporter; both by node."""

    targets: tuple[Target, ...] = ()
    troubles: tuple[Trouble, ...] = ()


def choose(pods: Iterable[ListedPod], rules: Rules) -> Choice:
    """
    Choose one exporter for each node; of several the ready one, else a running one, else the oldest.

    During a rollout of the DaemonSet a node may have two, and its facts must not be counted twice.
    """
    wanted = [pod for pod in pods if not rules.nodes or pod.spec.node_name in rules.nodes]
    placed = sorted((pod for pod in wanted if pod.spec.node_name), key=_node)
    found = [_best(node, list(group), rules) for node, group in groupby(placed, key=_node)]
    found += [_best("", [pod], rules) for pod in wanted if not pod.spec.node_name]
    without = rules.nodes - {_node(pod) for pod in wanted}
    found += [Trouble(node, "", Reason.NOT_FOUND, NO_EXPORTER) for node in without]
    return Choice(
        tuple(each for each in found if isinstance(each, Target)),
        tuple(sorted((each for each in found if isinstance(each, Trouble)), key=_place)),
    )


def _place(trouble: Trouble) -> tuple[str, str]:
    return trouble.node, trouble.pod


def _node(pod: ListedPod) -> str:
    return pod.spec.node_name


def _best(node: str, pods: list[ListedPod], rules: Rules) -> Target | Trouble:
    oldest_first = sorted(pods, key=lambda pod: (pod.status.start_time or "~", pod.metadata.name))
    pod = max(oldest_first, key=_merit)
    problem = _problem(pod, rules)
    if problem:
        name = f"{pod.metadata.namespace}/{pod.metadata.name}"
        return Trouble(node, name, Reason.UNAVAILABLE, problem)
    return Target(node, pod.metadata.namespace, pod.metadata.name, _port(pod, rules), rules.is_secure, pod.is_ready)


def _merit(pod: ListedPod) -> tuple[bool, bool, bool]:
    is_running, is_staying = pod.status.phase == "Running", pod.metadata.deletion_timestamp is None
    is_well = is_running and is_staying and pod.is_ready
    return is_well, is_running, is_staying


def _problem(pod: ListedPod, rules: Rules) -> str:
    """Return why the pod cannot be queried, empty if it can."""
    if pod.status.phase != "Running":
        why = f": {printable(pod.unscheduled)}" if pod.unscheduled else ""
        return f"its exporter is not running (phase {printable(pod.status.phase or 'unknown')}){why}"
    if pod.metadata.deletion_timestamp is not None:
        return "its exporter is being deleted"
    if not (pod.is_ready or rules.takes_unready):
        return "its exporter is not ready; kubectl podres check shows why"
    return ""


def _port(pod: ListedPod, rules: Rules) -> int:
    if rules.port is not None:
        return rules.port
    ports = (port for container in pod.spec.containers or () for port in container.ports or ())
    return next((port.container_port for port in ports if port.name == PORT_NAME and port.container_port), DEFAULT_PORT)

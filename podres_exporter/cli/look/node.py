"""One look at this node, by the same sources and the same poller as `serve`."""

from collections.abc import Mapping

from podres_exporter import __version__
from podres_exporter.cli.look.causes import causes_of
from podres_exporter.cli.look.origin import Gathered, Keep
from podres_exporter.cli.look.plan import Plan
from podres_exporter.cli.look.shortfalls import metadata_cause, shortfalls
from podres_exporter.cli.look.unreachable import unreachable
from podres_exporter.cli.serve.metadata import kube_client
from podres_exporter.clock import Clock
from podres_exporter.errors import ApiServerError, ConfigError, Reason, TopologyError
from podres_exporter.model import Metadata
from podres_exporter.recording import Call, Recording, Refusal
from podres_exporter.service.oneshot import Look, look
from podres_exporter.service.poller import Sources
from podres_exporter.sources import KubeletClient, SysfsTopology
from podres_exporter.sources.ports import LIST, KubeletCall, SocketIdentity
from podres_exporter.sources.toldmetadata import ToldMetadata

LIST_SECONDS = 15.0
"""Until a list of pods must be complete; somebody waits."""

_AWAY = frozenset({Reason.UNAVAILABLE, Reason.TIMEOUT})

Told = tuple[Metadata | None, Refusal | None]
"""What the API server told, None where it was not asked, and why it told nothing."""


def ask_node(plan: Plan, environment: Mapping[str, str], clock: Clock, keep: Keep) -> Gathered:
    """
    Return what the node says now; *keep* is given the answers even where they are of no use.

    Raises SnapshotError where the kubelet does not say which pods there are, ConfigError for a useless kubeconfig.
    """
    config = plan.config
    told = _told(plan, environment, clock)
    calls: dict[str, Call] = {}

    def record(call: KubeletCall) -> None:
        error = call.error
        calls[call.rpc] = Call(call.answer, None if error is None else Refusal(error.reason, error.detail))

    kubelet = KubeletClient(config.kubelet_socket, config.kubelet_timeout_seconds, clock, record)
    try:
        sources = Sources(kubelet, SysfsTopology(config.topology_sysfs), ToldMetadata(told[0]))
        seen = look(config.node_name, sources, clock)
        recording = _recording(seen, kubelet.identity(), calls, told, clock.wall_seconds())
    finally:
        kubelet.close()
    keep(recording)
    if LIST in seen.failures:
        raise unreachable(seen.failures[LIST], config.kubelet_socket)
    found = shortfalls(seen.snapshot, causes_of(seen, told[1]))
    return Gathered(seen.snapshot, recording.recorded_at_seconds, tuple(found))


def _told(plan: Plan, environment: Mapping[str, str], clock: Clock) -> Told:
    """Ask the API server for the pods of the node, once."""
    config = plan.config
    if plan.shortfall:
        return None, Refusal(Reason.DENIED, plan.shortfall)
    if config.metadata_source == "none":
        return None, None
    from podres_exporter.kube.client import Limits  # noqa: PLC0415 - not for those who ask no API server
    from podres_exporter.kube.listwatch import pods_of_node  # noqa: PLC0415 - not for those who ask no API server
    from podres_exporter.kube.podfeed import read_pods  # noqa: PLC0415 - not for those who ask no API server
    from podres_exporter.podmeta import PodDecoder  # noqa: PLC0415 - not for those who ask no API server

    try:
        client = kube_client(config, environment, clock, Limits(list_seconds=LIST_SECONDS))
        transport = pods_of_node(client, config.node_name)
    except ConfigError as error:
        if config.metadata_kubeconfig is not None:
            raise
        return None, Refusal(Reason.DENIED, str(error))
    try:
        return read_pods(transport, PodDecoder(config.pod_labels_allowlist, config.node_name), clock), None
    except ApiServerError as error:
        return Metadata(is_away=error.reason in _AWAY), Refusal(error.reason, metadata_cause(error))
    finally:
        transport.close()


def _recording(
    seen: Look, identity: SocketIdentity | None, calls: Mapping[str, Call], told: Told, now: float
) -> Recording:
    topology = seen.topology
    return Recording(
        node=seen.snapshot.node,
        version=__version__,
        recorded_at_seconds=now,
        calls=calls,
        socket_age_seconds=None if identity is None else max(0.0, now - identity.created_seconds),
        topology=Refusal(topology.reason, topology.detail) if isinstance(topology, TopologyError) else topology,
        metadata=told[0],
        metadata_refusal=told[1],
    )

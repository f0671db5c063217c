"""The node itself as the origin of a snapshot, read with the sources and the poller of `serve`."""

from collections.abc import Mapping
from dataclasses import replace

from podres_exporter import __version__
from podres_exporter.cli.look.failures import failures_of, metadata_failure, unreachable
from podres_exporter.cli.look.origin import Keep, Observation, Show
from podres_exporter.cli.serve.metadata import claim_names, kube_client
from podres_exporter.cli.signals import Alarm
from podres_exporter.clock import Clock
from podres_exporter.config import Config
from podres_exporter.errors import ApiServerError, ConfigError, PodsApiError, Reason, TopologyError
from podres_exporter.model import Metadata, MetadataOrigin
from podres_exporter.recording import Call, Recording, Refusal
from podres_exporter.service.follower import PollSettings
from podres_exporter.service.oneshot import Look, look, wait_for_admissions
from podres_exporter.service.poller import Sources
from podres_exporter.sources import KubeletClient, SysfsTopology
from podres_exporter.sources.fixed import FixedDra, FixedMetadata
from podres_exporter.sources.interfaces import LIST, DraSource, KubeletCall, SocketIdentity

LIST_SECONDS = 15.0
"""Timeout for a complete list of pods; a user is waiting."""

_AWAY = frozenset({Reason.UNAVAILABLE, Reason.TIMEOUT})


class NodeOrigin:
    """A SnapshotOrigin that reads the kubelet, the kernel and the API server."""

    def __init__(
        self, config: Config, environment: Mapping[str, str], clock: Clock, no_metadata: str, keep: Keep | None = None
    ) -> None:
        """*no_metadata* says why metadata is wanted but unavailable; empty if it is available or disabled."""
        self.config, self._environment, self._clock = config, environment, clock
        self._no_metadata, self._keep = no_metadata, keep

    def look(self) -> Observation:
        """Read all sources; the answers are recorded even if they cannot be used."""
        config, calls = self.config, dict[str, Call]()

        def record(call: KubeletCall) -> None:
            error = call.error
            calls[call.rpc] = Call(call.answer, None if error is None else Refusal(error.reason, error.detail))

        metadata, refusal = self._metadata()
        kubelet = KubeletClient(
            config.kubelet_socket, config.kubelet_timeout_seconds, self._clock, record, config.kubelet_max_message_bytes
        )
        dra = self._dra(metadata)
        try:
            topology = SysfsTopology(config.topology_sysfs)
            sources = Sources(kubelet, topology, FixedMetadata(metadata), dra, claim_names=claim_names(config))
            seen = look(config.node_name, sources, self._clock, PollSettings.of(config).site)
            identity = kubelet.identity()
        finally:
            kubelet.close()
            dra.stop()
        now = self._clock.wall_seconds()
        if self._keep is not None:
            kept = _recording(seen, calls, identity, refusal, now)
            self._keep(replace(kept, dra=dra.dra()))
        if LIST in seen.failures:
            raise unreachable(seen.failures[LIST], config.kubelet_socket)
        return Observation(seen.snapshot, now, now, failures_of(seen, refusal))

    def watch(self, alarm: Alarm, show: Show) -> None:
        """Poll the sources and re-read single pods, as `serve` does."""
        from podres_exporter.cli.look.node_watch import watch_node  # noqa: PLC0415 - not for a single look

        watch_node(self.config, self._environment, self._clock, self._no_metadata, alarm, show)

    def _dra(self, metadata: Metadata | None) -> DraSource:
        """Return the node's slices and claims; skipped if the pods could not be listed."""
        config = self.config
        is_asked = config.metadata_source == "apiserver" and "dra" in config.collectors
        if not is_asked or metadata is None or not metadata.is_up:
            return FixedDra()
        from podres_exporter.kube.client import Limits  # noqa: PLC0415 - only if the API server is asked
        from podres_exporter.kube.dra.once import DraOnce  # noqa: PLC0415 - only if the API server is asked

        client = kube_client(self.config, self._environment, self._clock, Limits(list_seconds=LIST_SECONDS))
        return DraOnce(client, config.node_name, self._clock, allowed=config.dra_attribute_allowlist)

    def _metadata(self) -> tuple[Metadata | None, Refusal | None]:
        """List the pods of the node once; return None if the API server is not used, and why it failed."""
        config = self.config
        if self._no_metadata:
            return None, Refusal(Reason.DENIED, self._no_metadata)
        if config.metadata_source == "none":
            return None, None
        if config.metadata_source == "podsapi":
            return self._podsapi()
        from podres_exporter.kube.client import Limits  # noqa: PLC0415 - only if the API server is asked
        from podres_exporter.kube.pods.feed import read_pods  # noqa: PLC0415 - only if the API server is asked
        from podres_exporter.kube.reflector.list_watch import pods_of_node  # noqa: PLC0415 - only if the API server is asked
        from podres_exporter.podmeta import PodDecoder  # noqa: PLC0415 - only if the API server is asked

        try:
            client = kube_client(config, self._environment, self._clock, Limits(list_seconds=LIST_SECONDS))
            transport = pods_of_node(client, config.node_name)
        except ConfigError as error:
            if config.metadata_kubeconfig is not None:
                raise
            return None, Refusal(Reason.DENIED, str(error))
        try:
            decoder = PodDecoder(config.pod_labels_allowlist, config.node_name)
            return wait_for_admissions(lambda: read_pods(transport, decoder, self._clock), self._clock), None
        except ApiServerError as error:
            return Metadata(is_away=error.reason in _AWAY, reason=error.reason), Refusal(
                error.reason, metadata_failure(error)
            )
        finally:
            transport.close()

    def _podsapi(self) -> tuple[Metadata, Refusal | None]:
        """Read the pods from the kubelet's Pods API once."""
        from podres_exporter.podmeta import PodDecoder  # noqa: PLC0415 - only if the Pods API is asked
        from podres_exporter.podsapi.client import PodsApiClient  # noqa: PLC0415 - only if the Pods API is asked
        from podres_exporter.podsapi.once import read_pods  # noqa: PLC0415 - only if the Pods API is asked

        config, clock = self.config, self._clock
        client = PodsApiClient(config.metadata_podsapi_socket)
        decoder, own = PodDecoder(config.pod_labels_allowlist), PollSettings.of(config).site.own
        young = config.snapshot_hold_down_seconds

        def read() -> Metadata:
            return read_pods(client, decoder, clock, own, seconds=LIST_SECONDS, young=young)

        try:
            return wait_for_admissions(read, clock), None
        except PodsApiError as error:
            away = Metadata(is_away=error.reason in _AWAY, origin=MetadataOrigin.PODSAPI, reason=error.reason)
            return away, Refusal(error.reason, metadata_failure(error, MetadataOrigin.PODSAPI))
        finally:
            client.close()


def _recording(
    seen: Look,
    calls: Mapping[str, Call],
    identity: SocketIdentity | None,
    refusal: Refusal | None,
    now: float,
) -> Recording:
    """Return the raw answers as a recording."""
    topology = seen.topology
    return Recording(
        node=seen.snapshot.node,
        version=__version__,
        recorded_at_seconds=now,
        calls=calls,
        socket_age_seconds=None if identity is None else max(0.0, now - identity.created_seconds),
        topology=Refusal(topology.reason, topology.detail) if isinstance(topology, TopologyError) else topology,
        metadata=seen.snapshot.metadata,
        metadata_refusal=refusal,
    )

"""Create what is asked beside the kubelet, as configured: pod metadata, DRA objects, cgroups; and its API client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podres_exporter.sources.fixed import FixedDra, FixedMetadata

# Heavy modules are imported where they are used, so that a node without API server does not load them.
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from podres_exporter.clock import Clock
    from podres_exporter.config import Config
    from podres_exporter.exposition.own import OwnMetrics
    from podres_exporter.kube.auth.credentials import Credentials
    from podres_exporter.kube.client import KubeClient, Limits
    from podres_exporter.kube.interfaces import MetadataObserver
    from podres_exporter.sources.interfaces import ClaimNameSource, CpusetSource, DraSource, PodMetaSource

_REMEDY = "check --metadata.kubeconfig and --metadata.context, or run with --metadata.source=none"


def metadata_source(config: Config, environment: Mapping[str, str], clock: Clock, own: OwnMetrics) -> PodMetaSource:
    """
    Return the source, not started.

    Raises ConfigError if its credentials are missing: an exporter that can never succeed should not appear to run.
    """
    if config.metadata_source == "none":
        return FixedMetadata()
    if config.metadata_source == "podsapi":
        return podsapi_source(config, clock, own.metadata())
    from podres_exporter.kube.pods.feed import PodWatch  # noqa: PLC0415 - heavy, see above
    from podres_exporter.kube.reflector.list_watch import pods_of_node  # noqa: PLC0415 - heavy, see above
    from podres_exporter.podmeta import PodDecoder  # noqa: PLC0415 - heavy, see above

    transport = pods_of_node(kube_client(config, environment, clock), config.node_name)
    decoder = PodDecoder(config.pod_labels_allowlist, config.node_name)
    return PodWatch(transport, decoder, clock, own.metadata(), grace_seconds=config.poll_interval_seconds)


def podsapi_source(config: Config, clock: Clock, observer: MetadataObserver) -> PodMetaSource:
    """Return the source for the kubelet's Pods API, not started."""
    from podres_exporter.allocation import own_pod  # noqa: PLC0415 - heavy, see above
    from podres_exporter.podmeta import PodDecoder  # noqa: PLC0415 - heavy, see above
    from podres_exporter.podsapi.client import PodsApiClient  # noqa: PLC0415 - heavy, see above
    from podres_exporter.podsapi.watch import PodsApiWatch, WatchSettings  # noqa: PLC0415 - heavy, see above

    settings = WatchSettings(
        own=own_pod(*config.own_pod, config.node_name) if config.own_pod else None,
        hold_down=config.snapshot_hold_down_seconds,
        resync=config.resync_interval_seconds,
        grace=config.poll_interval_seconds,
    )
    client = PodsApiClient(config.metadata_podsapi_socket)
    return PodsApiWatch(client, PodDecoder(config.pod_labels_allowlist), settings, clock, observer)


def cpusets(config: Config) -> CpusetSource | None:
    """Return the source of the kernel's cpusets; None unless they are compared."""
    if "cpuset-drift" not in config.collectors:
        return None
    from podres_exporter.sources.cgroups import CgroupCpusets  # noqa: PLC0415 - for this collector alone

    return CgroupCpusets(config.cgroup_root)


def claim_names(config: Config) -> ClaimNameSource | None:
    """Return the drivers' files about claims; None unless the Pods API is used."""
    if config.metadata_source != "podsapi":
        return None
    from podres_exporter.sources.claim_files import ClaimFiles  # noqa: PLC0415 - heavy, see above

    return ClaimFiles(config.metadata_plugins_root)


def dra_source(config: Config, environment: Mapping[str, str], clock: Clock, observer: MetadataObserver) -> DraSource:
    """Return the source of slices and claims, not started; an empty one if the API server is not used."""
    if config.metadata_source != "apiserver" or "dra" not in config.collectors:
        return FixedDra()
    from podres_exporter.kube.dra.source import DraWatch  # noqa: PLC0415 - heavy, see above

    client = kube_client(config, environment, clock, connections=2)
    return DraWatch(client, config.node_name, clock, observer, allowed=config.dra_attribute_allowlist)


def kube_client(
    config: Config,
    environment: Mapping[str, str],
    clock: Clock,
    limits: Limits | None = None,
    service_account: Path | None = None,
    *,
    connections: int = 1,
) -> KubeClient:
    """
    Return an API client for the configured kubeconfig, else for the pod's service account.

    Nothing is requested yet, and no credential plugin is run. Raises ConfigError without credentials.
    """
    from podres_exporter.kube.auth.credentials import (  # noqa: PLC0415 - heavy, see above
        SERVICE_ACCOUNT,
        ServiceAccount,
        user_agent,
    )
    from podres_exporter.kube.client import KubeClient  # noqa: PLC0415 - heavy, see above

    path, context = config.metadata_kubeconfig, config.metadata_context

    def credentials() -> Credentials:
        if path is None:
            return ServiceAccount(environment, service_account or SERVICE_ACCOUNT)
        from podres_exporter.kube.auth.kubeconfig import Kubeconfig  # noqa: PLC0415 - heavy, see above

        return Kubeconfig([path], context, environment, clock, remedy=_REMEDY)

    return KubeClient(credentials, user_agent(config.node_name), clock, limits, connections=connections)

"""Who says whose the pods are: the source of pod metadata that the configuration asks for."""

from collections.abc import Mapping
from functools import partial

from podres_exporter.clock import Clock
from podres_exporter.config import Config
from podres_exporter.exposition.own import OwnMetrics
from podres_exporter.sources import NoMetadata, PodMetaSource


def metadata_source(config: Config, environment: Mapping[str, str], clock: Clock, own: OwnMetrics) -> PodMetaSource:
    """
    Return the source, not started.

    Raises ConfigError where the credentials that it needs are not there: an exporter that can never succeed should not
    seem to run.
    """
    if config.metadata_source == "none":
        return NoMetadata()
    # Heavy, and not for those who ask no API server.
    from podres_exporter.podmeta import PodDecoder  # noqa: PLC0415
    from podres_exporter.sources.apiserver import ApiServerClient  # noqa: PLC0415
    from podres_exporter.sources.credentials import in_cluster_client, kubeconfig_client  # noqa: PLC0415
    from podres_exporter.sources.podwatch import PodWatch  # noqa: PLC0415

    node, kubeconfig = config.node_name, config.metadata_kubeconfig
    if kubeconfig is None:
        make_client = partial(in_cluster_client, node, environment)
    else:
        make_client = partial(kubeconfig_client, node, kubeconfig, config.metadata_context)
    transport = ApiServerClient(make_client, node, clock)
    return PodWatch(transport, PodDecoder(config.pod_labels_allowlist), clock, own.metadata())

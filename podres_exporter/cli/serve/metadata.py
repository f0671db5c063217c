"""Who says whose the pods are: the source of pod metadata that the configuration asks for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from podres_exporter.sources.nometadata import NoMetadata

# What is heavy is imported where it is used: not for those who ask no API server, nor for commands without metrics.
if TYPE_CHECKING:
    from collections.abc import Mapping

    from podres_exporter.clock import Clock
    from podres_exporter.config import Config
    from podres_exporter.exposition.own import OwnMetrics
    from podres_exporter.kube.client import ApiServerClient, Limits
    from podres_exporter.sources.ports import PodMetaSource


def metadata_source(config: Config, environment: Mapping[str, str], clock: Clock, own: OwnMetrics) -> PodMetaSource:
    """
    Return the source, not started.

    Raises ConfigError where the credentials that it needs are not there: an exporter that can never succeed should not
    seem to run.
    """
    if config.metadata_source == "none":
        return NoMetadata()
    from podres_exporter.kube.reflector import PodWatch  # noqa: PLC0415 - heavy, see above
    from podres_exporter.podmeta import PodDecoder  # noqa: PLC0415 - heavy, see above

    transport = pod_transport(config, environment, clock)
    return PodWatch(transport, PodDecoder(config.pod_labels_allowlist), clock, own.metadata())


def pod_transport(
    config: Config, environment: Mapping[str, str], clock: Clock, limits: Limits | None = None
) -> ApiServerClient:
    """Return what asks the API server. Raises ConfigError where the credentials that it needs are not there."""
    from podres_exporter.kube.client import ApiServerClient  # noqa: PLC0415 - heavy, see above
    from podres_exporter.kube.credentials import (  # noqa: PLC0415 - heavy, see above
        in_cluster_client,
        kubeconfig_client,
    )

    node, kubeconfig = config.node_name, config.metadata_kubeconfig
    if kubeconfig is None:
        make_client = partial(in_cluster_client, node, environment)
    else:
        make_client = partial(kubeconfig_client, node, kubeconfig, config.metadata_context)
    return ApiServerClient(make_client, node, clock, limits)

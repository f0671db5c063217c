"""`dump --watch` on a node: the daemon's polling without its web server, in the thread that prints."""

import threading
from collections import deque
from collections.abc import Mapping
from contextlib import ExitStack

from podres_exporter.cli.console import complain
from podres_exporter.cli.look.origin import Show
from podres_exporter.cli.serve.metadata import claim_names, dra_source, kube_client, podsapi_source
from podres_exporter.cli.signals import Alarm
from podres_exporter.clock import Clock
from podres_exporter.config import Config
from podres_exporter.errors import ConfigError
from podres_exporter.kube.interfaces import SilentObserver
from podres_exporter.model import Snapshot
from podres_exporter.service import Changes, Poller, PollSettings, Sources
from podres_exporter.service.oneshot import SilentEvents
from podres_exporter.sources import FixedMetadata, KubeletClient, PodMetaSource, SysfsTopology
from podres_exporter.sources.fixed import FixedDra
from podres_exporter.sources.interfaces import DraSource
from podres_exporter.text.availability import origin_name

FIRST_LIST_SECONDS = 3.0
"""How long the first snapshot waits for metadata, so that finished pods do not appear and then vanish."""
SPACING_SECONDS = 0.5
"""Minimum time between two snapshots."""


def watch_node(
    config: Config, environment: Mapping[str, str], clock: Clock, no_metadata: str, alarm: Alarm, show: Show
) -> None:
    """Poll, and re-read single pods when they change, as `serve` does; show each snapshot."""
    changes, latest, complaint = Changes(alarm.ring), deque[Snapshot](maxlen=1), ""
    never = threading.Event()
    with ExitStack() as stack:
        kubelet = KubeletClient(
            config.kubelet_socket,
            config.kubelet_timeout_seconds,
            clock,
            lambda _call: None,
            config.kubelet_max_message_bytes,
        )
        stack.callback(kubelet.close)
        metadata = _metadata(config, environment, clock, no_metadata)
        stack.callback(metadata.stop)
        metadata.start(changes.report)
        dra = _dra(metadata, config, environment, clock)
        stack.callback(dra.stop)
        dra.start(lambda: changes.report(()))
        _await(metadata, alarm, clock)
        poller = Poller(
            PollSettings.of(config),
            Sources(kubelet, SysfsTopology(config.topology_sysfs), metadata, dra, claim_names=claim_names(config)),
            publish=lambda snapshot, _: latest.append(snapshot),
            changes=changes,
            events=SilentEvents(),
            clock=clock,
        )
        while True:
            next_poll = poller.tick() + clock.monotonic_seconds()
            complaint = _complain(poller, complaint)
            while show(latest[0]):
                # Changes arrive in bursts, and the kubelet's rate limit is shared by all its clients.
                clock.wait(never, SPACING_SECONDS)
                left = next_poll - clock.monotonic_seconds()
                due = max(0.0, poller.due())
                if not alarm.wait(min(left, due)) and due >= left:
                    break
                poller.refresh()
            else:
                return


def _complain(poller: Poller, before: str) -> str:
    """Print what is being waited for, unless it was printed before; return it."""
    is_ready, reason = poller.ready()
    if is_ready:
        return ""
    if reason != before:
        complain([reason])
    return reason


def _metadata(config: Config, environment: Mapping[str, str], clock: Clock, no_metadata: str) -> PodMetaSource:
    """Return the metadata source; print why there is none if there are no credentials."""
    if config.metadata_source == "none":
        complain([f"without metadata: {no_metadata}"] if no_metadata else [])
        return FixedMetadata()
    if config.metadata_source == "podsapi":
        return podsapi_source(config, clock, SilentObserver())
    from podres_exporter.kube.pods.feed import PodWatch  # noqa: PLC0415 - not for those who ask no API server
    from podres_exporter.kube.reflector.list_watch import pods_of_node  # noqa: PLC0415 - not for those who ask no API server
    from podres_exporter.podmeta import PodDecoder  # noqa: PLC0415 - not for those who ask no API server

    try:
        transport = pods_of_node(kube_client(config, environment, clock), config.node_name)
    except ConfigError as error:
        if config.metadata_kubeconfig is not None:
            raise
        complain([f"without metadata: {error}"])
        return FixedMetadata()
    decoder = PodDecoder(config.pod_labels_allowlist, config.node_name)
    return PodWatch(transport, decoder, clock, SilentObserver(), grace_seconds=config.poll_interval_seconds)


def _dra(metadata: PodMetaSource, config: Config, environment: Mapping[str, str], clock: Clock) -> DraSource:
    """Return the source of slices and claims; nothing waits for them."""
    if isinstance(metadata, FixedMetadata):
        return FixedDra()
    return dra_source(config, environment, clock, SilentObserver())


def _await(source: PodMetaSource, alarm: Alarm, clock: Clock) -> None:
    """Wait a little for the first list, or until the API server is known to be unreachable."""
    until, metadata = clock.monotonic_seconds() + FIRST_LIST_SECONDS, source.metadata()
    while (left := until - clock.monotonic_seconds()) > 0:
        metadata = source.metadata()
        if metadata is None or metadata.synced:
            return
        if metadata.is_away:
            break
        alarm.wait(left)
    complain(
        [f"without metadata so far: {origin_name(metadata)} has not listed the pods; --log.level=warning says why"]
    )

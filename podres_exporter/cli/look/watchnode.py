"""`dump --watch` on a node: the daemon without its web server, in the thread that prints."""

import threading
from collections import deque
from collections.abc import Mapping
from contextlib import ExitStack

from podres_exporter.cli.console import complain
from podres_exporter.cli.look.plan import Plan
from podres_exporter.cli.look.watch import SPACING_SECONDS, Show
from podres_exporter.cli.serve.metadata import kube_client
from podres_exporter.cli.signals import Alarm
from podres_exporter.clock import Clock
from podres_exporter.errors import ConfigError
from podres_exporter.kube.observer import SilentObserver
from podres_exporter.model import Snapshot
from podres_exporter.service import Changes, Poller, PollSettings, Sources
from podres_exporter.service.oneshot import SilentEvents
from podres_exporter.sources import KubeletClient, NoMetadata, PodMetaSource, SysfsTopology

FIRST_LIST_SECONDS = 3.0
"""How long the first look waits for the API server, so that pods which have finished do not come and go."""


def watch_node(plan: Plan, environment: Mapping[str, str], alarm: Alarm, clock: Clock, show: Show) -> None:
    """Poll, and follow the news of single pods, as `serve` does; show each snapshot."""
    config = plan.config
    settings = PollSettings(
        config.node_name,
        config.poll_interval_seconds,
        config.snapshot_max_age_seconds,
        config.snapshot_hold_down_seconds,
    )
    changes, latest, complaint = Changes(alarm.ring), deque[Snapshot](maxlen=1), ""
    never = threading.Event()
    with ExitStack() as stack:
        kubelet = KubeletClient(config.kubelet_socket, config.kubelet_timeout_seconds, clock, lambda _call: None)
        stack.callback(kubelet.close)
        metadata = _metadata(plan, environment, clock)
        stack.callback(metadata.stop)
        metadata.start(changes.report)
        _await(metadata, alarm, clock)
        poller = Poller(
            settings,
            Sources(kubelet, SysfsTopology(config.topology_sysfs), metadata),
            publish=lambda snapshot, _: latest.append(snapshot),
            changes=changes,
            events=SilentEvents(),
            clock=clock,
        )
        while True:
            next_poll = poller.tick() + clock.monotonic_seconds()
            complaint = _complain(poller, complaint)
            while show(latest[0]):
                # News comes in crowds, and the kubelet's limit is one for all its clients.
                clock.wait(never, SPACING_SECONDS)
                if not alarm.wait(next_poll - clock.monotonic_seconds()):
                    break
                poller.refresh()
            else:
                return


def _complain(poller: Poller, before: str) -> str:
    """Say what is waited for, once; return it."""
    is_ready, reason = poller.ready()
    if is_ready:
        return ""
    if reason != before:
        complain([reason])
    return reason


def _metadata(plan: Plan, environment: Mapping[str, str], clock: Clock) -> PodMetaSource:
    """Return who follows the pods; without credentials nobody does, and that is said."""
    config = plan.config
    if config.metadata_source == "none":
        complain([f"without metadata: {plan.shortfall}"] if plan.shortfall else [])
        return NoMetadata()
    from podres_exporter.kube.listwatch import pods_of_node  # noqa: PLC0415 - not for those who ask no API server
    from podres_exporter.kube.reflector import PodWatch  # noqa: PLC0415 - not for those who ask no API server
    from podres_exporter.podmeta import PodDecoder  # noqa: PLC0415 - not for those who ask no API server

    try:
        transport = pods_of_node(kube_client(config, environment, clock), config.node_name)
    except ConfigError as error:
        if config.metadata_kubeconfig is not None:
            raise
        complain([f"without metadata: {error}"])
        return NoMetadata()
    decoder = PodDecoder(config.pod_labels_allowlist, config.node_name)
    return PodWatch(transport, decoder, clock, SilentObserver())


def _await(source: PodMetaSource, alarm: Alarm, clock: Clock) -> None:
    """Wait a little for the first list, or for why there is none."""
    until = clock.monotonic_seconds() + FIRST_LIST_SECONDS
    while (left := until - clock.monotonic_seconds()) > 0:
        metadata = source.metadata()
        if metadata is None or metadata.synced:
            return
        if metadata.is_away:
            break
        alarm.wait(left)
    complain(["without metadata so far: the API server has not told the pods; --log.level=warning says why"])

"""Build the daemon from its parts, start and stop it."""

import gc
import importlib
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from podres_exporter import __version__
from podres_exporter.cli.serve.metadata import claim_names, cpusets, dra_source, metadata_source
from podres_exporter.clock import Clock
from podres_exporter.config import Config
from podres_exporter.exposition.document import SnapshotDocument
from podres_exporter.exposition.own import OwnMetrics
from podres_exporter.exposition.page import Exposition
from podres_exporter.families.catalogue import selected
from podres_exporter.grpcio import grpc
from podres_exporter.listen import ListenAddress
from podres_exporter.model import Snapshot
from podres_exporter.page.assets import PageLinks, load_assets
from podres_exporter.page.published import SnapshotPage
from podres_exporter.service import Changes, Poller, PollLoop, PollSettings, Sources
from podres_exporter.service.backoff import longest_delay
from podres_exporter.sources import KubeletClient, SysfsTopology
from podres_exporter.web.dispatch import AccessControl, Route
from podres_exporter.web.page_routes import page_routes
from podres_exporter.web.routes import SNAPSHOT_PATH, site
from podres_exporter.web.server import WebServer

STOP_SECONDS = 4.0
"""How long a stop waits for the poll loop; with the server's second or two it stays within the promised five."""


def load_access(path: Path, clock: Clock, own: OwnMetrics) -> AccessControl:
    """
    Load the web config file at *path*; raises ConfigError with every fault.

    Imported by name, so that nodes without such a file save 2 MiB.
    """
    access: AccessControl = importlib.import_module("podres_exporter.web.config.reload").WebConfigFile(path, clock, own)
    return access


class Daemon:
    """The daemon: binds at construction, runs from `start` to `stop`."""

    def __init__(self, config: Config, environment: Mapping[str, str], clock: Clock) -> None:
        """
        Build everything and bind every address; *environment* tells a pod the API server's address.

        Raises ConfigError naming addresses in use, faults of files, or missing credentials.
        """
        versions = {"version": __version__, "python": sys.version.split()[0], "grpc": grpc.__version__}
        own = OwnMetrics(config.collectors, versions, web_config=config.web_config is not None)
        access = load_access(config.web_config, clock, own) if config.web_config else None
        self._document = SnapshotDocument(config.node_name, __version__, clock)
        self._exposition = Exposition(
            config.node_name,
            selected(config.collectors, config.counts_only),
            own,
            clock,
            node_label=config.node_label,
        )
        self._kubelet = KubeletClient(
            config.kubelet_socket,
            config.kubelet_timeout_seconds,
            clock,
            lambda call: own.rpc(call.rpc, call.seconds, call.reason),
            config.kubelet_max_message_bytes,
        )
        interval = config.poll_interval_seconds
        settings = PollSettings.of(config)
        self._metadata = metadata_source(config, environment, clock, own)
        woken = threading.Event()
        self._changes = Changes(woken.set)
        self._dra = dra_source(config, environment, clock, own.dra())
        topology = SysfsTopology(config.topology_sysfs)
        sources = Sources(self._kubelet, topology, self._metadata, self._dra, cpusets(config), claim_names(config))
        self._poller = Poller(
            settings,
            sources,
            publish=self._publish,
            changes=self._changes,
            events=own,
            clock=clock,
            scraped_at=lambda: self._exposition.scraped_at_seconds,
        )
        self._publish(self._poller.snapshot(), 0.0)
        # Two calls and a few Gets with their deadlines, the longest wait, and as much again for a busy machine.
        patience = 2 * (7 * config.kubelet_timeout_seconds + longest_delay(interval))
        self._loop = PollLoop(
            self._poller,
            woken=woken,
            interval_seconds=interval,
            patience_seconds=patience,
            events=own,
            clock=clock,
        )
        routes = site(
            config.telemetry_path,
            metrics=self._exposition.body,
            snapshot=self._document.body,
            healthy=self._loop.healthy,
            ready=self._poller.ready,
            page=self._page(config.telemetry_path),
        )
        self._web = WebServer(
            config.listen_addresses, routes, max_requests=config.max_requests, clock=clock, access=access
        )

    @property
    def addresses(self) -> tuple[ListenAddress, ...]:
        """The addresses that were actually bound."""
        return self._web.addresses

    def start(self) -> None:
        """Start polling and serving, each in its own threads."""
        self._web.start()
        self._metadata.start(self._changes.report)
        self._dra.start(lambda: self._changes.report(()))
        self._loop.start()
        # Modules and settings live as long as the process: exclude them from garbage collection.
        gc.collect()
        gc.freeze()

    def stop(self) -> bool:
        """End all threads; return True if they ended in time."""
        self._loop.stop()
        self._kubelet.close()
        self._metadata.stop()
        self._dra.stop()
        self._web.stop()
        return self._loop.join(STOP_SECONDS)

    def _page(self, telemetry_path: str) -> Mapping[str, Route]:
        """Return the routes of the HTML page, which shows the same snapshot as the JSON document."""
        assets = load_assets()
        links = PageLinks(telemetry_path, SNAPSHOT_PATH)
        page = SnapshotPage(self._document.current, assets, links, self._poller.why_down)
        return page_routes(page.body, assets.values())

    def _publish(self, snapshot: Snapshot, expires_at_seconds: float) -> None:
        """Publish the new snapshot everywhere."""
        self._exposition.publish(snapshot, expires_at_seconds)
        self._document.publish(snapshot, expires_at_seconds)

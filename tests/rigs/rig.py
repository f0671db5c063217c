"""The exporter as `serve` builds it, polled by the test, in front of a simulated kubelet and scraped over HTTP."""

import threading
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Self

from fake_clock import FakeClock
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from podres_exporter.allocation import Site
from podres_exporter.clock import SystemClock
from podres_exporter.exposition.document import SnapshotDocument
from podres_exporter.exposition.own import OwnMetrics
from podres_exporter.exposition.page import Exposition
from podres_exporter.families.catalogue import selected
from podres_exporter.families.collectors import COLLECTORS
from podres_exporter.kube.interfaces import MetadataObserver
from podres_exporter.listen import ListenAddress
from podres_exporter.model import Allocation, PodKey, Snapshot
from podres_exporter.service import Changes, Poller, PollSettings, Sources
from podres_exporter.sources import FixedMetadata, KubeletClient, SysfsTopology
from podres_exporter.sources.interfaces import CpusetSource, PodMetaSource
from podres_exporter.web.routes import site
from podres_exporter.web.server import WebServer

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]

OLD_KUBELET_SECONDS = 3600.0
"""The clock of the tests runs that far ahead of the sockets they make, so that no kubelet looks freshly started."""


class Scrape:
    """One page, read back by prometheus_client's parser."""

    def __init__(self, text: str, content_type: str) -> None:
        self.text = text
        parse = parse_openmetrics if "openmetrics" in content_type else parse_text
        self.samples: Samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in parse(text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        """Return the value of the one sample with at least these labels; None if there is none, or more than one."""
        found = [v for (n, own), v in self.samples.items() if n == name and frozenset(labels.items()) <= own]
        return found[0] if len(found) == 1 else None

    def names(self, prefix: str) -> set[str]:
        """Return the names of the samples that begin so."""
        return {name for name, _ in self.samples if name.startswith(prefix)}

    def labels(self, name: str, label: str) -> set[str]:
        """Return the values that a label has on the samples of a name."""
        return {dict(own)[label] for n, own in self.samples if n == name}


MAX_MESSAGE_BYTES = 16 << 20
"""Less than the default, so that an answer which is too large is made soon."""


class Rig:
    """Use as a context manager. `poll` polls once, `scrape` reads the page."""

    def __init__(
        self,
        socket: Path,
        sysfs: Path,
        *,
        clock: FakeClock | None = None,
        timeout_seconds: float = 60.0,
        interval_seconds: float = 10.0,
        max_age_seconds: float = 120.0,
        hold_seconds: float = 60.0,
        resync_seconds: float = 300.0,
        own: PodKey | None = None,
        node_is_guessed: bool = False,
        metadata: PodMetaSource | None = None,
        watch: Callable[[MetadataObserver], PodMetaSource] | None = None,
        cpusets: CpusetSource | None = None,
    ) -> None:
        """*watch* makes the source of metadata that this rig's own counters observe."""
        wall = SystemClock().wall_seconds()
        self.clock = clock or FakeClock(wall + OLD_KUBELET_SECONDS)
        self.own = OwnMetrics(COLLECTORS, {"version": "test", "python": "test", "grpc": "test"})
        self.exposition = Exposition("node1", selected(COLLECTORS), self.own, self.clock)
        self.document = SnapshotDocument("node1", "test", self.clock)
        self.client = KubeletClient(
            socket,
            timeout_seconds,
            self.clock,
            lambda call: self.own.rpc(call.rpc, call.seconds, call.reason),
            MAX_MESSAGE_BYTES,
        )
        self.snapshots: list[Snapshot] = []
        settings = PollSettings(
            "node1",
            interval_seconds,
            max_age_seconds,
            hold_seconds,
            resync_seconds,
            Site("node1", own, node_is_guessed),
        )
        source = watch(self.own.metadata()) if watch else metadata
        sources = Sources(self.client, SysfsTopology(sysfs), source or FixedMetadata(), cpusets=cpusets)
        self.rings = 0
        self.changes = Changes(self._ring)
        self.poller = Poller(
            settings, sources, publish=self._publish, changes=self.changes, events=self.own, clock=self.clock
        )
        routes = site(
            "/metrics",
            metrics=self.exposition.body,
            snapshot=self.document.body,
            healthy=lambda: (True, "fine"),
            ready=self.poller.ready,
        )
        self.web = WebServer([ListenAddress("127.0.0.1", 0)], routes, max_requests=4, clock=SystemClock())

    def __enter__(self) -> Self:
        self.web.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.web.stop()
        self.client.close()

    def _publish(self, snapshot: Snapshot, expires_at_seconds: float) -> None:
        self.snapshots.append(snapshot)
        self.exposition.publish(snapshot, expires_at_seconds)
        self.document.publish(snapshot, expires_at_seconds)

    def _ring(self) -> None:
        self.rings += 1

    def allocation(self) -> Allocation:
        """Return what the last snapshot shows."""
        allocation = self.snapshots[-1].allocation
        assert allocation is not None, "the exporter shows nothing"
        return allocation

    def refresh(self) -> Scrape:
        """Follow the news of single pods, and scrape."""
        self.poller.refresh()
        return self.scrape()

    def poll(self) -> Scrape:
        """Poll once, let the wait that the poller asks for go by, and scrape."""
        self.clock.advance(self.poller.tick())
        return self.scrape()

    def poll_until(self, is_so: Callable[[Scrape], bool]) -> Scrape:
        """
        Poll until the page is as wanted; for what takes real time: gRPC's reconnect after at most a second.

        The test's clock stands still meanwhile.
        """
        deadline = SystemClock().monotonic_seconds() + 120
        while SystemClock().monotonic_seconds() < deadline:
            self.poller.tick()
            page = self.scrape()
            if is_so(page):
                return page
            threading.Event().wait(0.05)
        raise AssertionError(f"never came: {page.text}")

    def scrape(self, accept: str = "text/plain") -> Scrape:
        """Read the page over HTTP; the small part of it is never older than the newest poll."""
        self.clock.advance(1.0)
        connection = HTTPConnection("127.0.0.1", self.web.addresses[0].port, timeout=60)
        with closing(connection):
            connection.request("GET", "/metrics", headers={"Accept": accept})
            response = connection.getresponse()
            return Scrape(response.read().decode(), response.headers["Content-Type"])

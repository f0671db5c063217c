"""The exporter as `serve` builds it, polled by the storm, with a deadline for every call."""

import logging
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from functools import partial
from gzip import decompress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TypeVar

from storm.clock import StormClock
from storm.node import MAX_ANSWER_BYTES, OWN
from storm.page import ACCEPT, Document, Page, document_of
from storm.violation import Violation

from podres_exporter.allocation import Site
from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.clock import SystemClock
from podres_exporter.exposition.document import SnapshotDocument
from podres_exporter.exposition.own import OwnMetrics
from podres_exporter.exposition.page import Exposition
from podres_exporter.families.catalogue import selected
from podres_exporter.families.collectors import COLLECTORS
from podres_exporter.kube.auth.kubeconfig import Kubeconfig
from podres_exporter.kube.client import KubeClient, Limits
from podres_exporter.kube.pods.feed import PodWatch
from podres_exporter.kube.reflector.list_watch import pods_of_node
from podres_exporter.listen import ListenAddress
from podres_exporter.model import Metadata, Snapshot
from podres_exporter.podmeta import PodDecoder
from podres_exporter.podsapi.client import PodsApiClient
from podres_exporter.podsapi.watch import PodsApiWatch, WatchSettings
from podres_exporter.service import Changes, Poller, PollLoop, PollSettings, Sources
from podres_exporter.sources import FixedMetadata, KubeletClient, SysfsTopology
from podres_exporter.sources.interfaces import PodMetaSource, SocketIdentity
from podres_exporter.web.routes import site
from podres_exporter.web.server import WebServer

NODE = "n1"
INTERVAL_SECONDS, HOLD_SECONDS, MAX_AGE_SECONDS = 10.0, 60.0, 120.0
RESYNC_SECONDS = 300.0
KUBELET_SECONDS = 0.25
"""In real time, as gRPC's deadlines are."""
PATIENCE_SECONDS = 8.0
"""In real time: a call that takes longer hangs."""

LIMITS = Limits(connect_seconds=2.0, list_seconds=0.3, silence_seconds=60.0, body_bytes=1_000_000, line_bytes=100_000)

T = TypeVar("T")


class Worker:
    """One thread, in which calls are made that must return."""

    def __init__(self, name: str, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Start it; a call that takes longer than that, in real time, hangs."""
        self._patience_seconds = patience_seconds
        self._calls: queue.SimpleQueue[tuple[Future[object], Callable[[], object]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def call(self, what: str, call: Callable[[], T]) -> T:
        """Return what the call returns. Raises Violation where it raises, or does not return."""
        future: Future[T] = Future()
        self._calls.put((future, call))  # type: ignore[arg-type]  # one queue for calls of every kind
        try:
            return future.result(self._patience_seconds)
        except FutureTimeout as error:
            raise Violation("returned", f"{what} takes more than {self._patience_seconds} s\n{stacks()}") from error
        except Exception as error:
            raise Violation("raised", f"{what} raises {error!r}") from error

    def stop(self) -> None:
        """End after the calls that are made already; one that hangs is left behind."""
        self._calls.put(None)
        self._thread.join(self._patience_seconds)

    def _run(self) -> None:
        while (item := self._calls.get()) is not None:
            future, call = item
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001 - the waiting thread gets it
                future.set_exception(error)


class Tracebacks(logging.Handler):
    """Keeps the tracebacks that are logged, for a poll that fails is only logged and counted."""

    def __init__(self) -> None:
        """Keep errors only."""
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        if record.exc_info and record.exc_info[0]:
            self.found.append("".join(traceback.format_exception(*record.exc_info)))


class StormClient(KubeletClient):
    """The real client; a socket was made at the storm's time, not at the machine's."""

    births: Mapping[int, float]

    def identity(self) -> SocketIdentity | None:
        """Return the identity with the wall time at which the node made the socket."""
        return _born(super().identity(), self.births)


class StormPodsApiClient(PodsApiClient):
    """The same of the Pods API."""

    births: Mapping[int, float]

    def identity(self) -> SocketIdentity | None:
        """Return the identity with the wall time at which the node made the socket."""
        return _born(super().identity(), self.births)


def _born(found: SocketIdentity | None, births: Mapping[int, float]) -> SocketIdentity | None:
    if found is None or found.created_ns not in births:
        return found
    return SocketIdentity(found.device, found.inode, int(births[found.created_ns] * 1e9) + found.created_ns % 1000)


class Exporter:
    """One life of an exporter process: new counters, nothing known."""

    def __init__(
        self,
        socket: Path,
        sysfs: Path,
        metadata: Path | None,
        clock: StormClock,
        births: Mapping[int, float],
    ) -> None:
        """Start everything but the polls; *metadata* is a kubeconfig or the Pods API's socket, None for no metadata."""
        self.clock = clock
        self.tracebacks = Tracebacks()
        logging.getLogger("podres_exporter").addHandler(self.tracebacks)
        own = OwnMetrics(COLLECTORS, {"version": "storm", "python": "storm", "grpc": "storm"})
        self._exposition = Exposition(NODE, selected(COLLECTORS), own, clock)
        self._document = SnapshotDocument(NODE, "storm", clock)
        self._client = StormClient(
            socket,
            KUBELET_SECONDS,
            clock,
            lambda call: own.rpc(call.rpc, call.seconds, call.reason),
            max_message_bytes=MAX_ANSWER_BYTES,
        )
        self._client.births = births
        self.source: PodMetaSource = FixedMetadata()
        if metadata is not None and metadata.suffix == ".sock":
            settings = WatchSettings(own=OWN, hold_down=HOLD_SECONDS, resync=RESYNC_SECONDS, grace=INTERVAL_SECONDS)
            client = StormPodsApiClient(metadata)
            client.births = births
            self.source = PodsApiWatch(
                client, PodDecoder(LabelAllowlist()), settings, clock, own.metadata(), lambda: 0.5
            )
        elif metadata is not None:
            credentials = partial(Kubeconfig, [str(metadata)], None, {}, clock)
            transport = pods_of_node(KubeClient(credentials, "storm", clock, LIMITS), NODE)
            self.source = PodWatch(transport, PodDecoder(LabelAllowlist()), clock, own.metadata(), lambda: 0.5)
        self.rung = threading.Event()
        self._changes = Changes(self.rung.set)
        sources = Sources(self._client, SysfsTopology(sysfs), self.source)
        polling = PollSettings(NODE, INTERVAL_SECONDS, MAX_AGE_SECONDS, HOLD_SECONDS, site=Site(NODE, OWN))
        self._poller = Poller(polling, sources, publish=self._publish, changes=self._changes, events=own, clock=clock)
        self._publish(self._poller.snapshot(), 0.0)
        self._loop = PollLoop(
            self._poller,
            woken=self.rung,
            interval_seconds=INTERVAL_SECONDS,
            patience_seconds=1e9,  # the storm polls when it likes
            events=own,
            clock=clock,
        )
        routes = site(
            "/metrics",
            metrics=self._exposition.body,
            snapshot=self._document.body,
            healthy=self._loop.healthy,
            ready=self._poller.ready,
        )
        self._web = WebServer([ListenAddress("127.0.0.1", 0)], routes, max_requests=16, clock=SystemClock())
        self._web.start()
        self._worker = Worker("poll")
        self._connection = self._connect()
        self.source.start(self._changes.report)

    def tick(self) -> float:
        """Poll once; return the wait that the poller asks for."""
        return self._worker.call("a poll", self._loop.turn)

    def refresh(self) -> None:
        """Follow the news of single pods."""
        self.rung.clear()
        self._worker.call("a refresh", self._poller.refresh)

    def due(self) -> float:
        """Return in how many seconds the loop would refresh."""
        return self._worker.call("a look at what is due", self._poller.due)

    def metadata(self) -> Metadata | None:
        """Return what is known of the API server's pods: for waiting until news has come, not for judging."""
        return self.source.metadata()

    def page(self, media_type: str, *, gzip: bool = False) -> Page:
        """Return the metrics page over the connection that is kept."""
        body, content_type = self._get(self._connection, "/metrics", ACCEPT[media_type], gzip=gzip)
        return Page(body, content_type, media_type, gzip=gzip)

    def fresh_page(self, media_type: str) -> Page:
        """Return the metrics page over a connection of its own, for any thread."""
        connection = self._connect()
        try:
            body, content_type = self._get(connection, "/metrics", ACCEPT[media_type], gzip=False)
            return Page(body, content_type, media_type)
        finally:
            connection.close()

    def document(self) -> Document | None:
        """Return what the JSON document says."""
        return document_of(self._get(self._connection, "/api/v1/snapshot", "application/json", gzip=False)[0])

    def probe(self) -> None:
        """Ask whether the exporter is healthy; raises Violation where it is not."""
        self._get(self._connection, "/-/healthy", "text/plain", gzip=False)

    def stop(self) -> None:
        """End everything."""
        logging.getLogger("podres_exporter").removeHandler(self.tracebacks)
        self._connection.close()
        self._client.close()
        self.source.stop()
        self._web.stop()
        self._worker.stop()

    def _publish(self, snapshot: Snapshot, expires_at_seconds: float) -> None:
        self.has_heard = any(each.up for each in snapshot.sources if each.source == "kubelet")
        self._exposition.publish(snapshot, expires_at_seconds)
        self._document.publish(snapshot, expires_at_seconds)

    def _connect(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self._web.addresses[0].port, timeout=PATIENCE_SECONDS)

    def _get(self, connection: HTTPConnection, path: str, accept: str, *, gzip: bool) -> tuple[bytes, str]:
        """Return body and Content-Type. Raises Violation for any other answer, and for none."""
        try:
            connection.request("GET", path, headers={"Accept": accept} | ({"Accept-Encoding": "gzip"} if gzip else {}))
            response = connection.getresponse()
            body = response.read()
        except TimeoutError as error:
            raise Violation("returned", f"GET {path} is not answered\n{stacks()}") from error
        except (OSError, HTTPException) as error:
            raise Violation("parses", f"GET {path} breaks: {error!r}") from error
        if response.status != 200:
            raise Violation("parses", f"GET {path} is answered with {response.status}: {body[:200]!r}")
        if response.headers.get("Content-Encoding") == "gzip":
            body = decompress(body)
        return body, response.headers["Content-Type"]


def stacks() -> str:
    """Return where every thread is."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return "\n".join(
        f"--- {names.get(ident, ident)}\n{''.join(traceback.format_stack(frame))}"
        for ident, frame in sys._current_frames().items()  # noqa: SLF001 - the documented way to see other threads
    )

"""What a scrape shows for each fault of the Pods API stream; see deploy/docs/faults.md."""

import re
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from eventually import eventually

from podres_exporter._proto import core_v1_pod_pb2 as core
from podres_exporter.cli.serve.daemon import Daemon
from podres_exporter.clock import SystemClock
from podres_exporter.config import build_config
from podres_exporter.families.collectors import COLLECTORS, DEFAULT_COLLECTORS
from podres_exporter.scenario import parse_scenario
from podres_exporter.sim.api import PODS
from podres_exporter.sim.live import LiveNode
from podres_exporter.sim.podsapi.broadcast import StreamEnd
from podres_exporter.sim.podsapi.server import CUT, GATE_OFF, NOT_READY

SCENARIO = """
node: n1
kubelet: {release: "1.36", pods_api: true}
numa: [{node: 0, cpus: "0-7", memory: 8Gi}]
resources: [{name: example.com/gpu, devices: [{id: GPU-0}, {id: GPU-1}]}]
pods:
  - {namespace: monitoring, name: podres-1, spec: {containers: [{name: main}]}}
  - {namespace: ml, name: train, spec: {containers: [{name: main, resources: {limits: {example.com/gpu: 1}}}]}}
"""
TRAIN = ("ml", "train")


@dataclass
class Place:
    node: LiveNode
    daemon: Daemon

    def page(self) -> str:
        url = f"http://127.0.0.1:{self.daemon.addresses[0].port}/metrics"
        with urllib.request.urlopen(url, timeout=60) as answer:
            return str(answer.read().decode())

    def shows(self, *lines: str) -> None:
        """Wait until the page has every line; each is a regular expression for the whole of one."""
        page = ""

        def is_so() -> bool:
            nonlocal page
            page = self.page()
            return all(re.search(rf"^{line}$", page, re.MULTILINE) for line in lines)

        assert eventually(is_so, 20_000), [line for line in lines if not re.search(rf"^{line}$", page, re.MULTILINE)]

    def refuse(self, end: StreamEnd) -> None:
        self.node.pods_api.server.refusal = end
        self.node.pods_api.server.broadcast.end(end)

    def damage(self) -> None:
        uid = self.node.store.get(PODS, *TRAIN)["metadata"]["uid"]
        stub = core.Pod(metadata=core.ObjectMeta(namespace="ml", name="train", uid=uid)).SerializeToString()
        self.node.pods_api.server.damaged[uid] = stub + b"\x1a\x04\x0a\x02\xff\xff"
        self.node.pods_api.server.broadcast.end(CUT)

    def lose(self) -> None:
        """Lose the events of a pod without a word, until another stream is opened."""
        self.node.pods_api.server.broadcast.is_silent = True
        late = {"metadata": {"namespace": "ml", "name": "late"}, "spec": {"containers": [{"name": "main"}]}}
        self.node.create(late)
        self.node.pods_api.server.broadcast.is_silent = False
        self.node.pods_api.server.broadcast.end(
            StreamEnd(grpc.StatusCode.RESOURCE_EXHAUSTED, "watch client channel closed")
        )

    def mute(self) -> None:
        self.node.pods_api.server.is_mute = True
        self.node.pods_api.server.broadcast.end(CUT)


UP, DOWN = (r'podres_source_up\{source="metadata"\} 1', r'podres_source_up\{source="metadata"\} 0')
SYNCED, NOT_SYNCED = ("podres_metadata_synced 1", "podres_metadata_synced 0")
WHOLE = (
    r'podres_source_up\{source="kubelet"\} 1',
    r'podres_container_devices\{.*pod="train".*\} 1',
    r'podres_pod_info\{.*pod="train".*\} 1',
)


def reason(text: str) -> str:
    return rf'podres_metadata_errors_total\{{.*reason="{text}".*\}} \S+'


@contextmanager
def place(directory: Path) -> Iterator[Place]:
    with LiveNode(parse_scenario(SCENARIO, "test"), directory, SystemClock()) as node:
        given: dict[str, str | bool | list[str]] = {
            "--kubelet.socket": str(node.socket_path),
            "--kubelet.poll-interval": "1s",
            "--topology.sysfs": str(node.sysfs),
            "--web.listen-address": ["127.0.0.1:0"],
            "--node-name": "n1",
            "--metadata.source": "podsapi",
            "--metadata.podsapi-socket": str(node.pods_api.socket_path),
        }
        own = {"POD_NAMESPACE": "monitoring", "POD_NAME": "podres-1"}
        daemon = Daemon(build_config(given, own, "host", COLLECTORS, DEFAULT_COLLECTORS), own, SystemClock())
        daemon.start()
        try:
            found = Place(node, daemon)
            found.shows(UP, SYNCED, *WHOLE)
            yield found
        finally:
            daemon.stop()


Fault = Callable[[Place], None]
FAULTS: dict[str, tuple[Fault, tuple[str, ...]]] = {
    "nobody listens": (lambda here: here.node.pods_api.kill(), (DOWN, NOT_SYNCED, reason("unavailable"))),
    "cut": (lambda here: here.refuse(CUT), (DOWN, NOT_SYNCED, reason("unavailable"))),
    "gate off": (lambda here: here.refuse(GATE_OFF), (DOWN, NOT_SYNCED, reason("disabled"))),
    "not ready": (lambda here: here.refuse(NOT_READY), (DOWN, NOT_SYNCED, reason("unavailable"))),
    "not permitted": (
        lambda here: here.refuse(StreamEnd(grpc.StatusCode.PERMISSION_DENIED, "not for you")),
        (DOWN, NOT_SYNCED, reason("denied")),
    ),
    "events lost": (
        Place.lose,
        (
            UP,
            SYNCED,
            r'podres_metadata_events_total\{.*event="resync".*\} [1-9]\S*',
            r'podres_pod_info\{.*pod="late".*\} 1',
        ),
    ),
    "unimplemented": (
        lambda here: here.refuse(StreamEnd(grpc.StatusCode.UNIMPLEMENTED, "unknown service v1alpha1.Pods")),
        (DOWN, NOT_SYNCED, reason("unimplemented")),
    ),
    "too slow, again and again": (
        lambda here: here.refuse(StreamEnd(grpc.StatusCode.RESOURCE_EXHAUSTED, "watch client channel closed")),
        (DOWN, NOT_SYNCED, reason("throttled")),
    ),
    "too slow, once": (
        lambda here: here.node.pods_api.server.broadcast.end(
            StreamEnd(grpc.StatusCode.RESOURCE_EXHAUSTED, "watch client channel closed")
        ),
        (UP, SYNCED, reason("throttled"), r'podres_metadata_requests_total\{verb="watch"\} ([2-9]|\d\d)\.0'),
    ),
    "a pod that cannot be read": (
        Place.damage,
        (UP, NOT_SYNCED, r"podres_metadata_malformed_items_total [1-9]\S*"),
    ),
    "silent before the pods are named": (Place.mute, (DOWN, NOT_SYNCED)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_shows_in_the_scrape_and_the_allocation_stays_whole(name: str, short_dir: Path) -> None:
    """Metadata as last said, and the kubelet's own word whatever becomes of the stream."""
    fault, shown = FAULTS[name]
    with place(short_dir) as here:
        fault(here)
        here.shows(*shown, *WHOLE)


def test_a_restart_without_the_api_server_drops_nothing_and_frees_nothing(short_dir: Path) -> None:
    """The kubelet names no pod but static ones, and its silence ends nothing."""
    with place(short_dir) as here:
        here.node.cut_kubelet_off()
        here.node.restart_kubelet()
        here.shows(
            r'podres_metadata_watch_restarts_total\{cause="restart"\} 1.0',
            "podres_kubelet_restarts_total 1.0",
            UP,
            SYNCED,
            r"podres_pods_retained 2(\.0)?",
            r'podres_node_allocated_devices\{.*resource="example.com/gpu".*\} 1',
            *WHOLE,
        )
        here.node.reconnect_kubelet()
        here.shows(r"podres_pods_retained 0(\.0)?", UP, SYNCED, *WHOLE)

"""The Pods API source against the simulated kubelet's socket: its metadata under every fault of the stream."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import grpc
import pytest
from eventually import eventually
from node_rig import container, pod

from podres_exporter._proto import core_v1_pod_pb2 as core
from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.clock import SystemClock
from podres_exporter.errors import PodsApiError, Reason
from podres_exporter.kube.interfaces import SilentObserver
from podres_exporter.model import MetadataOrigin, PodKey
from podres_exporter.podmeta import PodDecoder
from podres_exporter.podsapi.client import PodsApiClient
from podres_exporter.podsapi.once import read_pods
from podres_exporter.podsapi.watch import PodsApiWatch, WatchSettings
from podres_exporter.scenario import parse_scenario
from podres_exporter.sim.api import PODS
from podres_exporter.sim.live import LiveNode
from podres_exporter.sim.podsapi.broadcast import StreamEnd
from podres_exporter.sim.podsapi.server import GATE_OFF, NOT_READY

SCENARIO = """
node: n1
kubelet: {release: "1.36", pods_api: true}
numa: [{node: 0, cpus: "0-7", memory: 8Gi}]
resources: [{name: example.com/gpu, devices: [{id: GPU-0}]}]
pods:
  - {namespace: kube-system, name: agent, static: true, spec: {containers: [{name: main}]}}
  - {namespace: monitoring, name: podres-1, spec: {containers: [{name: main}]}}
  - namespace: ml
    name: train
    labels: {app: train}
    spec: {containers: [{name: main, resources: {limits: {example.com/gpu: 1}}}]}
"""
OWN: PodKey = ("monitoring", "podres-1")
TRAIN: PodKey = ("ml", "train")
CLOCK = SystemClock()
DECODER = PodDecoder(LabelAllowlist(everything=True))


class Counted(SilentObserver):
    """Counts what the source does."""

    def __init__(self) -> None:
        self.errors: list[Reason] = []
        self.restarts: list[str] = []
        self.events: list[str] = []
        self.requests = 0

    def request(self, verb: str) -> None:
        assert "watch" == verb
        self.requests += 1

    def error(self, verb: str, reason: Reason) -> None:
        assert "watch" == verb
        self.errors.append(reason)

    def restart(self, cause: str) -> None:
        self.restarts.append(cause)

    def event(self, kind: str) -> None:
        self.events.append(kind)


class Place(NamedTuple):
    """A node, the source that follows its pods, what it counts, and the keys that it has told."""

    node: LiveNode
    source: PodsApiWatch
    counted: Counted
    told: list[PodKey]

    def names(self) -> set[str]:
        return {name for _, name in self.source.metadata().pods}

    def wait(self, is_so: Callable[[], bool]) -> None:
        assert eventually(is_so)

    def wait_for(self, *names: str) -> None:
        self.wait(lambda: set(names) == self.names() and self.source.metadata().synced)


SETTINGS = WatchSettings(own=OWN, hold_down=60.0, resync=300.0, grace=0.5)


@contextmanager
def place(directory: Path, settings: WatchSettings = SETTINGS) -> Iterator[Place]:
    with LiveNode(parse_scenario(SCENARIO, "test"), directory, CLOCK) as node:
        counted, told = Counted(), list[PodKey]()
        source = PodsApiWatch(
            PodsApiClient(node.pods_api.socket_path), DECODER, settings, CLOCK, counted, uniform=lambda: 0.0
        )

        def changed(keys: Collection[PodKey]) -> None:
            told.extend(keys)

        source.start(changed)
        try:
            yield Place(node, source, counted, told)
        finally:
            source.stop()


ALL = ("agent-n1", "podres-1", "train")


def test_it_knows_the_pods_and_what_happens_to_them(short_dir: Path) -> None:
    """The kubelet is young, so three seconds pass until what is missing is known not to be there."""
    with place(short_dir) as here:
        here.wait_for(*ALL)
        metadata = here.source.metadata()
        assert (True, True, MetadataOrigin.PODSAPI) == (metadata.synced, metadata.is_up, metadata.origin)
        assert (("app", "train"),) == metadata.pods[TRAIN].labels
        assert metadata.pods["kube-system", "agent-n1"].is_mirror

        here.node.create(pod("new", container(cpu="1")))
        here.wait_for(*ALL, "new")
        here.node.store.delete(PODS, "default", "new")
        here.wait_for(*ALL)
        assert [("default", "new")] * 2 == [key for key in here.told if key == ("default", "new")][:1] * 2
        assert [] == here.counted.errors


@pytest.mark.faults("kubelet has restarted")
def test_a_restart_of_the_kubelet_ends_nothing_before_it_names_the_witness(short_dir: Path) -> None:
    """Its API server is away: it names its static pod, and the others stay, followed, whatever the clock says."""
    with place(short_dir, WatchSettings(own=OWN, hold_down=0.0, resync=0.2, grace=30.0)) as here:
        here.wait_for(*ALL)
        here.node.cut_kubelet_off()
        here.node.restart_kubelet()
        here.wait(lambda: "restart" in here.counted.restarts)
        syncs = here.counted.events.count("synced")
        here.wait(lambda: here.counted.events.count("synced") > syncs + 2)
        assert set(ALL) == here.names()
        assert here.source.metadata().synced

        here.node.store.delete(PODS, *TRAIN)
        here.node.reconnect_kubelet()
        here.node.settle()
        here.wait_for("agent-n1", "podres-1")


@pytest.mark.faults("no events arrive, or events are lost")
def test_a_resync_finds_what_was_lost_without_a_word(short_dir: Path) -> None:
    """The kubelet's own queue was full; the loss is counted."""
    with place(short_dir, WatchSettings(own=OWN, hold_down=60.0, resync=0.3, grace=30.0)) as here:
        here.wait_for(*ALL)
        here.node.pods_api.server.broadcast.is_silent = True
        here.node.create(pod("new", container(cpu="1")))
        here.wait_for(*ALL, "new")
        assert "resync" in here.counted.events
        assert "ended" in here.counted.restarts
        assert [] == here.counted.errors


@pytest.mark.faults("read too slowly, or too many streams (`RESOURCE_EXHAUSTED`)")
def test_a_slow_reader_is_back_at_once(short_dir: Path) -> None:
    """RESOURCE_EXHAUSTED: the first time without a pause, so nothing but a counter shows it."""
    slow = StreamEnd(grpc.StatusCode.RESOURCE_EXHAUSTED, "watch client channel closed")
    with place(short_dir, WatchSettings(own=OWN, hold_down=60.0, resync=300.0, grace=30.0)) as here:
        here.wait_for(*ALL)
        here.node.pods_api.server.broadcast.end(slow)
        here.wait(lambda: [Reason.THROTTLED] == here.counted.errors)
        here.node.create(pod("new", container(cpu="1")))
        here.wait_for(*ALL, "new")


REFUSALS = {
    "unimplemented": (grpc.StatusCode.UNIMPLEMENTED, "unknown service v1alpha1.Pods", Reason.UNIMPLEMENTED),
    "gate off": (GATE_OFF.code, GATE_OFF.details, Reason.DISABLED),
    "not ready": (NOT_READY.code, NOT_READY.details, Reason.UNAVAILABLE),
    "too many": (grpc.StatusCode.RESOURCE_EXHAUSTED, "too many streams", Reason.THROTTLED),
    "cut": (grpc.StatusCode.UNAVAILABLE, "transport is closing", Reason.UNAVAILABLE),
    "broken": (grpc.StatusCode.INTERNAL, "error marshalling initial watch event pod", Reason.INTERNAL),
}


@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.faults("kubelet not ready (1.37: any other `FAILED_PRECONDITION`)")
def test_a_refused_stream_leaves_the_pods_known_and_not_followed(short_dir: Path, name: str) -> None:
    """What was known stays; it is said that it is not kept up to date."""
    code, details, reason = REFUSALS[name]
    with place(short_dir) as here:
        here.wait_for(*ALL)
        here.node.pods_api.server.refusal = StreamEnd(code, details)
        here.node.pods_api.server.broadcast.end(StreamEnd(code, details))
        here.wait(lambda: not here.source.metadata().synced)
        metadata = here.source.metadata()
        assert (False, set(ALL)) == (metadata.is_up, here.names())
        assert {reason} == set(here.counted.errors)


@pytest.mark.faults(
    "feature gate off (1.37: `FAILED_PRECONDITION` with `disabled`), other service (`UNIMPLEMENTED`), not permitted"
)
def test_what_refuses_for_good_is_not_asked_again_until_the_kubelet_restarts(short_dir: Path) -> None:
    """The gate of a kubelet that runs does not change."""
    with place(short_dir) as here:
        here.wait_for(*ALL)
        here.node.pods_api.server.refusal = GATE_OFF
        here.node.pods_api.server.broadcast.end(GATE_OFF)
        here.wait(lambda: [Reason.DISABLED] == here.counted.errors)
        asked = here.counted.requests
        here.wait(lambda: not here.source.metadata().synced)
        assert asked == here.counted.requests

        here.node.restart_kubelet()
        here.wait_for(*ALL)


@pytest.mark.faults("a pod cannot be read")
def test_pods_that_cannot_be_read_make_the_others_incomplete(short_dir: Path) -> None:
    """The event is lost, so the stream is opened again; what was known of the pod stays."""
    with place(short_dir) as here:
        here.wait_for(*ALL)
        uid = here.source.metadata().pods[TRAIN].uid
        stub = core.Pod(metadata=core.ObjectMeta(namespace="ml", name="train", uid=uid)).SerializeToString()
        here.node.pods_api.server.damaged[uid] = stub + b"\x1a\x04\x0a\x02\xff\xff"
        here.node.finish("ml", "train")
        here.wait(lambda: Reason.MALFORMED in here.counted.errors)
        here.wait(lambda: not here.source.metadata().synced)
        assert set(ALL) == here.names()

        here.node.pods_api.server.damaged.clear()
        here.node.pods_api.server.broadcast.end(NOT_READY)
        here.wait_for(*ALL)
        assert "Succeeded" == here.source.metadata().pods[TRAIN].phase


@pytest.mark.faults("the initial sync does not finish (kubelet hangs)")
def test_a_kubelet_that_does_not_name_its_pods_times_out(short_dir: Path) -> None:
    """A silent stream before its sync is a kubelet that hangs."""
    with place(short_dir, WatchSettings(own=OWN, hold_down=60.0, resync=0.3, grace=0.2, sync=0.3)) as here:
        here.wait_for(*ALL)
        here.node.pods_api.server.is_mute = True
        here.wait(lambda: Reason.TIMEOUT in here.counted.errors)
        here.wait(lambda: not here.source.metadata().synced)
        assert set(ALL) == here.names()


@pytest.mark.faults("no socket, nothing listens, the stream is cut")
def test_nobody_listens_and_then_somebody_does(short_dir: Path) -> None:
    """A socket that is not there yet."""
    with place(short_dir) as here:
        here.wait_for(*ALL)
        here.node.pods_api.kill()
        here.wait(lambda: not here.source.metadata().is_up)
        assert here.source.metadata().is_away
        here.node.pods_api.start()
        here.wait_for(*ALL)


def test_a_command_reads_the_pods_once(short_dir: Path) -> None:
    """Without the exporter's own pod any that is not static is the witness."""
    with LiveNode(parse_scenario(SCENARIO, "test"), short_dir, CLOCK) as node:
        client = PodsApiClient(node.pods_api.socket_path)
        found = read_pods(client, DECODER, CLOCK, None, seconds=20.0, young=0.0)
        assert (True, set(ALL)) == (found.synced, {name for _, name in found.pods})
        assert not read_pods(client, DECODER, CLOCK, ("a", "b"), seconds=20.0, young=0.0).synced

        node.pods_api.server.is_mute = True
        with pytest.raises(PodsApiError, match=r"no initial sync within 0\.2 s"):
            read_pods(client, DECODER, CLOCK, None, seconds=0.2, young=0.0)
        node.pods_api.kill()
        with pytest.raises(PodsApiError) as error:
            read_pods(client, DECODER, CLOCK, None, seconds=20.0, young=0.0)
        assert Reason.UNAVAILABLE == error.value.reason
        client.close()

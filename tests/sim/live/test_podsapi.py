"""The Pods API of a live node over its socket."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any, Self

import grpc
import pytest
from node_rig import container, pod

from podres_exporter._proto import core_v1_pod_pb2 as core
from podres_exporter._proto import pods_v1alpha1_pb2 as pb
from podres_exporter.clock import SystemClock
from podres_exporter.scenario import parse_scenario
from podres_exporter.sim.api import PODS
from podres_exporter.sim.live import LiveNode

SECONDS = 20.0
SCENARIO = """
node: n1
kubelet: {release: "%s"%s}
numa: [{node: 0, cpus: "0-7", memory: 8Gi}]
resources: [{name: example.com/gpu, devices: [{id: GPU-0}]}]
pods:
  - {namespace: kube-system, name: agent, static: true, spec: {containers: [{name: main}]}}
  - namespace: ml
    name: train
    labels: {app: train}
    spec: {containers: [{name: main, resources: {limits: {example.com/gpu: 1}}}]}
"""


@contextmanager
def a_node(directory: Path, release: str = "1.36", gate: str = ", pods_api: true") -> Iterator[LiveNode]:
    with LiveNode(parse_scenario(SCENARIO % (release, gate), "test"), directory, SystemClock()) as node:
        yield node


class Client:
    """Calls the Pods API as bytes, and collects what a watch says."""

    def __init__(self, path: Path) -> None:
        self.channel = grpc.insecure_channel(f"unix:{path}", options=[("grpc.default_authority", "localhost")])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()

    def call(self, method: str, request: bytes = b"") -> bytes:
        send: Callable[..., bytes] = self.channel.unary_unary(f"/v1alpha1.Pods/{method}")
        return send(request, timeout=SECONDS, wait_for_ready=True)

    def watch(self) -> "Queue[Any]":
        """Return a queue of (type, pod), and at the end of the status code and its text."""
        found: Queue[Any] = Queue()
        begin: Callable[..., Any] = self.channel.unary_stream("/v1alpha1.Pods/WatchPods")
        stream = begin(b"", wait_for_ready=True)

        def read() -> None:
            try:
                for data in stream:
                    event = pb.WatchPodsEvent.FromString(data)
                    found.put((event.type, core.Pod.FromString(event.pod)))
            except grpc.RpcError as error:
                found.put((error.code(), error.details()))

        Thread(target=read, daemon=True).start()
        return found


def names(found: "Queue[Any]") -> set[str]:
    """Return the names of the initial sync."""
    seen: set[str] = set()
    while True:
        kind, each = found.get(timeout=SECONDS)
        if kind == pb.INITIAL_SYNC_COMPLETE:
            return seen
        assert kind == pb.ADDED
        seen.add(each.metadata.name)


def next_of(found: "Queue[Any]", kind: int, name: str) -> core.Pod:
    """Return the next event of this type and pod; others may come before it."""
    while True:
        seen, each = found.get(timeout=SECONDS)
        if (seen, each.metadata.name) == (kind, name):
            return each  # type: ignore[no-any-return]


def test_a_watch_names_every_pod_and_then_tells_what_changes(short_dir: Path) -> None:
    """ADDED for each, INITIAL_SYNC_COMPLETE, and then the life of a pod."""
    with a_node(short_dir) as node, Client(node.pods_api.socket_path) as client:
        found = client.watch()
        assert {"agent-n1", "train"} == names(found)

        node.create(pod("new", container(cpu="1")))
        assert "new" == next_of(found, pb.ADDED, "new").metadata.name
        node.finish("default", "new")
        node.pods_api.follow()
        assert "Succeeded" == next_of(found, pb.MODIFIED, "new").status.phase
        ended = next_of(found, pb.DELETED, "new")
        assert ("default", "") == (ended.metadata.namespace, ended.status.phase)


def test_a_static_pod_has_the_kubelet_s_uid_and_no_mirror_pod_is_shown(short_dir: Path) -> None:
    """Its UID is the hash of its configuration; config.source tells where it is from."""
    with a_node(short_dir) as node, Client(node.pods_api.socket_path) as client:
        pods = [core.Pod.FromString(each) for each in pb.ListPodsResponse.FromString(client.call("ListPods")).pods]
        static = next(each for each in pods if each.metadata.name == "agent-n1")
        mirror = node.store.get(PODS, "kube-system", "agent-n1")

        assert 2 == len(pods)
        assert mirror["metadata"]["uid"] != static.metadata.uid
        assert mirror["metadata"]["annotations"]["kubernetes.io/config.hash"] == static.metadata.uid
        assert "file" == static.metadata.annotations["kubernetes.io/config.source"]
        got = pb.GetPodResponse.FromString(
            client.call("GetPod", pb.GetPodRequest(podUID=static.metadata.uid).SerializeToString())
        )
        assert static == core.Pod.FromString(got.pod)


def test_an_unknown_pod_is_not_found(short_dir: Path) -> None:
    """In the kubelet's words, as recorded."""
    with a_node(short_dir) as node, Client(node.pods_api.socket_path) as client:
        with pytest.raises(grpc.RpcError) as error:
            client.call("GetPod", pb.GetPodRequest(podUID="nope").SerializeToString())
        assert (grpc.StatusCode.NOT_FOUND, "pod with UID nope not found") == (
            error.value.code(),
            error.value.details(),
        )


def test_a_restart_ends_the_stream_and_ends_no_pod(short_dir: Path) -> None:
    """The kubelet that starts names what it has by then: its static pods, without the API server."""
    with a_node(short_dir) as node, Client(node.pods_api.socket_path) as client:
        found = client.watch()
        names(found)
        node.cut_kubelet_off()
        node.restart_kubelet()

        code, _ = found.get(timeout=SECONDS)
        assert grpc.StatusCode.UNAVAILABLE == code
        assert {"agent-n1"} == names(client.watch())
        node.reconnect_kubelet()
        node.settle()
        assert {"agent-n1", "train"} == names(client.watch())


def test_who_reads_too_slowly_is_dropped(short_dir: Path) -> None:
    """A queue holds 100 events."""
    with a_node(short_dir) as node:
        registration = node.pods_api.server.broadcast.register()
        events = registration.events()
        for number in range(101):
            node.pods_api.server.broadcast.send(str(number).encode())

        assert [str(number).encode() for number in range(100)] == [next(events) for _ in range(100)]
        with pytest.raises(Exception, match="watch client channel closed"):
            next(events)


@pytest.mark.parametrize(
    ("release", "gate"), [("1.35", ", pods_api: true"), ("1.36", ""), ("1.36", ", pods_api: false")]
)
def test_a_release_without_the_api_has_no_socket(short_dir: Path, release: str, gate: str) -> None:
    """Alpha and off in 1.36."""
    with a_node(short_dir, release, gate) as node:
        assert not node.pods_api.socket_path.exists()


def test_1_37_serves_by_default_and_says_so_where_the_gate_is_off(short_dir: Path) -> None:
    """Two meanings of FAILED_PRECONDITION; this one stays."""
    with ExitStack() as stack:
        node = stack.enter_context(a_node(short_dir, "1.37", ""))
        client = stack.enter_context(Client(node.pods_api.socket_path))
        assert {"agent-n1", "train"} == names(client.watch())
    with a_node(short_dir, "1.37", ", pods_api: false") as node, Client(node.pods_api.socket_path) as client:
        assert (grpc.StatusCode.FAILED_PRECONDITION, "PodsAPI feature gate is disabled") == client.watch().get(
            timeout=SECONDS
        )


def test_1_37_refuses_until_its_sources_are_ready(short_dir: Path) -> None:
    """And this one passes."""
    with a_node(short_dir, "1.37", "") as node, Client(node.pods_api.socket_path) as client:
        node.cut_kubelet_off()
        node.restart_kubelet()
        code, details = client.watch().get(timeout=SECONDS)
        assert (grpc.StatusCode.FAILED_PRECONDITION, True) == (code, "not ready" in details)

        node.reconnect_kubelet()
        node.settle()
        assert {"agent-n1", "train"} == names(client.watch())

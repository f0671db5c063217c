"""
What a scrape shows for each fault of the API server: the allocation stays complete.

The kubelet, the API server and the page are real ones on sockets of their own; only time is a test's.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from api_rig import pod as manifest
from eventually import eventually
from pods_rig import QUICK, ParkingClock, Site
from rig import Rig, Scrape

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.clock import SystemClock
from podres_exporter.kube.interfaces import MetadataObserver
from podres_exporter.kube.pods.feed import PodWatch
from podres_exporter.podmeta import PodDecoder
from podres_exporter.sim import FixedAnswers, SimKubelet
from podres_exporter.sim.api import ANY, PODS, Drop, Fail, Hang, StreamFault, Trickle
from podres_exporter.sources.interfaces import PodMetaSource

HELD_GPUS = "podres_container_devices"
GPUS = pb.ContainerDevices(resource_name="example.com/gpu", device_ids=["GPU-0"])
TRAIN = pb.PodResources(
    namespace="ml", name="train", containers=[pb.ContainerResources(name="main", devices=[GPUS], cpu_ids=[2])]
)
ANSWERS = FixedAnswers(
    pb.ListPodResourcesResponse(pod_resources=[TRAIN]).SerializeToString(),
    pb.AllocatableResourcesResponse(devices=[GPUS], cpu_ids=[1, 2, 3]).SerializeToString(),
    {("ml", "train"): pb.GetPodResourcesResponse(pod_resources=TRAIN).SerializeToString()},
)


class Node:
    """An exporter between a kubelet and an API server, which has one pod of the kubelet's."""

    def __init__(self, socket: Path, directory: Path) -> None:
        self.clock = ParkingClock()
        self.site = Site(self.clock, directory, None)
        self.site.store.create(PODS, manifest("train"))
        self.kubelet = SimKubelet(socket, ANSWERS, SystemClock())
        self.rig = Rig(socket, directory, hold_seconds=0.0, watch=self._watch)

    def _watch(self, observer: MetadataObserver) -> PodMetaSource:
        self.source = PodWatch(self.site.connect(QUICK), PodDecoder(LabelAllowlist()), self.clock, observer)
        return self.source

    def page_with(self, name: str, **labels: str) -> Scrape:
        """Return the first page on which something is counted."""
        wanted = frozenset(labels.items())
        return self.rig.poll_until(
            lambda page: any(value for (n, own), value in page.samples.items() if n == name and wanted <= own)
        )

    def synced(self) -> bool:
        metadata = self.source.metadata()
        return metadata.synced and self.site.server.faults.open_watches == 1


@pytest.fixture
def node(short_dir: Path, tmp_path: Path) -> Iterator[Node]:
    """Yield a node whose exporter has not asked its API server yet."""
    node = Node(short_dir / "pod-resources/kubelet.sock", tmp_path)
    with node.site.server, node.kubelet, node.rig:
        yield node
        node.source.stop()


def assert_allocation_is_whole(page: Scrape) -> None:
    """Whatever the API server does, the kubelet's word stands."""
    assert {"train"} == page.labels(HELD_GPUS, "pod")
    assert 1 == page.value("podres_source_up", source="kubelet")
    assert 0 == page.value("podres_snapshot_stale", part="pods")


REQUEST_FAULTS = [
    pytest.param(Fail(403), "denied", id="403"),
    pytest.param(Fail(401), "denied", id="401"),
    pytest.param(Fail(429, 1), "throttled", id="429"),
    pytest.param(Fail(500), "unavailable", id="500"),
    pytest.param(Fail(503), "unavailable", id="503"),
    pytest.param(Fail(504), "timeout", id="504"),
    pytest.param(Fail(410), "gone", id="410"),
    pytest.param(Hang(), "timeout", id="no answer"),
    pytest.param(Trickle(1.0, 1), "timeout", id="an answer byte by byte"),
    pytest.param(Drop(), "unavailable", id="closed without an answer"),
]


@pytest.mark.parametrize(("fault", "reason"), REQUEST_FAULTS)
def test_an_api_server_that_never_answered_leaves_the_allocation_whole(
    node: Node, fault: Fail | Hang | Trickle | Drop, reason: str
) -> None:
    """No metadata of the pods is shown, and finished pods are not distinguished."""
    node.site.server.faults.on_requests("list", fault)
    node.source.start(node.rig.changes.report)
    page = node.page_with("podres_metadata_errors_total", verb="list", reason=reason)

    assert_allocation_is_whole(page)
    assert (0, 0) == (page.value("podres_metadata_synced"), page.value("podres_source_up", source="metadata"))
    assert set() == page.names("podres_pod_info")
    assert None is page.value("podres_pods_skipped", reason="terminal")
    node.site.server.faults.clear()


@pytest.mark.parametrize(("fault", "reason"), REQUEST_FAULTS)
@pytest.mark.faults("the same, for longer")
def test_an_api_server_that_fails_later_leaves_the_pods_their_names(
    node: Node, fault: Fail | Hang | Trickle | Drop, reason: str
) -> None:
    """What was known stays, and the page says that the source is down."""
    node.source.start(node.rig.changes.report)
    assert eventually(node.synced)
    node.site.server.faults.on_requests(ANY, fault)
    node.site.server.drop_connections()
    page = node.page_with("podres_metadata_errors_total", reason=reason)

    assert_allocation_is_whole(page)
    assert {"train"} == page.labels("podres_pod_info", "pod")
    node.site.server.faults.clear()


@pytest.mark.parametrize("fault", StreamFault)
@pytest.mark.faults("watch expired (410), was cut, or has unreadable lines")
def test_a_watch_that_breaks_is_recreated_and_the_page_stays_whole(node: Node, fault: StreamFault) -> None:
    """Closed, cut, expired, truncated, oversized, silent: each is followed by a watch that works."""
    node.source.start(node.rig.changes.report)
    assert eventually(node.synced)
    node.site.server.faults.on_open_watches(fault)
    page = node.page_with("podres_metadata_watch_restarts_total")
    node.site.store.create(PODS, manifest("other"))

    assert_allocation_is_whole(page)
    assert {"train"} == page.labels("podres_pod_info", "pod")
    assert eventually(lambda: len(node.source.metadata().pods) == 2)


@pytest.mark.faults("the same, for longer")
def test_a_server_that_is_away_comes_back(node: Node) -> None:
    """Refused connections, then a new life on the same port."""
    node.source.start(node.rig.changes.report)
    assert eventually(node.synced)
    node.site.server.go_down()
    page = node.rig.poll_until(lambda page: page.value("podres_source_up", source="metadata") == 0)

    assert_allocation_is_whole(page)
    assert 0 == page.value("podres_metadata_synced")
    node.site.server.start()
    node.rig.poll_until(lambda page: page.value("podres_source_up", source="metadata") == 1)
    node.site.store.create(PODS, manifest("other"))
    assert {"train"} == node.rig.poll_until(lambda page: page.value("podres_metadata_synced") == 1).labels(
        "podres_pod_info", "pod"
    )

"""
Changes of single pods between two polls, and how metadata affects what is shown.

The kubelet is a real server on a real socket; the API server's side is told by each test.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from fake_clock import FakeClock
from rig import OLD_KUBELET_SECONDS, Rig, Scrape
from scripted_metadata import Told, meta

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.allocation.gets import NEWS_AT_ONCE
from podres_exporter.clock import SystemClock
from podres_exporter.kube.pods.cache import SYNCED_SECONDS
from podres_exporter.model import ContainerKind, ContainerSpec
from podres_exporter.scenario import KubeletSettings, Release
from podres_exporter.service.follower import EXPLAINED_SECONDS
from podres_exporter.sim import FixedAnswers, RpcFault, SimKubelet

HELD_GPUS = "podres_container_devices"
ALL_GPUS = [pb.ContainerDevices(resource_name="example.com/gpu", device_ids=[f"GPU-{number}"]) for number in range(8)]
ALLOCATABLE = pb.AllocatableResourcesResponse(devices=ALL_GPUS, cpu_ids=range(1, 8)).SerializeToString()


def pod(name: str, gpu: int) -> pb.PodResources:
    """Return a pod of the namespace ml that holds one GPU."""
    container = pb.ContainerResources(name="main", devices=[ALL_GPUS[gpu]])
    return pb.PodResources(namespace="ml", name=name, containers=[container])


def answers(*pods: pb.PodResources) -> FixedAnswers:
    """Return what a kubelet with these pods says."""
    gets = {(each.namespace, each.name): pb.GetPodResourcesResponse(pod_resources=each) for each in pods}
    return FixedAnswers(
        pb.ListPodResourcesResponse(pod_resources=pods).SerializeToString(),
        ALLOCATABLE,
        {key: get.SerializeToString() for key, get in gets.items()},
    )


TRAIN, SERVE, NEW = pod("train", 0), pod("serve", 1), pod("new", 2)
NEW_KEY = ("ml", "new")


class Node:
    """A kubelet that can be restarted, and the exporter in front of it."""

    def __init__(self, socket: Path, sysfs: Path, release: int) -> None:
        self.settings = KubeletSettings(Release(release))
        self.source = Told()
        self.clock = FakeClock(SystemClock().wall_seconds() + OLD_KUBELET_SECONDS)
        self.socket = socket
        self.kubelet = self._kubelet(TRAIN, SERVE)
        if release in range(27, 34):
            self.kubelet.override("Get", RpcFault(grpc.StatusCode.UNKNOWN, "PodResources API Get method disabled"))
        self.kubelet.start()
        self.rig = Rig(socket, sysfs, metadata=self.source, clock=self.clock)

    def _kubelet(self, *pods: pb.PodResources) -> SimKubelet:
        # Its rate limit goes by the test's time.
        return SimKubelet(self.socket, answers(*pods), self.clock, self.settings)

    def now_has(self, *pods: pb.PodResources) -> None:
        """Let the running kubelet answer so from now on."""
        self.kubelet.answers = answers(*pods)

    def restart(self, *pods: pb.PodResources) -> Scrape:
        """Let the kubelet restart with these pods, and return the first page that knows of it."""
        self.now_has(*pods)
        self.kubelet.restart()
        return self.rig.poll_until(lambda page: page.value("podres_kubelet_restarts_total") == 1)

    def tell(self, *pods: pb.PodResources) -> None:
        """Let the API server tell that these pods run, beside those of the beginning."""
        self.source.tell(meta("train"), meta("serve"), *(meta(each.name) for each in pods))
        self.rig.changes.report([("ml", each.name) for each in pods])

    def turn_for(self, seconds: float) -> None:
        """Let so much time go by, with all that the loop does in it; half a minute at a time, for polls cost tokens."""
        until = self.rig.clock.monotonic_seconds() + seconds
        while self.rig.clock.monotonic_seconds() < until:
            self.rig.clock.advance(20)
            self.rig.poll()
            for _ in range(3):
                self.rig.poller.refresh()
                self.rig.clock.advance(1)

    def calls(self, rpc: str) -> int:
        return self.kubelet.calls[rpc]

    def holders(self) -> set[str]:
        return self.rig.scrape().labels(HELD_GPUS, "pod")


@pytest.fixture
def release() -> int:
    """Return the kubelet's release; a test overrides it by a parameter."""
    return 36


@pytest.fixture
def node(short_dir: Path, tmp_path: Path, release: int) -> Iterator[Node]:
    """Yield a node that has been polled once."""
    node = Node(short_dir / "pod-resources/kubelet.sock", tmp_path, release)
    node.source.tell(meta("train"), meta("serve"))
    with node.rig:
        node.rig.poll()
        yield node
    node.kubelet.stop()


def test_a_new_pod_is_shown_between_two_polls(node: Node) -> None:
    """One Get for the one pod, and no List."""
    node.now_has(TRAIN, SERVE, NEW)
    before = node.calls("Get")
    node.tell(NEW)
    page = node.rig.refresh()

    assert {"train", "serve", "new"} == page.labels(HELD_GPUS, "pod")
    assert (1, 1) == (node.calls("List"), node.calls("Get") - before)
    assert 5 == page.value("podres_node_free_devices", resource="example.com/gpu")


def test_several_events_of_a_pod_are_one_question(node: Node) -> None:
    """A pod that starts is changed half a dozen times."""
    before = node.calls("Get")
    for _ in range(6):
        node.tell(NEW)
    node.rig.refresh()

    assert 1 == node.calls("Get") - before


def test_a_flood_of_changes_is_asked_for_in_small_portions(node: Node) -> None:
    """The kubelet's bucket of ten is one for all its clients."""
    pods = [pod(f"batch-{number}", 2) for number in range(6)]
    node.now_has(TRAIN, SERVE, *pods)
    before = node.calls("Get")
    node.source.tell(meta("train"), meta("serve"), *(meta(each.name) for each in pods))
    node.rig.changes.report([("ml", each.name) for each in pods])
    node.rig.refresh()

    assert NEWS_AT_ONCE == node.calls("Get") - before
    assert 0 >= node.rig.poller.due()
    node.rig.refresh()
    assert 6 == node.calls("Get") - before
    assert 8 == len(node.holders())


@pytest.mark.parametrize("release", [26, 27, 33])
def test_a_kubelet_without_get_is_asked_nothing_extra(node: Node) -> None:
    """Unknown method, or switched off; a List in the middle of an admission can crash kubelets up to 1.29 (#119560)."""
    node.now_has(TRAIN, SERVE, NEW)
    before = dict(node.kubelet.calls)
    node.rig.changes.report([NEW_KEY])
    node.rig.refresh()

    assert before == dict(node.kubelet.calls)
    assert {"train", "serve"} == node.holders()


@pytest.mark.parametrize("release", [26, 36])
def test_a_pod_that_finishes_leaves_at_once(node: Node) -> None:
    """The API server's word is enough, whatever the kubelet lists."""
    node.source.tell(meta("train", is_terminal=True), meta("serve"))
    node.rig.changes.report([("ml", "train")])
    page = node.rig.refresh()

    assert {"serve"} == page.labels(HELD_GPUS, "pod")
    assert 1 == page.value("podres_pods_skipped", reason="terminal")


def test_a_deleted_pod_leaves_at_once_and_the_kubelet_is_not_asked_for_it(node: Node) -> None:
    """A Get that can only fail would count as an error of the kubelet's own."""
    before = node.calls("Get")
    node.source.tell(meta("serve"))
    node.rig.changes.report([("ml", "train")])
    node.rig.refresh()

    assert ({"serve"}, before) == (node.holders(), node.calls("Get"))


def test_a_pod_that_is_being_deleted_holds_its_devices_until_it_is_gone(node: Node) -> None:
    """A deletionTimestamp is no end."""
    node.source.tell(meta("train", is_deleting=True), meta("serve"))
    node.rig.changes.report([("ml", "train")])
    node.rig.refresh()

    assert {"train", "serve"} == node.holders()


def test_a_pod_that_no_kubelet_has_admitted_is_not_asked_for(node: Node) -> None:
    before = node.calls("Get")
    node.source.tell(meta("train"), meta("serve"), meta("new", has_started=False))
    node.rig.changes.report([NEW_KEY])
    node.rig.refresh()

    assert before == node.calls("Get")


def test_a_pod_that_the_api_server_still_expects_does_not_leave_by_one_answer(node: Node) -> None:
    """By a second one it does, for the kubelet is the authority; that no event told why is counted."""
    node.now_has(SERVE)
    node.turn_for(140)
    assert {"train", "serve"} == node.holders()

    node.turn_for(330)
    page = node.rig.scrape()
    assert {"serve"} == page.labels(HELD_GPUS, "pod")
    assert 1 == page.value("podres_kubelet_resync_differences_total")
    assert 1 == page.value("podres_kubelet_rpcs_total", rpc="List")


@pytest.mark.parametrize("then", ["the event comes", "the metadata are lost"])
def test_what_an_event_explains_that_is_still_on_its_way_is_no_difference(node: Node, then: str) -> None:
    """A connection that is half-open says nothing for minutes before anybody knows."""
    assert EXPLAINED_SECONDS == SYNCED_SECONDS
    node.now_has(SERVE)
    for _ in range(30):
        node.turn_for(10)
        if "train" not in node.holders():
            break
    node.turn_for(60)
    assert {"serve"} == node.holders()
    if then == "the event comes":
        node.source.tell(meta("serve"))
        node.rig.changes.report([("ml", "train")])
    else:
        node.source.lose(is_away=True)
    node.turn_for(330)

    assert 0 == node.rig.scrape().value("podres_kubelet_resync_differences_total")


def test_nothing_is_asked_while_the_kubelet_s_last_answer_is_missing(node: Node) -> None:
    """A pod more or less says nothing of a kubelet that is down."""
    node.kubelet.kill()
    node.rig.poll()
    node.source.tell(meta("train", is_terminal=True), meta("serve"))
    node.rig.changes.report([("ml", "train")])
    page = node.rig.refresh()

    assert {"serve"} == page.labels(HELD_GPUS, "pod")
    assert 1 == page.value("podres_snapshot_stale", part="pods")
    assert 1 == page.value("podres_kubelet_rpcs_total", rpc="Get")


def test_a_get_that_fails_marks_the_pod_and_is_made_again(node: Node) -> None:
    """What is shown of it may be old; it is asked for again after a second."""
    node.kubelet.override("Get", RpcFault(grpc.StatusCode.INTERNAL, "oops"))
    node.source.tell(replace(meta("train"), phase="Running"), meta("serve"))
    node.rig.changes.report([("ml", "train")])
    node.rig.poller.refresh()
    marks = [(view.pod.name, view.mark.value) for view in node.rig.allocation().pods]
    node.kubelet.clear_override("Get")

    assert [("serve", "current"), ("train", "unconfirmed")] == marks
    assert 0 < node.rig.poller.due() <= 1
    node.rig.clock.advance(1)
    node.rig.refresh()
    assert {"current"} == {view.mark.value for view in node.rig.allocation().pods}


def test_a_kubelet_that_has_restarted_since_the_poll_is_not_believed_on_a_pod(node: Node) -> None:
    """It does not know its pods yet: "not found" would free the devices of a pod that runs."""
    node.now_has()
    node.kubelet.restart()
    node.rig.changes.report([("ml", "train")])
    node.rig.refresh()

    assert {"train", "serve"} == node.holders()


def test_the_seconds_of_a_pod_that_lives_between_two_polls_are_counted(node: Node) -> None:
    """Three seconds with one GPU, seen by its events alone."""
    node.now_has(TRAIN, SERVE, NEW)
    node.tell(NEW)
    before = node.rig.refresh().value("podres_allocated_device_seconds_total", namespace="ml")
    node.rig.clock.advance(3)
    node.now_has(TRAIN, SERVE)
    node.source.tell(meta("train"), meta("serve"))
    node.rig.changes.report([NEW_KEY])
    after = node.rig.refresh().value("podres_allocated_device_seconds_total", namespace="ml")

    assert {"train", "serve"} == node.holders()
    assert before is not None
    assert after is not None
    assert after - before == pytest.approx(3 * (3 + 1))  # three GPUs for three seconds and the second of a scrape


def test_metadata_is_shown_as_soon_as_it_is_told(node: Node) -> None:
    """And the kubelet is not asked for a pod of which only the labels have changed."""
    before = node.calls("Get")
    node.source.tell(replace(meta("train"), priority_class="high"), meta("serve"))
    node.rig.changes.report([("ml", "train")])
    page = node.rig.refresh()

    assert 1 == page.value("podres_pod_info", pod="train", uid="uid-train", priority_class="high")
    assert 1 == page.value("podres_metadata_synced")
    assert 2 == page.value("podres_metadata_pods")
    assert 1 == page.value("podres_source_up", source="metadata")
    assert before == node.calls("Get")


@pytest.mark.faults("kubelet has restarted, and a pod has ended meanwhile")
def test_what_is_missing_after_a_restart_is_gone_at_once_where_the_api_server_agrees(node: Node) -> None:
    """A pod that was deleted while the kubelet was away needs no hold-down."""
    node.source.tell(meta("serve"))
    page = node.restart(SERVE)

    assert {"serve"} == page.labels(HELD_GPUS, "pod")
    assert 0 == page.value("podres_snapshot_held", part="pods")


@pytest.mark.faults("a pod runs according to the API server, but the kubelet has not listed it")
def test_nothing_is_said_to_be_free_of_what_a_running_pod_asks_for_that_the_kubelet_lacks(node: Node) -> None:
    """Which of them it holds is unknown; free amounts of other resources are known."""
    spec = ContainerSpec("main", ContainerKind.APP, devices=(("example.com/gpu", 1),))
    node.source.tell(meta("train"), meta("serve"), replace(meta("new"), containers=(spec,)))
    page = node.restart(TRAIN, SERVE)

    assert set() == page.names("podres_node_free_devices") | page.names("podres_node_allocated_devices")
    assert 7 == page.value("podres_node_shared_pool_cpus")
    node.now_has(TRAIN, SERVE, NEW)
    node.rig.clock.advance(10)
    node.rig.refresh()
    assert 5 == node.rig.poll().value("podres_node_free_devices", resource="example.com/gpu")


def test_a_pod_that_runs_by_the_api_server_s_word_is_held_ten_times_as_long(node: Node) -> None:
    """And not forever: the kubelet is the authority."""
    node.restart(SERVE)
    for _ in range(8):
        node.rig.clock.advance(60)
        node.rig.poll()
    assert 1 == node.rig.scrape().value("podres_snapshot_held", part="pods")

    node.rig.clock.advance(60)
    assert 0 == node.rig.poll().value("podres_snapshot_held", part="pods")


def test_a_kubelet_ends_nothing_while_the_api_server_is_away(node: Node) -> None:
    """It knows only its static pods then (measured: 1 of 22 for as long as that lasts)."""
    node.source.lose(is_away=True)
    node.restart(pod("kube-proxy-node1", 5))
    node.rig.clock.advance(300)
    page = node.rig.poll()

    assert 1 == page.value("podres_snapshot_held", part="pods")
    assert {"kube-proxy-node1"} == page.labels(HELD_GPUS, "pod")
    assert set() == page.names("podres_node_free_devices")

    node.now_has(SERVE)
    node.source.tell(meta("serve"))
    node.rig.clock.advance(10)
    node.rig.poll()
    node.rig.clock.advance(10)
    page = node.rig.poll()
    assert {"serve"} == page.labels(HELD_GPUS, "pod")
    assert 7 == page.value("podres_node_free_devices", resource="example.com/gpu")


def test_lost_metadata_still_names_the_pods_and_says_that_it_is_old(node: Node) -> None:
    """Unavailable is never empty."""
    node.source.lose(is_away=True)
    page = node.rig.poll()

    assert {"uid-train", "uid-serve"} == page.labels("podres_pod_info", "uid")
    assert (0, 0) == (page.value("podres_metadata_synced"), page.value("podres_source_up", source="metadata"))


TOO_LARGE = pb.ListPodResourcesResponse(
    pod_resources=[
        TRAIN,
        pb.PodResources(
            namespace="ml",
            name="stuck",
            containers=[
                pb.ContainerResources(
                    name="main", devices=[pb.ContainerDevices(resource_name="x.com/y", device_ids=["0" * (17 << 20)])]
                )
            ],
        ),
    ]
).SerializeToString()


@pytest.mark.faults("List exceeds `--kubelet.max-message-size` (64 MiB), Get is served and the API server followed")
def test_where_list_is_too_large_known_pods_are_asked_for_one_by_one(node: Node) -> None:
    """A stuck DRA claim makes List grow without end (kubernetes #141335); the rest of the node stays visible."""
    node.now_has(TRAIN, SERVE, NEW)
    node.kubelet.override("List", TOO_LARGE)
    node.kubelet.restart()
    node.tell(NEW)
    node.turn_for(200)
    page = node.rig.scrape()

    assert {"train", "serve", "new"} == page.labels(HELD_GPUS, "pod")
    assert 1 == page.value("podres_source_up", source="kubelet")
    assert 2 >= (page.value("podres_kubelet_rpc_errors_total", rpc="List", reason="too_large") or 0)
    assert 0 == page.value("podres_snapshot_stale", part="pods")


@pytest.mark.faults("List exceeds `--kubelet.max-message-size` (64 MiB), Get is served and the API server followed")
def test_an_exporter_that_starts_with_a_list_that_is_too_large_finds_the_pods_all_the_same(
    short_dir: Path, tmp_path: Path
) -> None:
    """Nothing is known yet but what the API server says runs here."""
    node = Node(short_dir / "pod-resources/kubelet.sock", tmp_path, 36)
    node.kubelet.override("List", TOO_LARGE)
    node.source.tell(meta("train"), meta("serve"))
    with node.rig:
        node.turn_for(200)

        assert {"train", "serve"} == node.holders()
    node.kubelet.stop()


def test_an_answer_of_another_pod_is_no_answer(node: Node) -> None:
    """A server that mixes up its pods must not end the loop, nor give a pod what another one holds."""
    node.kubelet.override("Get", pb.GetPodResourcesResponse(pod_resources=pod("else", 5)).SerializeToString())
    node.tell(NEW)
    page = node.rig.refresh()

    assert {"train", "serve"} == page.labels(HELD_GPUS, "pod")
    node.kubelet.clear_override("Get")
    node.now_has(TRAIN, SERVE, NEW)
    node.rig.clock.advance(5)
    assert {"train", "serve", "new"} == node.rig.refresh().labels(HELD_GPUS, "pod")


def test_a_pod_whose_name_a_rejected_one_has_taken_ends(node: Node) -> None:
    """The old instance was deleted; the new one never ran, and is no reason to go on showing what the old one held."""
    node.now_has(SERVE)
    rejected = replace(meta("train"), uid="uid-of-another", is_terminal=True)
    node.source.tell(rejected, meta("serve"))
    node.rig.changes.report([rejected.key])
    before = node.calls("Get")
    page = node.rig.refresh()

    assert {"serve"} == page.labels(HELD_GPUS, "pod")
    assert 7 == page.value("podres_node_free_devices", resource="example.com/gpu")
    assert 1 == node.calls("Get") - before


def test_a_pod_made_again_is_asked_for_until_it_is_admitted(node: Node) -> None:
    """What the kubelet says under the name before that may be what the instance before it holds."""
    heir = replace(meta("train", has_started=False), uid="uid-of-the-heir")
    node.source.tell(heir, meta("serve"))
    node.rig.changes.report([heir.key])
    assert {"GPU-0", "GPU-1"} == node.rig.refresh().labels("podres_container_device_info", "device")

    node.now_has(pod("train", 5), SERVE)
    node.rig.clock.advance(5)
    assert {"GPU-5", "GPU-1"} == node.rig.refresh().labels("podres_container_device_info", "device")


@pytest.mark.parametrize("is_seen_gone", [True, False])
def test_a_pod_made_again_that_seems_to_be_admitted_is_asked_for_while_it_is_pending(
    node: Node, is_seen_gone: bool
) -> None:
    """The kubelet may still name what the old one held; not forever, for a pending pod may stay so for days."""
    successor = replace(meta("train"), uid="uid-of-the-successor", phase="Pending")
    if is_seen_gone:
        node.source.tell(meta("serve"))
        node.rig.changes.report([("ml", "train")])
        node.rig.poller.refresh()
    node.source.tell(successor, meta("serve"))
    node.rig.changes.report([("ml", "train")])
    node.turn_for(2)
    assert {"GPU-0", "GPU-1"} == node.rig.scrape().labels("podres_container_device_info", "device")

    node.now_has(pod("train", 5), SERVE)
    node.turn_for(30)
    assert {"GPU-5", "GPU-1"} == node.rig.scrape().labels("podres_container_device_info", "device")
    node.turn_for(90)
    before = node.calls("Get")
    node.turn_for(120)
    assert node.calls("Get") - before <= 2 * 120 // 300 + 1  # the resync of two pods


def test_a_pod_that_was_deleted_before_the_metadata_were_followed_does_not_stay(
    short_dir: Path, tmp_path: Path
) -> None:
    """The API server has never told of it, so it tells of its end neither: the kubelet is asked until it says so."""
    node = Node(short_dir / "pod-resources/kubelet.sock", tmp_path, 36)
    with node.rig:
        node.rig.poll()
        assert {"train", "serve"} == node.holders()
        node.source.tell(meta("serve"))
        node.rig.refresh()
        assert {"train", "serve"} == node.holders()

        node.now_has(SERVE)
        for _ in range(8):
            node.rig.clock.advance(2)
            node.rig.refresh()
        assert {"serve"} == node.holders()
    node.kubelet.stop()

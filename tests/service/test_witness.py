"""The exporter's own pod as evidence that a restarted kubelet knows its pods; on a real socket."""

import json
import math
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import grpc
import pytest
from fake_clock import FakeClock
from rig import OLD_KUBELET_SECONDS, Rig, Scrape
from scripted_metadata import Told, meta

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.allocation import own_pod
from podres_exporter.clock import SystemClock
from podres_exporter.model import ContainerKind, ContainerSpec, PodKey, PodMeta
from podres_exporter.scenario import KubeletSettings, Release
from podres_exporter.sim import FixedAnswers, RpcFault, SimKubelet

GPU = "example.com/gpu"
GPUS = [pb.ContainerDevices(resource_name=GPU, device_ids=[f"GPU-{number}"]) for number in range(8)]
ALLOCATABLE = pb.AllocatableResourcesResponse(devices=GPUS, cpu_ids=range(1, 8)).SerializeToString()
SPEC = ContainerSpec("main", ContainerKind.APP, devices=((GPU, 1),))
DISABLED = RpcFault(grpc.StatusCode.UNKNOWN, "PodResources API Get method disabled")


def pod(name: str, gpu: int | None = None, namespace: str = "ml") -> pb.PodResources:
    container = pb.ContainerResources(name="main", devices=[] if gpu is None else [GPUS[gpu]])
    return pb.PodResources(namespace=namespace, name=name, containers=[container])


def told(name: str, **changes: object) -> PodMeta:
    return replace(meta(name), phase="Running", containers=(SPEC,), **changes)  # type: ignore[arg-type]  # as named by the tests


EXPORTER, STATIC, TRAIN, SERVE = pod("exporter-x7k2p"), pod("proxy-node1", 7), pod("train", 0), pod("serve", 1)
OWN = ("ml", "exporter-x7k2p")


class Node:
    """A kubelet and the exporter in front of it, as it runs in a pod."""

    def __init__(self, socket: Path, sysfs: Path, stack: ExitStack, ahead_seconds: float) -> None:
        self._socket, self._sysfs, self._stack = socket, sysfs, stack
        self.clock = FakeClock(SystemClock().wall_seconds() + ahead_seconds)
        self.source = Told()
        self.kubelet = SimKubelet(socket, FixedAnswers(b"", ALLOCATABLE), self.clock, KubeletSettings(Release(36)))
        stack.callback(self.kubelet.stop)

    def has(self, *pods: pb.PodResources) -> None:
        gets = {(each.namespace, each.name): pb.GetPodResourcesResponse(pod_resources=each) for each in pods}
        listed = pb.ListPodResourcesResponse(pod_resources=pods).SerializeToString()
        answers = {key: get.SerializeToString() for key, get in gets.items()}
        self.kubelet.answers = FixedAnswers(listed, ALLOCATABLE, answers)

    def tell(self, *metas: PodMeta) -> None:
        self.source.tell(*metas)
        self.rig.changes.report([each.key for each in metas])

    def export(self, own: PodKey | None = OWN, *, metadata: bool = True) -> None:
        """Start the exporter."""
        source = self.source if metadata else None
        self.rig = self._stack.enter_context(Rig(self._socket, self._sysfs, clock=self.clock, metadata=source, own=own))

    def runs_train(self) -> None:
        """Start a kubelet that has the exporter's pod and another, which the API server knows, and the exporter."""
        self.has(EXPORTER, TRAIN)
        self.source.tell(told("train"), meta(OWN[1]))
        self.kubelet.start()
        self.export()

    def turn(self, seconds: int) -> Scrape:
        """Let so many seconds go by with all that the loop does in them, and read the page."""
        for _ in range(seconds):
            if self.clock.monotonic_seconds() >= self._next_poll:
                self._next_poll = self.clock.monotonic_seconds() + self.rig.poller.tick()
            elif self.rig.poller.due() <= 0 or self.rig.rings:
                self.rig.rings = 0
                self.rig.poller.refresh()
            self.clock.advance(1)
        return self.rig.scrape()

    _next_poll = -math.inf

    def document(self) -> Any:
        """Return the JSON document."""
        connection = HTTPConnection("127.0.0.1", self.rig.web.addresses[0].port, timeout=60)
        with closing(connection):
            connection.request("GET", "/api/v1/snapshot")
            return json.loads(connection.getresponse().read())

    def restart(self, *pods: pb.PodResources) -> None:
        self.has(*pods)
        self.kubelet.restart()
        self.rig.poll_until(lambda page: page.value("podres_source_up", source="kubelet") == 1)
        self._next_poll = -math.inf


@pytest.fixture
def age() -> float:
    """Return how old the kubelet's socket is; a test overrides it by a parameter."""
    return OLD_KUBELET_SECONDS


@pytest.fixture
def node(short_dir: Path, tmp_path: Path, age: float) -> Iterator[Node]:
    with ExitStack() as stack:
        yield Node(short_dir / "kubelet.sock", tmp_path, stack, age)


def free(page: Scrape) -> float | None:
    return page.value("podres_node_free_devices", resource=GPU)


def lists(page: Scrape) -> dict[str, float]:
    """Return how often List was asked, by reason."""
    found = ((dict(own), value) for (name, own), value in page.samples.items() if name == "podres_kubelet_lists_total")
    return {labels["reason"]: value for labels, value in found}


def state(page: Scrape) -> tuple[float | None, float | None]:
    """Return whether the kubelet is up, and the pods stale."""
    return page.value("podres_source_up", source="kubelet"), page.value("podres_snapshot_stale", part="pods")


def test_a_quiet_node_is_listed_once_in_the_exporter_s_life(node: Node) -> None:
    """With Get and followed metadata; the pods are looked at in turn all the same."""
    node.has(EXPORTER, TRAIN, SERVE)
    node.source.tell(told("train"), told("serve"), meta(OWN[1]))
    node.kubelet.start()
    node.export()
    page = node.turn(900)

    assert {"start": 1} == lists(page)
    assert 6 == free(page)
    assert 5 <= (page.value("podres_kubelet_rpcs_total", rpc="Get") or 0) <= 12
    assert 0 == page.value("podres_kubelet_resync_differences_total")


def test_a_restart_is_one_list_a_second_after_the_own_pod_is_known(node: Node) -> None:
    node.has(EXPORTER, TRAIN, SERVE)
    node.source.tell(told("train"), told("serve"), meta(OWN[1]))
    node.kubelet.start()
    node.export()
    node.turn(30)
    node.restart(STATIC)
    page = node.turn(4)
    assert ({"start": 1}, 6) == (lists(page), free(page))

    node.has(STATIC, EXPORTER, TRAIN, SERVE)
    page = node.turn(5)
    assert ({"start": 1, "restart": 1}, 5) == (lists(page), free(page))
    assert {"start": 1, "restart": 1} == lists(node.turn(300))


def test_news_right_after_a_restart_is_no_reason_to_list(node: Node) -> None:
    """Whether this start of the kubelet serves Get is not known yet: a Get finds it out."""
    node.runs_train()
    node.turn(30)
    node.kubelet.kill()
    node.turn(5)
    node.tell(told("train"), told("serve"), meta(OWN[1]))
    node.restart(EXPORTER, TRAIN, SERVE)
    page = node.turn(60)
    assert ({"start": 1, "restart": 1}, 6) == (lists(page), free(page))


def test_pods_that_come_and_go_do_not_keep_a_missing_one_from_being_asked_for(node: Node) -> None:
    """Five pods change each second after a restart whose List lacks one that runs."""
    many = [pod(f"web-{number}") for number in range(5)]
    others = [told(f"web-{number}") for number in range(5)]
    node.has(EXPORTER, TRAIN, *many)
    node.source.tell(told("train"), meta(OWN[1]), *others)
    node.kubelet.start()
    node.export()
    node.turn(30)
    node.restart(EXPORTER, *many)
    node.turn(5)
    node.has(EXPORTER, TRAIN, *many)
    for second in range(15):
        changed = [replace(each, cpu_millicores=second, uid=f"{each.uid}-{second}") for each in others]
        node.tell(told("train"), meta(OWN[1]), *changed)
        page = node.turn(1)
    assert 0 == page.value("podres_pods_retained")


def test_a_kubelet_that_does_not_get_its_pods_is_listed_once_until_it_has(node: Node) -> None:
    """For static pods, which have no mirror pods yet; its own credentials have expired, and the API server is heard."""
    node.has(EXPORTER, TRAIN, SERVE)
    node.source.tell(told("train"), told("serve"), meta(OWN[1]))
    node.kubelet.start()
    node.export()
    node.turn(30)
    node.restart(STATIC)
    for seconds in (12, 60, 600):
        page = node.turn(seconds)
        assert {"start": 1, "restart": 1} == lists(page)
        assert "proxy-node1" in page.labels("podres_container_devices", "pod")
        assert (None if seconds == 600 else 5) == free(page)

    node.has(STATIC, EXPORTER, TRAIN, SERVE)
    page = node.turn(15)
    assert ({"start": 1, "restart": 2}, 5) == (lists(page), free(page))
    assert {"start": 1, "restart": 2} == lists(node.turn(300))


def test_an_old_kubelet_without_its_pods_is_listed_at_the_start_and_once_it_has_them(node: Node) -> None:
    """The exporter starts in the kubelet's outage, and the API server says that the exporter's own pod runs here."""
    node.has(STATIC)
    node.source.tell(told("train"), meta(OWN[1]))
    node.kubelet.start()
    node.export()
    page = node.turn(300)
    assert ({"start": 1}, None) == (lists(page), free(page))

    node.has(STATIC, EXPORTER, TRAIN)
    page = node.turn(15)
    assert ({"start": 1, "restart": 1}, 6) == (lists(page), free(page))
    assert {"start": 1, "restart": 1} == lists(node.turn(300))


def test_a_pod_name_that_no_pod_of_the_node_has_is_found_out_by_list(node: Node) -> None:
    """The API server knows no such pod here, so Get of it may fail forever."""
    node.has(STATIC)
    node.source.tell(told("train"), told("serve"))
    node.kubelet.start()
    node.export(("ml", "exporter-of-another-node"))
    page = node.turn(45)
    assert free(page) is None
    assert 4 <= lists(page)["restart"] <= 6

    node.has(STATIC, TRAIN, SERVE)
    page = node.turn(35)
    assert 5 == free(page)
    before = lists(page)
    assert before == lists(node.turn(300))


@pytest.mark.parametrize("age", [1.0])
def test_after_a_reboot_nothing_is_free_before_the_running_pods_are_listed(node: Node) -> None:
    """Exporter and kubelet are new, and know nothing; the API server says which pods run."""
    node.has(STATIC)
    node.source.tell(told("train"), told("serve"), meta(OWN[1]))
    node.kubelet.start()
    node.export()
    assert free(node.turn(5)) is None

    node.has(STATIC, EXPORTER, TRAIN)
    page = node.turn(5)
    assert free(page) is None
    assert {"proxy-node1", "train"} == page.labels("podres_container_devices", "pod")
    node.has(STATIC, EXPORTER, TRAIN, SERVE)
    assert 5 == free(node.turn(12))


@pytest.mark.parametrize("metadata", [True, False])
def test_an_exporter_that_starts_in_an_outage_says_nothing_of_what_is_free(node: Node, metadata: bool) -> None:
    """The kubelet restarted an hour ago and knows its static pods only; nobody has told of the others."""
    node.has(STATIC)
    node.kubelet.start()
    node.export(metadata=metadata)
    page = node.turn(200)
    assert free(page) is None
    assert {"proxy-node1"} == page.labels("podres_container_devices", "pod")

    node.has(STATIC, EXPORTER, TRAIN)
    node.source.tell(told("train"), meta(OWN[1]))
    assert 6 == free(node.turn(25))


def test_a_pod_made_between_the_first_list_and_the_first_metadata_is_asked_for_at_once(node: Node) -> None:
    """Nothing tells of it any more: it was there when the metadata began. No poll interval is waited for."""
    node.has(EXPORTER, SERVE)
    node.kubelet.start()
    node.export()
    node.turn(2)
    node.has(EXPORTER, SERVE, TRAIN)
    node.tell(told("train"), told("serve"), meta(OWN[1]))
    page = node.turn(3)

    assert {"train", "serve"} == page.labels("podres_container_devices", "pod")
    assert ({"start": 1}, 6) == (lists(page), free(page))


def test_an_own_pod_that_is_replaced_is_no_witness_for_the_next_exporter(node: Node) -> None:
    """A rollout of the DaemonSet, and a restart of the kubelet in it: each exporter waits for its own pod."""
    node.has(EXPORTER, TRAIN, SERVE)
    node.kubelet.start()
    node.export(metadata=False)
    node.turn(15)
    successor = pod("exporter-new")
    node.restart(STATIC)
    node.export(("ml", "exporter-new"), metadata=False)
    assert free(node.turn(60)) is None

    node.has(STATIC, successor, TRAIN, SERVE)
    page = node.turn(25)
    assert (5, 0) == (free(page), page.value("podres_pods_retained"))


@pytest.mark.parametrize(("before", "after"), [(True, False), (False, True), (False, False)])
def test_a_kubelet_that_is_upgraded_in_place_may_gain_or_lose_get(node: Node, before: bool, after: bool) -> None:
    node.has(EXPORTER, TRAIN, SERVE)
    node.source.tell(told("train"), told("serve"), meta(OWN[1]))
    if not before:
        node.kubelet.override("Get", DISABLED)
    node.kubelet.start()
    node.export()
    assert float(before) == node.turn(20).value("podres_kubelet_rpc_supported", rpc="Get")
    if after:
        node.kubelet.clear_override("Get")
    else:
        node.kubelet.override("Get", DISABLED)
    node.restart(STATIC, EXPORTER, TRAIN, SERVE)
    page = node.turn(20)

    assert (float(after), 5) == (page.value("podres_kubelet_rpc_supported", rpc="Get"), free(page))
    assert 0 == page.value("podres_pods_retained")


def test_a_pod_that_was_rejected_at_admission_is_waited_for_by_nobody(node: Node) -> None:
    node.runs_train()
    node.turn(12)
    node.tell(told("train"), meta(OWN[1]), told("refused", has_started=True, is_terminal=True))
    page = node.turn(30)

    assert 7 == free(page)
    assert {"start": 1} == lists(page)


@pytest.mark.parametrize("has_get", [True, False])
@pytest.mark.faults(
    "the same, and the kubelet does not know the pod, or has not listed it for ten times `--snapshot.hold-down`"
)
def test_a_pod_that_the_kubelet_never_lists_again_is_given_up_and_named(
    node: Node, has_get: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Ten times the hold-down after the witness; the API server says that it runs all the while."""
    if not has_get:
        node.kubelet.override("Get", DISABLED)
    node.has(EXPORTER, TRAIN, SERVE)
    node.source.tell(told("train"), told("serve"), meta(OWN[1]))
    node.kubelet.start()
    node.export()
    node.turn(12)
    node.restart(EXPORTER, SERVE)
    page = node.turn(590)
    assert free(page) is None
    assert () == node.rig.allocation().given_up_pods

    page = node.turn(40)
    assert (7, 0) == (free(page), page.value("podres_pods_retained"))
    assert (("ml", "train"),) == node.rig.allocation().given_up_pods
    assert 1 == [each.message for each in caplog.records].count("pods.given_up")
    assert {"ml/train"} == {f"{each['namespace']}/{each['name']}" for each in node.document()["givenUpPods"]}
    node.has(EXPORTER, SERVE, TRAIN)
    page = node.turn(320)
    assert (6, ()) == (free(page), node.rig.allocation().given_up_pods)


@pytest.mark.parametrize("asking", ["fails", "is refused"])
def test_what_a_late_pod_asks_for_is_not_free_while_the_kubelet_cannot_be_asked_for_it(node: Node, asking: str) -> None:
    """However old the kubelet is; one that answers that it has no such pod is believed."""
    node.runs_train()
    node.turn(700)
    if asking == "fails":
        node.kubelet.override("Get", RpcFault(grpc.StatusCode.INTERNAL, "no"))
    node.tell(told("train"), meta(OWN[1]), told("serve"))
    page = node.turn(60)
    assert (None if asking == "fails" else 7) == free(page)

    node.kubelet.clear_override("Get")
    node.has(EXPORTER, TRAIN, SERVE)
    assert 6 == free(node.turn(320 if asking == "is refused" else 12))


@pytest.mark.parametrize("has_get", [True, False])
@pytest.mark.parametrize("listed_on", [True, False], ids=["the kubelet is late", "the kubelet knows"])
def test_a_force_deleted_pod_leaves_at_once_as_in_the_kubelet(node: Node, has_get: bool, listed_on: bool) -> None:
    """Its container may run on, of which nobody tells. What takes its name is another pod."""
    if not has_get:
        node.kubelet.override("Get", DISABLED)
    node.has(EXPORTER, TRAIN, SERVE)
    node.source.tell(told("train"), told("serve"), meta(OWN[1]))
    node.kubelet.start()
    node.export()
    node.turn(12)
    if not listed_on:
        node.has(EXPORTER, SERVE)
    node.source.tell(told("serve"), meta(OWN[1]))
    node.rig.changes.report([("ml", "train")])
    page = node.rig.refresh()
    assert {"serve"} == page.labels("podres_container_devices", "pod")
    assert 7 == free(page)

    node.has(EXPORTER, SERVE)
    assert 7 == free(node.turn(320))
    node.has(EXPORTER, SERVE, pod("train", 2))
    node.tell(replace(told("train"), uid="uid-of-the-new-one"), told("serve"), meta(OWN[1]))
    page = node.turn(12)
    assert (6, {"GPU-1", "GPU-2"}) == (free(page), page.labels("podres_container_device_info", "device"))
    assert 0 == page.value("podres_kubelet_resync_differences_total")


def test_a_static_pod_outlives_its_mirror_pod_until_the_kubelet_does_not_have_it(node: Node) -> None:
    node.has(EXPORTER, STATIC)
    node.source.tell(meta(OWN[1]), told("proxy-node1", is_mirror=True))
    node.kubelet.start()
    node.export()
    node.turn(12)
    node.source.tell(meta(OWN[1]))
    node.rig.changes.report([("ml", "proxy-node1")])
    page = node.turn(5)
    assert {"proxy-node1"} == page.labels("podres_container_devices", "pod")

    node.has(EXPORTER)
    assert 8 == free(node.turn(320))


@pytest.mark.parametrize("has_get", [True, False])
@pytest.mark.parametrize("metadata", [True, False])
@pytest.mark.parametrize("how", ["is deleted", "has finished", "is made again"])
def test_what_ends_while_the_kubelet_is_down_is_gone_with_the_metadata_or_the_hold_down(
    node: Node, has_get: bool, metadata: bool, how: str
) -> None:
    """Another pod of the name holds what the kubelet says; nothing of the old one is left."""
    if not has_get:
        node.kubelet.override("Get", DISABLED)
    node.has(EXPORTER, TRAIN, SERVE)
    node.source.tell(told("train"), told("serve"), meta(OWN[1]))
    node.kubelet.start()
    node.export(metadata=metadata)
    node.turn(12)
    node.kubelet.kill()
    assert 6 == free(node.turn(25))

    later = {
        "is deleted": [],
        "has finished": [told("train", is_terminal=True)],
        "is made again": [replace(told("train"), uid="uid-of-the-new-one")],
    }[how]
    node.tell(*later, told("serve"), meta(OWN[1]))
    node.restart(EXPORTER, SERVE, *([pod("train", 2)] if how == "is made again" else []))
    left, gpus = (6, {"GPU-1", "GPU-2"}) if how == "is made again" else (7, {"GPU-1"})
    page = node.turn(12)
    if metadata or how == "is made again":
        assert (left, gpus) == (free(page), page.labels("podres_container_device_info", "device"))
    else:
        assert (6, 1) == (free(page), page.value("podres_pods_retained"))
    page = node.turn(75)
    assert (left, gpus) == (free(page), page.labels("podres_container_device_info", "device"))
    assert 0 == page.value("podres_pods_retained")


@pytest.mark.parametrize("has_get", [True, False])
def test_two_pods_of_one_name_hold_what_both_hold_over_a_restart(node: Node, has_get: bool) -> None:
    """One is terminating still. Get tells of one of them; what both hold is known by List, and ends by List."""
    if not has_get:
        node.kubelet.override("Get", DISABLED)
    successor = pod("train", 3)
    node.has(EXPORTER, TRAIN, successor)
    node.source.tell(told("train"), meta(OWN[1]))
    node.kubelet.start()
    node.export()
    assert 6 == free(node.turn(60))
    node.restart(STATIC)
    assert {"GPU-0", "GPU-3", "GPU-7"} == node.turn(15).labels("podres_container_device_info", "device")

    node.has(STATIC, EXPORTER, TRAIN, successor)
    assert (5, 0) == (free(node.turn(25)), node.rig.scrape().value("podres_pods_retained"))
    node.has(STATIC, EXPORTER, successor)
    page = node.turn(330)
    assert (6, {"GPU-3", "GPU-7"}) == (free(page), page.labels("podres_container_device_info", "device"))


def test_what_could_not_be_read_is_listed_again_by_the_resync_where_get_is_served(node: Node) -> None:
    """Get of the pod that is read reads it alone: until a List says all, nothing is known of what that item was."""
    nameless = pb.PodResources(containers=[pb.ContainerResources(name="main", devices=[GPUS[2]])])
    node.has(EXPORTER, TRAIN, nameless)
    node.source.tell(told("train"), meta(OWN[1]))
    node.kubelet.start()
    node.export()
    assert free(node.turn(60)) is None

    node.has(EXPORTER, TRAIN)
    assert free(node.turn(200)) is None
    page = node.turn(60)
    assert (7, {"start": 1, "resync": 1}) == (free(page), {why: n for why, n in lists(page).items() if n})


@pytest.mark.faults("the same without metadata (`--metadata.source=none`)")
@pytest.mark.parametrize("has_get", [True, False])
def test_without_metadata_what_came_before_a_deaf_restart_is_not_taken_for_free(node: Node, has_get: bool) -> None:
    """A pod that was admitted between the last List and the kubelet's end; measured on 1.36.3."""
    if not has_get:
        node.kubelet.override("Get", DISABLED)
    node.has(EXPORTER, TRAIN)
    node.kubelet.start()
    node.export(metadata=False)
    assert 7 == free(node.turn(15))
    node.restart(STATIC)
    for _ in range(3):
        page = node.turn(20)
        assert (None, 2) == (free(page), page.value("podres_pods_retained"))
        assert {"GPU-0", "GPU-7"} == page.labels("podres_container_device_info", "device")
    node.restart(STATIC)
    assert free(node.turn(1)) is None

    node.has(STATIC, EXPORTER, TRAIN, SERVE)
    assert 5 == free(node.turn(15))


@pytest.mark.parametrize("metadata", [True, False])
def test_a_static_exporter_is_no_witness(node: Node, metadata: bool) -> None:
    """A kubelet without its API server knows it all the same: others are waited for."""
    static, own = pod("exporter-node1"), own_pod("ml", "exporter-node1", "node1")
    node.has(static, TRAIN, SERVE)
    node.source.tell(told("train"), told("serve"), meta("exporter-node1"))
    node.kubelet.start()
    node.export(own, metadata=metadata)
    assert 6 == free(node.turn(15))
    node.restart(static)
    for _ in range(5):
        page = node.turn(20)
        assert (6 if metadata else None, 2) == (free(page), page.value("podres_pods_retained"))

    node.has(static, SERVE)
    node.tell(told("serve"), meta("exporter-node1"))
    page = node.turn(90)
    assert (7, 0) == (free(page), page.value("podres_pods_retained"))


@pytest.mark.faults("wrong `POD_NAME` or `POD_NAMESPACE`")
def test_a_wrong_own_name_is_said_once_and_the_rule_for_outside_a_pod_holds(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    """As where POD_NAME was copied from another pod."""
    node.has(STATIC, TRAIN)
    node.source.tell(told("train"), told("proxy-node1", is_mirror=True))
    node.kubelet.start()
    node.export(("ml", "of-another-pod"))
    assert free(node.turn(5)) is None

    assert 6 == free(node.turn(30))
    assert ["witness.wrong_name"] == [each.message for each in caplog.records if each.message.startswith("witness")]
    node.restart(STATIC)
    node.turn(10)
    node.has(STATIC, TRAIN)
    page = node.turn(30)
    assert (6, 0) == (free(page), page.value("podres_pods_retained"))


@pytest.mark.parametrize(
    ("namespace", "name", "own"),
    [
        ("ml", "exporter-x7k2p", ("ml", "exporter-x7k2p")),
        ("ml", "", None),
        ("", "exporter-x7k2p", None),
        ("ml", "exporter-node1", None),
    ],
    ids=["a pod", "no name", "no namespace", "a static pod"],
)
def test_the_own_pod_is_no_witness_where_it_is_static_or_not_known(
    namespace: str, name: str, own: PodKey | None
) -> None:
    assert own == own_pod(namespace, name, "node1")


def test_a_list_waits_while_a_pod_may_be_in_admission_and_not_for_ever(node: Node) -> None:
    """Without Get a pod that is new is news; another one that is being admitted may be getting its devices now."""
    node.kubelet.override("Get", DISABLED)
    node.runs_train()
    node.turn(15)
    admitted = replace(told("slow", has_started=False), phase="Pending")
    node.has(EXPORTER, TRAIN, SERVE)
    node.tell(told("train"), meta(OWN[1]), told("serve"), admitted)
    assert {"start": 1} == lists(node.turn(4))

    node.tell(told("train"), meta(OWN[1]), told("serve"))
    page = node.turn(3)
    assert ({"start": 1, "news": 1}, 6) == (lists(page), free(page))
    assert 1 == page.value("podres_kubelet_list_delays_total", outcome="waited")

    node.has(EXPORTER, SERVE)
    node.tell(told("serve"), meta(OWN[1]), told("more"), admitted)
    page = node.turn(25)
    assert 2 == lists(page)["news"]
    assert 1 == page.value("podres_kubelet_list_delays_total", outcome="gave_up")


@pytest.mark.faults("an unexpected error in a poll")
def test_an_unexpected_error_in_a_poll_is_a_failed_poll(node: Node) -> None:
    """The source is down and what is shown is old, until a poll succeeds (finding R9)."""
    node.has(EXPORTER, TRAIN)
    node.kubelet.start()
    node.export(metadata=False)
    node.turn(12)
    node.rig.poller.failed()
    page = node.rig.scrape()

    assert (0, 1) == state(page)
    assert {"train"} == page.labels("podres_container_devices", "pod")
    page = node.turn(12)
    assert (1, 0) == state(page)


def test_when_the_allocation_is_too_old_the_states_agree(node: Node) -> None:
    """The kubelet is down, the API server is not, and nothing is held any more, at every second (finding R9)."""
    node.runs_train()
    node.turn(12)
    node.kubelet.kill()
    shown = []
    for _ in range(140):
        page = node.turn(1)
        sources = [page.value("podres_source_up", source=source) for source in ("kubelet", "metadata")]
        shown.append((page.labels("podres_container_devices", "pod"), page.value("podres_pods_retained")))
        if shown[-1][0] == set():
            assert [0, 1] == sources
            assert page.value("podres_metadata_synced") == 1
            assert set() == page.names("podres_node_")

    assert ({"train"}, 0) == shown[0]
    assert (set(), None) == shown[-1]


@pytest.mark.parametrize("has_get", [True, False])
@pytest.mark.parametrize("metadata", [True, False])
def test_a_pod_that_is_being_deleted_holds_its_devices_over_a_restart(
    node: Node, has_get: bool, metadata: bool
) -> None:
    """The first answers lack it, and its containers run on until they have ended (finding R5)."""
    if not has_get:
        node.kubelet.override("Get", DISABLED)
    node.has(EXPORTER, TRAIN, SERVE)
    node.source.tell(told("train", is_deleting=True), told("serve"), meta(OWN[1]))
    node.kubelet.start()
    node.export(metadata=metadata)
    node.turn(12)
    node.restart(STATIC)
    page = node.turn(20)
    assert {"train", "serve", "proxy-node1"} == page.labels("podres_container_devices", "pod")
    assert (5 if metadata else None) == free(page)

    node.has(STATIC, EXPORTER, SERVE)
    node.source.tell(told("serve"), meta(OWN[1]))
    assert 6 == free(node.turn(12 if metadata else 90))


@pytest.mark.parametrize("has_get", [True, False])
def test_a_finished_pod_that_is_made_again_unheard_of_holds_its_devices(node: Node, has_get: bool) -> None:
    """The API server cannot be heard, and the last it said of the name is that it has finished (finding R3)."""
    if not has_get:
        node.kubelet.override("Get", DISABLED)
    node.has(EXPORTER, SERVE)
    node.source.tell(told("train", is_terminal=True), told("serve"), meta(OWN[1]))
    node.kubelet.start()
    node.export()
    assert 7 == free(node.turn(12))
    node.source.lose(is_away=True)
    node.has(EXPORTER, SERVE, TRAIN)
    page = node.turn(25)
    assert (6, {"train", "serve"}) == (free(page), page.labels("podres_container_devices", "pod"))

    node.tell(replace(told("train"), uid="uid-of-the-new-one"), told("serve"), meta(OWN[1]))
    page = node.turn(12)
    assert (6, {"train", "serve"}) == (free(page), page.labels("podres_container_devices", "pod"))
    assert 2 <= lists(page)["metadata"] <= 4


@pytest.mark.parametrize(
    ("damaged", "cpus"),
    [(pod("", 3), None), (pb.PodResources(namespace="ml", name="odd", containers=[pb.ContainerResources()]), None)],
    ids=["a pod without a name", "a container without a name"],
)
@pytest.mark.faults("an unreadable item in a good answer")
def test_what_an_unreadable_item_may_hold_is_not_free_until_it_can_be_read(
    node: Node, damaged: pb.PodResources, cpus: float | None
) -> None:
    """What could be read is shown all the same (finding R8)."""
    node.has(EXPORTER, TRAIN, damaged)
    node.kubelet.start()
    node.export(metadata=False)
    page = node.turn(3)
    assert (None, cpus) == (free(page), page.value("podres_node_shared_pool_cpus"))
    assert "train" in page.labels("podres_container_devices", "pod")

    node.has(EXPORTER, TRAIN)
    assert 7 == free(node.turn(12))


def test_a_device_of_an_unreadable_resource_leaves_the_cpus_alone(node: Node) -> None:
    odd = pb.ContainerResources(name="main", devices=[pb.ContainerDevices(resource_name=GPU, device_ids=[""])])
    node.has(EXPORTER, TRAIN, pb.PodResources(namespace="ml", name="odd", containers=[odd]))
    node.kubelet.start()
    node.export(metadata=False)
    page = node.turn(3)

    assert (None, 7) == (free(page), page.value("podres_node_shared_pool_cpus"))


@pytest.mark.parametrize("has_get", [True, False])
def test_a_pod_that_is_told_late_ran_before_a_kubelet_that_has_not_had_its_pods(node: Node, has_get: bool) -> None:
    """The watch is behind by seconds: the pod ran before the restart, whatever this kubelet's List lacks."""
    if not has_get:
        node.kubelet.override("Get", DISABLED)
    node.runs_train()
    node.turn(15)
    node.restart(STATIC)
    node.turn(2)
    node.tell(told("train"), meta(OWN[1]), told("serve"))
    for _ in range(6):
        assert free(node.turn(10)) is None
    assert () == node.rig.allocation().given_up_pods

    node.has(STATIC, EXPORTER, TRAIN, SERVE)
    assert 5 == free(node.turn(15))


@pytest.mark.parametrize("was_followed", [True, False])
@pytest.mark.parametrize("has_get", [True, False])
def test_a_pod_that_took_a_name_unheard_of_is_not_taken_for_the_one_before(
    node: Node, has_get: bool, was_followed: bool
) -> None:
    """It got other devices after the last List before the restart, while the metadata were away."""
    if not has_get:
        node.kubelet.override("Get", DISABLED)
    node.has(EXPORTER, TRAIN)
    if was_followed:
        node.source.tell(told("train"), meta(OWN[1]))
    node.kubelet.start()
    node.export()
    node.turn(5)
    node.source.lose(is_away=True)
    assert 7 == free(node.turn(25))
    node.restart(STATIC)
    node.turn(5)
    node.tell(replace(told("train"), uid="uid-of-the-new-one"), meta(OWN[1]))
    page = node.turn(15)
    assert (None, {"train", "proxy-node1"}) == (free(page), page.labels("podres_container_devices", "pod"))

    node.has(STATIC, EXPORTER, pod("train", 3))
    page = node.turn(15)
    assert (6, {"GPU-3", "GPU-7"}) == (free(page), page.labels("podres_container_device_info", "device"))


def test_a_pod_that_kept_its_name_while_the_metadata_were_away_moves_no_figure(node: Node) -> None:
    """The API server is back before the kubelet hears it."""
    node.runs_train()
    node.turn(5)
    node.source.lose(is_away=True)
    node.turn(25)
    node.restart(STATIC)
    node.turn(5)
    node.tell(told("train"), meta(OWN[1]))
    for _ in range(5):
        page = node.turn(10)
        assert (6, {"train", "proxy-node1"}) == (free(page), page.labels("podres_container_devices", "pod"))


@pytest.mark.parametrize("has_get", [True, False])
@pytest.mark.parametrize("own", [OWN, None], ids=["inside", "outside"])
def test_a_pod_that_the_list_of_a_restart_lacks_is_asked_for_soon(
    node: Node, has_get: bool, own: PodKey | None
) -> None:
    """The Lists that looked for the witness were no answers, after which longer and longer waits would follow."""
    if not has_get:
        node.kubelet.override("Get", DISABLED)
    node.has(STATIC)
    node.source.tell(told("train"), told("serve"), meta(OWN[1]))
    node.kubelet.start()
    node.export(own)
    node.turn(60)
    node.has(STATIC, EXPORTER, TRAIN)
    assert free(node.turn(13)) is None

    node.has(STATIC, EXPORTER, TRAIN, SERVE)
    assert 5 == free(node.turn(15))


@pytest.mark.parametrize("has_get", [True, False])
def test_an_old_kubelet_whose_pods_are_coming_is_listed_again_before_anything_is_free(
    node: Node, has_get: bool
) -> None:
    """The exporter starts in an outage, without metadata; a List falls between the own pod and the others."""
    if not has_get:
        node.kubelet.override("Get", DISABLED)
    node.has(STATIC)
    node.kubelet.start()
    node.export(metadata=False)
    node.turn(15)
    node.has(STATIC, EXPORTER)
    for _ in range(20):
        if "exporter-x7k2p" in {view.pod.name for view in node.rig.allocation().pods}:
            break
        assert free(node.turn(1)) is None
    node.has(STATIC, EXPORTER, TRAIN, SERVE)
    for _ in range(15):
        assert free(node.turn(1)) in {None, 5}
    assert 5 == free(node.turn(1))


def test_an_own_pod_of_which_get_fails_is_found_by_list(node: Node) -> None:
    node.runs_train()
    node.turn(15)
    node.kubelet.override("Get", RpcFault(grpc.StatusCode.INTERNAL, "no"))
    node.restart(STATIC)
    node.turn(30)
    node.has(STATIC, EXPORTER, TRAIN)
    page = node.turn(15)
    assert (6, 0) == (free(page), page.value("podres_pods_retained"))


def test_what_a_finished_pod_is_listed_with_is_not_taken_from_the_pod_that_has_it(node: Node) -> None:
    """A kubelet up to 1.33 has restarted, and knows the older pod only; it dies before it knows the other one."""
    node.kubelet.override("Get", DISABLED)
    finished, heir = pod("train", 0), pod("heir", 0)
    node.has(EXPORTER, finished, heir)
    node.source.tell(told("train", is_terminal=True), told("heir"), meta(OWN[1]))
    node.kubelet.start()
    node.export()
    assert 7 == free(node.turn(15))
    node.restart(EXPORTER, finished)
    for _ in range(3):
        page = node.turn(4)
        assert (7, {"heir"}) == (free(page), page.labels("podres_container_devices", "pod"))


@pytest.mark.parametrize("asking", ["fails", "is not possible"])
def test_what_a_pod_has_got_that_took_a_name_is_not_free_while_the_kubelet_cannot_be_asked(
    node: Node, asking: str
) -> None:
    """The API server says that another pod runs under the name; the kubelet is down, or Get of it fails."""
    node.runs_train()
    node.turn(30)
    node.has(EXPORTER, pod("train", 3))
    if asking == "fails":
        node.kubelet.override("Get", RpcFault(grpc.StatusCode.INTERNAL, "no"))
    else:
        node.kubelet.kill()
    node.tell(replace(told("train"), uid="uid-of-the-new-one"), meta(OWN[1]))
    page = node.turn(30)
    assert (None, {"train"}) == (free(page), page.labels("podres_container_devices", "pod"))

    if asking == "fails":
        node.kubelet.clear_override("Get")
    else:
        node.restart(EXPORTER, pod("train", 3))
    page = node.turn(12)
    assert (7, {"GPU-3"}) == (free(page), page.labels("podres_container_device_info", "device"))

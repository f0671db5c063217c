"""
A device held by two pods, from the kubelet's socket to the page: when it is reported and when not.

The kubelet is a real server on a real socket; the API server's side is told by each test.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from dra_rig import played
from eventually import eventually
from fake_clock import FakeClock
from rig import OLD_KUBELET_SECONDS, Rig, Scrape
from scripted_metadata import Told, meta

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.clock import SystemClock
from podres_exporter.scenario import KubeletSettings, Release
from podres_exporter.sim import FixedAnswers, RpcFault, SimKubelet

GPU = "example.com/gpu"
ROWS = [pb.ContainerDevices(resource_name=GPU, device_ids=[f"GPU-{number}"]) for number in range(4)]
SHARES = [pb.ContainerDevices(resource_name=GPU, device_ids=[f"GPU-0::{number}"]) for number in range(2)]
ALLOCATABLE = pb.AllocatableResourcesResponse(devices=ROWS, cpu_ids=range(8)).SerializeToString()
DEVICES, CPUS, CLAIMED = (f"podres_node_double_held_{what}" for what in ("devices", "cpus", "claim_devices"))


def pod(name: str, *gpus: int, cpus: tuple[int, ...] = (), claim: str = "") -> pb.PodResources:
    """Return a pod of the namespace ml; with a *claim* it has the one DRA device of the node."""
    lane = pb.ClaimResource(driver_name="dra.example.com", pool_name="node1", device_name="lane-0")
    claims = [pb.DynamicResource(claim_name=claim, claim_namespace="ml", claim_resources=[lane])] if claim else []
    container = pb.ContainerResources(
        name="main", devices=[ROWS[gpu] for gpu in gpus], cpu_ids=cpus, dynamic_resources=claims
    )
    return pb.PodResources(namespace="ml", name=name, containers=[container])


def of(name: str, *containers: tuple[str, pb.ContainerDevices]) -> pb.PodResources:
    """Return a pod of the namespace ml with a device for each container."""
    rows = [pb.ContainerResources(name=container, devices=[row]) for container, row in containers]
    return pb.PodResources(namespace="ml", name=name, containers=rows)


def answers(*pods: pb.PodResources) -> FixedAnswers:
    gets = {(each.namespace, each.name): pb.GetPodResourcesResponse(pod_resources=each) for each in pods}
    listed = pb.ListPodResourcesResponse(pod_resources=pods).SerializeToString()
    return FixedAnswers(listed, ALLOCATABLE, {key: get.SerializeToString() for key, get in gets.items()})


class Node:
    """A kubelet and the exporter in front of it; time goes by when a test says so."""

    def __init__(self, directory: Path, sysfs: Path, release: int, *, metadata: bool) -> None:
        self.clock = FakeClock(SystemClock().wall_seconds() + OLD_KUBELET_SECONDS)
        self.kubelet = SimKubelet(directory / "kubelet.sock", answers(), self.clock, KubeletSettings(Release(release)))
        if 27 <= release <= 33:
            self.kubelet.override("Get", RpcFault(grpc.StatusCode.UNKNOWN, "PodResources API Get method disabled"))
        self.told = Told() if metadata else None
        self.rig = Rig(directory / "kubelet.sock", sysfs, metadata=self.told, clock=self.clock)

    def has(self, *pods: pb.PodResources, finished: tuple[str, ...] = ()) -> None:
        """Let the kubelet have these pods, and the API server too."""
        self.kubelet.answers = answers(*pods)
        if self.told is not None:
            self.told.tell(*(meta(each.name, is_terminal=each.name in finished) for each in pods))

    def heard(self, *names: str) -> None:
        """Let the API server tell that these pods are other ones than before, or gone."""
        if self.told is not None:
            known = self.told.metadata().pods
            self.told.tell(
                *(replace(each, uid=f"{each.uid}+" if each.name in names else each.uid) for each in known.values())
            )
            self.rig.changes.report([("ml", name) for name in names])

    def go_on(self, seconds: float) -> Scrape:
        """Let time go by in steps, with what the loop does in it, and return the page."""
        for _ in range(int(seconds / 0.5)):
            self.clock.advance(0.5)
            self.rig.poller.refresh()
        return self.rig.scrape()


@pytest.fixture(name="sysfs")
def a_sysfs(short_dir: Path) -> Path:
    for node, cpus in ((0, "0-3"), (1, "4-7")):
        folder = short_dir / f"sys/devices/system/node/node{node}"
        folder.mkdir(parents=True)
        (folder / "cpulist").write_text(f"{cpus}\n", encoding="ascii")
    return short_dir / "sys"


@pytest.fixture(name="node", params=[(36, True), (36, False), (33, True)], ids=["1.36", "1.36 alone", "1.33"])
def a_node(request: pytest.FixtureRequest, short_dir: Path, sysfs: Path) -> Iterator[Node]:
    """Yield a node with Get and metadata, with Get alone, and with metadata alone."""
    release, metadata = request.param
    made = Node(short_dir, sysfs, release, metadata=metadata)
    with made.kubelet, made.rig:
        yield made


def counts(page: Scrape) -> tuple[float | None, float | None, float | None]:
    """Return how many GPUs, CPUs of node 1 and DRA devices (perhaps) are held twice."""
    claimed = page.value(CLAIMED, driver="dra.example.com", certainty="possible")
    return page.value(DEVICES, resource=GPU), page.value(CPUS, numa_node="1"), claimed


def test_a_device_a_cpu_and_a_dra_device_in_two_hands_count_at_the_second_look(node: Node) -> None:
    """Nothing counts at the first look; the second comes by Get two seconds later, or with the next List."""
    node.has(pod("a", 0, cpus=(5,), claim="one"), pod("b", 0, 1, cpus=(5, 6), claim="two"))

    first = counts(node.rig.poll())
    for _ in range(32):  # over five minutes: without Get a node on which nothing changes is listed no sooner
        node.go_on(10)
        page = node.rig.poll()

    assert (0, 0, 0) == first
    assert (1, 1, 1) == counts(page)
    assert page.value(CPUS, numa_node="0") == 0
    assert page.value(CLAIMED, driver="dra.example.com", certainty="certain") == 0


def test_the_second_look_asks_for_the_two_pods_alone(short_dir: Path, sysfs: Path) -> None:
    """With Get each is asked for once, not before two seconds, and no List is made for it: List writes."""
    node = Node(short_dir, sysfs, 36, metadata=True)
    node.has(pod("a", 0), pod("b", 0), pod("c", 1), pod("d", 2))
    with node.kubelet, node.rig:
        node.rig.poller.tick()
        lists, gets = node.kubelet.calls["List"], node.kubelet.calls["Get"]
        early = node.go_on(1.5).value(DEVICES, resource=GPU)
        asked_early = node.kubelet.calls["Get"] - gets
        late = node.go_on(2.5).value(DEVICES, resource=GPU)
        asked = node.kubelet.calls["Get"] - gets
        again = node.go_on(10).value(DEVICES, resource=GPU)

        assert (0, 0) == (early, asked_early)
        assert (1, 2) == (late, asked)
        assert 1 == again
        assert node.kubelet.calls["Get"] - gets == 2
        assert lists == node.kubelet.calls["List"]


def test_what_is_over_at_the_second_look_never_counts(short_dir: Path, sysfs: Path) -> None:
    """One answer may hold a pod that was just ending and the one that has got its device."""
    node = Node(short_dir, sysfs, 36, metadata=True)
    node.has(pod("a", 0), pod("b", 0))
    with node.kubelet, node.rig:
        node.rig.poller.tick()
        node.has(pod("b", 0))
        page = node.go_on(10)

    assert 0 == page.value(DEVICES, resource=GPU)


@pytest.mark.parametrize(
    "pods",
    [
        (pod("a", 0), pod("b", 1)),
        (pod("a", claim="one"), pod("b", claim="one")),
        (pod("a", cpus=(4,)), pod("b", cpus=(5,))),
        (of("a", ("main", SHARES[0])), of("b", ("main", SHARES[1]))),
        (of("a", ("init", ROWS[0]), ("sidecar", ROWS[0]), ("main", ROWS[0])), pod("b", 1)),
        (pod("a", 0), pod("a", 0), pod("b", 1)),
    ],
    ids=[
        "devices of their own",
        "one claim",
        "CPUs of their own",
        "replicas of one device",
        "init containers that pass it on",
        "two rows of one name",
    ],
)
def test_look_alikes_stay_at_0(node: Node, pods: tuple[pb.PodResources, ...]) -> None:
    """Pods that share a claim share its devices on purpose, and so do those that share a device by its replicas."""
    node.has(*pods)
    node.rig.poll()
    for _ in range(4):
        node.go_on(12)
        assert {0.0, None} >= set(counts(node.rig.poll()))


def test_a_pod_that_is_made_again_under_its_name_is_no_second_holder(node: Node) -> None:
    """What the old instance held another pod gets, while the new one has something else."""
    node.has(pod("a", 0, cpus=(5,), claim="old"), pod("b", 1))
    node.rig.poll()
    for new in (pod("a", 2, cpus=(6,)), pod("a", 0, cpus=(5,))):
        node.has(
            new, pod("b", 1), *([pod("c", 0, cpus=(5,), claim="new")] if new.containers[0].cpu_ids[0] == 6 else [])
        )
        node.heard("a", "c")
        for _ in range(4):
            assert {0.0, None} >= set(counts(node.go_on(6)))
            assert {0.0, None} >= set(counts(node.rig.poll()))


def test_a_finished_predecessor_is_no_holder(short_dir: Path, sysfs: Path) -> None:
    """1.33 lists the finished pod with its device beside the one that has it now (#119423)."""
    node = Node(short_dir, sysfs, 33, metadata=True)
    node.has(pod("done", 0), pod("next", 0), finished=("done",))
    with node.kubelet, node.rig:
        for _ in range(3):
            node.rig.poll()
            page = node.go_on(12)

    assert 0 == page.value(DEVICES, resource=GPU)


def test_a_kubelet_that_lists_finished_pods_is_not_judged_without_metadata(short_dir: Path, sysfs: Path) -> None:
    """Nobody knows whether both are alive: no series, for 0 would say that all is well."""
    node = Node(short_dir, sysfs, 33, metadata=False)
    node.has(pod("a", 0), pod("b", 0))
    with node.kubelet, node.rig:
        page = node.rig.poll()

    assert set() == page.names("podres_node_double_held")


def test_what_is_retained_is_no_holder(short_dir: Path, sysfs: Path) -> None:
    """After its restart the kubelet has not said `a` yet, and `b` has got the device: `a` has ended, or will."""
    node = Node(short_dir, sysfs, 36, metadata=True)
    node.has(pod("a", 0), pod("b", 1))
    with node.kubelet, node.rig:
        node.rig.poll()
        node.kubelet.answers = answers(pod("b", 0, 1))
        node.kubelet.restart()
        node.rig.poll_until(lambda page: page.value("podres_kubelet_restarts_total") == 1)
        page = node.go_on(5)

    assert 0 == page.value(DEVICES, resource=GPU)


CLAIMS_SCENARIO = """
node: n1
kubelet: {release: "1.36"}
numa: [{node: 0, cpus: "0-3", memory: 8Gi}]
slices:
  - {name: gpus, spec: {driver: gpu.example.com, devices: [{name: gpu-0}, {name: gpu-1}]}}
claims:
  - namespace: ml
    name: one
    devices: [{driver: gpu.example.com, pool: n1, device: gpu-0}]
    status: {allocation: {devices: {results: [{request: gpu, driver: gpu.example.com, pool: n1, device: gpu-0}]}}}
  - namespace: ml
    name: two
    devices: [{driver: gpu.example.com, pool: n1, device: gpu-0}, {driver: gpu.example.com, pool: n1, device: gpu-1}]
    status:
      allocation:
        devices:
          results:
            - {request: gpu, driver: gpu.example.com, pool: n1, device: gpu-0ADMIN}
            - {request: gpu, driver: gpu.example.com, pool: n1, device: gpu-1ADMIN}
pods:
  - namespace: ml
    name: a
    spec:
      resourceClaims: [{name: gpu, resourceClaimName: one}]
      containers: [{name: main, resources: {claims: [{name: gpu}]}}]
  - namespace: ml
    name: b
    spec:
      resourceClaims: [{name: gpu, resourceClaimName: two}]
      containers: [{name: main, resources: {claims: [{name: gpu}]}}]
"""


@pytest.mark.parametrize(("admin", "certain"), [("", 1), (", adminAccess: true", 0)], ids=["held", "looked at"])
def test_where_the_claims_are_read_a_dra_device_in_two_hands_is_certain(
    short_dir: Path, admin: str, certain: int
) -> None:
    """The whole node: kubelet, API server with slices and claims, and the exporter. Admin access holds nothing."""
    with played(CLAIMS_SCENARIO.replace("ADMIN", admin), short_dir) as node:

        def shows(certainty: str, number: int) -> bool:
            return f'{CLAIMED}{{driver="gpu.example.com",certainty="{certainty}"}} {number}\n' in node.page()

        def is_read() -> bool:
            return 2 <= node.page().count('request="gpu"')

        assert eventually(is_read, 20_000)
        assert eventually(lambda: shows("certain", certain), 20_000), node.page()
        assert shows("possible", 0)

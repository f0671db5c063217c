"""Cgroups that differ from the kubelet's list: a kubelet socket, directories as cgroups, the page over HTTP."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fake_clock import FakeClock
from rig import OLD_KUBELET_SECONDS, Rig
from scripted_metadata import Told, meta

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.clock import SystemClock
from podres_exporter.scenario import KubeletSettings, Release
from podres_exporter.sim import FixedAnswers, SimKubelet
from podres_exporter.sources.cgroups import CgroupCpusets

DRIFT, UNREAD = "podres_container_cpuset_drift_cpus", "podres_node_cpuset_unread_containers"
KEY = ("ml", "train")


def train(*cpus: int) -> FixedAnswers:
    """Return a kubelet's answers whose one pod has these CPUs exclusively."""
    pod = pb.PodResources(namespace=KEY[0], name=KEY[1], containers=[pb.ContainerResources(name="main", cpu_ids=cpus)])
    return FixedAnswers(
        pb.ListPodResourcesResponse(pod_resources=[pod]).SerializeToString(),
        pb.AllocatableResourcesResponse(cpu_ids=range(1, 8)).SerializeToString(),
        {KEY: pb.GetPodResourcesResponse(pod_resources=pod).SerializeToString()},
    )


class Node:
    """A kubelet, the API server's word of one pod, and a cgroup tree."""

    def __init__(self, socket: Path, directory: Path, release: int) -> None:
        self.root, self.source = directory / "cgroup", Told()
        self.root.mkdir()
        (self.root / "cgroup.controllers").write_text("cpuset\n")
        clock = FakeClock(SystemClock().wall_seconds() + OLD_KUBELET_SECONDS)
        self.kubelet = SimKubelet(socket, train(2, 3), clock, KubeletSettings(Release(release)))
        self.kubelet.start()
        self.rig = Rig(socket, directory, metadata=self.source, clock=clock, cpusets=CgroupCpusets(self.root))

    def runs_as(self, container_id: str, cpus: str) -> None:
        """Let the pod's container run under this ID on these CPUs; the metadata report it as loudly as they can."""
        folder = self.root / f"kubepods.slice/kubepods-pod1.slice/cri-containerd-{container_id}.scope"
        folder.mkdir(parents=True)
        (folder / "cpuset.cpus.effective").write_text(cpus)
        self.source.tell(replace(meta(KEY[1]), running_ids=(("main", container_id),)))
        self.rig.changes.report([KEY])

    def drift(self) -> tuple[float | None, float | None]:
        """Return missing and foreign CPUs, None where they are not stated."""
        page = self.rig.scrape()
        missing, foreign = (page.value(DRIFT, pod="train", kind=kind) for kind in ("missing", "foreign"))
        return missing, foreign


@pytest.fixture(params=[36, 26], ids=["Get", "List only"])
def node(short_dir: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Node]:
    """Yield a node whose container runs where it should."""
    node = Node(short_dir / "pod-resources/kubelet.sock", tmp_path, request.param)
    node.runs_as("id1", "2-3\n")
    with node.rig:
        node.rig.poll()
        yield node
    node.kubelet.stop()


def test_a_restart_is_followed_and_asks_the_kubelet_nothing(node: Node) -> None:
    """Another container ID changes nothing that the kubelet lists: no Get, no List, between two polls or at one."""
    assert (0, 0) == node.drift()
    for _ in range(3):
        node.rig.poll()
    before = {rpc: node.kubelet.calls[rpc] for rpc in ("List", "Get")}
    node.runs_as("id2", "0-2\n")
    node.rig.poller.refresh()

    assert (0, 0) == node.drift()  # cgroups are read at polls only
    node.rig.poller.tick()
    assert (1, 2) == node.drift()
    assert before == {rpc: node.kubelet.calls[rpc] for rpc in before}


def test_a_cgroup_that_goes_leaves_no_row_but_a_count(node: Node) -> None:
    """Never guessed from what it was."""
    folder = next(node.root.rglob("*id1.scope"))
    (folder / "cpuset.cpus.effective").unlink()
    folder.rmdir()
    page = node.rig.poll()

    assert (None, None) == node.drift()
    assert 1 == page.value(UNREAD, reason="not_found")


def test_an_unchanged_drift_leaves_the_page_as_it_is(node: Node) -> None:
    """Rendering thousands of lines at each poll would cost more than all else."""
    first = node.rig.allocation()
    node.rig.poll()

    assert first is node.rig.allocation()

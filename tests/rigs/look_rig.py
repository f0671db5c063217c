"""A small simulated node for one-shot commands, and the commands in the test process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.cli import main
from podres_exporter.clock import SystemClock
from podres_exporter.sim import FixedAnswers, SimKubelet
from podres_exporter.sim.api import PODS, ApiServer, Store, kubeconfig

NODE = "node1"
GPU = "example.com/gpu"


def device(device_id: str, node: int, resource: str = GPU) -> pb.ContainerDevices:
    topology = pb.NUMATopology(nodes=[pb.NUMANode(ID=node)])
    return pb.ContainerDevices(resource_name=resource, device_ids=[device_id], topology=topology)


def memory(size: int, node: int) -> pb.ContainerMemory:
    topology = pb.NUMATopology(nodes=[pb.NUMANode(ID=node)])
    return pb.ContainerMemory(memory_type="memory", size=size, topology=topology)


TRAIN = pb.PodResources(
    name="train",
    namespace="ml",
    containers=[
        pb.ContainerResources(name="main", devices=[device("GPU-aa", 0)], cpu_ids=[2, 3], memory=[memory(4 << 30, 0)])
    ],
)
SERVE = pb.PodResources(
    name="infer",
    namespace="web",
    containers=[pb.ContainerResources(name="server", devices=[device("GPU-ab", 1)]), pb.ContainerResources(name="log")],
)
DONE = pb.PodResources(
    name="done", namespace="ml", containers=[pb.ContainerResources(name="main", devices=[device("GPU-ac", 1)])]
)
REPORTED = pb.AllocatableResourcesResponse(
    devices=[device("GPU-aa", 0), device("GPU-ab", 1), device("GPU-ac", 1), device("GPU-b0", 1)],
    cpu_ids=[1, 2, 3, 4, 5, 6, 7],
    memory=[memory(8 << 30, 0), memory(8 << 30, 1)],
)


def answers(*pods: pb.PodResources) -> FixedAnswers:
    """Return a kubelet's answers with these pods."""
    return FixedAnswers(
        pb.ListPodResourcesResponse(pod_resources=pods).SerializeToString(),
        REPORTED.SerializeToString(),
        {
            (each.namespace, each.name): pb.GetPodResourcesResponse(pod_resources=each).SerializeToString()
            for each in pods
        },
    )


def manifest(name: str, namespace: str, phase: str = "Running") -> dict[str, Any]:
    """Return a pod of the API server that asks for what it holds here."""
    limits = {"cpu": "2", "memory": "4Gi", GPU: "1"} if name == "train" else {GPU: "1"}
    return {
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}", "labels": {"app": f"{name}-app"}},
        "spec": {
            "nodeName": NODE,
            "containers": [
                {"name": "server" if name == "infer" else "main", "resources": {"limits": limits, "requests": limits}}
            ],
        },
        "status": {
            "phase": phase,
            "qosClass": "Guaranteed" if name == "train" else "Burstable",
            "startTime": "2026-11-20T08:00:00Z",
        },
    }


@dataclass(frozen=True, slots=True)
class Spot:
    """The node; *flags* lead a command to it, *api* is None where it has none."""

    directory: Path
    kubelet: SimKubelet
    sysfs: Path
    store: Store | None = None
    config: Path | None = None

    @property
    def flags(self) -> list[str]:
        where = [
            f"--kubelet.socket={self.kubelet.socket_path}",
            f"--topology.sysfs={self.sysfs}",
            f"--node-name={NODE}",
        ]
        return [*where, f"--metadata.kubeconfig={self.config}" if self.config else "--metadata.source=none"]


@contextmanager
def spot(directory: Path, *, metadata: bool = False) -> Iterator[Spot]:
    """Run the node with three pods, one of which has finished; with *metadata*, an API server too."""
    sysfs = directory / "sys"
    for node, cpus in enumerate(("0-3", "4-7")):
        folder = sysfs / f"devices/system/node/node{node}"
        folder.mkdir(parents=True)
        (folder / "cpulist").write_text(f"{cpus}\n", encoding="ascii")
    clock = SystemClock()
    with SimKubelet(directory / "k/kubelet.sock", answers(TRAIN, SERVE, DONE), clock) as kubelet:
        if not metadata:
            yield Spot(directory, kubelet, sysfs)
            return
        store = Store(clock)
        for name, namespace, phase in (
            ("train", "ml", "Running"),
            ("infer", "web", "Running"),
            ("done", "ml", "Succeeded"),
        ):
            store.create(PODS, manifest(name, namespace, phase))
        with ApiServer(store, clock) as api:
            config = directory / "config"
            config.write_text(kubeconfig(api.url), encoding="utf-8")
            yield Spot(directory, kubelet, sysfs, store, config)


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[list[str]]:
        """The words of each line."""
        return [line.split() for line in self.out.splitlines()]


class Command:
    """Runs commands in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *argv: str | Path) -> Ran:
        code = main([str(each) for each in argv])
        captured = self._capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    def faults(self, *argv: str | Path) -> list[str]:
        """Run a command that must be refused as wrong usage; return its faults."""
        ran = self(*argv)
        *faults, last = ran.err.splitlines()
        assert (2, "", f"podres-exporter: see podres-exporter {argv[0]} --help") == (ran.code, ran.out, last)
        return [fault.removeprefix("podres-exporter: ") for fault in faults]

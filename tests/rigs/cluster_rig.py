"""A simulated cluster on loopback: an API server whose pod proxy reaches exporters with given snapshots."""

import gzip
import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from builders import TWO_NODES, allocatable, block, container, gpu, pod

from podres_exporter.clock import SystemClock
from podres_exporter.cluster.outcome import Answered, Target
from podres_exporter.document import encode
from podres_exporter.join import Joiner
from podres_exporter.model import (
    ContainerKind,
    ContainerSpec,
    Listing,
    Metadata,
    Part,
    Pod,
    PodMeta,
    RpcSupport,
    Snapshot,
    SourceHealth,
    Support,
)
from podres_exporter.sim.api import NODES, PODS, Answer, ApiServer, Backend, Inquiry, Store, kubeconfig

NOW = 1_790_000_000.0
LABELS = {"app.kubernetes.io/name": "podres-exporter"}
PATH = "/api/v1/snapshot"
GIB = 1 << 30


def meta(name: str, namespace: str = "ml", **more: Any) -> PodMeta:
    """Return a running Guaranteed pod that asks for two GPUs, two CPUs and a GiB."""
    spec = ContainerSpec("main", ContainerKind.APP, (("nvidia.com/gpu", 2),), 2000, (("memory", GIB),))
    stated = {"phase": "Running", "qos_class": "Guaranteed", "has_started": True, "containers": (spec,)}
    return PodMeta(namespace, name, f"uid-{name}", **{**stated, **more})


def trainer(node: str, *, cpus: str = "0-1", gpus: int = 2) -> Pod:
    """Return the pod of a node: two CPUs, a GiB and some of the GPUs of NUMA node 0."""
    devices = [gpu(f"GPU-{node}-{number}", 0) for number in range(gpus)]
    return pod(f"train-{node}", container("main", *devices, cpus=cpus, memory=[block(1024, 0)]), namespace="ml")


def snapshot(node: str, *pods: Pod, **more: Any) -> Snapshot:
    """Return a node with four GPUs, eight CPUs and 16 GiB on two NUMA nodes, whose sources are well."""
    reported = allocatable(
        *(gpu(f"GPU-{node}-{number}", number // 2) for number in range(4)),
        cpus="0-7",
        memory=[block(8192, 0), block(8192, 1)],
    )
    metas = {each.key: meta(each.name, each.namespace) for each in pods}
    metadata = Metadata(metas, synced=True, is_up=True, last_success_seconds=NOW)
    stated: dict[str, Any] = {
        "metadata": metadata,
        "sources": tuple(SourceHealth(source, True, NOW) for source in ("kubelet", "topology", "metadata")),
        "rpcs": tuple(RpcSupport(rpc, Support.SUPPORTED) for rpc in ("List", "GetAllocatableResources", "Get")),
        "parts": (Part("pods", stale=False, held=False), Part("allocatable", stale=False, held=False)),
    }
    allocation = Joiner().join(Listing(pods), reported, TWO_NODES, metadata)
    return Snapshot(node, **{"allocation": allocation, **stated, **more})


def busy(node: str) -> Snapshot:
    """Return a node with its trainer."""
    return snapshot(node, trainer(node))


def told(
    node: str, found: Snapshot | None = None, *, version: str = "1.0.0", at: float = NOW, **target: Any
) -> Answered:
    """Return what the exporter of a node told."""
    shown = busy(node) if found is None else found
    said = shown.node
    return Answered(Target(node, "monitoring", f"exporter-{node}", 10190, **target), shown, at, version, said)


def document(found: Snapshot, *, version: str = "1.0.0", at: float | None = None) -> dict[str, Any]:
    """Return the snapshot's document."""
    seconds = SystemClock().wall_seconds() if at is None else at
    return encode(found, generated_at_seconds=seconds, version=version)


def serving(content: Mapping[str, Any]) -> Backend:
    """Return an exporter that has this document, compressed as it has it."""
    body = gzip.compress(json.dumps(content).encode())

    def answer(inquiry: Inquiry) -> Answer:
        if inquiry.path != PATH:
            return Answer(404, b"no such page\n", {"Content-Type": "text/plain; charset=utf-8"})
        return Answer(200, body, {"Content-Type": "application/json", "Content-Encoding": "gzip"})

    return answer


def answering(code: int, body: bytes = b"no\n") -> Backend:
    """Return an exporter that answers this, whatever it is asked."""
    return lambda _: Answer(code, body, {"Content-Type": "text/plain; charset=utf-8"})


def unreachable(error: str) -> Backend:
    """Return a pod that the API server cannot reach."""

    def refuse(_: Inquiry) -> Answer:
        raise OSError(error)

    return refuse


def owner(name: str, uid: str = "ds-1") -> dict[str, Any]:
    """Return the reference to a DaemonSet that its pods have."""
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": name, "uid": uid, "controller": True}


def exporter_pod(node: str, **more: Any) -> dict[str, Any]:
    """Return the exporter's pod on a node, running and ready; *more* is taken into its status."""
    return {
        "metadata": {
            "name": f"exporter-{node}",
            "namespace": "monitoring",
            "labels": LABELS,
            "ownerReferences": [owner("exporter")],
        },
        "spec": {
            "nodeName": node,
            "containers": [{"name": "main", "image": "i", "ports": [{"name": "metrics", "containerPort": 10190}]}],
        },
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": "True"}],
            **more,
        },
    }


class Fleet:
    """An API server with exporters; its kubeconfig is `config` in the directory, its context's namespace is `ml`."""

    def __init__(self, directory: Path) -> None:
        clock = SystemClock()
        self.store, self.released = Store(clock), threading.Event()
        self.server = ApiServer(self.store, clock)
        self.config = directory / "config"

    def __enter__(self) -> Self:
        self.server.start()
        self.config.write_text(kubeconfig(self.server.url).replace("namespace: default", "namespace: ml"))
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self.server.stop()

    def add(self, node: str, backend: Backend | Snapshot | None = None, **status: Any) -> None:
        """Add a node with an exporter; without a backend no process listens there."""
        self.store.create(NODES, {"metadata": {"name": node}})
        self.store.create(PODS, exporter_pod(node, **status))
        if isinstance(backend, Snapshot):
            backend = serving(document(backend))
        if backend is not None:
            self.server.backends.put("monitoring", f"exporter-{node}", backend)

    def hanging(self, begun: Callable[[], object] | None = None) -> Backend:
        """Return an exporter that never answers; *begun* is called when it is asked."""

        def hang(_: Inquiry) -> Answer:
            if begun is not None:
                begun()
            self.released.wait(60)
            return Answer(500, b"")

        return hang

"""
A live simulated node with the exporter in front of it, and the comparison of both.

The node's answers are read with the generated messages alone, the exporter's from its snapshot and from its page.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from rig import Rig, Scrape
from sim_client import ALLOCATABLE, GET, LIST, Reply, ask, get_request

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.clock import SystemClock
from podres_exporter.model import Allocation, Container
from podres_exporter.scenario import parse_scenario
from podres_exporter.sim.api import PODS
from podres_exporter.sim.live import LiveNode

Nodes = frozenset[int] | None
Amounts = dict[str, dict[str, tuple[int, dict[str, int]]]]
"""{pod: {container: (exclusive CPUs, {resource: devices})}}."""

PATIENCE_SECONDS = 60.0


class Held(NamedTuple):
    """What one container holds; devices as (resource, id), memory as (type, nodes, bytes)."""

    cpus: frozenset[int]
    devices: frozenset[tuple[str, str]]
    memory: frozenset[tuple[str, frozenset[int], int]]


class Stock(NamedTuple):
    """What may be handed out; of each device the NUMA nodes, None where there is no topology."""

    cpus: frozenset[int]
    devices: dict[tuple[str, str], Nodes]


Pods = dict[str, dict[str, Held]]
"""{pod: {container: what it holds}}; containers in the order of the answer, which the snapshot does not keep."""


def container(
    name: str = "cnt-00",
    cpu: str = "",
    devices: Mapping[str, int] | None = None,
    memory: str = "100Mi",
    restart: str = "",
) -> dict[str, Any]:
    """Return a container whose limits are its requests; *restart* Always makes an init container restartable."""
    limits: dict[str, str] = {key: str(count) for key, count in (devices or {}).items()}
    if cpu:
        limits |= {"cpu": cpu, "memory": memory}
    return {
        "name": name,
        "image": "simulated",
        "resources": {"requests": limits, "limits": limits},
        **({"restartPolicy": restart} if restart else {}),
    }


def pod(name: str, *containers: dict[str, Any], init: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
    """Return a manifest in the namespace default; without containers it has one that asks for nothing."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": "default", "name": name},
        "spec": {"initContainers": list(init), "containers": list(containers) or [container()]},
    }


def on_node(manifest: dict[str, Any], node: LiveNode) -> dict[str, Any]:
    """Return the manifest with the node's name in it, so that no scheduler comes before the kubelet."""
    return {**manifest, "spec": {**manifest["spec"], "nodeName": node.scenario.node}}


def amounts(pods: Pods) -> Amounts:
    """Return how much of what each container holds; which, the kubelet may choose."""
    return {name: {each: _amounts(held) for each, held in containers.items()} for name, containers in pods.items()}


def _amounts(held: Held) -> tuple[int, dict[str, int]]:
    resources = [resource for resource, _ in held.devices]
    return len(held.cpus), {resource: resources.count(resource) for resource in resources}


class _AheadClock(SystemClock):
    """The machine's clock, as far ahead as it is told."""

    def __init__(self) -> None:
        self.ahead_seconds = 0.0

    def monotonic_seconds(self) -> float:
        return super().monotonic_seconds() + self.ahead_seconds


class NodeRig:
    """
    The node, its pods and the exporter.

    Before each question the node's clock jumps by the tenth of a second in which its rate limit recovers entirely.
    """

    def __init__(self, node: LiveNode, rig: Rig, clock: _AheadClock) -> None:
        self.node = node
        self.rig = rig
        self._clock = clock

    def create(self, *manifests: dict[str, Any]) -> None:
        """Create pods, in this order."""
        for manifest in manifests:
            self.node.create(manifest)

    def delete(self, name: str) -> None:
        self.node.store.delete(PODS, "default", name)

    def finish(self, *names: str) -> None:
        """Let the containers of pods end by themselves."""
        for name in names:
            self.node.finish("default", name)

    def status(self, name: str) -> tuple[str, str]:
        """Return the phase and the reason that the pod's status states."""
        status = self.node.store.get(PODS, "default", name)["status"]
        return status["phase"], status.get("reason", "")

    def listed(self) -> Pods:
        """Return what List says."""
        return pods_of(self._ask(LIST))

    def get(self, name: str) -> Reply:
        """Ask for one pod."""
        return self._ask(GET, get_request(name))

    def allocatable(self) -> Stock:
        """Return what GetAllocatableResources says."""
        return stock_of(self._ask(ALLOCATABLE))

    def allocation(self) -> Allocation:
        """Return what the exporter's last snapshot has."""
        allocation = self.rig.snapshots[-1].allocation
        assert allocation is not None, "the exporter shows nothing"

        return allocation

    def shown(self) -> Pods:
        """Return the pods of the exporter's last snapshot."""
        pods = [view.pod for view in self.allocation().pods]
        return {pod.name: {each.name: _shown(each) for each in pod.containers} for pod in pods}

    def shown_stock(self) -> Stock:
        """Return what may be handed out by the exporter's last snapshot; no nodes and nil are one to it."""
        allocation = self.allocation()
        devices = {
            (row.resource, each): row.numa_nodes or None for row in allocation.devices for each in row.reported or ()
        }
        return Stock(allocation.cpus.allocatable or frozenset(), devices)

    def agreed(self) -> Pods:
        """Return what List says, once the exporter has polled and its snapshot and its page say the same."""
        listed = self.listed()
        page = self.rig.poll()

        assert listed == self.shown()
        assert _flat(amounts(listed)) == page_amounts(page)
        return listed

    def agreed_stock(self) -> Stock:
        """Return what GetAllocatableResources says, once the exporter has polled and says the same."""
        stock = self.allocatable()
        page = self.rig.poll()

        assert stock == self.shown_stock()
        assert len(stock.devices) == page_sum(page, "podres_node_allocatable_devices")
        assert len(stock.cpus) == page_sum(page, "podres_node_allocatable_cpus")
        return stock

    def wait_for_plugins(self, *resources: str) -> None:
        """Wait until these resources, and no others, have a device to hand out."""
        devices = self.node.devices
        found = devices.wait_until(
            lambda: set(resources) == {name for name, ids in devices.healthy().items() if ids}, PATIENCE_SECONDS
        )

        assert found, devices.healthy()

    def wait_for_exporter(self) -> Scrape:
        """Poll until the exporter has what both answers say now: reconnecting takes it up to a second."""
        answers = self.listed(), self.allocatable()
        return self.rig.poll_until(lambda _: answers == (self.shown(), self.shown_stock()))

    def _ask(self, method: str, request: bytes = b"") -> Reply:
        self._clock.ahead_seconds += 0.1
        return ask(self.node.socket_path, method, request)


@contextmanager
def node_rig(scenario: str, directory: Path) -> Iterator[NodeRig]:
    """Yield the node of the scenario, started, and an exporter that believes a restarted kubelet at once."""
    with ExitStack() as stack:
        clock = _AheadClock()
        node = stack.enter_context(LiveNode(parse_scenario(scenario, "test"), directory, clock))
        rig = stack.enter_context(Rig(node.socket_path, node.sysfs, hold_seconds=0.0))
        yield NodeRig(node, rig, clock)


def pods_of(reply: Reply) -> Pods:
    """Return the pods of an answer to List."""
    assert grpc.StatusCode.OK == reply.code, reply.details

    return _pods(pb.ListPodResourcesResponse.FromString(reply.body).pod_resources)


def pod_of(reply: Reply) -> Pods:
    """Return the one pod of an answer to Get."""
    assert grpc.StatusCode.OK == reply.code, reply.details

    return _pods([pb.GetPodResourcesResponse.FromString(reply.body).pod_resources])


def stock_of(reply: Reply) -> Stock:
    """Return what an answer to GetAllocatableResources says; the nodes of a device's rows are united."""
    assert grpc.StatusCode.OK == reply.code, reply.details

    message = pb.AllocatableResourcesResponse.FromString(reply.body)
    devices: dict[tuple[str, str], Nodes] = {}
    for row in message.devices:
        for device_id in row.device_ids:
            key = (row.resource_name, device_id)
            nodes = frozenset(node.ID for node in row.topology.nodes) if row.HasField("topology") else None
            devices[key] = nodes if nodes is None else nodes | (devices.get(key) or frozenset())
    return Stock(frozenset(message.cpu_ids), devices)


def page_amounts(page: Scrape) -> dict[tuple[str, str, str], int]:
    """Return the page's numbers by pod, container and resource; exclusive CPUs are the resource cpu."""
    found: dict[tuple[str, str, str], int] = {}
    for (name, own), value in page.samples.items():
        labels = dict(own)
        if name in {"podres_container_devices", "podres_container_exclusive_cpus"}:
            key = (labels["pod"], labels["container"], labels.get("resource", "cpu"))
            found[key] = found.get(key, 0) + int(value)
    return found


def page_sum(page: Scrape, name: str) -> float:
    """Return the sum of the samples of a name."""
    return sum(value for (each, _), value in page.samples.items() if each == name)


def _flat(found: Amounts) -> dict[tuple[str, str, str], int]:
    """Return the amounts as the page has them: what is zero has no sample."""
    return {
        (name, each, resource): count
        for name, containers in found.items()
        for each, (cpus, devices) in containers.items()
        for resource, count in {"cpu": cpus, **devices}.items()
        if count
    }


def _pods(rows: Iterable[pb.PodResources]) -> Pods:
    return {row.name: {each.name: _said(each) for each in row.containers} for row in rows}


def _said(row: pb.ContainerResources) -> Held:
    """Return what the wire says of a container."""
    return Held(
        frozenset(row.cpu_ids),
        frozenset((each.resource_name, device_id) for each in row.devices for device_id in each.device_ids),
        frozenset(
            (block.memory_type, frozenset(node.ID for node in block.topology.nodes), block.size) for block in row.memory
        ),
    )


def _shown(shown: Container) -> Held:
    """Return what the snapshot says of a container."""
    return Held(
        shown.exclusive_cpus,
        frozenset((each.resource, each.device_id) for each in shown.devices),
        frozenset((block.memory_type, block.numa_nodes, block.size_bytes) for block in shown.memory),
    )

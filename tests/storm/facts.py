"""Who holds what, as plain tuples, from the node's state and the bytes of its answers, without code of the package."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.model import Pod
from podres_exporter.scenario import NodeState

Fact = tuple[str, ...]
"""
One thing that one container holds: kind, namespace, pod, container, and then what.

`device`: resource, id, NUMA nodes. `cpu`: number. `memory`: type, NUMA nodes, bytes.
"""
Facts = frozenset[Fact]
Containers = frozenset[tuple[str, str, str]]
"""Namespace, pod and name of each."""
DeviceKey = tuple[str, str]
PodKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Stock:
    """What may be handed out: CPUs, and the NUMA nodes of each device by (resource, id)."""

    cpus: frozenset[int]
    devices: Mapping[DeviceKey, str]


@dataclass(frozen=True)
class Truth:
    """
    What living pods hold, by UID, for two that have one name may hold the same; and what its plugins offer.

    *finished* is what the kubelet may list besides, of finished pods; *unlisted* what init containers have left that
    the kubelet does not list.
    """

    held: Mapping[str, Facts]
    stock: Stock
    finished: Facts = frozenset()
    unlisted: Facts = frozenset()

    @cached_property
    def facts(self) -> Facts:
        """All that living pods hold."""
        return frozenset().union(*self.held.values())


def containers_of(pods: Iterable[Pod]) -> Containers:
    """Return the containers of the pods, also those that hold nothing."""
    return frozenset((pod.namespace, pod.name, each.name) for pod in pods for each in pod.containers)


def pod_of(fact: Fact) -> PodKey:
    """Return namespace and name."""
    return fact[1], fact[2]


def list_text(numbers: Iterable[int]) -> str:
    """Return the numbers as the page writes NUMA nodes: `0-1,3`."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def numbers(text: str) -> frozenset[int]:
    """Return the numbers of a list such as `2-5,66`."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def truth_of(holders: Mapping[str, Pod], everything: NodeState, state: NodeState) -> Truth:
    """Return the truth of the node's books, by UID and with init containers, and of what the kubelet knows."""
    held = {uid: _facts([pod]) for uid, pod in holders.items()}
    stock = state.allocatable
    devices = {(each.resource, each.device_id): list_text(each.numa_nodes) for each in stock.devices}
    truth = Truth(held, Stock(frozenset(stock.cpus), devices))
    return replace(truth, finished=_facts(state.pods) - truth.facts, unlisted=_facts(everything.pods) - truth.facts)


def _facts(pods: Iterable[Pod]) -> Facts:
    facts: set[Fact] = set()
    for pod in pods:
        for each in pod.containers:
            path = (pod.namespace, pod.name, each.name)
            facts.update(("device", *path, d.resource, d.device_id, list_text(d.numa_nodes)) for d in each.devices)
            facts.update(("cpu", *path, str(cpu)) for cpu in each.exclusive_cpus)
            facts.update(_memory(path, ((b.memory_type, list_text(b.numa_nodes), b.size_bytes) for b in each.memory)))
    return frozenset(facts)


def devices_of(facts: Facts) -> dict[DeviceKey, str]:
    """Return the devices that are held, with their NUMA nodes."""
    return {(fact[4], fact[5]): fact[6] for fact in facts if fact[0] == "device"}


def cpus_of(facts: Facts) -> frozenset[int]:
    """Return the CPUs that are held."""
    return frozenset(int(fact[4]) for fact in facts if fact[0] == "cpu")


def told_facts(data: bytes) -> Facts:
    """Return what an answer to List says."""
    facts: set[Fact] = set()
    for pod in pb.ListPodResourcesResponse.FromString(data).pod_resources:
        for each in pod.containers:
            path = (pod.namespace, pod.name, each.name)
            nodes = _nodes(each.devices)
            facts.update(("device", *path, *key, list_text(found)) for key, found in nodes.items())
            facts.update(("cpu", *path, str(cpu)) for cpu in each.cpu_ids)
            blocks = ((b.memory_type, list_text(node.ID for node in b.topology.nodes), b.size) for b in each.memory)
            facts.update(_memory(path, blocks))
    return frozenset(facts)


def told_stock(data: bytes) -> Stock:
    """Return what an answer to GetAllocatableResources says."""
    message = pb.AllocatableResourcesResponse.FromString(data)
    devices = {key: list_text(found) for key, found in _nodes(message.devices).items()}
    return Stock(frozenset(message.cpu_ids), devices)


def _nodes(rows: Iterable[pb.ContainerDevices]) -> dict[DeviceKey, set[int]]:
    """Return the nodes of each device, whose rows have one each."""
    found: dict[DeviceKey, set[int]] = {}
    for row in rows:
        for device_id in row.device_ids:
            nodes = found.setdefault((row.resource_name, device_id), set())
            nodes.update(node.ID for node in row.topology.nodes if node.ID >= 0)
    return found


def _memory(path: tuple[str, str, str], blocks: Iterable[tuple[str, str, int]]) -> set[Fact]:
    """Return a fact for the blocks of each type and place."""
    sizes: Counter[tuple[str, str]] = Counter()
    for kind, nodes, size in blocks:
        sizes[kind, nodes] += size
    return {("memory", *path, *key, str(size)) for key, size in sizes.items()}

"""The one place where everything comes together: the answers and the topology to an Allocation."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from podres_exporter.join.numa import Capacity, container_alignment, node_capacity
from podres_exporter.join.stock import cpu_stock, device_stock, memory_stock
from podres_exporter.model import Allocatable, Allocation, Listing, Pod, PodView, Topology


@dataclass(frozen=True, slots=True)
class _Context:
    """What a pod's view depends on beside the pod; a view is kept as long as both are the same."""

    topology: Topology | None
    capacity: Capacity | None
    legacy: bool


@dataclass(frozen=True, slots=True)
class _Joined:
    """The inputs of the last join beside its result."""

    inputs: tuple[object, ...]
    context: _Context
    allocation: Allocation


class Joiner:
    """Joins answers to an Allocation; remembers the last one, so that what did not change is not judged again."""

    def __init__(self) -> None:
        """Start without memory."""
        self._last: _Joined | None = None

    def join(
        self, listing: Listing, allocatable: Allocatable | None, topology: Topology | None, *, legacy: bool = False
    ) -> Allocation:
        """
        Return who holds what on the node and what is left.

        *allocatable* is None where the kubelet cannot be asked (1.20, or switched off): what is left is then unknown.
        *legacy* marks a kubelet of 1.20 to 1.22. Equal inputs give an equal result; what is remembered only saves work.
        """
        inputs = (listing.pods, listing.merged_pods, allocatable, topology, legacy)
        last = self._last
        if last is not None and last.inputs == inputs:
            return last.allocation
        devices = device_stock(listing.pods, allocatable)
        cpus = cpu_stock(listing.pods, allocatable)
        capacity = None
        if allocatable is not None and topology is not None:
            capacity = node_capacity(allocatable, cpus, devices, topology)
        context = _Context(topology, capacity, legacy)
        remembered = {id(view.pod): view for view in last.allocation.pods} if last and last.context == context else {}
        allocation = Allocation(
            pods=tuple(remembered.get(id(pod)) or _view(pod, context) for pod in listing.pods),
            devices=devices,
            cpus=cpus,
            memory=memory_stock(listing.pods, allocatable),
            topology=topology,
            skipped_pods={"duplicate_name": listing.merged_pods},
            devices_by_namespace=_devices_by_namespace(listing.pods),
            cpus_by_namespace=_cpus_by_namespace(listing.pods),
        )
        self._last = _Joined(inputs, context, allocation)
        return allocation


def _view(pod: Pod, context: _Context) -> PodView:
    """Return the pod with its containers judged."""
    return PodView(
        pod,
        tuple(
            container_alignment(container, context.topology, context.capacity, legacy=context.legacy)
            for container in pod.containers
        ),
    )


def _devices_by_namespace(pods: Iterable[Pod]) -> dict[tuple[str, str], int]:
    """Return how many devices the containers of each namespace hold, by (namespace, resource)."""
    counts: Counter[tuple[str, str]] = Counter()
    for pod in pods:
        for container in pod.containers:
            for device in container.devices:
                counts[pod.namespace, device.resource] += 1
    return dict(counts)


def _cpus_by_namespace(pods: Iterable[Pod]) -> dict[str, int]:
    """Return how many exclusive CPUs the pods of each namespace hold."""
    counts: Counter[str] = Counter()
    for pod in pods:
        counts[pod.namespace] += len(pod.all_exclusive_cpus())
    return {namespace: count for namespace, count in counts.items() if count}

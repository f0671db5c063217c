"""Check whether a pod's requests fit the node next to other pods, as scheduler and kubelet add them up."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from podres_exporter.admission import ContainerRequest, PodRequest, Rejection, out_of

Amounts = Mapping[str, int]
"""By resource: CPU in thousandths, all others in bytes or items; `pods` too."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """A resource of which there is too little."""

    resource: str
    requested: int
    used: int
    capacity: int

    @property
    def reason(self) -> str:
        """The scheduler's message."""
        return "Too many pods" if self.resource == "pods" else f"Insufficient {self.resource}"

    @property
    def rejection(self) -> Rejection:
        """The kubelet's message."""
        return out_of(self.resource, self.requested, self.used, self.capacity)

    @property
    def is_hopeless(self) -> bool:
        """Whether no other pod's end would help."""
        return self.resource != "pods" and self.requested > self.capacity


def requests_of(pod: PodRequest) -> dict[str, int]:
    """Return what a pod asks for at most at any time, by resource; what it does not ask for is left out."""
    kinds: dict[str, Callable[[ContainerRequest], int]] = {
        "cpu": lambda each: each.requests.cpu_millicores,
        "memory": lambda each: each.requests.memory_bytes,
    }
    names = sorted({name for each in pod.containers for name in (*each.hugepages, *each.devices)})
    for name in names:
        kinds[name] = _amount_of(name)
    return {name: total for name, amount in kinds.items() if (total := pod.total(amount))}


def shortages(asked_by_pod: Amounts, others: Iterable[Amounts], allocatable: Amounts) -> tuple[Shortage, ...]:
    """
    Return what the node has too little of for a pod that asks for so much, beside what *others* ask for.

    The kubelet names the first, the scheduler all.

    Source: fitsRequest of the scheduler's noderesources/fit.go, which both use.
    """
    there = tuple(others)
    found = []
    if len(there) + 1 > allocatable.get("pods", 0):
        found.append(Shortage("pods", 1, len(there), allocatable.get("pods", 0)))
    used: dict[str, int] = {}
    for other in there:
        for name, amount in other.items():
            used[name] = used.get(name, 0) + amount
    for name, asked in asked_by_pod.items():
        capacity = allocatable.get(name, 0)
        if asked > capacity - used.get(name, 0):
            found.append(Shortage(name, asked, used.get(name, 0), capacity))
    return tuple(found)


def _amount_of(name: str) -> Callable[[ContainerRequest], int]:
    return lambda container: container.hugepages.get(name, 0) + container.devices.get(name, 0)

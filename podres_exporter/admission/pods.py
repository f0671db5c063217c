"""A pod's resource requests as the resource managers see them, and the order in which its containers are served."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

Item = TypeVar("Item")


class Kind(StrEnum):
    """The lifetime of a container: INIT ends before the next one starts, SIDECAR starts with them and stays."""

    INIT = "init"
    SIDECAR = "sidecar"
    APP = "app"


class Qos(StrEnum):
    """The pod's quality-of-service class, as its status spells it."""

    GUARANTEED = "Guaranteed"
    BURSTABLE = "Burstable"
    BEST_EFFORT = "BestEffort"


@dataclass(frozen=True, slots=True)
class Amounts:
    """CPU in millicores and memory in bytes; 0 if not stated."""

    cpu_millicores: int = 0
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ContainerRequest:
    """
    The resource requests of one container.

    *hugepages* is bytes by resource name (`hugepages-2Mi`), *devices* counts by extended resource; for both the API
    server requires request and limit to be equal. Missing requests must already be filled in from the limits, as the
    API server's defaulting does.
    """

    name: str
    kind: Kind = Kind.APP
    requests: Amounts = field(default_factory=Amounts)
    limits: Amounts = field(default_factory=Amounts)
    hugepages: Mapping[str, int] = field(default_factory=dict)
    devices: Mapping[str, int] = field(default_factory=dict)

    def memory_by_type(self) -> dict[str, int]:
        """Return the requested bytes by memory type, `memory` first; types not requested are omitted."""
        amounts = {"memory": self.requests.memory_bytes, **dict(sorted(self.hugepages.items()))}
        return {memory_type: size for memory_type, size in amounts.items() if size}


@dataclass(frozen=True, slots=True)
class PodRequest:
    """A pod to be admitted; *containers* contains both init kinds in the order of the spec."""

    namespace: str
    name: str
    uid: str
    containers: tuple[ContainerRequest, ...]

    @property
    def in_order(self) -> tuple[ContainerRequest, ...]:
        """The order in which the kubelet serves the containers: both init kinds first, then the others."""
        return tuple(sorted(self.containers, key=lambda container: container.kind is Kind.APP))

    @property
    def qos(self) -> Qos:
        """The class by CPU and memory of every container, init ones included (kubelet: ComputePodQOS)."""
        stated = [(container.requests, container.limits) for container in self.containers]
        if all(requests == limits == Amounts() for requests, limits in stated):
            return Qos.BEST_EFFORT
        full = all(limits == requests and limits.cpu_millicores and limits.memory_bytes for requests, limits in stated)
        return Qos.GUARANTEED if full else Qos.BURSTABLE

    def exclusive_cpus(self, container: ContainerRequest) -> int:
        """Return the number of exclusive CPUs of the container: whole CPUs of a Guaranteed pod (guaranteedCPUs)."""
        cpus, rest = divmod(container.requests.cpu_millicores, 1000)
        return cpus if self.qos is Qos.GUARANTEED and not rest else 0

    def total(self, amount: Callable[[ContainerRequest], int]) -> int:
        """
        Return the most of *amount* that the pod needs at any time.

        That is every sidecar and app container together, or an init container with the sidecars started before it.

        Source: KEP-753, as in podGuaranteedCPUs, getPodRequestedResources and PodLimits of the kubelet.
        """
        staying = peak = 0
        for container in self.in_order:
            if container.kind is Kind.INIT:
                peak = max(peak, staying + amount(container))
            else:
                staying += amount(container)
        return max(peak, staying)

    def reusable(self, held: Callable[[ContainerRequest], frozenset[Item]]) -> frozenset[Item]:
        """
        Return what init containers hold and later containers of the pod may reuse, given what each one *held*.

        What a sidecar or app container reuses is its own from then on; a sidecar's resources are never reused.

        Source: kubelet updateCPUsToReuse, and devicesToReuse of the device manager.
        """
        spare: frozenset[Item] = frozenset()
        for container in self.in_order:
            spare = spare | held(container) if container.kind is Kind.INIT else spare - held(container)
        return spare

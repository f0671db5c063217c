"""A pod's resource requests as the kubelet's managers read them."""

from collections.abc import Mapping
from dataclasses import dataclass

from podres_exporter.admission import Amounts, ContainerRequest, Kind, PodRequest, Qos
from podres_exporter.model import ContainerKind, ContainerSpec, PodMeta

MEMORY = "memory"
"""The memory type other than huge pages."""


@dataclass(frozen=True, slots=True)
class Ask:
    """
    The requests of a pod's containers.

    *is_guaranteed*: requests equal limits, and each container states CPU and memory. *has_pod_resources*: the pod has
    pod-level requests (KEP-2837), which are not judged. *cpu_millicores* and *memory_bytes* are the whole pod's
    requests, including its sandbox's overhead; 0: the sum of its containers.
    """

    containers: tuple[ContainerSpec, ...]
    is_guaranteed: bool
    has_pod_resources: bool = False
    cpu_millicores: int = 0
    memory_bytes: int = 0


def ask_for(
    *,
    cpu_millicores: int = 0,
    memory_bytes: int = 0,
    hugepage_bytes: Mapping[str, int] | None = None,
    devices: Mapping[str, int] | None = None,
) -> Ask:
    """
    Return the requests of a pod with one container, limits equal to requests.

    *hugepage_bytes* is by page size (`2Mi`), *devices* by extended resource. The pod is Guaranteed, and gets exclusive
    CPUs and memory blocks, only where CPU and memory are both given.
    """
    memory = {MEMORY: memory_bytes, **{f"hugepages-{page}": size for page, size in (hugepage_bytes or {}).items()}}
    container = ContainerSpec(
        "main",
        ContainerKind.APP,
        tuple(sorted((name, count) for name, count in (devices or {}).items() if count)),
        cpu_millicores,
        tuple(sorted((memory_type, size) for memory_type, size in memory.items() if size)),
    )
    return Ask((container,), bool(cpu_millicores and memory_bytes))


def ask_of(meta: PodMeta) -> Ask:
    """
    Return the requests of a pod of the API server.

    Extended resources served by a DRA driver are left out, because no device plugin is involved.

    Source: KEP-5004.
    """
    containers = tuple(
        ContainerSpec(
            spec.name,
            spec.kind,
            tuple(row for row in spec.devices if (spec.name, row[0]) not in meta.extended_requests),
            spec.cpu_millicores,
            spec.memory,
            spec.claims,
        )
        for spec in meta.containers
    )
    return Ask(
        containers,
        meta.qos_class == Qos.GUARANTEED and not meta.has_pod_resources,
        meta.has_pod_resources,
        meta.cpu_millicores,
        meta.memory_bytes,
    )


def pod_request(ask: Ask) -> PodRequest:
    """Return the pod as the managers see it; its UID is empty, which no pod of the node has."""
    return PodRequest("", "", "", tuple(_container(spec, is_guaranteed=ask.is_guaranteed) for spec in ask.containers))


def _container(spec: ContainerSpec, *, is_guaranteed: bool) -> ContainerRequest:
    memory = dict(spec.memory)
    requests = Amounts(spec.cpu_millicores, memory.pop(MEMORY, 0))
    return ContainerRequest(
        spec.name,
        Kind(spec.kind.value),
        requests,
        requests if is_guaranteed else Amounts(),
        hugepages=memory,
        devices=dict(spec.devices),
    )

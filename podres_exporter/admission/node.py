"""The resource managers of a node together, and what a pod holds in each."""

from dataclasses import dataclass, replace

from podres_exporter.admission.cpus import CpuManager
from podres_exporter.admission.devices import DeviceManager
from podres_exporter.admission.memory import MemoryManager
from podres_exporter.admission.pods import ContainerRequest, PodRequest
from podres_exporter.model import Container
from podres_exporter.model.allocation import NumaNodes


@dataclass(frozen=True, slots=True)
class NodeManagers:
    """
    The immutable managers of one node; each step returns new ones.

    *numa_nodes* are the machine's, the same in every manager. *cpus* is None under CPU manager policy `none`, *memory*
    under memory manager policy `None`.
    """

    numa_nodes: NumaNodes
    devices: DeviceManager
    cpus: CpuManager | None = None
    memory: MemoryManager | None = None


def granted(managers: NodeManagers, pod: PodRequest, container: ContainerRequest) -> Container:
    """Return what the container holds, devices and memory sorted; List shows it for sidecars and app containers."""
    return Container(
        name=container.name,
        devices=tuple(sorted(managers.devices.of(pod, container), key=lambda d: (d.resource, d.device_id))),
        exclusive_cpus=managers.cpus.of(pod, container) if managers.cpus else frozenset(),
        memory=tuple(sorted(managers.memory.of(pod, container), key=lambda b: b.memory_type))
        if managers.memory
        else (),
    )


def started(managers: NodeManagers, pod: PodRequest, container: ContainerRequest) -> NodeManagers:
    """Return the managers once the container runs, so that the init containers before it have ended."""
    return replace(managers, memory=managers.memory and managers.memory.started(pod, container))


def release(managers: NodeManagers, pod_uid: str) -> NodeManagers:
    """Return the managers after releasing the pod; unchanged if it holds nothing."""
    return replace(
        managers,
        devices=managers.devices.release(pod_uid),
        cpus=managers.cpus and managers.cpus.release(pod_uid),
        memory=managers.memory and managers.memory.release(pod_uid),
    )

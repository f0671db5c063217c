"""A node's resource managers together, and what a pod holds of each."""

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
    The managers of one node and what is held of each; values that a step returns anew.

    *numa_nodes* are the machine's, and the managers know the same ones. *cpus* is None under CPU manager policy
    `none`, *memory* under memory manager policy `None`.
    """

    numa_nodes: NumaNodes
    devices: DeviceManager
    cpus: CpuManager | None = None
    memory: MemoryManager | None = None


def granted(managers: NodeManagers, pod: PodRequest, container: ContainerRequest) -> Container:
    """Return what the container holds now, devices and memory sorted; List shows it for sidecars and app containers."""
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
    """Return the managers without anything of the pod; they are the same where it holds nothing."""
    return replace(
        managers,
        devices=managers.devices.release(pod_uid),
        cpus=managers.cpus and managers.cpus.release(pod_uid),
        memory=managers.memory and managers.memory.release(pod_uid),
    )

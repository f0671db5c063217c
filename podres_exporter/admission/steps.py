"""
The admission of a pod, container by container: plan, commit, or reject.

The device ids of a container are known only once its plugins have answered, so the caller drives admission: `begin`,
and then for each container of the pod `plan`, the RPCs, `commit`. `admit` does all of it, with a function in place of
the plugins.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from podres_exporter.admission.cpus import CpuManager
from podres_exporter.admission.devices import DeviceManager
from podres_exporter.admission.memory import MemoryManager
from podres_exporter.admission.pods import ContainerRequest, PodRequest
from podres_exporter.admission.policy import Hint, Policy, Scope, merge
from podres_exporter.admission.rejection import TOPOLOGY_AFFINITY, AllocationError, Rejection
from podres_exporter.admission.selection import DeviceWant, Offers
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


@dataclass(frozen=True, slots=True)
class PodAdmission:
    """A pod during admission; *hint* applies to all containers in scope pod, None if each gets its own."""

    pod: PodRequest
    policy: Policy
    hint: Hint | None


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """The plan for a container: the merged *hint*, and the candidate devices of each resource."""

    pod: PodRequest
    container: ContainerRequest
    hint: Hint
    wants: tuple[DeviceWant, ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    """What one container was given and under which hint, in the terms of the kubelet's List."""

    request: ContainerRequest
    hint: Hint
    granted: Container


@dataclass(frozen=True, slots=True)
class Admission:
    """An admitted pod: the resulting managers, and what each container was given, in the order of admission."""

    managers: NodeManagers
    assignments: tuple[Assignment, ...]


def begin(
    managers: NodeManagers, pod: PodRequest, offers: Offers, policy: Policy, scope: Scope
) -> PodAdmission | Rejection:
    """
    Start the admission of a pod; in scope pod, compute the hint for all its containers, or the rejection.

    Under policy none no hints are computed, because there are as many as there are sets of NUMA nodes.

    Source: kubelet topologymanager scope_pod.go.
    """
    if scope is Scope.CONTAINER or policy is Policy.NONE:
        return PodAdmission(pod, policy, None)
    providers = [managers.devices.pod_hints(pod, offers)]
    providers += [manager.pod_hints(pod) for manager in (managers.cpus, managers.memory) if manager]
    hint, admit_it = merge(policy, providers, managers.numa_nodes)
    return PodAdmission(pod, policy, hint) if admit_it else TOPOLOGY_AFFINITY


def align(
    managers: NodeManagers, admission: PodAdmission, container: ContainerRequest, offers: Offers
) -> Hint | Rejection:
    """
    Return the hint for the container's resources, or the rejection.

    Source: kubelet topologymanager scope_container.go.
    """
    pod = admission.pod
    if admission.hint is not None:
        return admission.hint
    providers = []
    if admission.policy is not Policy.NONE:
        providers = [managers.devices.container_hints(pod, container, offers)]
        providers += [
            manager.container_hints(pod, container) for manager in (managers.cpus, managers.memory) if manager
        ]
    hint, admit_it = merge(admission.policy, providers, managers.numa_nodes)
    return hint if admit_it else TOPOLOGY_AFFINITY


def plan(
    managers: NodeManagers, admission: PodAdmission, container: ContainerRequest, offers: Offers
) -> ContainerPlan | Rejection:
    """Return the plan for the container, or the rejection; devices come before CPUs and memory."""
    hint = align(managers, admission, container, offers)
    if isinstance(hint, Rejection):
        return hint
    pod = admission.pod
    try:
        return ContainerPlan(pod, container, hint, managers.devices.wants(pod, container, offers, hint))
    except AllocationError as error:
        return error.rejection


def commit(
    managers: NodeManagers, plan: ContainerPlan, device_ids: Mapping[str, Iterable[str]]
) -> NodeManagers | Rejection:
    """
    Return the managers after the container got these devices (by resource), its CPUs and its memory.

    After a rejection, earlier containers of the pod still hold their resources: call `release`.

    Raises ValueError for ids that are not in the plan, or a wrong number of them; the ids of `DeviceWant.settle` are
    always valid.
    """
    devices = [device for want in plan.wants for device in want.chosen(device_ids.get(want.resource, ()))]
    held = managers.devices.allocate(plan.pod, plan.container, devices)
    return place(replace(managers, devices=held), plan.pod, plan.container, plan.hint)


def place(managers: NodeManagers, pod: PodRequest, container: ContainerRequest, hint: Hint) -> NodeManagers | Rejection:
    """Return the managers after the container, which has its devices, got its CPUs and memory."""
    cpus, memory = managers.cpus, managers.memory
    try:
        cpus = cpus and cpus.allocate(pod, container, hint)
        memory = memory and memory.allocate(pod, container, hint)
    except AllocationError as error:
        return error.rejection
    return replace(managers, cpus=cpus, memory=memory)


def admit(
    managers: NodeManagers,
    pod: PodRequest,
    offers: Offers,
    policy: Policy,
    scope: Scope,
    prefer: Callable[[DeviceWant], Iterable[str]] = lambda _want: (),
) -> Admission | Rejection:
    """
    Admit the pod, or return why it is rejected, in which case it holds nothing.

    *prefer* replaces GetPreferredAllocation and returns ids in order of preference; by default the lowest ids are
    taken.
    """
    admission = begin(managers, pod, offers, policy, scope)
    if isinstance(admission, Rejection):
        return admission
    assignments: list[Assignment] = []
    for container in pod.in_order:
        planned = plan(managers, admission, container, offers)
        if isinstance(planned, Rejection):
            return planned
        ids = {want.resource: want.settle(prefer(want) if want.ask else ()) for want in planned.wants}
        committed = commit(managers, planned, ids)
        if isinstance(committed, Rejection):
            return committed
        managers = committed
        assignments.append(Assignment(container, planned.hint, granted(managers, pod, container)))
    return Admission(managers, tuple(assignments))

"""The static CPU manager: exclusive CPUs for whole-CPU requests of Guaranteed pods."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from podres_exporter.admission.hints import Hint, ProviderHints, fitting_hints
from podres_exporter.admission.packing import take_packed
from podres_exporter.admission.pods import ContainerRequest, PodRequest
from podres_exporter.admission.rejection import SmtAlignmentError
from podres_exporter.cpuset import CpuSet
from podres_exporter.model import Topology
from podres_exporter.model.allocation import NumaNodes


@dataclass(frozen=True, slots=True)
class CpuManager:
    """
    Who holds which exclusive CPUs, by (pod UID, container); *reserved* ones are never given away.

    *full_pcpus_only* is the policy's option of that name: whole cores are given, or nothing.

    An init container keeps its CPUs until the pod is gone, though the kubelet's List does not show them: what no later
    container took over is neither free nor listed.
    """

    topology: Topology
    reserved: CpuSet
    held: Mapping[tuple[str, str], CpuSet] = field(default_factory=dict)
    full_pcpus_only: bool = False

    @property
    def allocatable(self) -> CpuSet:
        """What GetAllocatableResources reports: every CPU but the reserved ones."""
        return self.topology.online - self.reserved

    @property
    def shared_pool(self) -> CpuSet:
        """The state file's `defaultCpuSet`: every CPU that nobody holds, the reserved ones included."""
        return self.topology.online.difference(*self.held.values())

    @property
    def available(self) -> CpuSet:
        """What may still be given away."""
        return self.shared_pool - self.reserved

    def of(self, pod: PodRequest, container: ContainerRequest) -> CpuSet:
        """Return the container's exclusive CPUs; empty for one in the shared pool."""
        return self.held.get((pod.uid, container.name), frozenset())

    def container_hints(self, pod: PodRequest, container: ContainerRequest) -> ProviderHints:
        """Return where the container's CPUs could come from; no preference where it wants none (GetTopologyHints)."""
        return self._hints(pod, pod.exclusive_cpus(container))

    def pod_hints(self, pod: PodRequest) -> ProviderHints:
        """Return where the CPUs of the whole pod could come from (GetPodTopologyHints)."""
        return self._hints(pod, pod.total(pod.exclusive_cpus))

    def allocate(self, pod: PodRequest, container: ContainerRequest, hint: Hint) -> "CpuManager":
        """
        Return the manager once the container has its CPUs: from the hint's nodes first, the rest from anywhere.

        CPUs of the pod's ended init containers are as good as available ones, and no better.

        Raises AllocationError where there are not enough; its numbers are those of the rest that failed.

        Source: kubelet cpumanager allocateCPUs.
        """
        count = pod.exclusive_cpus(container)
        if not count:
            return self
        if self.full_pcpus_only:
            self._check_whole_cores(count)
        usable = self.available | self._reusable(pod)
        near = usable & self._on(hint.numa_nodes or frozenset())
        taken = take_packed(self.topology, near, min(count, len(near)))
        taken |= take_packed(self.topology, usable - taken, count - len(taken))
        return replace(self, held={**self.held, (pod.uid, container.name): taken})

    def _check_whole_cores(self, count: int) -> None:
        """
        Raise SmtAlignmentError unless *count* CPUs are whole cores, and as many whole cores are available.

        Cores with a reserved thread do not count as available.

        Source: kubelet cpumanager policy_static.go validateSMTAlignment, GetAvailablePhysicalCPUs.
        """
        threads = self.topology.threads_per_core
        if count % threads:
            raise SmtAlignmentError(
                f"SMT Alignment Error: requested {count} cpus not multiple cpus per core = {threads}"
            )
        whole = self.available - self.topology.siblings(self.reserved)
        if count > len(whole):
            raise SmtAlignmentError(
                f"SMT Alignment Error: not enough free physical CPUs: available physical CPUs = {len(whole)}, "
                f"requested CPUs = {count}, CPUs per core = {threads}"
            )

    def release(self, pod_uid: str) -> "CpuManager":
        """Return the manager without what the pod held."""
        return replace(self, held={key: cpus for key, cpus in self.held.items() if key[0] != pod_uid})

    def _reusable(self, pod: PodRequest) -> CpuSet:
        return pod.reusable(lambda container: self.of(pod, container))

    def _on(self, numa_nodes: NumaNodes) -> CpuSet:
        return frozenset[int]().union(*(self.topology.cpus_by_node.get(node, ()) for node in numa_nodes))

    def _hints(self, pod: PodRequest, count: int) -> ProviderHints:
        """
        Return the node sets with enough CPUs; a set that leaves reusable CPUs out is no hint.

        Nodes without CPUs are in no hint.

        Source: kubelet cpumanager generateCPUTopologyHints.
        """
        if not count:
            return {}
        reusable = self._reusable(pod)
        usable = self.available | reusable
        with_cpus = [node for node, cpus in self.topology.cpus_by_node.items() if cpus]

        def can(mask: NumaNodes) -> bool:
            near = self._on(mask)
            return reusable <= near and len(usable & near) >= count

        return {"cpu": fitting_hints(with_cpus, could=lambda mask: len(self._on(mask)) >= count, can=can)}

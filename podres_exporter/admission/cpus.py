"""The static CPU manager: exclusive CPUs for whole-CPU requests of Guaranteed pods."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from podres_exporter.admission.packing import take_packed
from podres_exporter.admission.pods import ContainerRequest, PodRequest
from podres_exporter.admission.policy import Hint, ProviderHints, fitting_hints
from podres_exporter.admission.rejection import SmtAlignmentError
from podres_exporter.cpuset import CpuSet
from podres_exporter.model import Topology
from podres_exporter.model.allocation import NumaNodes


@dataclass(frozen=True, slots=True)
class CpuManager:
    """
    The exclusive CPUs of containers, by (pod UID, container); *reserved* ones are never allocated.

    *full_pcpus_only* is the policy option of that name: only whole cores are allocated.

    An init container keeps its CPUs until the pod is gone, although the kubelet's List does not show them: CPUs that no
    later container reused are neither free nor listed.
    """

    topology: Topology
    reserved: CpuSet
    held: Mapping[tuple[str, str], CpuSet] = field(default_factory=dict)
    full_pcpus_only: bool = False

    @property
    def allocatable(self) -> CpuSet:
        """What GetAllocatableResources reports: every CPU except the reserved ones."""
        return self.topology.online - self.reserved

    @property
    def shared_pool(self) -> CpuSet:
        """The state file's `defaultCpuSet`: every CPU that is not exclusive, including the reserved ones."""
        return self.topology.online.difference(*self.held.values())

    @property
    def available(self) -> CpuSet:
        """The CPUs that can still be allocated."""
        return self.shared_pool - self.reserved

    def of(self, pod: PodRequest, container: ContainerRequest) -> CpuSet:
        """Return the container's exclusive CPUs; empty if it runs in the shared pool."""
        return self.held.get((pod.uid, container.name), frozenset())

    def container_hints(self, pod: PodRequest, container: ContainerRequest) -> ProviderHints:
        """Return the container's CPU hints; no preference if it requests no exclusive CPUs (GetTopologyHints)."""
        return self._hints(pod, pod.exclusive_cpus(container))

    def pod_hints(self, pod: PodRequest) -> ProviderHints:
        """Return the CPU hints of the whole pod (GetPodTopologyHints)."""
        return self._hints(pod, pod.total(pod.exclusive_cpus))

    def allocate(self, pod: PodRequest, container: ContainerRequest, hint: Hint) -> "CpuManager":
        """
        Return the manager after allocating the container's CPUs: from the hint's nodes first, the rest from anywhere.

        CPUs of the pod's ended init containers are treated like available ones, without preference.

        Raises AllocationError if there are not enough; its numbers are those of the remainder that failed.

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

        Cores with a reserved thread are not available.

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
        """Return the manager after releasing the pod's CPUs."""
        return replace(self, held={key: cpus for key, cpus in self.held.items() if key[0] != pod_uid})

    def _reusable(self, pod: PodRequest) -> CpuSet:
        return pod.reusable(lambda container: self.of(pod, container))

    def _on(self, numa_nodes: NumaNodes) -> CpuSet:
        return frozenset[int]().union(*(self.topology.cpus_by_node.get(node, ()) for node in numa_nodes))

    def _hints(self, pod: PodRequest, count: int) -> ProviderHints:
        """
        Return the node sets with enough CPUs; sets that exclude reusable CPUs are no hints.

        Nodes without CPUs appear in no hint.

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

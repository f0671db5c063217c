"""Findings on the machine: its topology, and whether the kubelet manages CPUs and memory statically."""

from podres_exporter.check.evidence import DeviceManager, Evidence, FileKind
from podres_exporter.check.finding import Finding, ok, skipped, warning
from podres_exporter.cpuset import CpuSet, format_cpuset
from podres_exporter.errors import TopologyError
from podres_exporter.model import Allocation, Topology
from podres_exporter.printable import printable
from podres_exporter.text.amounts import size_text
from podres_exporter.text.words import counted

_NO_ANSWER = "what is allocatable is not known (kubelet.allocatable)"


def machine_findings(evidence: Evidence, allocation: Allocation | None) -> list[Finding]:
    """Return the findings on NUMA nodes, CPUs, and the kubelet's CPU, memory and device managers."""
    return [
        _numa(evidence.topology),
        _cpus(evidence.topology, allocation),
        _cpu_manager(evidence, allocation),
        _memory_manager(evidence),
        _device_manager(evidence.device_manager),
    ]


def _numa(topology: Topology | TopologyError) -> Finding:
    name = "node.numa"
    if isinstance(topology, TopologyError):
        remedy = (
            "check --topology.sysfs; a pod has /sys unless the container runtime masks it; without it CPUs have no "
            "NUMA node and alignment is not judged"
        )
        return warning(name, printable(topology.detail), remedy, reason=topology.reason.value)
    nodes, cpus = len(topology.nodes), len(topology.online)
    seen = f"{counted(nodes, 'NUMA node')}, {counted(cpus, 'CPU')} online ({format_cpuset(topology.online)})"
    return ok(name, seen, numa_nodes=nodes, cpus=cpus)


def _cpus(topology: Topology | TopologyError, allocation: Allocation | None) -> Finding:
    """Return which CPUs the kubelet reports although the kernel does not have them."""
    name = "node.cpus"
    if isinstance(topology, TopologyError):
        return skipped(name, "the kernel's CPUs are not known (node.numa)")
    if allocation is None:
        return skipped(name, "the kubelet's CPUs are not known (kubelet.list)")
    told = _told(allocation)
    strangers = told - topology.online
    if strangers:
        seen = f"the kubelet names {counted(len(strangers), 'CPU')} that are not online: {format_cpuset(strangers)}"
        remedy = (
            "if --topology.sysfs shows another machine, correct it; otherwise CPUs went offline after the kubelet "
            "started: bring them back online, or drain the node, remove cpu_manager_state and restart the kubelet"
        )
        return warning(name, seen, remedy, told=len(told), unknown=format_cpuset(strangers))
    if not told:
        return ok(name, "the kubelet names none", told=0, unknown="")
    return ok(name, f"all {counted(len(told), 'CPU')} that the kubelet names are online", told=len(told), unknown="")


def _told(allocation: Allocation) -> CpuSet:
    """Return every CPU in the kubelet's answers."""
    return allocation.cpus.exclusive | (allocation.cpus.allocatable or frozenset())


def _cpu_manager(evidence: Evidence, allocation: Allocation | None) -> Finding:
    """
    Return whether the CPU manager's policy is static: only then are CPUs allocatable.

    Source: kubelet cm/cpumanager/policy_none.go GetAllocatableCPUs.
    """
    name, answer = "node.cpu-manager", evidence.allocatable
    if answer is None:
        return skipped(name, _NO_ANSWER)
    if not answer.cpus:
        seen = "policy none: no container has exclusive CPUs, so their metrics are absent"
        return ok(name, seen, static=False)
    held = len(allocation.cpus.exclusive) if allocation else 0
    offered = counted(len(answer.cpus), "CPU")
    seen = f"policy static: {offered} allocatable ({format_cpuset(answer.cpus)}), {held} held exclusively"
    return ok(name, seen, static=True, allocatable=format_cpuset(answer.cpus), exclusive=held)


def _memory_manager(evidence: Evidence) -> Finding:
    """
    Return whether the memory manager's policy is Static: only then is memory allocatable.

    Source: kubelet cm/memorymanager/policy_none.go GetAllocatableMemory.
    """
    name, answer = "node.memory-manager", evidence.allocatable
    if answer is None:
        return skipped(name, _NO_ANSWER)
    if not answer.memory:
        return ok(name, "policy None: the metrics of memory blocks are absent", static=False)
    size = sum(block.size_bytes for block in answer.memory if block.memory_type == "memory")
    nodes = len(frozenset[int]().union(*(block.numa_nodes for block in answer.memory)))
    seen = f"policy Static: {size_text(size)} of memory allocatable on {counted(nodes, 'NUMA node')}"
    return ok(name, seen, static=True, allocatable_bytes=size, numa_nodes=nodes)


def _device_manager(manager: DeviceManager | None) -> Finding:
    """
    Return whether device plugins can register: the kubelet creates the socket when it starts.

    Source: kubelet cm/devicemanager/manager.go NewManagerImpl; the path does not follow --root-dir.
    """
    name = "node.device-manager"
    if manager is None:
        return skipped(name, "it was not examined")
    path = printable(manager.path)
    if manager.kind is FileKind.SOCKET:
        return ok(name, f"running: {path} exists, so device plugins can register", path=manager.path)
    if not manager.sees_directory or manager.kind is FileKind.HIDDEN:
        return skipped(name, f"{path} is not visible from here; a pod needs a mount of its own for it")
    seen = f"{path} does not exist, so no device plugin can register"
    remedy = (
        "restart the kubelet (systemctl restart kubelet): it creates the socket when it starts; it was removed since, "
        "or the kubelet has not finished starting (journalctl -u kubelet)"
    )
    return warning(name, seen, remedy, path=manager.path)

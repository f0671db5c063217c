"""Check that everything pods hold exists on the machine, and that no pod holds the same device or CPU twice."""

import json
from collections.abc import Iterator, Mapping

from podres_exporter.cpuset import CpuSet, format_cpuset
from podres_exporter.model import MemoryBlock
from podres_exporter.scenario.records import ContainerSpec, PodSpec, Scenario
from podres_exporter.yamldoc.section import Problems


def check_existence(scenario: Scenario, problems: Problems) -> None:
    """Report CPUs, memory and devices that the node does not have, or that its kubelet does not allocate."""
    known = {resource.name: {spec.device_id for spec in resource.devices} for resource in scenario.resources}
    for index, pod in enumerate(scenario.pods):
        _check_pod(scenario, pod, f"pods[{index}]", problems)
        for place, container in enumerate(pod.containers):
            _check_devices(known, container, f"pods[{index}].containers[{place}].devices", problems)


def _check_pod(scenario: Scenario, pod: PodSpec, path: str, problems: Problems) -> None:
    _check_cpus(scenario, pod.cpus, f"{path}.cpus", problems)
    _check_memory(scenario, pod.memory, f"{path}.memory", problems)
    for index, container in enumerate(pod.containers):
        place = f"{path}.containers[{index}]"
        _check_cpus(scenario, container.cpus, f"{place}.cpus", problems)
        _check_memory(scenario, container.memory, f"{place}.memory", problems)


def _check_cpus(scenario: Scenario, cpus: CpuSet, path: str, problems: Problems) -> None:
    online = frozenset[int]().union(*(node.cpus for node in scenario.numa))
    foreign, reserved = cpus - online, cpus & scenario.kubelet.reserved_cpus
    if cpus and not scenario.kubelet.static_cpus:
        problems.add(path, "the kubelet allocates no CPUs; remove them or set kubelet.cpu_manager.policy to static")
    if foreign:
        problems.add(path, f"CPUs {format_cpuset(foreign)} are not on the node; it has {format_cpuset(online)}")
    if reserved:
        problems.add(path, f"CPUs {format_cpuset(reserved)} are reserved for the system; use others")


def _check_memory(scenario: Scenario, blocks: tuple[MemoryBlock, ...], path: str, problems: Problems) -> None:
    if blocks and not scenario.kubelet.static_memory:
        problems.add(path, "the kubelet allocates no memory; remove it or set kubelet.memory_manager.policy to Static")
    for index, block in enumerate(blocks):
        unknown = block.numa_nodes - {node.node for node in scenario.numa}
        if unknown:
            sentence = f"NUMA node {format_cpuset(unknown)} is not on the node; choose from numa"
            problems.add(f"{path}[{index}].numa_nodes", sentence)
        elif block.size_bytes > (room := _room(scenario, block)):
            sentence = f"{block.size_bytes} bytes of {block.memory_type} are more than the {room} there; use less"
            problems.add(f"{path}[{index}].size", sentence)


def _room(scenario: Scenario, block: MemoryBlock) -> int:
    """Return the bytes that the block's nodes have of its type, used or not."""
    nodes = [node for node in scenario.numa if node.node in block.numa_nodes]
    if block.memory_type == "memory":
        return sum(node.memory_bytes - sum(node.hugepage_bytes.values()) for node in nodes)
    page = block.memory_type.removeprefix("hugepages-")
    return sum(node.hugepage_bytes.get(page, 0) for node in nodes)


def _check_devices(known: Mapping[str, set[str]], container: ContainerSpec, path: str, problems: Problems) -> None:
    for resource, ids in container.devices.items():
        place = f"{path}[{json.dumps(resource)}]"
        if resource not in known:
            problems.add(
                place, f"unknown resource; choose one of {', '.join(sorted(known)) or 'resources (it is empty)'}"
            )
            continue
        for device_id in ids:
            if device_id not in known[resource]:
                problems.add(place, f"unknown device {json.dumps(device_id)}; add it to the resource or choose another")


def check_conflicts(scenario: Scenario, problems: Problems) -> None:
    """
    Report every device and exclusive CPU held by two containers of one pod.

    Two pods may hold the same device: kubelets have allocated one device to two pods (kubernetes #137534), and
    scenarios must be able to show that. Within a pod it is a mistake: only plain init containers, which are never
    listed, pass devices on. A device may also be in two claims, for admin access or as shares.
    """
    shared = {resource.name for resource in scenario.resources if resource.shared}
    for index, pod in enumerate(scenario.pods):
        holders: dict[str, str] = {}
        for thing, path in _holdings(pod, f"pods[{index}]", shared):
            holder = holders.setdefault(thing, path)
            if holder != path:
                problems.add(path, f"{thing} is also held by {holder}; use another")
        if problems.is_full:
            return


def _holdings(pod: PodSpec, path: str, shared: set[str]) -> Iterator[tuple[str, str]]:
    """Yield each item that only one container may hold, with the path of its entry."""
    for place, container in enumerate(pod.containers):
        yield from _cpus(pod, container, f"{path}.containers[{place}].cpus")
        yield from _devices(container, f"{path}.containers[{place}].devices", shared)


def _cpus(pod: PodSpec, container: ContainerSpec, path: str) -> Iterator[tuple[str, str]]:
    """
    Yield the CPUs; those of the pod's own list may be on several of its containers (PodLevelResourceManagers, 1.36).
    """
    for cpu in sorted(container.cpus - pod.cpus):
        yield f"CPU {cpu}", path


def _devices(container: ContainerSpec, path: str, shared: set[str]) -> Iterator[tuple[str, str]]:
    for resource, ids in container.devices.items():
        for device_id in () if resource in shared else ids:
            yield f"{resource} {json.dumps(device_id)}", f"{path}[{json.dumps(resource)}]"

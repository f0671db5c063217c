"""Keep the kubelet's state files and checkpoint up to date in its directory, for agents that read them."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from podres_exporter.admission import CpuManager, Machine, MemoryManager, NodeManagers
from podres_exporter.model import Device, MemoryBlock
from podres_exporter.scenario import Scenario
from podres_exporter.sim.checkpoints import (
    DeviceEntry,
    MemoryAmounts,
    MemoryNode,
    cpu_manager_state,
    device_checkpoint,
    dra_manager_state,
    memory_manager_state,
)
from podres_exporter.sim.devices import DeviceManager
from podres_exporter.sim.live.allocator import Allocator
from podres_exporter.sim.live.dynamic_resources import DynamicResources

_MEMORY_MANAGER_SINCE_MINOR = 22
_DRA_SINCE_MINOR = 34
"""The file is there where DynamicResourceAllocation is on; from 1.32 on it has this form."""
_PAGE_SIZES = ("hugepages-1Gi", "hugepages-2Mi")
"""Every x86 machine has both, with or without pages."""
_NO_NODE = -1
"""Where the kubelet files devices without topology (nodeWithoutTopology)."""


class StateFiles:
    """Writes what has changed, each file whole under a temporary name beside it; may be used from any thread."""

    def __init__(
        self,
        scenario: Scenario,
        directory: Path,
        allocator: Allocator,
        devices: DeviceManager,
        dynamic: DynamicResources,
    ) -> None:
        """Write nothing yet."""
        self._dynamic = dynamic
        self._scenario, self._allocator, self._devices = scenario, allocator, devices
        self._directory = directory
        self._lock = threading.Lock()
        self._written: dict[str, str] = {}
        self._managers: NodeManagers | None = None
        self._checkpointed: tuple[object, ...] | None = None

    def write(self) -> None:
        """
        Write the files whose content has changed. Raises OSError: the directory cannot be written.

        The Device Manager's is written where devices were given, plugins have sent a list or a resource was given up:
        what has been freed since, or was lost with its plugin, stands in it until then, as in the kubelet
        (writeCheckpoint of devicemanager/manager.go).
        """
        with self._lock:
            before, managers = self._managers, self._allocator.managers
            if before is None or managers.cpus is not before.cpus:
                self._put("cpu_manager_state", _cpu_state(managers.cpus))
            is_served = self._scenario.kubelet.release.minor >= _MEMORY_MANAGER_SINCE_MINOR
            if is_served and (before is None or managers.memory is not before.memory):
                self._put("memory_manager_state", self._memory_state(managers.memory))
            if self._scenario.kubelet.release.minor >= _DRA_SINCE_MINOR:
                self._put("dra_manager_state", dra_manager_state(self._dynamic.checkpoint()))
            self._managers = managers
            reason = (self._allocator.given, self._devices.lists(), self._devices.removed())
            if reason != self._checkpointed:
                healthy = {resource: sorted(states) for resource, states in self._devices.healthy().items()}
                self._put("device-plugins/kubelet_internal_checkpoint", self._checkpoint(healthy))
                self._checkpointed = reason

    def _put(self, name: str, text: str) -> None:
        """
        Replace a file, as util/store does: written under a temporary name, then renamed.
        """
        if self._written.get(name) == text:
            return
        path = self._directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}")
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(0o600)
        temporary.rename(path)
        self._written[name] = text

    def _memory_state(self, memory: MemoryManager | None) -> str:
        if memory is None:
            return memory_manager_state("None", {}, {})
        entries: dict[str, dict[str, tuple[MemoryBlock, ...]]] = {}
        for (uid, container), blocks in memory.held.items():
            entries.setdefault(uid, {})[container] = blocks
        return memory_manager_state("Static", self._machine(memory.machine), entries)

    def _machine(self, machine: Machine) -> Mapping[int, MemoryNode]:
        """Return the machine as the manager's state has it, which counts what the system keeps too."""
        nodes = {}
        for node in self._scenario.numa:
            pages = dict.fromkeys(_PAGE_SIZES, 0) | {f"hugepages-{size}": n for size, n in node.hugepage_bytes.items()}
            kept = self._scenario.kubelet.reserved_memory_bytes.get(node.node, 0)
            state = machine[node.node]
            tables = {
                kind: MemoryAmounts(
                    node.memory_bytes if kind == "memory" else pages[kind],
                    kept if kind == "memory" else 0,
                    state.tables[kind].allocatable if kind in state.tables else 0,
                    state.tables[kind].reserved if kind in state.tables else 0,
                )
                for kind in ("memory", *pages)
            }
            nodes[node.node] = MemoryNode(state.assignments, tables, sorted(state.group))
        return nodes

    def _checkpoint(self, healthy: Mapping[str, Sequence[str]]) -> str:
        held: dict[tuple[str, str, str], list[Device]] = {}
        for (uid, container), devices in self._allocator.managers.devices.held.items():
            for device in devices:
                held.setdefault((uid, container, device.resource), []).append(device)
        entries = [
            DeviceEntry(*key, _by_node(held[key]), answer.message)
            for key, answer in sorted(self._allocator.answers().items())
            if key in held
        ]
        return device_checkpoint(entries, healthy)


def _cpu_state(cpus: CpuManager | None) -> str:
    if cpus is None:
        return cpu_manager_state("none", frozenset(), {})
    entries: dict[str, dict[str, frozenset[int]]] = {}
    for (uid, container), held in cpus.held.items():
        entries.setdefault(uid, {})[container] = held
    return cpu_manager_state("static", cpus.shared_pool, entries)


def _by_node(devices: list[Device]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for device in sorted(devices, key=lambda each: each.device_id):
        for node in sorted(device.numa_nodes) or [_NO_NODE]:
            found.setdefault(node, []).append(device.device_id)
    return found

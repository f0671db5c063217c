"""The kubelet's state files and checkpoint, byte for byte, including checksums."""

from podres_exporter.sim.checkpoints.formats import (
    DeviceEntry,
    MemoryAmounts,
    MemoryNode,
    cpu_manager_state,
    device_checkpoint,
    memory_manager_state,
)

__all__ = [
    "DeviceEntry",
    "MemoryAmounts",
    "MemoryNode",
    "cpu_manager_state",
    "device_checkpoint",
    "memory_manager_state",
]

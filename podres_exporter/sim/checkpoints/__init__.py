"""The files in which a kubelet keeps what its managers have given out, byte for byte, checksums included."""

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

"""The kubelet's state files and checkpoint, byte for byte, including checksums."""

from podres_exporter.sim.checkpoints.formats import (
    ClaimEntry,
    DeviceEntry,
    MemoryAmounts,
    MemoryNode,
    cpu_manager_state,
    device_checkpoint,
    dra_manager_state,
    memory_manager_state,
)

__all__ = [
    "ClaimEntry",
    "DeviceEntry",
    "MemoryAmounts",
    "MemoryNode",
    "cpu_manager_state",
    "device_checkpoint",
    "dra_manager_state",
    "memory_manager_state",
]

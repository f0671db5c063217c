"""
The facts, frozen: what the kubelet said, what the kernel said, and the one snapshot that joins them.

`allocation` is the kubelet's answer, `topology` the kernel's, `metadata` the API server's, `snapshot` the joined whole.
Records are immutable and are compared by value. Sequences are sorted and free of repetition, whatever order the kubelet
answered in.
"""

from podres_exporter.model.allocation import (
    Allocatable,
    Claim,
    ClaimDevice,
    Container,
    Device,
    Listing,
    Malformed,
    MemoryBlock,
    Pod,
)
from podres_exporter.model.metadata import ContainerKind, ContainerSpec, Metadata, PodKey, PodMeta, ResourceHealth
from podres_exporter.model.snapshot import (
    Alignment,
    Allocation,
    Constraint,
    CpuStock,
    DeviceStock,
    MemoryStock,
    Part,
    PodView,
    RpcSupport,
    Snapshot,
    SourceHealth,
    Support,
    Usage,
    Verdict,
)
from podres_exporter.model.topology import Core, Topology

__all__ = [
    "Alignment",
    "Allocatable",
    "Allocation",
    "Claim",
    "ClaimDevice",
    "Constraint",
    "Container",
    "ContainerKind",
    "ContainerSpec",
    "Core",
    "CpuStock",
    "Device",
    "DeviceStock",
    "Listing",
    "Malformed",
    "MemoryBlock",
    "MemoryStock",
    "Metadata",
    "Part",
    "Pod",
    "PodKey",
    "PodMeta",
    "PodView",
    "ResourceHealth",
    "RpcSupport",
    "Snapshot",
    "SourceHealth",
    "Support",
    "Topology",
    "Usage",
    "Verdict",
]

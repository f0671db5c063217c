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
    NumaNodes,
    Pod,
    count_by_resource,
    ids_by_resource,
)
from podres_exporter.model.metadata import ContainerKind, ContainerSpec, Metadata, PodKey, PodMeta, ResourceHealth
from podres_exporter.model.snapshot import (
    Alignment,
    Allocation,
    Attribution,
    ClaimUse,
    Constraint,
    ContainerView,
    CpuStock,
    DeviceHealth,
    DeviceStock,
    Explanation,
    MemoryStock,
    Part,
    PodView,
    Request,
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
    "Attribution",
    "Claim",
    "ClaimDevice",
    "ClaimUse",
    "Constraint",
    "Container",
    "ContainerKind",
    "ContainerSpec",
    "ContainerView",
    "Core",
    "CpuStock",
    "Device",
    "DeviceHealth",
    "DeviceStock",
    "Explanation",
    "Listing",
    "Malformed",
    "MemoryBlock",
    "MemoryStock",
    "Metadata",
    "NumaNodes",
    "Part",
    "Pod",
    "PodKey",
    "PodMeta",
    "PodView",
    "Request",
    "ResourceHealth",
    "RpcSupport",
    "Snapshot",
    "SourceHealth",
    "Support",
    "Topology",
    "Usage",
    "Verdict",
    "count_by_resource",
    "ids_by_resource",
]

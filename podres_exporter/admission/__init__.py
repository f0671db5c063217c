"""
Simulate pod admission: the kubelet's Topology Manager, CPU, memory and device managers. Pure: values in, values out.

`admit` returns what each container of a pod would get on a node, or why the pod is rejected; `begin`, `plan` and
`commit` are its steps, for a caller that calls real device plugins in between. `release` frees what a pod held.
"""

from podres_exporter.admission.cpus import CpuManager
from podres_exporter.admission.devices import DeviceManager
from podres_exporter.admission.machine import Machine, MemoryTable, NodeMemory, new_machine
from podres_exporter.admission.memory import MemoryManager
from podres_exporter.admission.packing import take_packed
from podres_exporter.admission.pods import Amounts, ContainerRequest, Kind, PodRequest, Qos
from podres_exporter.admission.policy import Hint, Policy, ProviderHints, Scope, merge
from podres_exporter.admission.rejection import (
    OUT_OF,
    SMT_ALIGNMENT,
    TOPOLOGY_AFFINITY,
    AllocationError,
    Rejection,
    out_of,
)
from podres_exporter.admission.selection import DeviceWant, Offers, PluginDevice
from podres_exporter.admission.steps import (
    Admission,
    Assignment,
    ContainerPlan,
    NodeManagers,
    PodAdmission,
    admit,
    align,
    begin,
    commit,
    granted,
    place,
    plan,
    release,
    started,
)

__all__ = [
    "OUT_OF",
    "SMT_ALIGNMENT",
    "TOPOLOGY_AFFINITY",
    "Admission",
    "AllocationError",
    "Amounts",
    "Assignment",
    "ContainerPlan",
    "ContainerRequest",
    "CpuManager",
    "DeviceManager",
    "DeviceWant",
    "Hint",
    "Kind",
    "Machine",
    "MemoryManager",
    "MemoryTable",
    "NodeManagers",
    "NodeMemory",
    "Offers",
    "PluginDevice",
    "PodAdmission",
    "PodRequest",
    "Policy",
    "ProviderHints",
    "Qos",
    "Rejection",
    "Scope",
    "admit",
    "align",
    "begin",
    "commit",
    "granted",
    "merge",
    "new_machine",
    "out_of",
    "place",
    "plan",
    "release",
    "started",
    "take_packed",
]

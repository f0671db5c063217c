"""
Write the state files of the CPU and memory manager, and the Device Manager's checkpoint.

Source: cpumanager/state/checkpoint.go (V2), memorymanager/state/checkpoint.go (V1), devicemanager/checkpoint; the same
from 1.20 to 1.37 while the gate PodLevelResourceManagers is off. Checksums were compared with those of real kubelets
1.27, 1.29, 1.34 and 1.36.
"""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podres_exporter.cpuset import CpuSet, format_cpuset
from podres_exporter.model import MemoryBlock
from podres_exporter.sim.checkpoints.go_hash import Cells, Map, Pointer, Struct, Typed, checksum


@dataclass(frozen=True, slots=True)
class MemoryAmounts:
    """Bytes of one memory type on one NUMA node (state.MemoryTable)."""

    total: int
    system_reserved: int
    allocatable: int
    reserved: int

    def amounts(self) -> dict[str, int]:
        """Return the amounts by their names in the file."""
        return {
            "total": self.total,
            "systemReserved": self.system_reserved,
            "allocatable": self.allocatable,
            "reserved": self.reserved,
            "free": self.allocatable - self.reserved,
        }


@dataclass(frozen=True, slots=True)
class MemoryNode:
    """One NUMA node (state.NUMANodeState); *cells* are the nodes of its group."""

    assignments: int
    tables: Mapping[str, MemoryAmounts]
    cells: Sequence[int]


@dataclass(frozen=True, slots=True)
class DeviceEntry:
    """What a container holds of one resource, by NUMA node (-1: none), and the plugin's answer, serialised."""

    pod_uid: str
    container: str
    resource: str
    ids_by_node: Mapping[int, Sequence[str]]
    answer: bytes


@dataclass(frozen=True, slots=True)
class ClaimEntry:
    """A claim that pods use, with the devices that drivers have prepared, by driver (state.ClaimInfoState)."""

    uid: str
    namespace: str
    name: str
    pod_uids: Sequence[str]
    drivers: Mapping[str, Sequence[Mapping[str, Any]]]


def dra_manager_state(claims: Sequence[ClaimEntry]) -> str:
    """
    Return `dra_manager_state`: what is prepared for whom.

    Source: cm/dra/state/checkpoint.go; since 1.32 the checksum is a CRC of the data.
    """
    states = [
        {
            "ClaimUID": each.uid,
            "ClaimName": each.name,
            "Namespace": each.namespace,
            "PodUIDs": {uid: {} for uid in sorted(each.pod_uids)},
            "DriverState": {name: {"Devices": list(found) or None} for name, found in sorted(each.drivers.items())},
        }
        for each in claims
    ]
    data = _json(
        {
            "kind": "DRACheckpoint",
            "apiVersion": "checkpoint.dra.kubelet.k8s.io/v1",
            "ClaimInfoStateList": states or None,
        }
    )
    return _json({"Data": data, "Checksum": zlib.crc32(data.encode())})


def cpu_manager_state(policy: str, shared: CpuSet, entries: Mapping[str, Mapping[str, CpuSet]]) -> str:
    """Return `cpu_manager_state`: who holds which CPUs, by pod UID and container; *shared* is empty under `none`."""
    texts = {uid: {name: format_cpuset(cpus) for name, cpus in held.items()} for uid, held in entries.items()}
    default = format_cpuset(shared)
    found = checksum(
        Pointer(
            "state.CPUManagerCheckpoint",
            Struct(
                PolicyName=Typed("string", policy),
                DefaultCPUSet=Typed("string", default),
                Entries=Typed("map[string]map[string]string", Map({uid: Map(held) for uid, held in texts.items()})),
                Checksum=Typed("checksum.Checksum", 0),
            ),
        )
    )
    head = {"policyName": policy, "defaultCpuSet": default}
    return _json({**head, **({"entries": _sorted(texts)} if texts else {}), "checksum": found})


def memory_manager_state(
    policy: str, machine: Mapping[int, MemoryNode], entries: Mapping[str, Mapping[str, Sequence[MemoryBlock]]]
) -> str:
    """Return `memory_manager_state`: the machine by NUMA node, and blocks by pod UID and container."""
    hashed = Struct(
        PolicyName=Typed("string", policy),
        MachineState=Typed("state.NUMANodeMap", Map({node: _hashed(each) for node, each in machine.items()})),
        Entries=Typed(
            "state.ContainerMemoryAssignments",
            Map(
                {
                    uid: Map({name: Cells([_hashed_block(each) for each in blocks]) for name, blocks in held.items()})
                    for uid, held in entries.items()
                }
            ),
        ),
        Checksum=Typed("checksum.Checksum", 0),
    )
    nodes = {
        str(number): {
            "numberOfAssignments": node.assignments,
            "memoryMap": {kind: table.amounts() for kind, table in sorted(node.tables.items())},
            "cells": list(node.cells),
        }
        for number, node in machine.items()
    }
    written = {
        uid: {
            name: [{"numaAffinity": sorted(b.numa_nodes), "type": b.memory_type, "size": b.size_bytes} for b in blocks]
            for name, blocks in held.items()
        }
        for uid, held in entries.items()
    }
    return _json(
        {
            "policyName": policy,
            "machineState": dict(sorted(nodes.items())),
            **({"entries": _sorted(written)} if written else {}),
            "checksum": checksum(Pointer("state.MemoryManagerCheckpoint", hashed)),
        }
    )


def device_checkpoint(entries: Sequence[DeviceEntry], registered: Mapping[str, Sequence[str]]) -> str:
    """Return `kubelet_internal_checkpoint`: who holds which devices, and the healthy ids of every resource."""
    hashed = Struct(
        PodDeviceEntries=Typed(
            "[]checkpoint.PodDevicesEntry", Cells([_hashed_entry(each) for each in entries]) if entries else None
        ),
        RegisteredDevices=Typed(
            "map[string][]string", Map({resource: Cells(ids) for resource, ids in registered.items()})
        ),
    )
    written = [
        {
            "PodUID": each.pod_uid,
            "ContainerName": each.container,
            "ResourceName": each.resource,
            "DeviceIDs": dict(sorted((str(node), list(ids)) for node, ids in each.ids_by_node.items())),
            "AllocResp": base64.b64encode(each.answer).decode(),
        }
        for each in entries
    ]
    ids = {resource: list(found) for resource, found in sorted(registered.items())}
    data = {"PodDeviceEntries": written or None, "RegisteredDevices": ids}
    return _json({"Data": data, "Checksum": checksum(Typed("checkpoint.checkpointData", hashed))})


def _hashed(node: MemoryNode) -> Pointer:
    tables = {
        kind: Pointer(
            "",
            Struct(
                TotalMemSize=Typed("uint64", table.total),
                SystemReserved=Typed("uint64", table.system_reserved),
                Allocatable=Typed("uint64", table.allocatable),
                Reserved=Typed("uint64", table.reserved),
                Free=Typed("uint64", table.allocatable - table.reserved),
            ),
        )
        for kind, table in node.tables.items()
    }
    return Pointer(
        "",
        Struct(
            NumberOfAssignments=Typed("int", node.assignments),
            MemoryMap=Typed("map[v1.ResourceName]*state.MemoryTable", Map(tables)),
            Cells=Typed("[]int", Cells(node.cells)),
        ),
    )


def _hashed_block(block: MemoryBlock) -> Struct:
    return Struct(
        NUMAAffinity=Typed("[]int", Cells(sorted(block.numa_nodes))),
        Type=Typed("v1.ResourceName", block.memory_type),
        Size=Typed("uint64", block.size_bytes),
    )


def _hashed_entry(entry: DeviceEntry) -> Struct:
    ids = Map({node: Cells(found) for node, found in entry.ids_by_node.items()})
    return Struct(
        PodUID=Typed("string", entry.pod_uid),
        ContainerName=Typed("string", entry.container),
        ResourceName=Typed("string", entry.resource),
        DeviceIDs=Typed("checkpoint.DevicesPerNUMA", ids),
        AllocResp=Typed("[]uint8", Cells(list(entry.answer))),
    )


def _sorted(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {uid: dict(sorted(held.items())) for uid, held in sorted(entries.items())}


def _json(document: Mapping[str, Any]) -> str:
    """Return JSON as Go writes it: without spaces, and with <, > and & escaped."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

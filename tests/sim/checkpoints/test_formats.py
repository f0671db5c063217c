"""State files equal those of real kubelets byte for byte."""

import base64
import json
from typing import Any

import pytest
from captures import CAPTURES

from podres_exporter.cpuset import parse_cpuset
from podres_exporter.model import MemoryBlock
from podres_exporter.sim.checkpoints import (
    ClaimEntry,
    DeviceEntry,
    MemoryAmounts,
    MemoryNode,
    cpu_manager_state,
    device_checkpoint,
    dra_manager_state,
    memory_manager_state,
)

RELEASES = ["kubelet-1.27", "kubelet-1.36"]


def recorded(release: str, name: str) -> tuple[str, Any]:
    text = (CAPTURES / release / f"{name}.json").read_text(encoding="utf-8").strip()
    return text, json.loads(text)


@pytest.mark.parametrize("release", RELEASES)
def test_cpu_manager_state(release: str) -> None:
    text, data = recorded(release, "cpu_manager_state")
    entries = {
        uid: {name: frozenset(parse_cpuset(cpus)) for name, cpus in held.items()}
        for uid, held in data["entries"].items()
    }

    assert text == cpu_manager_state(data["policyName"], frozenset(parse_cpuset(data["defaultCpuSet"])), entries)


def test_the_state_of_a_cpu_manager_without_policy() -> None:
    """What every kubelet with the default policy writes."""
    expected = '{"policyName":"none","defaultCpuSet":"","checksum":1353318690}'

    assert expected == cpu_manager_state("none", frozenset(), {})


@pytest.mark.parametrize("release", RELEASES)
def test_memory_manager_state(release: str) -> None:
    text, data = recorded(release, "memory_manager_state")
    machine = {
        int(number): MemoryNode(
            node["numberOfAssignments"],
            {
                kind: MemoryAmounts(*(table[name] for name in ("total", "systemReserved", "allocatable", "reserved")))
                for kind, table in node["memoryMap"].items()
            },
            node["cells"],
        )
        for number, node in data["machineState"].items()
    }
    entries = {
        uid: {
            name: [MemoryBlock(each["type"], frozenset(each["numaAffinity"]), each["size"]) for each in blocks]
            for name, blocks in held.items()
        }
        for uid, held in data["entries"].items()
    }

    assert text == memory_manager_state(data["policyName"], machine, entries)


@pytest.mark.parametrize("release", RELEASES)
def test_the_device_managers_checkpoint(release: str) -> None:
    text, data = recorded(release, "kubelet_internal_checkpoint")
    entries = [
        DeviceEntry(
            each["PodUID"],
            each["ContainerName"],
            each["ResourceName"],
            {int(node): ids for node, ids in each["DeviceIDs"].items()},
            base64.b64decode(each["AllocResp"]),
        )
        for each in data["Data"]["PodDeviceEntries"]
    ]

    assert text == device_checkpoint(entries, data["Data"]["RegisteredDevices"])


def test_a_checkpoint_without_entries_has_none_and_names_are_escaped_as_go_does() -> None:
    """A nil slice is null in JSON; Go escapes what HTML would read."""
    text = device_checkpoint([], {"example.com/a": ["<1>"]})

    assert text.startswith(
        '{"Data":{"PodDeviceEntries":null,"RegisteredDevices":{"example.com/a":["\\u003c1\\u003e"]}}'
    )


RECORDED_CLAIM = (
    r'{"Data":"{\"kind\":\"DRACheckpoint\",\"apiVersion\":\"checkpoint.dra.kubelet.k8s.io/v1\",\"ClaimInfoStateList\":'
    r"[{\"ClaimUID\":\"41a2d8d7-c370-4369-84c4-0f1e95337790\",\"ClaimName\":\"single\",\"Namespace\":\"default\","
    r"\"PodUIDs\":{\"f8ab3f94-2d98-43bb-b210-7a2de5d1ac52\":{}},\"DriverState\":{\"gpu.example.com\":{\"Devices\":"
    r"[{\"PoolName\":\"n1\",\"DeviceName\":\"gpu-0\",\"ShareID\":null,\"RequestNames\":[\"gpu\"],\"CDIDeviceIDs\":"
    r"[\"k8s.gpu.example.com/gpu=common\",\"k8s.gpu.example.com/gpu=41a2d8d7-c370-4369-84c4-0f1e95337790-gpu-0\"]}]}}},"
    r"{\"ClaimUID\":\"4c85efb4-20d4-429f-b366-509ed240cdee\",\"ClaimName\":\"dra-pair-p-8hssd\",\"Namespace\":\"default\","
    r"\"PodUIDs\":{\"b5f93ce9-be18-4c7c-a01d-d86d1539a4ba\":{}},\"DriverState\":{\"gpu.example.com\":{\"Devices\":"
    r"[{\"PoolName\":\"n1\",\"DeviceName\":\"gpu-1\",\"ShareID\":null,\"RequestNames\":[\"gpu\"],\"CDIDeviceIDs\":"
    r"[\"k8s.gpu.example.com/gpu=common\",\"k8s.gpu.example.com/gpu=4c85efb4-20d4-429f-b366-509ed240cdee-gpu-1\"]},"
    r"{\"PoolName\":\"n1\",\"DeviceName\":\"gpu-2\",\"ShareID\":null,\"RequestNames\":[\"gpu\"],\"CDIDeviceIDs\":"
    r'[\"k8s.gpu.example.com/gpu=common\",\"k8s.gpu.example.com/gpu=4c85efb4-20d4-429f-b366-509ed240cdee-gpu-2\"]}]}}}]}",'
    r'"Checksum":289068155}'
)


def claim_entry(uid: str, name: str, pod_uid: str, *devices: str) -> ClaimEntry:
    found = [
        {
            "PoolName": "n1",
            "DeviceName": each,
            "ShareID": None,
            "RequestNames": ["gpu"],
            "CDIDeviceIDs": ["k8s.gpu.example.com/gpu=common", f"k8s.gpu.example.com/gpu={uid}-{each}"],
        }
        for each in devices
    ]
    return ClaimEntry(uid, "default", name, (pod_uid,), {"gpu.example.com": found})


def test_the_state_of_claims_is_that_of_a_real_kubelet() -> None:
    """Recorded from 1.36.3 with kubernetes-sigs' example driver: claims of one and of two devices, and none at all."""
    single = claim_entry(
        "41a2d8d7-c370-4369-84c4-0f1e95337790", "single", "f8ab3f94-2d98-43bb-b210-7a2de5d1ac52", "gpu-0"
    )
    pair = claim_entry(
        "4c85efb4-20d4-429f-b366-509ed240cdee",
        "dra-pair-p-8hssd",
        "b5f93ce9-be18-4c7c-a01d-d86d1539a4ba",
        "gpu-1",
        "gpu-2",
    )

    assert RECORDED_CLAIM == dra_manager_state([single, pair])
    assert dra_manager_state([]).endswith('null}","Checksum":4010664294}')

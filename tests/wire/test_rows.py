"""Decoding rows of the kubelet's answers: one test per quirk."""

import pytest
from builders import (
    GPU,
    MIB,
    NIC,
    block,
    claim_device_row,
    claim_row,
    device,
    device_row,
    gpu,
    memory_row,
    topology_row,
)

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.model import Claim, ClaimDevice, Device, Malformed, MemoryBlock
from podres_exporter.wire.rows import decode_claims, decode_cpus, decode_devices, decode_memory, memory_order

CLAIM = "default/gpus"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([], [], id="nothing allocated"),
        pytest.param(
            [device_row(GPU, "GPU-0", topology=topology_row(0))],
            [gpu("GPU-0", 0)],
            id="node 0 is a node though the wire leaves its number out (kubernetes #101522)",
        ),
        pytest.param(
            [
                device_row(GPU, "GPU-0", topology=topology_row(1)),
                device_row(GPU, "GPU-0", topology=topology_row(0)),
            ],
            [gpu("GPU-0", 0, 1)],
            id="one device on two nodes comes as two rows and is one device",
        ),
        pytest.param([device_row(GPU, "GPU-0")], [gpu("GPU-0")], id="no topology states no node"),
        pytest.param(
            [device_row(GPU, "GPU-0", topology=topology_row())], [gpu("GPU-0")], id="an empty topology states no node"
        ),
        pytest.param(
            [device_row(GPU, "GPU-0", topology=topology_row(-1))],
            [gpu("GPU-0")],
            id="node -1 states no node (ROCm's device plugin)",
        ),
        pytest.param(
            [device_row(GPU, "GPU-0", topology=topology_row(-1, 1))],
            [gpu("GPU-0", 1)],
            id="node -1 beside a real node does not hide it",
        ),
        pytest.param(
            [device_row(GPU, "GPU-0"), device_row(GPU, "GPU-0", topology=topology_row(1))],
            [gpu("GPU-0", 1)],
            id="a row that states a node completes one that does not",
        ),
        pytest.param(
            [device_row(GPU, "GPU-0", topology=topology_row(7))],
            [gpu("GPU-0", 7)],
            id="a node that the machine lacks is kept; only the topology can tell",
        ),
        pytest.param(
            [device_row(GPU, "GPU-1", "GPU-0", topology=topology_row(0))],
            [gpu("GPU-0", 0), gpu("GPU-1", 0)],
            id="1.20 sends several ids in one row",
        ),
        pytest.param(
            [device_row(GPU, "GPU-0"), device_row(GPU, "GPU-0")],
            [gpu("GPU-0")],
            id="a row that is repeated counts once",
        ),
        pytest.param(
            [device_row(GPU, "0000:3b:02.1"), device_row(NIC, "0000:3b:02.1")],
            [device(NIC, "0000:3b:02.1"), device(GPU, "0000:3b:02.1")],
            id="one id under two resources is two devices",
        ),
        pytest.param(
            [device_row(GPU, "GPU-uuid::1"), device_row(GPU, "GPU-uuid::0"), device_row(NIC, "b")],
            [device(NIC, "b"), gpu("GPU-uuid::0"), gpu("GPU-uuid::1")],
            id="sorted by resource and id, whatever the order of the rows",
        ),
    ],
)
def test_devices_are_distinct_with_the_nodes_of_all_their_rows(
    rows: list[pb.ContainerDevices], expected: list[Device]
) -> None:
    """A row per device and node from 1.21, grouped on 1.20 (kubelet containerDevicesFromResourceDeviceInstances)."""
    faults: list[Malformed] = []

    assert tuple(expected) == decode_devices(rows, "devices", faults)
    assert [] == faults


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        pytest.param(device_row("", "GPU-9"), Malformed("devices[1]", "no resource name"), id="no resource"),
        pytest.param(device_row(GPU), Malformed("devices[1]", f"no device id for resource '{GPU}'"), id="no id"),
        pytest.param(
            device_row(GPU, ""), Malformed("devices[1].device_ids[0]", f"empty device id for '{GPU}'"), id="empty id"
        ),
    ],
)
def test_a_device_row_that_names_no_device_is_reported_and_the_rest_kept(
    row: pb.ContainerDevices, fault: Malformed
) -> None:
    """Bad items inside a good answer do not spoil the rest."""
    faults: list[Malformed] = []

    devices = decode_devices([device_row(GPU, "GPU-0"), row, device_row(GPU, "GPU-1")], "devices", faults)

    assert (gpu("GPU-0"), gpu("GPU-1")) == devices
    assert [fault] == faults


def test_an_empty_id_does_not_spoil_the_other_ids_of_its_row() -> None:
    """1.20 puts several ids into one row."""
    faults: list[Malformed] = []

    assert (gpu("GPU-0"), gpu("GPU-1")) == decode_devices([device_row(GPU, "GPU-1", "", "GPU-0")], "devices", faults)
    assert [Malformed("devices[0].device_ids[1]", f"empty device id for '{GPU}'")] == faults


def test_cpus_are_a_set_with_cpu_0() -> None:
    """The kubelet sends cpu_ids unsorted (cpuset.UnsortedList); 0 is a CPU."""
    faults: list[Malformed] = []

    assert {0, 2, 3, 10} == decode_cpus([10, 3, 0, 2, 3], "cpu_ids", faults)
    assert [] == faults


def test_a_negative_cpu_number_is_reported_and_left_out() -> None:
    """No kernel numbers a CPU below 0; the faults are sorted, for the wire is not."""
    faults: list[Malformed] = []

    assert {1} == decode_cpus([-1, 1, -5], "cpu_ids", faults)
    assert [
        Malformed("cpu_ids", "CPU number -5 is negative"),
        Malformed("cpu_ids", "CPU number -1 is negative"),
    ] == faults


def test_a_cpu_number_beyond_those_of_any_kernel_is_reported_and_left_out() -> None:
    """Our own document would have it in a CPU list that no reader takes."""
    faults: list[Malformed] = []

    assert {65535} == decode_cpus([65535, 65536, 2**62], "cpu_ids", faults)
    assert [
        Malformed("cpu_ids", "CPU number 65536 is beyond 65535"),
        Malformed("cpu_ids", f"CPU number {2**62} is beyond 65535"),
    ] == faults


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([], [], id="memory manager off"),
        pytest.param([memory_row(64 * MIB, 0)], [block(64, 0)], id="node 0"),
        pytest.param(
            [memory_row(5120 * MIB, 1, 0)],
            [block(5120, 0, 1)],
            id="a block over two nodes is one block with its total size",
        ),
        pytest.param([pb.ContainerMemory(memory_type="memory", size=MIB)], [block(1)], id="no topology states no node"),
        pytest.param([memory_row(0, 0)], [], id="a block of size 0 says nothing"),
        pytest.param(
            [memory_row(MIB, 0), memory_row(MIB, 0)],
            [block(1, 0), block(1, 0)],
            id="equal blocks stay two, nothing tells them apart from two grants",
        ),
        pytest.param(
            [
                memory_row(2 * MIB, 1),
                memory_row(MIB, 1),
                memory_row(MIB, 0, 1),
                memory_row(2 * MIB, 0, memory_type="hugepages-2Mi"),
            ],
            [block(2, 0, memory_type="hugepages-2Mi"), block(1, 0, 1), block(1, 1), block(2, 1)],
            id="sorted by type, nodes and size",
        ),
    ],
)
def test_memory_blocks_keep_their_nodes_and_total_size(
    rows: list[pb.ContainerMemory], expected: list[MemoryBlock]
) -> None:
    """One row per block; its size is the total over its nodes (memorymanager policy_static.go; measured on 1.36.3)."""
    faults: list[Malformed] = []

    assert tuple(expected) == decode_memory(rows, "memory", faults)
    assert [] == faults


def test_the_largest_size_of_the_wire_is_read_as_it_is() -> None:
    """`size` is a uint64 (podresources_v1.proto)."""
    (largest,) = decode_memory([memory_row(2**64 - 1, 0)], "memory", [])

    assert 2**64 - 1 == largest.size_bytes


def test_memory_without_a_type_is_reported_and_the_rest_kept() -> None:
    """A size without a type belongs to no family."""
    faults: list[Malformed] = []

    blocks = decode_memory([memory_row(MIB, 0, memory_type=""), memory_row(MIB, 0)], "memory", faults)

    assert (block(1, 0),) == blocks
    assert [Malformed("memory[0]", "no memory type")] == faults


def test_blocks_are_ordered_by_type_then_nodes_then_size() -> None:
    """Node sets compare as sorted lists, for sets themselves only know subsets."""
    first, second, third, fourth = block(9, 0, memory_type="hugepages-1Gi"), block(9, 0, 1), block(1, 1), block(2, 1)

    assert [first, second, third, fourth] == sorted([third, fourth, second, first], key=memory_order)


def claims_of(*rows: pb.DynamicResource) -> dict[str, list[ClaimDevice]]:
    """Return each claim's devices by "namespace/name"; fails on any fault and on repeated claims."""
    faults: list[Malformed] = []
    claims = decode_claims(rows, "dynamic_resources", faults)
    by_name = {f"{claim.namespace}/{claim.name}": list(claim.devices) for claim in claims}
    assert [] == faults
    assert len(by_name) == len(claims)
    return by_name


def test_a_claim_device_is_named_by_driver_pool_device_and_share() -> None:
    """From 1.31 driver, pool and device, from 1.35 also the share of a device that several claims use (KEP-5075)."""
    claims = claims_of(
        claim_row(
            "gpus",
            claim_device_row("gpu.example.com", "node1", "gpu-0", share_id="b"),
            claim_device_row("gpu.example.com", "node1", "gpu-0", share_id="a"),
            claim_device_row("gpu.example.com", "node1", "gpu-0"),
        )
    )

    assert {
        CLAIM: [
            ClaimDevice("gpu.example.com", "node1", "gpu-0", "", ()),
            ClaimDevice("gpu.example.com", "node1", "gpu-0", "a", ()),
            ClaimDevice("gpu.example.com", "node1", "gpu-0", "b", ()),
        ]
    } == claims


def test_a_claim_without_devices_is_a_claim_that_is_not_prepared() -> None:
    """A claim whose NodePrepareResources fails is a row with a name and nothing else (measured on 1.36.3)."""
    assert {CLAIM: []} == claims_of(claim_row("gpus"))


def test_a_claim_that_is_listed_once_per_request_is_one_claim() -> None:
    """1.27 to 1.35 repeat the whole row for each request of the container (GetContainerClaimInfos)."""
    row = claim_row("gpus", claim_device_row("d", "p", "gpu-0", "v/c=0"), claim_device_row("d", "p", "gpu-1", "v/c=1"))

    assert claims_of(row) == claims_of(row, row)


def test_claims_of_one_name_in_two_namespaces_are_two() -> None:
    """A ResourceClaim is namespaced."""
    assert {"a/gpus": [], "b/gpus": []} == claims_of(claim_row("gpus", namespace="b"), claim_row("gpus", namespace="a"))


def test_claims_are_sorted_by_namespace_and_name() -> None:
    """The order of the answer is the kubelet's map order."""
    rows = [claim_row("b"), claim_row("a", namespace="z"), claim_row("a")]

    assert (Claim("default", "a", ()), Claim("default", "b", ()), Claim("z", "a", ())) == decode_claims(rows, "", [])


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(
            [("gpu-0", ["v/c=0"]), ("gpu-1", ["v/c=0", "v/c=1"]), ("gpu-2", ["v/c=0", "v/c=1", "v/c=2"])],
            {"gpu-0": ["v/c=0"], "gpu-1": ["v/c=1"], "gpu-2": ["v/c=2"]},
            id="1.31 to 1.36 accumulate",
        ),
        pytest.param(
            [("gpu-0", ["v/c=0"]), ("gpu-1", ["v/c=1"])],
            {"gpu-0": ["v/c=0"], "gpu-1": ["v/c=1"]},
            id="a kubelet that does not accumulate",
        ),
        pytest.param(
            [("gpu-0", ["v/c=0"]), ("gpu-1", ["v/c=0"])],
            {"gpu-0": ["v/c=0"], "gpu-1": []},
            id="a device without CDI names adds none",
        ),
        pytest.param(
            [("gpu-0", []), ("gpu-1", ["v/c=b", "v/c=a"])],
            {"gpu-0": [], "gpu-1": ["v/c=a", "v/c=b"]},
            id="several names of one device are sorted",
        ),
        pytest.param([("gpu-0", ["", "v/c=0"])], {"gpu-0": ["v/c=0"]}, id="an empty name says nothing"),
        pytest.param([("gpu-0", ["v/c=0", "v/c=0"])], {"gpu-0": ["v/c=0"]}, id="a name that is repeated counts once"),
    ],
)
def test_a_device_gets_the_cdi_names_that_its_row_adds(
    rows: list[tuple[str, list[str]]], expected: dict[str, list[str]]
) -> None:
    """Row k repeats the names of rows 1 to k-1 of its driver (GetDynamicResources; measured on 1.36.3)."""
    claims = claims_of(claim_row("gpus", *(claim_device_row("d", "p", name, *cdi) for name, cdi in rows)))

    assert expected == {device.device: list(device.cdi_devices) for device in claims[CLAIM]}


def test_cdi_names_accumulate_per_driver() -> None:
    """The kubelet declares the list once per driver, so one driver's names never stand in another's rows."""
    claims = claims_of(
        claim_row(
            "mixed",
            claim_device_row("gpu", "p", "0", "v/gpu=0"),
            claim_device_row("nic", "p", "0", "v/nic=0"),
            claim_device_row("gpu", "p", "1", "v/gpu=0", "v/gpu=1"),
        )
    )

    assert [("gpu", "0", ("v/gpu=0",)), ("gpu", "1", ("v/gpu=1",)), ("nic", "0", ("v/nic=0",))] == [
        (device.driver, device.device, device.cdi_devices) for device in claims["default/mixed"]
    ]


def test_cdi_names_do_not_accumulate_from_claim_to_claim() -> None:
    """Two claims may name the same CDI device; each row starts with an empty list."""
    row = claim_device_row("d", "p", "gpu-0", "v/c=0")

    assert {
        "default/one": [ClaimDevice("d", "p", "gpu-0", "", ("v/c=0",))],
        "default/two": [ClaimDevice("d", "p", "gpu-0", "", ("v/c=0",))],
    } == claims_of(claim_row("one", row), claim_row("two", row))


def test_kubelets_before_1_31_name_only_cdi_devices() -> None:
    """1.27 to 1.30 send one row per driver, with neither driver nor device; their rows do not accumulate."""
    claims = claims_of(
        claim_row("gpus", claim_device_row("", "", "", "v/c=0"), claim_device_row("", "", "", "v/c=0", "v/d=1"))
    )

    assert {CLAIM: [ClaimDevice("", "", "", "", ("v/c=0", "v/d=1"))]} == claims


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(claim_device_row("", "pool", "gpu-9"), id="no driver"),
        pytest.param(claim_device_row("driver", "", "gpu-9"), id="no pool"),
        pytest.param(claim_device_row("driver", "pool", ""), id="no device"),
    ],
)
def test_a_claim_device_that_is_half_named_is_reported_and_the_rest_kept(row: pb.ClaimResource) -> None:
    """Only the triple names a device."""
    faults: list[Malformed] = []

    claims = decode_claims([claim_row("gpus", row, claim_device_row("d", "p", "gpu-0"))], "claims", faults)

    assert (Claim("default", "gpus", (ClaimDevice("d", "p", "gpu-0", "", ()),)),) == claims
    assert [Malformed("claims[0].claim_resources[0]", "driver, pool and device must be named together")] == faults


def test_a_claim_device_that_is_half_named_keeps_its_cdi_names_to_itself() -> None:
    """What a row adds to the row before it, of the same driver, is its own - also if the row before cannot be used."""
    rows = [
        claim_device_row("d", "p", "gpu-0", "v/c=0"),
        claim_device_row("d", "", "gpu-1", "v/c=0", "v/c=1"),
        claim_device_row("d", "p", "gpu-2", "v/c=0", "v/c=1", "v/c=2"),
    ]

    (claim,) = decode_claims([claim_row("gpus", *rows)], "claims", [])

    assert [("gpu-0", ("v/c=0",)), ("gpu-2", ("v/c=2",))] == [(d.device, d.cdi_devices) for d in claim.devices]


def test_a_claim_without_a_name_is_reported_and_the_rest_kept() -> None:
    """Nothing can be joined with a claim that has no name."""
    faults: list[Malformed] = []

    assert (Claim("default", "gpus", ()),) == decode_claims([claim_row(""), claim_row("gpus")], "claims", faults)
    assert [Malformed("claims[0]", "no claim name")] == faults

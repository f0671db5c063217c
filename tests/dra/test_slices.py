"""Decoding ResourceSlices of every API version, valid and invalid."""

import json
from typing import Any

import pytest

from podres_exporter.dra import decode_claim, decode_slice_event, decode_slices
from podres_exporter.errors import ApiServerError
from podres_exporter.model.dra import NO_INTERFACE, ClaimInterface, ClaimResult, DeviceTaint, DraDevice

DRIVER = "gpu.nvidia.com"


def slice_of(*devices: Any, name: str = "s", **spec: Any) -> dict[str, Any]:
    pool = {"name": "n1", "generation": 3, "resourceSliceCount": 1}
    return {
        "metadata": {"name": name, "resourceVersion": "7"},
        "spec": {"driver": DRIVER, "nodeName": "n1", "pool": pool, "devices": list(devices), **spec},
    }


def listed(*items: Any) -> bytes:
    return json.dumps({"metadata": {"resourceVersion": "9"}, "items": items}).encode()


def only(device: dict[str, Any], version: str = "v1", **spec: Any) -> DraDevice:
    found = decode_slices(listed(slice_of(device, **spec)), version)
    assert () == found.malformed
    return found.slices[0].devices[0]


GPU = {
    "name": "gpu-0",
    "attributes": {
        "type": {"string": "gpu"},
        "uuid": {"string": "GPU-7f3c"},
        "gpu.nvidia.com/productName": {"string": "NVIDIA H100"},
        "resource.kubernetes.io/pciBusID": {"string": "0000:17:00.0"},
        "resource.kubernetes.io/numaNode": {"int": 1},
        "numaNode": {"int": 0},
        "driverVersion": {"version": "550.1.0"},
        "broken": {},
    },
    "capacity": {"memory": {"value": "80Gi"}},
    "taints": [{"key": "gpu.nvidia.com/xid", "value": "79", "effect": "None"}],
}


def test_a_device_has_what_its_driver_states_under_either_spelling() -> None:
    assert DraDevice(
        "gpu-0",
        kind="gpu",
        uuid="GPU-7f3c",
        pci_address="0000:17:00.0",
        product="NVIDIA H100",
        numa_nodes=frozenset([1]),
        taints=(DeviceTaint("gpu.nvidia.com/xid", "79", "None"),),
        capacity=(("memory", 80 << 30),),
    ) == only(GPU)
    assert not only(GPU).is_tainted


def test_v1beta1_nests_all_but_the_name() -> None:
    nested = {"name": GPU["name"], "basic": {key: value for key, value in GPU.items() if key != "name"}}

    assert only(GPU) == only(nested, "v1beta1")
    assert DraDevice("bare") == only({"name": "bare", "basic": {}}, "v1beta1")
    assert DraDevice("bare") == only({"name": "bare"}, "v1beta1")


@pytest.mark.parametrize(
    ("attributes", "nodes"),
    [
        ({"numa": {"int": 2}}, {2}),
        ({"dra.net/numaNode": {"int": 0}}, {0}),
        ({"resource.kubernetes.io/numaNode": {"ints": [0, 3]}}, {0, 3}),
        ({"numaNode": {"int": -1}}, set[int]()),
        ({"numaNode": {"string": "far"}}, set[int]()),
        ({}, set[int]()),
    ],
)
def test_numa_nodes_under_every_name(attributes: dict[str, Any], nodes: set[int]) -> None:
    """Less than nothing is not stated, as for the kubelet's own topology."""
    assert nodes == only({"name": "a", "attributes": attributes}).numa_nodes


def test_attributes_that_are_allowed_are_kept_whatever_their_kind() -> None:
    """Under the name that was asked for, whichever way the driver spells it; what is not stated is left out."""
    attributes = {
        "gpu.nvidia.com/driverVersion": {"version": "1.2.3"},
        "slots": {"ints": [1, 2]},
        "example.org/secure": {"bool": True},
        "secret": {"string": "no"},
    }
    allowed = frozenset({"driverVersion", "gpu.nvidia.com/slots", "example.org/secure", "absent"})
    found = decode_slices(listed(slice_of({"name": "a", "attributes": attributes})), "v1", allowed)

    kept = (("driverVersion", "1.2.3"), ("example.org/secure", "true"), ("gpu.nvidia.com/slots", "1,2"))
    assert kept == found.slices[0].devices[0].attributes
    assert () == only({"name": "a", "attributes": attributes}).attributes


def test_partitions_shares_and_counters() -> None:
    device = {
        "name": "mig",
        "attributes": {"profile": {"string": "1g.10gb"}, "parentUUID": {"string": "GPU-1"}, "type": {"string": "mig"}},
        "allowMultipleAllocations": True,
        "consumesCounters": [{"counterSet": "gpu-0", "counters": {"memory": {"value": "10Gi"}}}],
    }
    counters = [{"name": "gpu-0", "counters": {"memory": {"value": "80Gi"}}}]
    found = decode_slices(
        listed(slice_of(device, sharedCounters=counters, partitionTypeAttribute="profile")), "v1"
    ).slices[0]
    made = found.devices[0]

    assert ("1g.10gb", "GPU-1", "1g.10gb", True) == (made.profile, made.parent_uuid, made.kind, made.is_shared)
    assert (("gpu-0", "memory"), 10 << 30) == made.consumes[0]
    assert ((("gpu-0", "memory"), 80 << 30),) == found.counters


def test_cpus_of_a_cpu_driver() -> None:
    device = {"name": "cpudev004", "attributes": {"dra.cpu/cpuID": {"int": 4}, "dra.cpu/numaNodeID": {"int": 0}}}

    assert [frozenset([4]), frozenset([0])] == [only(device).cpus, only(device).numa_nodes]


@pytest.mark.parametrize(
    "bad",
    [
        5,
        {"attributes": {}},
        {"name": 3},
        {"name": "x", "capacity": {"memory": {"value": "much"}}},
        {"name": "x", "capacity": {"memory": {"value": True}}},
        {"name": "x", "attributes": {"a": "b"}},
        {"name": "x", "consumesCounters": [{"counters": {"a": {"value": "-1"}}}]},
    ],
)
def test_a_broken_device_is_named_and_takes_none_with_it(bad: Any) -> None:
    found = decode_slices(listed(slice_of({"name": "a"}, bad, {"name": "b"})), "v1")

    assert ["a", "b"] == [device.name for device in found.slices[0].devices]
    assert not found.slices[0].is_whole
    assert ["items[0].spec.devices[1]"] == [item.path for item in found.malformed]


def test_a_broken_slice_is_named_and_takes_none_with_it() -> None:
    found = decode_slices(listed({"spec": 3}, slice_of({"name": "a"})), "v1")

    assert (1, ["items[0]"]) == (len(found.slices), [item.path for item in found.malformed])


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"items": []}', b"<html>", b"[" * 100_000])
def test_what_is_no_list_is_an_error(body: bytes) -> None:
    with pytest.raises(ApiServerError):
        decode_slices(body, "v1")


def test_events_have_their_kind_version_and_slice() -> None:
    def told(kind: str, item: Any) -> tuple[str, str, str, bool]:
        found = decode_slice_event(json.dumps({"type": kind, "object": item}).encode(), "v1")
        return found.kind, found.name, found.resource_version, found.slice is not None

    assert ("ADDED", "s", "7", True) == told("ADDED", slice_of({"name": "a"}))
    assert ("DELETED", "s", "7", False) == told("DELETED", slice_of())
    assert ("BOOKMARK", "", "12", False) == told("BOOKMARK", {"metadata": {"resourceVersion": "12"}})
    assert "ERROR" == told("ERROR", {"code": 410})[0]
    with pytest.raises(ApiServerError):
        decode_slice_event(b'{"type": "ADDED", "object": 5}', "v1")


def test_a_claim_is_its_results_and_nothing_of_its_configuration() -> None:
    claim = {
        "metadata": {"namespace": "ml", "name": "c", "uid": "u"},
        "spec": {"devices": {"config": [{"opaque": {"parameters": {"password": "s3cret"}}}]}},
        "status": {
            "allocation": {
                "devices": {
                    "results": [
                        {"request": "main/big", "driver": DRIVER, "pool": "n1", "device": "gpu-0", "adminAccess": True},
                        {
                            "request": "nic",
                            "driver": "nic",
                            "pool": "p",
                            "device": "d",
                            "shareID": "s",
                            "consumedCapacity": {"bandwidth": "1G"},
                        },
                    ],
                    "config": [{"opaque": {"parameters": {"password": "s3cret"}}}],
                }
            }
        },
    }
    found = decode_claim(json.dumps(claim).encode())

    assert found is not None
    assert (
        ClaimResult("main/big", DRIVER, "n1", "gpu-0", "", is_admin=True),
        ClaimResult("nic", "nic", "p", "d", "s", consumed=(("bandwidth", 10**9),)),
    ) == found.results
    assert "s3cret" not in repr(found)
    assert None is decode_claim(b'{"metadata": {"name": "c"}, "status": {}}')


def test_the_interface_is_of_the_share_that_the_status_names_and_addresses_are_not_kept() -> None:
    """A driver may state nothing but conditions, and data of its own."""
    results = [{"request": "r", "driver": "dra.net", "pool": "n1", "device": "eth1", "shareID": each} for each in "ab"]
    of_device = {"driver": "dra.net", "pool": "n1", "device": "eth1"}
    stated = [
        {
            **of_device,
            "shareID": "b",
            "networkData": {"interfaceName": "net1", "hardwareAddress": "02:00:00:00:00:01", "ips": ["10.9.8.7/24"]},
            "data": {"password": "s3cret"},
        },
        {**of_device, "shareID": "a", "conditions": [{"type": "Ready", "status": "True"}]},
        {**of_device, "device": "other", "networkData": {"interfaceName": "net2"}},
    ]
    status = {"allocation": {"devices": {"results": results}}, "devices": stated}
    found = decode_claim(json.dumps({"metadata": {"name": "c"}, "status": status}).encode())

    assert found is not None
    assert [NO_INTERFACE, ClaimInterface("net1", "02:00:00:00:00:01")] == [each.interface for each in found.results]
    assert "10.9.8.7" not in repr(found)
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"metadata": 1}', b'{"metadata": {}, "status": {"allocation": 1}}'])
def test_what_is_no_claim_is_an_error(body: bytes) -> None:
    with pytest.raises(ApiServerError):
        decode_claim(body)

"""Rewriting names in a raw answer leaves everything else unchanged."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.wire import ListDecoder, renamed

CAPTURES = sorted((Path(__file__).parents[1] / "captures").glob("*/v1-list.bin"))


class Upper:
    """Names in capitals."""

    def name(self, text: str) -> str:
        return text.upper()

    def device(self, text: str) -> str:
        return f"D-{text}"

    def cdi(self, text: str) -> str:
        return f"C-{text}"


NODES = pb.NUMATopology(nodes=[pb.NUMANode(ID=1)])
POD = pb.PodResources(
    name="train",
    namespace="ml",
    cpu_ids=[7],
    containers=[
        pb.ContainerResources(
            name="main",
            cpu_ids=[3, 2],
            devices=[pb.ContainerDevices(resource_name="example.com/gpu", device_ids=["a", "b"], topology=NODES)],
            memory=[pb.ContainerMemory(memory_type="memory", size=5, topology=NODES)],
            dynamic_resources=[
                pb.DynamicResource(
                    claim_name="claim",
                    claim_namespace="ml",
                    claim_resources=[
                        pb.ClaimResource(
                            cdi_devices=[pb.CDIDevice(name="v/c=d")],
                            driver_name="drv.example.com",
                            pool_name="pool",
                            device_name="dev",
                            share_id="share",
                        ),
                        pb.ClaimResource(driver_name="drv.example.com"),
                    ],
                )
            ],
        )
    ],
)


def test_a_pod_gets_other_names_and_keeps_the_rest() -> None:
    """Resources, drivers, numbers and orders stay; that a field is absent stays, too."""
    data = renamed("List", pb.ListPodResourcesResponse(pod_resources=[POD]).SerializeToString(), Upper())
    assert data is not None
    (pod,) = pb.ListPodResourcesResponse.FromString(data).pod_resources
    expected = pb.PodResources()
    expected.CopyFrom(POD)
    expected.name, expected.namespace = "TRAIN", "ML"
    container = expected.containers[0]
    container.name = "MAIN"
    container.devices[0].device_ids[:] = ["D-a", "D-b"]
    claim = container.dynamic_resources[0]
    claim.claim_name, claim.claim_namespace = "CLAIM", "ML"
    first = claim.claim_resources[0]
    first.pool_name, first.device_name, first.share_id = "POOL", "DEV", "SHARE"
    first.cdi_devices[0].name = "C-v/c=d"

    assert expected == pod
    assert not pod.containers[0].dynamic_resources[0].claim_resources[1].HasField("share_id")


def test_an_answer_to_get_is_renamed_like_a_pod_of_the_list() -> None:
    """It is the same message, in another envelope."""
    data = renamed("Get", pb.GetPodResourcesResponse(pod_resources=POD).SerializeToString(), Upper())
    assert data is not None

    assert "TRAIN" == pb.GetPodResourcesResponse.FromString(data).pod_resources.name


def test_what_may_be_handed_out_gets_other_device_ids() -> None:
    """The same ones as the devices of pods."""
    devices = [pb.ContainerDevices(resource_name="example.com/gpu", device_ids=["a"])]
    data = renamed(
        "GetAllocatableResources",
        pb.AllocatableResourcesResponse(devices=devices, cpu_ids=[1]).SerializeToString(),
        Upper(),
    )
    assert data is not None
    found = pb.AllocatableResourcesResponse.FromString(data)

    assert ["D-a"] == list(found.devices[0].device_ids)
    assert [1] == list(found.cpu_ids)


@pytest.mark.parametrize("rpc", ["List", "Get", "GetAllocatableResources"])
def test_bytes_that_are_no_answer_have_no_other_names(rpc: str) -> None:
    """Nobody knows where their names are."""
    assert renamed(rpc, b"\x0a\xffsecret", Upper()) is None


def test_fields_of_a_newer_kubelet_are_left_out() -> None:
    """There may be names in them; field 99 of the pod here says one."""
    pod = POD.SerializeToString() + b"\x9a\x06\x06secret"
    data = renamed("List", b"\x0a" + _varint(len(pod)) + pod, Upper())
    assert data is not None

    assert b"TRAIN" in data
    assert b"secret" not in data


def _varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128, number >> 7])


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.parent.name)
def test_recorded_kubelets_hold_the_same_under_other_names(path: Path) -> None:
    """Amounts and NUMA nodes of every container."""
    data = path.read_bytes()
    other = renamed("List", data, Upper())
    assert other is not None

    def shapes(answer: bytes) -> Sequence[object]:
        pods = ListDecoder().decode(answer).pods
        return sorted(
            (
                pod.name.upper(),
                each.name.upper(),
                len(each.devices),
                sorted(each.exclusive_cpus),
                [(block.size_bytes, sorted(block.numa_nodes)) for block in each.memory],
                sorted((device.resource, sorted(device.numa_nodes)) for device in each.devices),
            )
            for pod in pods
            for each in pod.containers
        )

    assert shapes(data) == shapes(other)

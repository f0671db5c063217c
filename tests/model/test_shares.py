"""Ids of shared devices: physical device and share number."""

import pytest

from podres_exporter.model.shares import may_have_shares, share_of, split_replica

UUID = "1cb8edae-82f3-6a6f-1c76-0123456789ab"


@pytest.mark.parametrize(
    ("device_id", "base", "replica"),
    [
        pytest.param("GPU-7f3c::3", "GPU-7f3c", "3", id="NVIDIA time-slicing or MPS"),
        pytest.param("GPU-7f3c/vgpu2", "GPU-7f3c", "2", id="GKE"),
        pytest.param("MIG-GPU-7f3c/1/0::12", "MIG-GPU-7f3c/1/0", "12", id="share of an older MIG device"),
        pytest.param("GPU-7f3c/vgpu1::2", "GPU-7f3c/vgpu1", "2", id="both: the last one is the replica"),
        pytest.param("a::1::2", "a::1", "2", id="twice"),
        pytest.param("line\nbreak::1", "line\nbreak", "1", id="a newline in the base"),
        pytest.param("GPU-7f3c", "GPU-7f3c", "", id="whole GPU"),
        pytest.param("MIG-GPU-7f3c/1/0", "MIG-GPU-7f3c/1/0", "", id="older MIG device"),
        pytest.param("0000:3b:02.1", "0000:3b:02.1", "", id="PCI address"),
        pytest.param("::3", "::3", "", id="no base"),
        pytest.param("GPU::", "GPU::", "", id="no replica"),
        pytest.param("GPU::x", "GPU::x", "", id="replica is no number"),
        pytest.param("GPU::\u0663", "GPU::\u0663", "", id="digit of another script"),
        pytest.param("GPU::3\n", "GPU::3\n", "", id="newline after the replica"),
        pytest.param("/vgpu", "/vgpu", "", id="only the mark"),
    ],
)
def test_a_shared_id_is_split_and_any_other_is_its_own_base(device_id: str, base: str, replica: str) -> None:
    """Sources stand in the module."""
    assert (base, replica) == split_replica(device_id)


@pytest.mark.parametrize(
    ("resource", "device_id", "base", "replica"),
    [
        pytest.param("nvidia.com/gpu", f"GPU-{UUID}-17", f"GPU-{UUID}", "17", id="HAMi"),
        pytest.param("volcano.sh/vgpu-number", f"GPU-{UUID}-0", f"GPU-{UUID}", "0", id="Volcano"),
        pytest.param("volcano.sh/vgpu-memory", f"MIG-{UUID}-40959", f"MIG-{UUID}", "40959", id="of a MIG device"),
        pytest.param("aliyun.com/gpu-mem", f"GPU-{UUID}-_-7", f"GPU-{UUID}", "7", id="gpushare"),
        pytest.param("cambricon.com/mlu", "MLU-2000-_-1", "MLU-2000", "1", id="Cambricon"),
        pytest.param("nvshare.com/gpu", f"GPU-{UUID}__3", f"GPU-{UUID}", "3", id="nvshare"),
        pytest.param("gpu.intel.com/i915", "card0-2", "card0", "2", id="Intel"),
        pytest.param("gpu.intel.com/xe", "card12-0", "card12", "0", id="Intel's newer driver"),
    ],
)
def test_ids_of_other_sharing_plugins_are_split(resource: str, device_id: str, base: str, replica: str) -> None:
    """HAMi, Volcano, gpushare, Cambricon, nvshare and Intel share a device by ids of their own."""
    assert (base, replica) == split_replica(device_id, resource)
    assert may_have_shares(resource + device_id)


@pytest.mark.parametrize(
    ("resource", "device_id"),
    [
        pytest.param("nvidia.com/gpu", f"GPU-{UUID}", id="a whole GPU"),
        pytest.param("nvidia.com/gpu", "GPU-00000000-1111-2222-3333-000000000001", id="a UUID of digits"),
        pytest.param("example.com/gpu", "card0-2", id="another vendor's card0-2"),
        pytest.param("gpu.intel.com/i915_monitoring", "all", id="Intel's monitoring device"),
        pytest.param("example.com/disk", f"{UUID}-1", id="a partition of a disk: no device's prefix"),
        pytest.param("amd.com/gpu", "amdgpu_xcp_30", id="an AMD partition"),
        pytest.param("devices.kubevirt.io/kvm", "kvm12", id="KubeVirt"),
        pytest.param("huawei.com/Ascend910", "Ascend910-0", id="Ascend"),
        pytest.param("rdma/vhca", "16:5f:e4:4f:a7:28", id="a MAC address"),
        pytest.param("example.com/x", "a__3", id="two underscores behind no UUID"),
        pytest.param("example.com/x", "GPU-7f3c-1", id="a number behind a short name"),
        pytest.param("nvidia.com/gpu", f"GPU-{UUID}-1a", id="not a number"),
        pytest.param("cambricon.com/mlu", "MLU-2000-_-x", id="not a number either"),
    ],
)
def test_what_only_looks_like_a_share_stays_whole(resource: str, device_id: str) -> None:
    assert (device_id, "") == split_replica(device_id, resource)


def test_a_share_of_another_device_than_the_scheduler_chose_has_no_base() -> None:
    """HAMi's plugin gives what its scheduler chose; a join by the base would show another GPU's figures."""
    share = f"GPU-{UUID}-3"

    assert (f"GPU-{UUID}", "3") == share_of(share, "nvidia.com/gpu", ())
    assert (f"GPU-{UUID}", "3") == share_of(share, "nvidia.com/gpu", ("GPU-other", f"GPU-{UUID}"))
    assert (share, "") == share_of(share, "nvidia.com/gpu", ("GPU-other",))
    assert (f"GPU-{UUID}", "") == share_of(f"GPU-{UUID}", "nvidia.com/gpu", ("GPU-other",))


def test_plain_ids_pass_the_fast_test() -> None:
    """A node has thousands of them, and they are written without being split."""
    assert not may_have_shares(f"GPU-{UUID}GPU-{UUID}0000:3b:02.1kvm12nvidia.com/gpu")

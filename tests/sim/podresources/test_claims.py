"""The DRA part of the answers by release."""

import pytest
from sim_client import dice

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.model import Claim, ClaimDevice
from podres_exporter.scenario import KubeletSettings, Release
from podres_exporter.sim.podresources.dialect import dialect_of
from podres_exporter.sim.podresources.messages import dynamic_resources

CLAIM = Claim(
    "default",
    "gpus-x7k2",
    (
        ClaimDevice("gpu.example.com", "node1", "gpu-0", "", ("example.com/gpu=0", "example.com/gpu=0-extra")),
        ClaimDevice("gpu.example.com", "node1", "gpu-1", "share-1", ("example.com/gpu=1",)),
        ClaimDevice("nic.example.com", "node1", "nic-0", "", ("example.com/nic=0",)),
    ),
)


def resource(minor: int, claim: Claim = CLAIM) -> pb.DynamicResource:
    dialect = dialect_of(KubeletSettings(Release(minor), dynamic_resources=True))
    (found,) = dynamic_resources((claim,), dialect, dice(0))
    return found


def cdi_by_device(minor: int) -> dict[str, list[str]]:
    return {row.device_name: [cdi.name for cdi in row.cdi_devices] for row in resource(minor).claim_resources}


@pytest.mark.parametrize("minor", [31, 36])
def test_up_to_release_1_36_each_row_repeats_the_cdi_names_before_it(minor: int) -> None:
    """GetDynamicResources declares its list outside of the loop over a driver's devices (1.31 to 1.36)."""
    expected = {
        "gpu-0": ["example.com/gpu=0", "example.com/gpu=0-extra"],
        "gpu-1": ["example.com/gpu=0", "example.com/gpu=0-extra", "example.com/gpu=1"],
        "nic-0": ["example.com/nic=0"],
    }

    assert expected == cdi_by_device(minor)


def test_from_release_1_37_each_row_has_its_own_cdi_names() -> None:
    """Nothing accumulates any more."""
    expected = {
        "gpu-0": ["example.com/gpu=0", "example.com/gpu=0-extra"],
        "gpu-1": ["example.com/gpu=1"],
        "nic-0": ["example.com/nic=0"],
    }

    assert expected == cdi_by_device(37)


@pytest.mark.parametrize("minor", [27, 30])
def test_up_to_release_1_30_a_row_is_a_driver_with_cdi_names_only(minor: int) -> None:
    """ClaimResource had no other field; class_name was field 1 of DynamicResource."""
    found = resource(minor)

    rows = [sorted(cdi.name for cdi in row.cdi_devices) for row in found.claim_resources]
    gpus = ["example.com/gpu=0", "example.com/gpu=0-extra", "example.com/gpu=1"]
    assert [gpus, ["example.com/nic=0"]] == sorted(rows)
    assert {""} == {row.driver_name + row.pool_name + row.device_name for row in found.claim_resources}
    assert b"\x0a\x0fgpu.example.com" in found.SerializeToString()


def test_from_release_1_31_there_is_no_class_name() -> None:
    """The field number is reserved."""
    names = pb.DynamicResource(claim_name="gpus-x7k2", claim_namespace="default").SerializeToString()

    assert names == resource(31, Claim("default", "gpus-x7k2", ())).SerializeToString()


@pytest.mark.parametrize(("minor", "shares"), [(34, []), (35, ["share-1"]), (37, ["share-1"])])
def test_share_ids_came_with_release_1_35(minor: int, shares: list[str]) -> None:
    """An optional field (KEP-5075): absent on a device that is not shared."""
    found = resource(minor)

    assert shares == [row.share_id for row in found.claim_resources if row.HasField("share_id")]


def test_a_claim_that_is_not_prepared_has_no_devices() -> None:
    """While NodePrepareResources fails, List has the claim's name and nothing else."""
    found = resource(36, Claim("default", "pending", ()))

    assert pb.DynamicResource(claim_name="pending", claim_namespace="default") == found


def test_drivers_come_in_any_order_and_devices_of_one_in_theirs() -> None:
    """The kubelet walks a map of drivers."""
    dialect = dialect_of(KubeletSettings(Release(36)))
    random = dice(0)
    answers = [dynamic_resources((CLAIM,), dialect, random)[0] for _ in range(30)]

    orders = {tuple(row.device_name for row in answer.claim_resources) for answer in answers}
    assert {("gpu-0", "gpu-1", "nic-0"), ("nic-0", "gpu-0", "gpu-1")} == orders


def test_without_the_gate_claims_are_not_in_this_api() -> None:
    """KubeletPodResourcesDynamicResources is off by default until 1.33."""
    assert [] == dynamic_resources((CLAIM,), dialect_of(KubeletSettings(Release(33))), dice(0))

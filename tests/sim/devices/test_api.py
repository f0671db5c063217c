"""Names of extended resources."""

import pytest

from podres_exporter.sim.devices.api import is_extended_resource_name


@pytest.mark.parametrize(
    "name",
    [
        "nvidia.com/gpu",
        "nvidia.com/mig-1g.5gb",
        "openshift.io/sriov_dpdk",
        "a/b",
        "devices.kubevirt.io/kvm",
        f"{'a' * 244}/x",
        f"example.com/{'x' * 63}",
    ],
)
def test_a_name_with_a_domain_of_its_own_may_be_registered(name: str) -> None:
    assert is_extended_resource_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "gpu",
        "cpu",
        "kubernetes.io/gpu",
        "node.kubernetes.io/gpu",
        "requests.nvidia.com/gpu",
        "/gpu",
        "nvidia.com/",
        "nvidia.com/gpu/0",
        "Nvidia.com/gpu",
        "nvidia_.com/gpu",
        "nvidia..com/gpu",
        "-nvidia.com/gpu",
        "nvidia.com/-gpu",
        "nvidia.com/gpu.",
        "nvidia.com/g pu",
        "nvidia.com/gpu\n",
        f"{'a' * 245}/x",
        f"example.com/{'x' * 64}",
    ],
)
def test_other_names_may_not(name: str) -> None:
    """IsExtendedResourceName: no native resource, no quota prefix, still a qualified name with the prefix before it."""
    assert not is_extended_resource_name(name)

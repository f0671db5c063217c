"""Which device a name means, and the PromQL to find it."""

import pytest

from podres_exporter.errors import SelectionError
from podres_exporter.who.device import Device, choose, selectors, spellings
from podres_exporter.who.series import Place, selector


def held(device: str, *, base: str = "", resource: str = "nvidia.com/gpu", **more: str) -> dict[str, str]:
    """Return the labels of a plugin's device that is held."""
    return {
        "__name__": "podres_container_device_info",
        "resource": resource,
        "device": device,
        "device_base": base or device,
        "node": "n1",
        **more,
    }


def offered(device: str, **more: str) -> dict[str, str]:
    """Return the labels of a device of a ResourceSlice."""
    return {"__name__": "podres_dra_device_info", "driver": "gpu", "pool": "n1", "device": device, "node": "n1", **more}


N1 = frozenset({Place("", "n1")})


def test_shares_are_one_device_and_name_it() -> None:
    series = [held("GPU-7f3c::0", base="GPU-7f3c"), held("GPU-7f3c::1", base="GPU-7f3c", node="n2", cluster="c2")]

    assert [Device("nvidia.com/gpu", "GPU-7f3c")] == choose(series, "GPU-7")
    assert frozenset({*N1, Place("c2", "n2")}) == choose(series, "GPU-7f3c")[0].places


def test_a_whole_name_goes_before_the_beginning_of_another() -> None:
    assert ["gpu-1"] == [each.name for each in choose([held("gpu-1"), held("gpu-10")], "gpu-1")]


def test_the_beginning_of_several_is_refused_with_their_names() -> None:
    with pytest.raises(
        SelectionError, match=r"'gpu-' matches 10 devices: nvidia.com/gpu gpu-0, .*; and 2 more; use a longer prefix"
    ):
        choose([held(f"gpu-{number}") for number in range(10)], "gpu-")


def test_a_uuid_of_a_slice_names_the_device_and_its_partitions() -> None:
    """They are one piece of hardware; a device of a plugin with the same id is a second view of it."""
    series = [
        offered("gpu-3", uuid="GPU-7f3c"),
        offered("mig-0", uuid="MIG-1", parent_uuid="GPU-7f3c"),
        held("GPU-7f3c"),
    ]

    assert ["gpu-3", "mig-0", "GPU-7f3c"] == [each.name for each in choose(series, "GPU-7f")]
    assert ["gpu/n1/gpu-3"] == [each.label for each in choose(series[:1], "gpu/n1/gpu-3")]


@pytest.mark.parametrize("text", ["0000:3B:00.1", "00000000:3b:00.1", "3b:00.1", "0000:3b:00.1"])
def test_a_pci_address_is_taken_as_lspci_and_nvidia_smi_write_it(text: str) -> None:
    assert "0000:3b:00.1" == spellings(text)[-1]
    assert [Device("vf", "0000:3b:00.1")] == choose([held("0000:3b:00.1", resource="vf")], text)


def test_a_name_is_no_regular_expression() -> None:
    """Neither in PromQL nor by accident."""
    assert r'{device=~"(?:a\\.b\\(\"\\\\).*"}' in selectors('a.b("\\')[0]
    assert 'up{job="a",instance=~"10\\\\.0\\\\.0\\\\.1:1|b"}' == selector(
        "up", {"job": "a", "instance": ["b", "10.0.0.1:1"], "node": ()}
    )

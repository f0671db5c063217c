"""Metrics of DRA claims."""

from dataclasses import replace

from pages import sample_lines
from snapshots import one_container

from podres_exporter.model import (
    Attribution,
    Certainty,
    Claim,
    ClaimDevice,
    ClaimInterface,
    ClaimUse,
    Container,
    DoubleHeld,
    Holder,
    Thing,
)

UNREAD = ',request="",admin_access=""'
FAMILIES = ("podres_container_claim_device_info", "podres_container_claim_cdi_device_info")


def claimed(*devices: ClaimDevice) -> str:
    """Return the lines of a container with one claim that has *devices*."""
    return sample_lines(one_container(Container("c", claims=(Claim("ml", "gpus", devices),))), *FAMILIES)


def labels(driver: str, pool: str, device: str, share_id: str = "") -> str:
    return (
        f'namespace="ml",pod="a",container="c",claim="gpus",driver="{driver}",pool="{pool}",device="{device}"'
        f',share_id="{share_id}"'
    )


def test_each_device_of_a_claim_has_a_series_and_each_of_its_cdi_names_one_more() -> None:
    """A device has any number of CDI names: a 1:n relation has a family of its own."""
    actual = claimed(
        ClaimDevice("gpu.example.com", "n1", "gpu-0", "", ("example.com/gpu=0", "example.com/mem=0")),
        ClaimDevice("gpu.example.com", "n1", "gpu-1", "", ()),
    )

    first, second = labels("gpu.example.com", "n1", "gpu-0"), labels("gpu.example.com", "n1", "gpu-1")
    assert (
        "\n"
        f'podres_container_claim_device_info{{{first},attribution="claim"{UNREAD}}} 1\n'
        f'podres_container_claim_device_info{{{second},attribution="claim"{UNREAD}}} 1\n'
        f'podres_container_claim_cdi_device_info{{{first},cdi_device="example.com/gpu=0"}} 1\n'
        f'podres_container_claim_cdi_device_info{{{first},cdi_device="example.com/mem=0"}} 1\n'
    ) == actual


def test_shares_of_one_device_are_told_apart() -> None:
    """KEP-5075: two shares of a device differ in share_id only."""
    actual = claimed(ClaimDevice("d", "p", "gpu-0", "one", ()), ClaimDevice("d", "p", "gpu-0", "two", ()))

    assert (
        "\n"
        f'podres_container_claim_device_info{{{labels("d", "p", "gpu-0", "one")},attribution="claim"{UNREAD}}} 1\n'
        f'podres_container_claim_device_info{{{labels("d", "p", "gpu-0", "two")},attribution="claim"{UNREAD}}} 1\n'
    ) == actual


def test_a_kubelet_that_names_no_devices_still_shows_their_cdi_names() -> None:
    """1.27 to 1.30 fill cdi_devices only, so nothing could be called a device."""
    actual = claimed(ClaimDevice("", "", "", "", ("example.com/gpu=0",)))

    cdi = f'{labels("", "", "")},cdi_device="example.com/gpu=0"'
    assert f"\npodres_container_claim_cdi_device_info{{{cdi}}} 1\n" == actual


def test_a_claim_that_is_not_prepared_has_no_series() -> None:
    """Its row has a name and no devices."""
    assert claimed() == "\n"


def test_the_only_device_of_a_claim_is_the_container_s() -> None:
    """There is no other that the container could use."""
    actual = claimed(ClaimDevice("d", "p", "gpu-0", "", ()))

    assert (
        f'\npodres_container_claim_device_info{{{labels("d", "p", "gpu-0")},attribution="container"{UNREAD}}} 1\n'
        == actual
    )


NET1 = ClaimInterface("net1", "02:01")


def test_a_claim_that_was_read_says_which_request_and_whether_it_only_looks() -> None:
    """Admin access holds nothing; what a share takes has a family of its own."""
    device = ClaimDevice("d", "p", "nic-0", "s1", ())
    uses = (
        ClaimUse("gpus", device, Attribution.CONTAINER, "nic", consumed=(("bandwidth", 5),), interface=NET1),
        ClaimUse("gpus", replace(device, device="gpu-0", share_id=""), Attribution.CONTAINER, "all", is_admin=True),
    )
    snapshot = one_container(Container("c", claims=(Claim("ml", "gpus", (device,)),)))
    assert snapshot.allocation is not None
    (pod,) = snapshot.allocation.pods
    views = tuple(replace(view, claim_uses=uses) for view in pod.containers)
    snapshot = replace(snapshot, allocation=replace(snapshot.allocation, pods=(replace(pod, containers=views),)))
    share, look = labels("d", "p", "nic-0", "s1"), labels("d", "p", "gpu-0")

    assert (
        "\n"
        f'podres_container_claim_device_info{{{share},attribution="container",request="nic",admin_access="false"}} 1\n'
        f'podres_container_claim_device_info{{{look},attribution="container",request="all",admin_access="true"}} 1\n'
        f'podres_container_claim_consumed_capacity{{{share},request="nic",capacity="bandwidth"}} 5\n'
        f'podres_container_claim_interface_info{{{share},request="nic",interface="net1",hardware_address="02:01"}} 1\n'
    ) == sample_lines(
        snapshot, *FAMILIES, "podres_container_claim_consumed_capacity", "podres_container_claim_interface_info"
    )


def test_dra_devices_in_two_claims_are_counted_by_certainty() -> None:
    """Every driver of the node has both numbers, 0 in health."""
    device = ClaimDevice("d", "p", "x", "", ())
    snapshot = one_container(Container("main", claims=(Claim("ml", "one", (device,)),)))
    holders = (Holder("ml", "a", "main"), Holder("ml", "b", "main"))
    possible = DoubleHeld(Thing.CLAIM_DEVICE, "d", "p/x", holders, Certainty.POSSIBLE)
    assert snapshot.allocation is not None

    found = [
        sample_lines(
            replace(snapshot, allocation=replace(snapshot.allocation, doubles=doubles)),
            "podres_node_double_held_claim_devices",
        )
        for doubles in ((), (possible,))
    ]

    name = "podres_node_double_held_claim_devices"
    assert [
        f'\n{name}{{driver="d",certainty="certain"}} 0\n{name}{{driver="d",certainty="possible"}} {count}\n'
        for count in (0, 1)
    ] == found

"""Devices of DRA claims."""

from dataclasses import replace

from builders import container, pod
from page_dom import Dom, dom
from page_nodes import snapshot

from podres_exporter.model import Attribution, Claim, ClaimDevice, ContainerView, DeviceHealth, Snapshot

GPU_0 = ClaimDevice("gpu.example.com", "n1", "gpu-0", "", ("gpu.example.com/gpu=0",))


def claiming(*claims: Claim) -> Snapshot:
    return snapshot((pod("a", container("main", claims=claims)),), None, None)


def changed(shown: Snapshot, **changes: object) -> Snapshot:
    """Return the snapshot with changes to its one container."""
    allocation = shown.allocation
    assert allocation is not None
    view: ContainerView = replace(allocation.pods[0].containers[0], **changes)  # type: ignore[arg-type]
    pods = (replace(allocation.pods[0], containers=(view,)),)
    return replace(shown, allocation=replace(allocation, pods=pods))


def tiles(page: Dom) -> list[tuple[str, str]]:
    return [(each["title"], each.text) for each in page.all("li", "dev")]


def test_a_device_says_driver_pool_claim_and_user() -> None:
    page = dom(claiming(Claim("default", "a-gpu", (GPU_0,))))

    assert [("gpu.example.com/n1/gpu-0", "gpu-0A0 default/aclaim a-gpu")] == tiles(page)
    assert "1 in use" in page.kind("gpu.example.com")[0].text


def test_shares_of_a_device_are_one_tile() -> None:
    claims = [Claim("default", f"c{index}", (replace(GPU_0, share_id=f"s{index}"),)) for index in range(2)]
    page = dom(claiming(*claims))

    assert ["gpu-0A0 default/aclaim c0, share s0A0 default/aclaim c1, share s1"] == [text for _, text in tiles(page)]


def test_a_device_that_the_container_may_not_use_is_said_so() -> None:
    """Where the pod does not tell which of the claim's devices a container uses."""
    shown = claiming(Claim("default", "c", (GPU_0,)))
    allocation = shown.allocation
    assert allocation is not None
    uses = allocation.pods[0].containers[0].claim_uses
    surely = changed(shown, claim_uses=(replace(uses[0], attribution=Attribution.CONTAINER),))
    perhaps = changed(shown, claim_uses=(replace(uses[0], attribution=Attribution.CLAIM),))

    assert [False, True] == ["perhaps" in tiles(dom(each))[0][1] for each in (surely, perhaps)]


def test_where_only_cdi_names_are_told_they_stand_for_the_device() -> None:
    """Kubelets 1.27 to 1.30."""
    page = dom(claiming(Claim("default", "c", (ClaimDevice("", "", "", "", ("v.com/c=0", "v.com/c=1")),))))

    assert ["v.com/c=0 v.com/c=1"] == [title for title, _ in tiles(page)]
    assert "driver not reported" in page.one("machine").text


def test_a_sick_device_is_marked() -> None:
    row = DeviceHealth("gpu.example.com", "gpu-0", "n1", "c", "Unhealthy", "hot")
    page = dom(changed(claiming(Claim("default", "c", (GPU_0,))), health=(row,)))

    assert ["Unhealthy hot"] == [each.text for each in page.all("span", "flag")]
    assert page.all("li", "dev", "bad")


def test_without_claims_there_is_no_panel() -> None:
    page = dom(snapshot((), None, None))

    assert [] == page.all(id="claims-h")

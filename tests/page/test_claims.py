"""DRA devices on the page."""

from dataclasses import replace

from builders import container, pod
from page_dom import Dom, dom
from page_nodes import snapshot

from podres_exporter.model import (
    Attribution,
    Claim,
    ClaimDevice,
    ContainerView,
    DeviceHealth,
    DeviceTaint,
    DraDevice,
    DraNode,
    DraPool,
    DraStock,
    Snapshot,
)

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
    assert "driver not reported" in page.one("devices").text


def test_a_sick_device_is_marked() -> None:
    row = DeviceHealth("gpu.example.com", "gpu-0", "n1", "c", "Unhealthy", "hot")
    page = dom(changed(claiming(Claim("default", "c", (GPU_0,))), health=(row,)))

    assert ["Unhealthy: hot"] == [each.text for each in page.all("span", "flag")]
    assert page.all("li", "dev", "bad")


def test_without_claims_nothing_is_said_of_dra() -> None:
    page = dom(snapshot((), None, None))

    assert "DRA;" not in page.one("devices").text


def test_what_slices_and_claims_say_stands_on_the_device_and_what_is_left_beside_its_driver() -> None:
    shown = claiming(Claim("default", "c", (GPU_0,)))
    assert shown.allocation is not None
    use = replace(shown.allocation.pods[0].containers[0].claim_uses[0], request="gpu", is_admin=True)
    shown = changed(shown, claim_uses=(use,))
    bad = (DeviceTaint("xid", "79", "NoExecute"),)
    device = DraDevice("gpu-0", kind="gpu", uuid="GPU-7f3c", product="A100", numa_nodes=frozenset([1]), taints=bad)
    items = [("n1", f"gpu-{number}") for number in range(4)]
    stock = DraStock("gpu.example.com", "gpu", frozenset(items), frozenset(items[:1]), frozenset(items[1:2]), 1)
    dra = DraNode((DraPool("gpu.example.com", "n1", 1, (device,)),), (stock,))
    assert shown.allocation is not None
    page = dom(replace(shown, allocation=replace(shown.allocation, dra=dra)))
    ((title, text),) = tiles(page)

    assert "gpu.example.com/n1/gpu-0 · GPU-7f3c · A100 · NUMA 1 · tainted xid=79:NoExecute" == title
    assert "gpu-0NUMA 1GPU-7f3cA0 default/aclaim c, request gpu, admin access" == text
    assert "1 of 4 allocated, 1 tainted, 2 available; of each type fit 1 gpu" in page.kind("gpu.example.com")[0].text
    unsure = DraNode(dra.pools, (replace(stock, is_known=False),))
    unknown = dom(replace(shown, allocation=replace(shown.allocation, dra=unsure)))
    assert "1 of 4 in use, perhaps more" in unknown.kind("gpu.example.com")[0].text

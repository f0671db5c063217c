"""Joining read claims with the kubelet's list, and what is available by driver."""

from dataclasses import replace

import pytest
from builders import TWO_NODES, allocatable, container, device, gpu, listing, pod
from hypothesis import given
from hypothesis import strategies as st

from podres_exporter.join import Joiner
from podres_exporter.join.claims import claim_uses
from podres_exporter.join.hardware import dual_devices, hardware_of
from podres_exporter.model import (
    Allocation,
    Attribution,
    Belief,
    Claim,
    ClaimDevice,
    ContainerKind,
    ContainerSpec,
    Metadata,
    PodMeta,
    Unknown,
    Verdict,
)
from podres_exporter.model.dra import ClaimFacts, ClaimResult, DeviceTaint, Dra, DraDevice, DraPool

DRIVER, POOL = "gpu.example.com", "n1"
SURE, UNSURE = Attribution.CONTAINER, Attribution.CLAIM


def listed(*devices: str, name: str = "c", share: str = "") -> Claim:
    return Claim("ml", name, tuple(ClaimDevice(DRIVER, POOL, each, share, ()) for each in devices))


def result(request: str, device: str, **more: object) -> ClaimResult:
    return replace(ClaimResult(request, DRIVER, POOL, device), **more)  # type: ignore[arg-type]


def facts(*results: ClaimResult, name: str = "c") -> ClaimFacts:
    return ClaimFacts("ml", name, "u", results)


def spec(*claims: tuple[str, str], name: str = "main") -> ContainerSpec:
    return ContainerSpec(name, ContainerKind.APP, claims=claims)


META = PodMeta("ml", "p", "1", claims=(("dev", "c"),))
TWO = facts(result("a", "gpu-0"), result("b", "gpu-1"))


def shown(
    asked: ContainerSpec | None, claim: Claim, known: ClaimFacts | None, meta: PodMeta | None = META
) -> list[tuple[str, str, Attribution]]:
    claims = {known.name: known} if known else {}
    uses = claim_uses(container("main", claims=[claim]), asked, meta, claims)
    return [(use.request, use.device.device, use.attribution) for use in uses]


def test_a_container_has_the_devices_of_the_requests_that_it_names() -> None:
    """On 1.34 and 1.35 nothing but the claim tells: the kubelet lists both devices on both containers."""
    both = listed("gpu-0", "gpu-1")

    assert [("a", "gpu-0", SURE)] == shown(spec(("dev", "a")), both, TWO)
    assert [("b", "gpu-1", SURE)] == shown(spec(("dev", "b")), both, TWO)
    assert [("a", "gpu-0", SURE), ("b", "gpu-1", SURE)] == shown(spec(("dev", "")), both, TWO)
    assert [("a", "gpu-0", SURE), ("b", "gpu-1", SURE)] == shown(spec(("dev", "a"), ("dev", "b")), both, TWO)


def test_of_alternatives_the_chosen_one_is_the_request_s() -> None:
    chosen = facts(result("main/large", "gpu-0"), result("mainly", "gpu-1"))

    assert [("main/large", "gpu-0", SURE)] == shown(spec(("dev", "main")), listed("gpu-0", "gpu-1"), chosen)


def test_without_the_pod_the_request_is_known_and_the_container_is_not() -> None:
    assert [("a", "gpu-0", UNSURE), ("b", "gpu-1", UNSURE)] == shown(None, listed("gpu-0", "gpu-1"), TWO, None)
    assert [("a", "gpu-0", SURE)] == shown(None, listed("gpu-0"), facts(result("a", "gpu-0")), None)


def test_extended_resources_go_by_the_mappings_of_the_pod() -> None:
    meta = replace(
        META,
        extended_claim="c",
        extended_requests=(("main", "example.com/gpu"), ("side", "example.com/gpu")),
        extended_names=(("main", "a"), ("side", "b")),
    )
    lone = replace(META, extended_claim="c", extended_requests=(("main", "example.com/gpu"),))

    assert [("a", "gpu-0", SURE)] == shown(spec(), listed("gpu-0", "gpu-1"), TWO, meta)
    assert [("a", "gpu-0", SURE), ("b", "gpu-1", SURE)] == shown(spec(), listed("gpu-0", "gpu-1"), TWO, lone)


def test_the_kubelet_is_the_authority() -> None:
    """What it does not list is not prepared; what it lists and the claim lacks is of another claim of that name."""
    assert [("a", "gpu-0", SURE)] == shown(spec(("dev", "")), listed("gpu-0"), TWO)
    assert [] == shown(spec(("dev", "")), listed(), TWO)
    assert [("", "gpu-0", SURE), ("", "gpu-9", SURE)] == shown(spec(("dev", "")), listed("gpu-0", "gpu-9"), TWO)


def test_shares_are_told_apart_where_the_kubelet_does_not() -> None:
    """The wire of 1.34 has no share ids."""
    known = facts(result("a", "nic", share_id="s1"), result("b", "nic", share_id="s2", consumed=(("bw", 2),)))
    meta, asked = META, spec(("dev", "b"))
    (use,) = claim_uses(container("main", claims=[listed("nic")]), asked, meta, {"c": known})

    assert ("s2", "b", (("bw", 2),)) == (use.device.share_id, use.request, use.consumed)
    (same,) = claim_uses(container("main", claims=[listed("nic", share="s2")]), asked, meta, {"c": known})
    assert use == same


def node(dra: Dra, *claims: Claim) -> Allocation:
    """Return the allocation of a node with a pod of one container for each claim."""
    pods = [pod(f"p{number}", container("main", claims=[each]), namespace="ml") for number, each in enumerate(claims)]
    metas = {
        each.key: PodMeta("ml", each.name, each.name, claims=(("dev", claim.name),), containers=(spec(("dev", "")),))
        for each, claim in zip(pods, claims, strict=True)
    }
    return Joiner().join(listing(*pods), None, TWO_NODES, Metadata(metas, synced=True), dra=dra)


def pools(*devices: DraDevice, **more: object) -> tuple[DraPool, ...]:
    return (replace(DraPool(DRIVER, POOL, 1, devices), **more),)  # type: ignore[arg-type]


BAD = (DeviceTaint("k", "v", "NoSchedule"),)
NOTE = (DeviceTaint("k", "v", "None"),)


def figures(allocation: Allocation) -> dict[str, tuple[int, int, int, int]]:
    """Return total, allocated, unavailable, available by kind."""
    assert allocation.dra is not None
    return {
        row.kind: (len(row.total), len(row.allocated), len(row.unavailable), len(row.available))
        for row in allocation.dra.stock
    }


def test_what_is_left_by_kind() -> None:
    """Admin access takes nothing; a taint that only informs neither; what is held and tainted is allocated."""
    devices = [DraDevice(f"gpu-{n}", kind="gpu") for n in range(4)]
    devices[2] = replace(devices[2], taints=BAD)
    devices[3] = replace(devices[3], taints=NOTE)
    claims = {
        ("ml", "one"): facts(result("r", "gpu-0"), name="one"),
        ("ml", "two"): facts(result("r", "gpu-1", is_admin=True), name="two"),
    }
    dra = Dra(pools(*devices, DraDevice("nic-0", kind="nic")), claims, is_synced=True)
    allocation = node(dra, listed("gpu-0", name="one"), listed("gpu-1", name="two"))

    assert {"gpu": (4, 1, 1, 2), "nic": (1, 0, 0, 1)} == figures(allocation)


@pytest.mark.faults("a slice of a pool is missing, or a new generation arrives slice by slice")
def test_an_incomplete_pool_and_one_that_is_gone_do_not_count() -> None:
    device = DraDevice("gpu-0", kind="gpu")
    for marks in ({"is_complete": False}, {"is_stale": True}):
        allocation = node(Dra(pools(device, **marks), is_synced=True), listed("gpu-0"))
        assert {} == figures(allocation)
        assert allocation.dra is not None
        assert 1 == len(allocation.dra.pools)
    unused = node(Dra(pools(device, is_stale=True), is_synced=True))
    assert unused.dra is not None
    assert () == unused.dra.pools


def test_without_slices_nothing_is_said() -> None:
    assert None is node(Dra()).dra
    assert None is Joiner().join(listing(), None, None).dra


@pytest.mark.parametrize(("is_synced", "claim"), [(False, listed("gpu-0")), (True, listed())])
@pytest.mark.faults("claims refused, slices not")
def test_what_is_available_is_not_known_while_a_claim_is_not(is_synced: bool, claim: Claim) -> None:
    """A claim that is not prepared may have any device."""
    allocation = node(Dra(pools(DraDevice("gpu-0")), is_synced=is_synced), claim)

    assert allocation.dra is not None
    assert [False] == [row.is_known for row in allocation.dra.stock]


def test_what_is_available_is_not_known_of_a_driver_of_which_more_may_be_held() -> None:
    """As of a pod that was last listed too long ago; other drivers are not concerned."""
    nic = DraDevice("nic-0", is_shared=True, capacity=(("bandwidth", 5),))
    both = (*pools(DraDevice("gpu-0")), DraPool("nic.example.com", POOL, 1, (nic,)))
    belief = Belief(unknown=Unknown(resources=frozenset({"nic.example.com"})))
    found = Joiner().join(listing(), None, TWO_NODES, None, dra=Dra(both, is_synced=True), belief=belief).dra

    assert found is not None
    assert {DRIVER: True, "nic.example.com": False} == {row.driver: row.is_known for row in found.stock}
    assert [False] == [row.is_known for row in found.capacity]


def test_capacities_of_shared_devices_are_consumed_once_a_share() -> None:
    nic = DraDevice("nic", kind="nic", is_shared=True, capacity=(("bw", 10),))
    claims = {
        ("ml", "one"): facts(result("r", "nic", share_id="s1", consumed=(("bw", 3),)), name="one"),
        ("ml", "two"): facts(result("r", "nic", share_id="s2", consumed=(("bw", 4),)), name="two"),
    }
    # The first claim is used by two pods: its share is one.
    shared = [listed("nic", name=name, share=share) for name, share in (("one", "s1"), ("one", "s1"), ("two", "s2"))]
    allocation = node(Dra(pools(nic), claims, is_synced=True), *shared)
    assert allocation.dra is not None
    (row,) = allocation.dra.capacity

    assert ("bw", 10, 7, 3) == (row.capacity, row.total, row.consumed, row.available)
    assert {"nic": (1, 1, 0, 0)} == figures(allocation)


def test_partitions_fit_as_far_as_the_counters_go() -> None:
    """A whole GPU in use leaves no slice of it, though its slices are not allocated."""

    def part(name: str, amount: int, kind: str) -> DraDevice:
        return DraDevice(name, kind=kind, consumes=((("gpu", "mem"), amount),))

    devices = [part("whole", 80, "gpu"), *(part(f"half-{n}", 40, "half") for n in range(2)), part("q", 20, "quarter")]
    known = pools(*devices, counters=((("gpu", "mem"), 80),))

    def fitting(*held: str) -> dict[str, int]:
        claims = {("ml", name): facts(result("r", name), name=name) for name in held}
        found = node(Dra(known, claims, is_synced=True), *(listed(name, name=name) for name in held))
        assert found.dra is not None
        return {row.kind: row.fitting for row in found.dra.stock}

    assert {"gpu": 1, "half": 2, "quarter": 1} == fitting()
    assert {"gpu": 0, "half": 1, "quarter": 1} == fitting("half-0")
    assert {"gpu": 0, "half": 0, "quarter": 0} == fitting("whole")


def test_numa_nodes_of_slices_enter_the_alignment() -> None:
    claims = {("ml", "c"): facts(result("r", "gpu-0"), result("r", "gpu-1"))}
    near, far = DraDevice("gpu-0", numa_nodes=frozenset([0])), DraDevice("gpu-1", numa_nodes=frozenset([1]))
    held = listed("gpu-0", "gpu-1")

    def verdict(*devices: DraDevice) -> Verdict:
        return node(Dra(pools(*devices), claims, is_synced=True), held).pods[0].containers[0].alignment.verdict

    assert Verdict.MISALIGNED is verdict(near, far)
    assert Verdict.ALIGNED is verdict(near, replace(far, numa_nodes=frozenset([0])))
    assert Verdict.UNKNOWN is verdict(replace(near, numa_nodes=frozenset()))
    admin = {("ml", "c"): facts(result("r", "gpu-0"), result("r", "gpu-1", is_admin=True))}
    shown = node(Dra(pools(near, far), admin, is_synced=True), held).pods[0].containers[0]
    assert Verdict.ALIGNED is shown.alignment.verdict


def test_a_plugin_s_device_whose_hardware_a_claim_has_is_not_free() -> None:
    """Dual mode: neither side knows of the other. A part of it, or another spelling of a replica, is the same piece."""
    offered = (
        DraDevice("gpu-0", uuid="GPU-A"),
        DraDevice("mig-1", parent_uuid="GPU-B"),
        DraDevice("vf", pci_address="0000:3B:02.0"),
        DraDevice("gpu-9", uuid="GPU-9"),
    )
    claims = {
        ("ml", "c"): facts(result("r", "gpu-0"), result("s", "mig-1"), result("t", "vf")),
        ("ml", "look"): facts(result("r", "gpu-9", is_admin=True), name="look"),
    }
    dra = Dra(pools(*offered), claims, is_synced=True)
    held = Claim("ml", "c", tuple(ClaimDevice(DRIVER, POOL, name, "", ()) for name in ("gpu-0", "mig-1", "vf")))
    metas = {("ml", "p"): PodMeta("ml", "p", "1", claims=(("dev", "c"), ("look", "look")))}
    plugin = [gpu(name) for name in ("GPU-A::0", "GPU-A::1", "GPU-B", "GPU-9", "GPU-C")]
    report = allocatable(*plugin, device("sriov", "0000:3b:02.0"), device("sriov", "0000:3b:02.1"))
    found = Joiner().join(
        listing(pod("p", container("main", claims=[held]), namespace="ml")), report, TWO_NODES, Metadata(metas), dra=dra
    )

    assert {"nvidia.com/gpu": {"GPU-9", "GPU-C"}, "sriov": {"0000:3b:02.1"}} == {
        row.resource: set(row.free or ()) for row in found.devices
    }
    dual = dual_devices(found.devices, hardware_of(dra.pools))
    assert {("nvidia.com/gpu", DRIVER): 4, ("sriov", DRIVER): 1} == {key: len(ids) for key, ids in dual.items()}


DEVICES = st.lists(
    st.builds(
        DraDevice,
        name=st.sampled_from([f"d{n}" for n in range(8)]),
        kind=st.sampled_from(["", "a", "b"]),
        taints=st.sampled_from([(), BAD, NOTE]),
        is_shared=st.booleans(),
        consumes=st.sampled_from([(), ((("s", "c"), 2),), ((("s", "c"), 5),)]),
    ),
    unique_by=lambda each: each.name,
)
RESULTS = st.lists(
    st.builds(
        ClaimResult,
        request=st.sampled_from(["a", "b", "a/x"]),
        driver=st.just(DRIVER),
        pool=st.sampled_from([POOL, "other"]),
        device=st.sampled_from([f"d{n}" for n in range(10)]),
        share_id=st.sampled_from(["", "s"]),
        is_admin=st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


@given(DEVICES, st.lists(RESULTS, max_size=4), st.booleans())
def test_allocated_unavailable_and_available_are_all_there_is(
    devices: list[DraDevice], results: list[list[ClaimResult]], is_complete: bool
) -> None:
    """Whatever the claims and taints are, and in whatever order devices and claims come."""
    known = {("ml", f"c{n}"): facts(*each, name=f"c{n}") for n, each in enumerate(results)}
    shown = [
        Claim("ml", f"c{n}", tuple(dict.fromkeys(ClaimDevice(*r.key, r.share_id, ()) for r in each)))
        for n, each in enumerate(results)
    ]
    dra = Dra(pools(*devices, is_complete=is_complete, counters=((("s", "c"), 10),)), known, is_synced=True)
    allocation = node(dra, *shown)
    assert allocation.dra is not None
    holding = {r.key for each in results for r in each if not r.is_admin}
    for row in allocation.dra.stock:
        parts = (row.allocated, row.unavailable, row.available)
        assert row.total == frozenset().union(*parts)
        assert len(row.total) == sum(map(len, parts))
        assert {item for item in row.total if (row.driver, *item) in holding} == row.allocated
        assert 0 <= row.fitting <= len(row.available)
    total = sum(len(row.total) for row in allocation.dra.stock)
    assert total == (len(devices) if is_complete else 0)
    turned = pools(*reversed(devices), is_complete=is_complete, counters=dra.pools[0].counters)
    backwards = node(replace(dra, pools=turned), *reversed(shown))
    assert backwards.dra is not None
    assert allocation.dra.stock == backwards.dra.stock

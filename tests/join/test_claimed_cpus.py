"""CPUs allocated by dra-driver-cpu are exclusive CPUs of the container and not in the shared pool."""

from dataclasses import replace
from random import Random

import pytest
from builders import TWO_NODES, allocatable, container, listing, pod
from hypothesis import given
from hypothesis import strategies as st

from podres_exporter.cpuset import parse_cpuset
from podres_exporter.families.cpus import FAMILIES
from podres_exporter.families.spec import NodeFamily
from podres_exporter.join import Joiner
from podres_exporter.model import (
    Allocation,
    Claim,
    ClaimDevice,
    ClaimFacts,
    ContainerKind,
    ContainerSpec,
    Dra,
    DraDevice,
    DraPool,
    Metadata,
    Pod,
    PodMeta,
    Topology,
    UnlistedReason,
    Verdict,
)
from podres_exporter.model.dra import ClaimResult

DRIVER = "dra.cpu"
NODES = {0: parse_cpuset("0-7"), 1: parse_cpuset("8-15")}
TOPOLOGY = Topology(NODES)
RESERVED = frozenset({0})
NO_CPU_MANAGER = allocatable()


def node_of(cpu: int) -> int:
    return 0 if cpu < 8 else 1


def one_by_one() -> DraPool:
    """Return what the driver offers in its mode `individual`."""
    devices = [
        DraDevice(f"cpudev{c:03}", numa_nodes=frozenset({node_of(c)}), cpus=frozenset({c})) for c in range(1, 16)
    ]
    return DraPool(DRIVER, "n1", 1, tuple(devices))


def groups() -> DraPool:
    """Return what the driver offers in its mode `grouped`, by NUMA node."""
    sizes = {0: 7, 1: 8}
    devices = [
        DraDevice(f"numa{n}", numa_nodes=frozenset({n}), is_shared=True, capacity=(("dra.cpu/cpu", size),))
        for n, size in sizes.items()
    ]
    return DraPool(DRIVER, "n1", 1, tuple(devices))


def listed(name: str, *devices: str, driver: str = DRIVER, share: str = "") -> Claim:
    cdi = (f"dra.k8s.io/cpu=claim-{name}",)
    return Claim("default", name, tuple(ClaimDevice(driver, "n1", each, share, cdi) for each in devices))


def read(name: str, *results: ClaimResult) -> ClaimFacts:
    return ClaimFacts("default", name, f"uid-{name}", results)


def cpu_result(cpu: int, **more: object) -> ClaimResult:
    return replace(ClaimResult("cpu", DRIVER, "n1", f"cpudev{cpu:03}"), **more)  # type: ignore[arg-type]


def some(node: int, count: int, name: str = "dra.cpu/cpu") -> ClaimResult:
    return ClaimResult("cpu", DRIVER, "n1", f"numa{node}", consumed=((name, count),))


def joined(dra: Dra | None, *pods: Pod, metadata: Metadata | None = None) -> Allocation:
    return Joiner().join(listing(*pods), NO_CPU_MANAGER, TOPOLOGY, metadata, dra=dra)


def known(pool: DraPool, *claims: ClaimFacts) -> Dra:
    return Dra((pool,), {claim.key: claim for claim in claims}, is_synced=True, is_up=True)


def family(name: str, allocation: Allocation) -> dict[str, float]:
    """Return the values of a node family by NUMA node."""
    (rows,) = [each.rows(allocation) for each in FAMILIES if isinstance(each, NodeFamily) and each.name == name]
    return {str(node): float(value) for node, value in rows}


def test_the_container_is_pinned_to_all_cpus_of_its_claim_whatever_request_it_names() -> None:
    """Source: dra-driver-cpu dra_hooks.go (one DRA_CPUSET for the claim); the others have what is left."""
    asked = ContainerSpec("main", ContainerKind.APP, claims=(("c", "first"),))
    meta = PodMeta("default", "p", "1", claims=(("c", "c"),), containers=(asked,))
    claim = read("c", cpu_result(2, request="first"), cpu_result(3, request="second"))
    metadata = Metadata({meta.key: meta}, synced=True, is_up=True)
    of_pod = pod("p", container("main", claims=[listed("c", "cpudev002", "cpudev003")]), container("log"))

    allocation = joined(known(one_by_one(), claim), of_pod, metadata=metadata)
    main, log = allocation.pods[0].containers

    assert (parse_cpuset("2-3"), frozenset()) == (main.container.exclusive_cpus, log.container.exclusive_cpus)
    assert (Verdict.ALIGNED, frozenset({0})) == (main.alignment.verdict, main.alignment.numa_nodes)
    assert parse_cpuset("1,4-15") == allocation.cpus.shared_pool
    assert {"0": 5, "1": 8} == family("podres_node_shared_pool_cpus", allocation)
    assert {"default": 2} == allocation.cpus_by_namespace


def test_the_kubelet_s_own_cpu_manager_is_still_off() -> None:
    """A Guaranteed pod that asks for whole CPUs misses none: what is handed out is the driver's."""
    asked = ContainerSpec("main", ContainerKind.APP, cpu_millicores=4000)
    meta = PodMeta("default", "whole", "2", qos_class="Guaranteed", containers=(asked,))
    metadata = Metadata({meta.key: meta}, synced=True, is_up=True)
    of_claim = pod("p", container("main", claims=[listed("c", "cpudev002")]))

    allocation = joined(known(one_by_one()), of_claim, pod("whole", container("main")), metadata=metadata)

    assert [] == [view.requests for view in allocation.pods if view.requests]
    assert (frozenset(), parse_cpuset("1-15")) == (allocation.cpus.by_kubelet, allocation.cpus.by_driver)


def test_of_a_group_the_number_is_known_and_where() -> None:
    """The driver chooses them when it prepares the claim, and tells the container runtime alone."""
    pods = [
        pod("a", container("main", claims=[listed("a", "numa0")])),
        pod("b", container("main", claims=[listed("b", "numa1")]), container("too", claims=[listed("b", "numa1")])),
    ]
    dra = known(groups(), read("a", some(0, 5)), read("b", some(1, 6, "cpu")))
    static = replace(NO_CPU_MANAGER, cpus=parse_cpuset("1-15"))

    allocation = Joiner().join(listing(*pods), static, TOPOLOGY, dra=dra)
    rows = [(row.container, row.amount, row.reason, row.numa_nodes) for v in allocation.pods for row in v.unlisted]

    claim = UnlistedReason.CLAIM
    assert [("main", 5, claim, frozenset({0})), ("main", 6, claim, frozenset({1}))] == rows
    assert {"0": 2, "1": 2} == family("podres_node_shared_pool_cpus", allocation)
    assert (11, 5, 6) == (allocation.cpus.unlisted, allocation.cpus.unlisted_at(0), allocation.cpus.unlisted_at(1))


@pytest.mark.parametrize(
    ("dra", "claim"),
    [
        pytest.param(None, listed("c", "cpudev002"), id="slices are not read"),
        pytest.param(
            Dra(is_synced=True, is_up=True), listed("c", "x", driver="cpus.example.com"), id="only the CDI name"
        ),
        pytest.param(known(groups()), listed("c", "numa0"), id="the claim is not read"),
        pytest.param(known(groups(), read("c", some(0, 5, "memory"))), listed("c", "numa0"), id="it tells no number"),
        pytest.param(
            known(replace(one_by_one(), is_stale=True)), listed("c", "cpudev002"), id="the driver has stopped"
        ),
        pytest.param(
            known(replace(one_by_one(), is_complete=False)), listed("c", "cpudev002"), id="slices are missing"
        ),
    ],
)
def test_where_it_is_not_known_how_many_cpus_are_held_nothing_is_said_of_the_pool(
    dra: Dra | None, claim: Claim
) -> None:
    """Too many would be promised otherwise."""
    of_pod = pod("p", container("main", claims=[claim]))
    allocation = Joiner().join(listing(of_pod), replace(NO_CPU_MANAGER, cpus=parse_cpuset("1-15")), TOPOLOGY, dra=dra)

    assert (False, None) == (allocation.cpus.is_complete, allocation.cpus.shared_pool)
    assert {} == family("podres_node_shared_pool_cpus", allocation)


def test_a_pod_that_runs_unlisted_with_claims_may_hold_any_of_them() -> None:
    """After a kubelet restart; a pod that has not started holds none yet, one that is listed is known."""
    meta = PodMeta("default", "p", "1", claims=(("c", "c"),), has_started=True)
    dra = known(one_by_one(), read("c", cpu_result(2)))

    for each, is_known in ((meta, False), (replace(meta, has_started=False), True), (replace(meta, claims=()), True)):
        metadata = Metadata({each.key: each}, synced=True, is_up=True)
        assert is_known == joined(dra, metadata=metadata).cpus.is_complete
    of_pod = pod("p", container("main", claims=[listed("c", "cpudev002")]))
    assert joined(dra, of_pod, metadata=Metadata({meta.key: meta}, synced=True, is_up=True)).cpus.is_complete


def test_admin_access_takes_no_cpu_and_other_drivers_devices_are_none() -> None:
    gpus = DraPool("gpu.example.com", "n1", 1, (DraDevice("gpu-0", capacity=(("cpu", 8),)),))
    dra = known(one_by_one(), read("c", cpu_result(2, is_admin=True)))
    of_gpu = Claim("default", "g", (ClaimDevice("gpu.example.com", "n1", "gpu-0", "", ()),))
    of_pod = pod("p", container("main", claims=[listed("c", "cpudev002"), of_gpu]))

    allocation = joined(replace(dra, pools=(*dra.pools, gpus)), of_pod)

    assert (frozenset(), True) == (allocation.cpus.exclusive, allocation.cpus.is_complete)


def test_a_node_without_such_a_driver_is_as_it_was() -> None:
    allocation = Joiner().join(listing(pod("p", container("main", cpus="2"))), allocatable(cpus="0-3"), TWO_NODES)

    assert (frozenset(), allocation.cpus.allocatable) == (allocation.cpus.by_driver, allocation.cpus.by_kubelet)


@given(
    held=st.lists(st.integers(1, 15), unique=True, max_size=10),
    splits=st.lists(st.integers(0, 3), min_size=10, max_size=10),
    unread=st.sets(st.integers(0, 3)),
    is_grouped=st.booleans(),
    turn=st.randoms(use_true_random=False),
)
def test_whatever_is_claimed_the_pool_is_what_is_left_or_nothing_is_said(
    held: list[int],
    splits: list[int],
    unread: set[int],
    turn: Random,
    *,
    is_grouped: bool,
) -> None:
    """On each NUMA node allocatable = exclusive + shared + those that only the driver knows, in whatever order."""
    owned: dict[int, list[int]] = {}
    for cpu, owner in zip(held, splits, strict=False):
        owned.setdefault(owner, []).append(cpu)
    pods, claims = [], []
    for owner, cpus in owned.items():
        name = f"c{owner}"
        counts = {node: sum(node_of(cpu) == node for cpu in cpus) for node in NODES}
        taken = [node for node, count in counts.items() if count]
        devices = [f"numa{node}" for node in taken] if is_grouped else [f"cpudev{cpu:03}" for cpu in cpus]
        results = [some(node, counts[node]) for node in taken] if is_grouped else [cpu_result(cpu) for cpu in cpus]
        pods.append(pod(f"p{owner}", container("main", claims=[listed(name, *devices)])))
        claims += [] if owner in unread else [read(name, *results)]
    static = replace(NO_CPU_MANAGER, cpus=parse_cpuset("1-15"))
    dra = known(groups() if is_grouped else one_by_one(), *claims)
    allocation = Joiner().join(listing(*pods), static, TOPOLOGY, dra=dra)
    turn.shuffle(pods)
    again = Joiner().join(listing(*pods), static, TOPOLOGY, dra=dra)

    shown = family("podres_node_shared_pool_cpus", allocation)
    left = {str(node): float(len(cpus - RESERVED - set(held))) for node, cpus in NODES.items()}
    assert shown == ({} if is_grouped and unread & owned.keys() else left)
    assert allocation.cpus == again.cpus
    assert allocation.cpus.shared_pool is None or allocation.cpus.shared_pool.isdisjoint(allocation.cpus.exclusive)

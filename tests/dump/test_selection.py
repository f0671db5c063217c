"""Selecting parts of a snapshot, and the message if nothing matches."""

from dataclasses import replace

import pytest
from asking_rig import known, running, small_node, spec
from builders import block, container, device, gpu, pod
from dump_rig import builtin_demo, nasty

from podres_exporter.cpuset import parse_cpuset
from podres_exporter.dump import Selection, select, select_nodes, without_holder
from podres_exporter.dump.capacity import left
from podres_exporter.errors import SelectionError
from podres_exporter.model import (
    Allocation,
    Claim,
    ClaimDevice,
    Metadata,
    PodView,
    Request,
    ResourceHealth,
    Snapshot,
    Usage,
)

SHARED = "nvidia.com/gpu.shared"
GPU_PREFIX = "GPU-1f0a5c3e-7d42-4b8e-9a61-0c5d3e8f1a0"


def allocation_of(snapshot: Snapshot) -> Allocation:
    assert snapshot.allocation is not None
    return snapshot.allocation


def pods_of(snapshot: Snapshot) -> list[str]:
    return ["/".join(view.pod.key) for view in allocation_of(snapshot).pods]


def chosen(selection: Selection) -> list[str]:
    return pods_of(select(builtin_demo(), selection))


def only_pod(snapshot: Snapshot) -> PodView:
    (view,) = allocation_of(snapshot).pods
    return view


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(namespaces=("telco", "web")), ["telco/upf-0", "web/frontend-5d8f"]),
        (Selection(pods=("jupyter-a*",)), ["notebooks/jupyter-ada", "notebooks/jupyter-alan"]),
        (Selection(pods=("ml/*-llm-?",)), ["ml/train-llm-0"]),
        (Selection(namespaces=("ml",), pods=("*-2", "inf*")), ["ml/finetune-2", "ml/inference-7c9d"]),
        (Selection(containers=("oam",)), ["telco/upf-0"]),
        (Selection(resources=("hugepages-1Gi", "rdma/hca_shared")), ["ml/train-llm-0", "telco/upf-0"]),
        (Selection(resources=("gpu.example.com",)), ["render/farm-0", "render/preview-0"]),
        (Selection(device=f"{GPU_PREFIX}5"), ["ml/finetune-2"]),
        (Selection(device="GPU-9b2e"), ["notebooks/jupyter-ada", "notebooks/jupyter-alan", "notebooks/jupyter-grace"]),
        (Selection(device="GPU-9b2e4d17-3c60-4f95-8e0b-6a7f12c4d5e8::2"), ["notebooks/jupyter-alan"]),
        (Selection(device="gpu-0"), ["render/farm-0"]),
        (Selection(device="gpu.example.com/demo-node/gpu-2"), ["render/preview-0"]),
        (Selection(device="gpu.example.com/gpu=1"), ["render/farm-0"]),
        (Selection(device="0000:3b:02.2"), []),
        (Selection(numa_nodes=frozenset({1}), namespaces=("batch",)), ["batch/embed-docs"]),
        (Selection(namespaces=("ml",), device="0000:3b:02.0"), []),
    ],
)
def test_what_is_selected_stays(selection: Selection, expected: list[str]) -> None:
    """Namespaces by name, pods by pattern, devices by id, by what is behind a shared id, or by their beginning."""
    assert expected == chosen(selection)


def test_nothing_named_narrows_nothing() -> None:
    assert builtin_demo() == select(builtin_demo(), Selection())


def test_a_resource_narrows_what_containers_hold_and_what_the_node_has() -> None:
    found = select(builtin_demo(), Selection(pods=("upf-0",), resources=("cpu", "openshift.io/sriov_dpdk")))
    view = only_pod(found)

    assert ["dpdk"] == [each.container.name for each in view.containers]
    assert parse_cpuset("17-20,49-52") == view.pod.containers[0].exclusive_cpus
    assert () == view.pod.containers[0].memory
    assert {"cpu", "openshift.io/sriov_dpdk"} == {each.resource for each in left(found.allocation)}
    assert {("batch", "openshift.io/sriov_dpdk"), ("telco", "openshift.io/sriov_dpdk")} == set(
        allocation_of(found).devices_by_namespace
    )
    assert set(allocation_of(found).cpus_by_namespace) == set(found.usage.cpu_seconds)


def test_a_device_narrows_to_itself_and_the_stock_to_its_resource() -> None:
    """A count of what is free of one device would be no fact about the node."""
    found = select(builtin_demo(), Selection(device=f"{GPU_PREFIX}0"))
    held = only_pod(found).pod.containers[0]

    assert (f"{GPU_PREFIX}0",) == tuple(each.device_id for each in held.devices)
    assert frozenset() == held.exclusive_cpus
    assert {"nvidia.com/gpu"} == {each.resource for each in left(found.allocation)}
    assert {} == dict(found.usage.cpu_seconds)


def test_verdicts_stay_those_of_whole_containers() -> None:
    whole = {view.pod.key: view for view in allocation_of(builtin_demo()).pods}
    found = only_pod(select(builtin_demo(), Selection(pods=("inference-7c9d",), resources=("memory",))))

    assert whole[found.pod.key].containers[0].alignment == found.containers[0].alignment


def test_a_numa_node_narrows_cpus_to_its_own_and_keeps_blocks_that_touch_it() -> None:
    found = select(builtin_demo(), Selection(pods=("olap-0",), numa_nodes=frozenset({1})))
    held = only_pod(found).pod.containers[0]

    assert parse_cpuset("21-22,53-54") == held.exclusive_cpus
    assert [frozenset({0, 1})] == [each.numa_nodes for each in held.memory]
    assert {frozenset({1}), frozenset({0, 1})} == {each.numa_nodes for each in left(found.allocation)}


def test_without_a_topology_no_cpu_sits_on_a_numa_node() -> None:
    node = small_node(pod("a", container("main", cpus="1-2", memory=[block(1, 0)])), topology=None)
    found = select(node, Selection(numa_nodes=frozenset({0})))

    assert frozenset() == only_pod(found).pod.containers[0].exclusive_cpus
    assert frozenset() == allocation_of(found).cpus.allocatable


def test_what_nobody_tells_of_cpus_stays_untold() -> None:
    node = small_node(pod("a", container("main", gpu("GPU-0", 0))))
    unknown = replace(
        node, allocation=replace(allocation_of(node), cpus=replace(allocation_of(node).cpus, allocatable=None))
    )

    assert allocation_of(select(unknown, Selection(resources=("cpu",)))).cpus.allocatable is None
    assert [] == [
        each
        for each in left(select(unknown, Selection(resources=("nvidia.com/gpu",))).allocation)
        if each.resource == "cpu"
    ]


def test_a_claim_device_of_another_container_is_not_this_ones() -> None:
    """The kubelet lists all devices of a claim on each container that refers to it."""
    devices = tuple(ClaimDevice("d.example.com", "p", name, "", ()) for name in ("x", "y"))
    meta = running(
        "a",
        replace(
            spec("one"),
            claims=(("local", "first"),),
            health=(ResourceHealth("claim:local/first", "d.example.com/p/x", "Healthy"),),
        ),
        namespace="default",
        claims=(("local", "c"),),
    )
    claims = [Claim("default", "c", devices)]
    node = small_node(pod("a", container("one", gpu("GPU-0", 0), claims=claims)), metadata=known(meta))
    with_x = only_pod(select(node, Selection(device="x"))).containers[0]

    assert (devices[0],) == with_x.container.claims[0].devices
    assert ["x"] == [row.device for row in with_x.health]
    assert [] == pods_of(select(node, Selection(device="y")))


def test_requests_and_lists_of_a_pod_are_narrowed_with_it() -> None:
    whole = select(nasty(), Selection(pods=("shared",), resources=("memory",)))
    one = select(nasty(), Selection(pods=("shared",), containers=("one",)))
    asked = select(nasty(), Selection(containers=("trainer",), resources=("nvidia.com/gpu",)))

    assert (frozenset(), 1) == (only_pod(whole).pod.exclusive_cpus, len(only_pod(whole).pod.memory))
    assert (frozenset(), ()) == (only_pod(one).pod.exclusive_cpus, only_pod(one).pod.memory)
    assert (Request("trainer", "nvidia.com/gpu", 6, 4),) == only_pod(asked).requests


def test_other_pods_of_the_api_server_stay_unless_it_is_about_holdings() -> None:
    pending, running_pod = running("pending"), running("a", namespace="default")
    node = small_node(pod("a", container("main", gpu("GPU-0", 0))), metadata=known(pending, running_pod))
    of_ml = select(replace(node, usage=Usage()), Selection(namespaces=("ml",)))
    of_gpu = select(node, Selection(device="GPU-0"))

    assert of_ml.metadata is not None
    assert of_gpu.metadata is not None
    assert [pending.key] == list(of_ml.metadata.pods)
    assert [running_pod.key] == list(of_gpu.metadata.pods)


def test_a_node_without_an_allocation_stays_as_it_is() -> None:
    """Nobody knows what is on it, so nothing can be unknown there."""
    silent = Snapshot("silent", None)

    assert silent == select(silent, Selection(pods=("any",)))
    assert (silent,) == select_nodes([silent, builtin_demo()], Selection(pods=("upf-0",)))[:1]
    assert [] == without_holder([silent], Selection(device="x"))


def test_a_name_need_be_known_to_one_of_several_nodes_only() -> None:
    found = select_nodes([builtin_demo(), nasty()], Selection(device=f"{GPU_PREFIX}0"))

    assert [["ml/train-llm-0"], 1] == [pods_of(found[0]), len(pods_of(found[1]))]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(namespaces=("telcos",)), "no namespace 'telcos' on demo-node; near: telco"),
        (
            Selection(namespaces=("xyz",)),
            "no namespace 'xyz' on demo-node; known are: analytics, batch, ml, notebooks, render, telco, web",
        ),
        (Selection(pods=("train-llm-1",)), "no pod 'train-llm-1' on demo-node; near: ml/train-llm-0"),
        (Selection(pods=("upf-0",), namespaces=("ml",)), "no pod 'upf-0' in ml on demo-node; near: telco/upf-0"),
        (Selection(pods=("q\x1b",)), r"no pod 'q\x1b' on demo-node; 13 pods are listed"),
        (
            Selection(pods=("train-llm-0",), containers=("train",)),
            "no container 'train' on demo-node; near: trainer",
        ),
        (
            Selection(resources=("gpu",)),
            "no resource 'gpu' on demo-node; near: gpu.example.com, nvidia.com/gpu, nvidia.com/gpu.shared",
        ),
        (Selection(numa_nodes=frozenset({7})), "no NUMA node 7 on demo-node; known are: 0, 1"),
        (
            Selection(device="0000:d8"),
            (
                "device '0000:d8' matches 4 devices: openshift.io/sriov_dpdk 0000:d8:02.0, "
                "openshift.io/sriov_dpdk 0000:d8:02.1, openshift.io/sriov_dpdk 0000:d8:02.2, "
                "openshift.io/sriov_dpdk 0000:d8:02.3; use a longer prefix"
            ),
        ),
        (
            Selection(device="0000:3b:02.9"),
            (
                "no device '0000:3b:02.9'; near: 0000:3b:02.3, 0000:3b:02.2, 0000:3b:02.1, "
                "0000:3b:02.0, 0000:d8:02.3, 0000:d8:02.2, 0000:d8:02.1, 0000:d8:02.0"
            ),
        ),
        (Selection(device="~"), "no device '~'; 24 devices are known"),
    ],
)
def test_what_is_not_there_is_named_with_what_may_be_meant(selection: Selection, expected: str) -> None:
    with pytest.raises(SelectionError) as caught:
        select(builtin_demo(), selection)

    assert expected == str(caught.value)


def test_the_beginning_of_many_devices_names_some_of_them() -> None:
    with pytest.raises(
        SelectionError,
        match=r"matches 24 devices: gpu.example.com/demo-node/gpu-0, .*; and 16 more; use a longer prefix",
    ) as caught:
        select(builtin_demo(), Selection(device=""))

    assert 8 == len(caught.value.candidates)


def test_a_pod_that_only_the_api_server_knows_is_told_apart() -> None:
    node = small_node(metadata=known(running("pending")))

    with pytest.raises(SelectionError, match="the API server knows it, but the kubelet does not list it"):
        select(node, Selection(pods=("pend*",), namespaces=("ml",)))


def test_of_several_nodes_their_number_is_named() -> None:
    empty = Snapshot("bare", replace(allocation_of(small_node(topology=None, devices=(), memory=())), pods=()))

    with pytest.raises(SelectionError, match=r"no NUMA node 0 on bare$"):
        select(empty, Selection(numa_nodes=frozenset({0})))
    with pytest.raises(SelectionError, match=r"no container 'x' on 2 nodes$"):
        select_nodes([empty, empty], Selection(containers=("x",)))


def test_asking_for_a_free_device_says_that_it_is_free() -> None:
    asked = Selection(device="0000:3b:02.2")

    assert [
        "no container holds openshift.io/sriov_dpdk 0000:3b:02.2 (NUMA node 0) of demo-node; it is free"
    ] == without_holder([builtin_demo(), Snapshot("silent", None)], asked)
    assert [] == without_holder([builtin_demo()], Selection(device=f"{GPU_PREFIX}0"))
    assert [] == without_holder([builtin_demo()], Selection())


def test_one_id_in_two_resources_is_two_devices_that_are_both_meant() -> None:
    """Ids are unique within a resource only; written in full, nothing more can be written of it."""
    node = small_node(
        pod("a", container("main", device("x.com/a", "0", 0))), pod("b", container("main", device("x.com/b", "0", 0)))
    )

    assert ["default/a", "default/b"] == pods_of(select(node, Selection(device="0")))


def test_a_pod_without_containers_stays_where_only_pods_are_chosen() -> None:
    node = small_node(pod("a"), metadata=Metadata())

    assert ["default/a"] == pods_of(select(node, Selection(pods=("a",))))
    assert [] == pods_of(select(node, Selection(resources=("cpu",))))

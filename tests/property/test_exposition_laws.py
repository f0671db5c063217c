"""Invariants of the metrics page, over random snapshots with hostile names."""

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import read_back, said_by, whole_page

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.exposition.negotiation import Format
from podres_exporter.families.catalogue import CATALOGUE
from podres_exporter.join import Joiner, accrue
from podres_exporter.model import (
    Allocatable,
    Core,
    Part,
    RpcSupport,
    Snapshot,
    SourceHealth,
    Support,
    Topology,
    Usage,
)
from podres_exporter.wire import AllocatableDecoder, ListDecoder

T = TypeVar("T")

# What protobuf takes as a string, with those characters more often that the formats give a meaning to.
NAMES = st.one_of(
    st.sampled_from(["a", "b", "main", "GPU-7f3c", "GPU-7f3c::3", "GPU-7f3c/vgpu2", "0000:3b:02.1"]),
    st.text(st.sampled_from('"\\\n\r%s{}=, #\t\x00\u2028é🚀EOF'), min_size=1, max_size=8),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=8),
)
NODES = st.lists(st.sampled_from([-1, 0, 1, 7]), max_size=3)
CPUS = st.lists(st.integers(0, 9), max_size=5)
TOPOLOGIES = st.builds(lambda nodes: pb.NUMATopology(nodes=[pb.NUMANode(ID=node) for node in nodes]), NODES)
DEVICES = st.builds(
    lambda resource, ids, topology: pb.ContainerDevices(resource_name=resource, device_ids=ids, topology=topology),
    NAMES,
    st.lists(NAMES, max_size=2),
    st.none() | TOPOLOGIES,
)
MEMORY = st.builds(
    lambda kind, size, topology: pb.ContainerMemory(memory_type=kind, size=size, topology=topology),
    st.sampled_from(["memory", "hugepages-2Mi"]) | NAMES,
    st.integers(0, 2**64 - 1),
    st.none() | TOPOLOGIES,
)
CLAIM_DEVICES = st.builds(
    lambda cdi, driver, pool, device, share: pb.ClaimResource(
        cdi_devices=[pb.CDIDevice(name=name) for name in cdi],
        driver_name=driver,
        pool_name=pool,
        device_name=device,
        share_id=share,
    ),
    st.lists(NAMES, max_size=2),
    st.just("") | NAMES,
    st.just("") | NAMES,
    st.just("") | NAMES,
    st.none() | NAMES,
)
# The kubelet takes the claims of a container from the pod's own namespace, so one is enough here.
CLAIMS = st.builds(
    lambda name, devices: pb.DynamicResource(claim_name=name, claim_namespace="ml", claim_resources=devices),
    NAMES,
    st.lists(CLAIM_DEVICES, max_size=3),
)
CONTAINERS = st.builds(
    lambda name, devices, cpus, memory, claims: pb.ContainerResources(
        name=name, devices=devices, cpu_ids=cpus, memory=memory, dynamic_resources=claims
    ),
    NAMES,
    st.lists(DEVICES, max_size=3),
    CPUS,
    st.lists(MEMORY, max_size=2),
    st.lists(CLAIMS, max_size=2),
)
PODS = st.lists(
    st.builds(
        lambda name, namespace, containers, cpus, memory: pb.PodResources(
            name=name, namespace=namespace, containers=containers, cpu_ids=cpus, memory=memory
        ),
        NAMES,
        NAMES,
        st.lists(CONTAINERS, max_size=3),
        CPUS,
        st.lists(MEMORY, max_size=1),
    ),
    max_size=3,
)
ALLOCATABLE = st.builds(
    lambda devices, cpus, memory: pb.AllocatableResourcesResponse(devices=devices, cpu_ids=cpus, memory=memory),
    st.lists(DEVICES, max_size=4),
    CPUS,
    st.lists(MEMORY, max_size=2),
).map(lambda answer: AllocatableDecoder().decode(answer.SerializeToString()))
MACHINES = st.sampled_from(
    [
        None,
        Topology({0: frozenset(range(4)), 1: frozenset(range(4, 8))}, {3: Core(-1, 0)}),
        Topology({0: frozenset(range(10)), 1: frozenset()}),
    ]
)
ASKED = st.none() | ALLOCATABLE
SECONDS = st.floats(0, 1e12)


def snapshot_of(
    node: str, pods: Sequence[pb.PodResources], allocatable: Allocatable | None, topology: Topology | None
) -> Snapshot:
    """Return the snapshot of these answers, as a poll makes it."""
    listing = ListDecoder().decode(pb.ListPodResourcesResponse(pod_resources=pods).SerializeToString())
    allocation = Joiner().join(listing, allocatable, topology)
    return Snapshot(node, allocation, usage=accrue(Usage(), allocation, 0.1))


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Draw a snapshot with everything that the page may say, or one without an allocation."""
    seen = snapshot_of(draw(NAMES), draw(PODS), draw(ASKED), draw(MACHINES))
    return Snapshot(
        seen.node,
        draw(st.sampled_from([seen.allocation, None])),
        sources=(SourceHealth("kubelet", draw(st.booleans()), draw(st.none() | SECONDS)),),
        rpcs=tuple(RpcSupport(rpc, draw(st.sampled_from(Support))) for rpc in ("List", "Get")),
        parts=(Part("pods", stale=draw(st.booleans()), held=draw(st.booleans())),),
        usage=Usage(
            draw(st.dictionaries(st.tuples(NAMES, NAMES), SECONDS, max_size=3)),
            draw(st.dictionaries(NAMES, SECONDS, max_size=3)),
        ),
    )


@pytest.mark.parametrize("text_format", Format)
@given(snapshot=snapshots(), node_label=st.booleans())
def test_a_page_reads_back_to_the_samples_of_its_snapshot(
    text_format: Format, snapshot: Snapshot, node_label: bool
) -> None:
    """Text -> parser -> the same samples; the parser is prometheus_client's."""
    page = whole_page(snapshot, CATALOGUE, text_format, node_label=node_label)

    assert said_by(snapshot, CATALOGUE, node_label=node_label) == read_back(page, text_format)


@given(snapshot=snapshots())
def test_no_series_comes_twice(snapshot: Snapshot) -> None:
    """Prometheus refuses the sample, promtool the page."""
    counts = Counter((name, labels) for name, labels, _ in said_by(snapshot, CATALOGUE))

    assert [] == [series for series, times in counts.items() if times > 1]


@pytest.mark.parametrize("text_format", Format)
@given(pods=PODS, allocatable=ASKED, topology=MACHINES, randomness=st.randoms(use_true_random=False))
def test_the_page_is_the_same_whatever_order_the_kubelet_chose(
    text_format: Format,
    pods: list[pb.PodResources],
    allocatable: Allocatable | None,
    topology: Topology | None,
    randomness: Random,
) -> None:
    """The kubelet answers from Go maps: pods and rows shuffled, byte for byte the same page."""
    shuffled = [reordered(pod, randomness) for pod in mixed(pods, randomness)]

    pages = [
        whole_page(snapshot_of("n1", each, allocatable, topology), CATALOGUE, text_format) for each in (pods, shuffled)
    ]

    assert pages[0] == pages[1]


def reordered(pod: pb.PodResources, randomness: Random) -> pb.PodResources:
    """Return the pod with every list shuffled that the kubelet fills from a map; containers keep the spec's order."""
    return pb.PodResources(
        name=pod.name,
        namespace=pod.namespace,
        containers=[
            pb.ContainerResources(
                name=each.name,
                devices=mixed(each.devices, randomness),
                cpu_ids=mixed(each.cpu_ids, randomness),
                memory=mixed(each.memory, randomness),
                dynamic_resources=each.dynamic_resources,
            )
            for each in pod.containers
        ],
        cpu_ids=mixed(pod.cpu_ids, randomness),
        memory=mixed(pod.memory, randomness),
    )


def mixed(items: Sequence[T], randomness: Random) -> list[T]:
    return randomness.sample(list(items), len(items))

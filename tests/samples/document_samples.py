"""Snapshots for tests of the document: one with every field, and random ones."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from hypothesis import strategies as st

from podres_exporter.errors import Reason
from podres_exporter.join import Joiner, accrue
from podres_exporter.model import (
    Alignment,
    Allocatable,
    Allocation,
    Attribution,
    Belief,
    Certainty,
    Claim,
    ClaimDevice,
    ClaimInterface,
    ClaimUse,
    Constraint,
    Container,
    ContainerKind,
    ContainerSpec,
    ContainerView,
    Core,
    CpusetDrift,
    CpuStock,
    Device,
    DeviceHealth,
    DeviceStock,
    DeviceTaint,
    DoubleHeld,
    DraCapacity,
    DraDevice,
    DraNode,
    DraPool,
    DraStock,
    Drift,
    Explanation,
    Holder,
    Listing,
    Mark,
    MemoryBlock,
    MemoryStock,
    Metadata,
    MetadataOrigin,
    Part,
    PinnedContainer,
    Pod,
    PodMeta,
    PodView,
    Request,
    ResourceHealth,
    RpcSupport,
    Snapshot,
    SourceHealth,
    Support,
    Thing,
    Topology,
    Unknown,
    Unlisted,
    UnlistedReason,
    Unread,
    Usage,
    Verdict,
)

T = TypeVar("T")
NODE_0, NODE_1 = frozenset({0}), frozenset({1})


DRA_POOL = DraPool(
    "gpu.example.com",
    "racks/n1",
    3,
    (
        DraDevice(
            "gpu-0",
            kind="gpu",
            uuid="GPU-7f3c",
            pci_address="0000:17:00.0",
            product="H100",
            profile="1g",
            parent_uuid="GPU-1",
            numa_nodes=NODE_0,
            cpus=frozenset({4}),
            taints=(DeviceTaint("xid", "79", "NoSchedule"),),
            is_shared=True,
            capacity=(("bw", 10),),
            attributes=(("driverVersion", "1.2.3"),),
        ),
    ),
    is_complete=False,
)
GONE = DraPool("gone.example.com", "n1", 1, (), is_stale=True, is_multi_node=True)
_ITEM = ("racks/n1", "gpu-0")
DRA_STOCK = DraStock(
    "gpu.example.com", "gpu", frozenset([_ITEM]), frozenset([_ITEM]), frozenset([("n1", "x")]), 2, is_known=False
)


def everything() -> Snapshot:
    """Return a snapshot whose document has every key but those that explain why there is no allocation."""
    device = Device("nvidia.com/gpu", "GPU-7f3c::3", NODE_0)
    used = ClaimDevice("gpu.example.com", "n1", "gpu-0", "share", ("example.com/gpu=0",))
    unused = ClaimDevice("gpu.example.com", "n1", "gpu-1", "", ())
    block = MemoryBlock("memory", NODE_0, 1 << 30)
    container = Container(
        "main",
        (device,),
        frozenset({2, 3}),
        (block,),
        (Claim("ml", "train-gpu", (used, unused)), Claim("ml", "new", ())),
    )
    alignment = Alignment(
        Verdict.MISALIGNED,
        NODE_0 | NODE_1,
        (Constraint("cpu", NODE_1, 2, every=True), Constraint("nvidia.com/gpu", NODE_0, 1, every=False)),
        unplaced=1,
    )
    health = (
        DeviceHealth("gpu.example.com", "gpu-0", "n1", "train-gpu", "Unhealthy", "XID 79"),
        DeviceHealth("nvidia.com/gpu", "GPU-7f3c::3", "", "", "Healthy"),
    )
    view = ContainerView(
        container,
        alignment,
        (
            ClaimUse(
                "train-gpu", used, Attribution.CONTAINER, "big", True, (("memory", 5),), ClaimInterface("net1", "02:01")
            ),
        ),
        health,
        ("GPU-1",),
    )
    spec = ContainerSpec(
        "main",
        ContainerKind.APP,
        (("nvidia.com/gpu", 2),),
        2000,
        (("memory", 1 << 30),),
        (("gpu", "big"), ("scratch", "")),
        (ResourceHealth("claim:gpu/big", "example.com/gpu=0", "Unhealthy", "XID 79"),),
    )
    meta = PodMeta(
        "ml",
        "train-0",
        "6a1f",
        phase="Running",
        reason="Odd",
        message="oddly so",
        qos_class="Guaranteed",
        priority_class="high",
        owner_kind="ReplicaSet",
        owner_name="train-5d",
        workload_kind="Deployment",
        workload_name="train",
        labels=(("example.com/app", "train"),),
        is_terminal=True,
        is_deleting=True,
        has_started=True,
        is_mirror=True,
        has_pod_resources=True,
        claims=(("gpu", "train-gpu"),),
        extended_claim="train-extended",
        extended_requests=(("main", "example.com/nic"),),
        cpu_millicores=2500,
        memory_bytes=3 << 30,
        resize="Deferred: node has not enough",
        chosen_by="hami.io/vgpu-devices-allocated",
        chosen_devices=("GPU-1",),
        containers=(ContainerSpec("setup", ContainerKind.INIT), spec),
    )
    pod = Pod("ml", "train-0", (container,), frozenset({2, 3, 4}), (block,))
    requests = (
        Request("main", "nvidia.com/gpu", 2, 1),
        Request("main", "cpu", 2, 2),
        Request("setup", "nvidia.com/gpu", 1, 0, Explanation.INIT_CONTAINER),
    )
    rejected = PodMeta(
        "ml", "train-1", "77", "Failed", "TopologyAffinityError", "cannot be allocated", is_terminal=True
    )
    allocation = Allocation(
        (
            PodView(
                pod,
                (view,),
                meta,
                requests,
                (Unlisted("setup", "cpu", 1, UnlistedReason.INIT_CONTAINER, NODE_1),),
                Mark.RETAINED,
            ),
        ),
        (
            DeviceStock(
                "nvidia.com/gpu", NODE_0, frozenset({"GPU-1", "GPU-2"}), frozenset({"GPU-2", "GPU-7f3c::3"}), unlisted=1
            ),
            DeviceStock("odd", frozenset(), frozenset({"1", "2"}), frozenset(), frozenset({"2"}), 1),
            DeviceStock("dual", NODE_0, frozenset({"1", "2"}), frozenset(), held_by_dra=frozenset({"1"})),
            DeviceStock("unasked", frozenset(), None, frozenset({"0"})),
            DeviceStock("unknown", frozenset(), frozenset({"1", "2"}), frozenset({"2", "3"}), is_complete=False),
        ),
        CpuStock(
            frozenset(range(8)),
            frozenset({2, 3, 4}),
            1,
            by_driver=frozenset({6, 7}),
            unlisted_on=((1, 1),),
        ),
        (
            MemoryStock("memory", NODE_0, 4 << 30, 1 << 30, 1 << 20),
            MemoryStock("hugepages-2Mi", NODE_0, 4 << 30, 1 << 30, is_complete=False),
            MemoryStock("memory", NODE_0 | NODE_1, None, 1 << 30),
        ),
        Topology(
            {0: frozenset(range(4)), 1: frozenset(range(4, 8))}, {0: Core(0, 0, 0), 4: Core(0, 0, 0), 5: Core(-1, -1)}
        ),
        {"terminal": 1, "duplicate_name": 0},
        {("ml", "nvidia.com/gpu"): 1},
        {"ml": 3},
        unlisted_pods=(("ml", "train-2"),),
        given_up_pods=(("ml", "train-3"),),
        doubles=tuple(
            DoubleHeld(thing, "r", item, (Holder("ml", "train-0", "main"), Holder("ml", "x", "")), certainty)
            for thing, item, certainty in (
                (Thing.DEVICE, "GPU-1", Certainty.CERTAIN),
                (Thing.CPU, "3", Certainty.CERTAIN),
                (Thing.CLAIM_DEVICE, "p/d", Certainty.POSSIBLE),
            )
        ),
        drift=Drift(
            (
                CpusetDrift(
                    PinnedContainer(("ml", "train-0"), "main", frozenset({2, 3}), "c0ffee"),
                    frozenset({3}),
                    frozenset({6}),
                ),
            ),
            {Unread.NOT_FOUND: 1},
        ),
        dra=DraNode((DRA_POOL, GONE), (DRA_STOCK,), (DraCapacity("gpu.example.com", "bw", 10, 4, is_known=False),)),
    )
    return Snapshot(
        "n1",
        allocation,
        Metadata(
            {meta.key: meta, rejected.key: rejected},
            synced=True,
            is_up=True,
            last_success_seconds=1.7e9,
            origin=MetadataOrigin.PODSAPI,
            reason=Reason.DENIED,
        ),
        (SourceHealth("kubelet", True, 1_700_000_000.1234567), SourceHealth("topology", False, None, Reason.DENIED)),
        (RpcSupport("List", Support.SUPPORTED), RpcSupport("Get", Support.UNKNOWN)),
        (Part("pods", stale=False, held=False), Part("allocatable", stale=True, held=True)),
        Usage(
            {("ml", "nvidia.com/gpu"): 12.5, ("old", "r"): 0.1},
            {"ml": 37.5},
            {("ml", "Job", "train", "nvidia.com/gpu"): 12.5, ("old", "", "", "r"): 0.1},
            {("ml", "Job", "train"): 37.5},
            3,
        ),
    )


names = st.one_of(
    st.sampled_from(["a", "b", "main", "GPU-7f3c::3", "GPU-7f3c/vgpu2", "0", "1e3", "null", "2026-11-20", "~", "x: y"]),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=6),
)
texts = st.just("") | names
counts = st.integers(0, 9) | st.integers(0, 2**63 - 1)
sizes = st.integers(0, 9) | st.integers(0, 2**64 - 1)
label_names = st.from_regex("(label_)?[a-zA-Z0-9_./-]{0,3}", fullmatch=True)
node_sets = st.frozensets(st.integers(0, 3), max_size=2)
cpu_sets = st.frozensets(st.integers(0, 9) | st.integers(0, 65535), max_size=5)
seconds = st.floats(0, 4e9)


def tuples(
    items: st.SearchStrategy[T], unique_by: Callable[[T], object] | None = None
) -> st.SearchStrategy[tuple[T, ...]]:
    """Draw few of them, with keys that differ if they are given."""
    return st.lists(items, max_size=2, unique_by=unique_by).map(tuple)


def sorted_pairs(
    values: st.SearchStrategy[T], keys: st.SearchStrategy[str] = names
) -> st.SearchStrategy[tuple[tuple[str, T], ...]]:
    """Draw what is a mapping by its nature."""
    return st.dictionaries(keys, values, max_size=2).map(lambda drawn: tuple(sorted(drawn.items())))


blocks = st.builds(MemoryBlock, st.sampled_from(["memory", "hugepages-2Mi"]), node_sets, sizes)
devices = tuples(st.builds(Device, names, names, node_sets), lambda each: (each.resource, each.device_id)).map(
    lambda drawn: tuple(sorted(drawn, key=lambda each: (each.resource, each.device_id)))
)
claim_devices = st.builds(ClaimDevice, texts, texts, texts, texts, tuples(names, str))
containers = st.builds(
    Container,
    names,
    devices,
    cpu_sets,
    tuples(blocks),
    tuples(
        st.builds(Claim, st.sampled_from(["ml", "x"]), names, tuples(claim_devices, lambda each: each)),
        lambda each: (each.namespace, each.name),
    ),
)
pods = st.builds(Pod, names, names, tuples(containers, lambda each: each.name), cpu_sets, tuples(blocks))
healths = st.builds(ResourceHealth, names | names.map("claim:{}".format), names, names, texts)
specs = st.builds(
    ContainerSpec,
    names,
    st.sampled_from(ContainerKind),
    sorted_pairs(st.integers(1, 9)),
    st.integers(0, 4000),
    sorted_pairs(counts),
    tuples(st.tuples(names, texts)),
    tuples(healths),
)


def metas(listed: Sequence[Pod]) -> st.SearchStrategy[PodMeta]:
    """Draw the metadata of one of the listed pods, or of another."""
    keys = st.sampled_from([("other", "pod"), *(pod.key for pod in listed)])
    known = st.sampled_from(["main", *(container.name for pod in listed for container in pod.containers)])
    return st.builds(
        lambda key, **rest: PodMeta(*key, **rest),
        keys,
        uid=texts,
        phase=texts,
        reason=texts,
        message=texts,
        qos_class=texts,
        priority_class=texts,
        owner_kind=texts,
        owner_name=texts,
        workload_kind=texts,
        workload_name=texts,
        labels=sorted_pairs(texts, label_names),
        is_terminal=st.booleans(),
        is_deleting=st.booleans(),
        has_started=st.booleans(),
        is_mirror=st.booleans(),
        has_pod_resources=st.booleans(),
        claims=sorted_pairs(names),
        extended_claim=texts,
        extended_requests=tuples(st.tuples(names, names)),
        cpu_millicores=counts,
        memory_bytes=counts,
        resize=texts,
        containers=tuples(st.builds(lambda spec, name: replace(spec, name=name), specs, known), lambda spec: spec.name),
    )


alignments = st.builds(
    Alignment,
    st.sampled_from(Verdict),
    node_sets,
    tuples(st.builds(Constraint, names, node_sets, counts, st.booleans())),
    counts,
)
requests = st.builds(Request, names, names, counts, counts, st.sampled_from(Explanation))
healths_of_devices = st.builds(DeviceHealth, texts, names, texts, texts, names, texts)
topologies = st.builds(
    Topology,
    st.dictionaries(st.integers(0, 3), cpu_sets, max_size=2),
    st.dictionaries(
        st.integers(0, 9), st.builds(Core, st.integers(-1, 3), st.integers(-1, 1), st.integers(-1, 3)), max_size=3
    ),
)
reports = st.builds(
    Allocatable,
    devices,
    cpu_sets,
    tuples(blocks),
)


holders_of_one = st.lists(st.builds(Holder, names, names, names), min_size=2, max_size=3).map(tuple)
things_held_twice = st.builds(
    DoubleHeld,
    st.sampled_from(sorted(set(Thing) - {Thing.CPU})),
    names,
    names,
    holders_of_one,
    st.sampled_from(Certainty),
) | st.builds(
    DoubleHeld, st.just(Thing.CPU), names, st.integers(0, 511).map(str), holders_of_one, st.sampled_from(Certainty)
)


drifted = st.builds(
    CpusetDrift,
    st.builds(PinnedContainer, st.tuples(names, names), names, cpu_sets, names),
    cpu_sets,
    cpu_sets,
)
drifts = st.builds(
    Drift,
    tuples(drifted, lambda each: (each.container.pod, each.container.name)),
    st.dictionaries(st.sampled_from(Unread), counts).map(lambda drawn: dict(sorted(drawn.items()))),
)


@st.composite
def allocations(draw: st.DrawFn, metadata: Metadata | None, listed: tuple[Pod, ...]) -> Allocation:
    """Draw what the join says of the pods; what it judges by rules of its own is drawn freely, to go beyond them."""
    belief = Belief(
        {pod.key: draw(st.sampled_from(Mark)) for pod in listed},
        unknown=draw(st.builds(Unknown, st.booleans(), st.booleans(), st.frozensets(names, max_size=2))),
        unlisted=draw(tuples(st.tuples(names, names))),
    )
    joined = Joiner().join(
        Listing(listed), draw(st.none() | reports), draw(st.none() | topologies), metadata, belief=belief
    )

    def freely(view: PodView) -> PodView:
        judged = tuple(
            replace(each, alignment=draw(alignments), health=draw(tuples(healths_of_devices)))
            for each in view.containers
        )
        return replace(
            view, containers=judged, requests=draw(tuples(requests, lambda each: (each.container, each.resource)))
        )

    doubles = draw(st.none() | tuples(things_held_twice, lambda each: (each.thing, each.resource, each.item)))
    return replace(
        joined,
        pods=tuple(map(freely, joined.pods)),
        skipped_pods=draw(st.dictionaries(names, counts)),
        doubles=doubles,
        drift=draw(st.none() | drifts),
    )


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Draw any snapshot that a poll can make, hostile names included."""
    listed = draw(tuples(pods, lambda pod: pod.key))
    known = {meta.key: meta for meta in draw(tuples(metas(listed)))}
    sources = st.builds(Metadata, st.just(known), st.booleans(), st.booleans(), st.booleans(), st.none() | seconds)
    metadata = draw(st.none() | sources)
    allocation = draw(st.none() | allocations(metadata, listed))
    usage = Usage(
        draw(st.dictionaries(st.tuples(names, names), seconds, max_size=2)),
        draw(st.dictionaries(names, seconds, max_size=2)),
        draw(st.dictionaries(st.tuples(names, names, names, names), seconds, max_size=2)),
        draw(st.dictionaries(st.tuples(names, names, names), seconds, max_size=2)),
        draw(counts),
    )
    return Snapshot(
        draw(names),
        allocation,
        metadata,
        draw(
            tuples(
                st.builds(SourceHealth, names, st.booleans(), st.none() | seconds, st.none() | st.sampled_from(Reason)),
                lambda each: each.source,
            )
        ),
        draw(tuples(st.builds(RpcSupport, names, st.sampled_from(Support)), lambda each: each.rpc)),
        draw(tuples(st.builds(Part, names, st.booleans(), st.booleans()), lambda each: each.part)),
        accrue(usage, allocation, draw(st.floats(0, 100))) if allocation else usage,
    )

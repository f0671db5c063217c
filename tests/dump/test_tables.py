"""Tables in cases that the golden files do not cover."""

import csv
from dataclasses import replace
from typing import Any

import pytest
from asking_rig import GPU, known, running, small_node, spec
from builders import allocatable, block, container, device, gpu, pod
from dump_rig import builtin_demo, nasty, with_metadata
from snapshots import with_doubles

from podres_exporter.dump import (
    ANSI,
    Layout,
    csv_text,
    free_cells,
    free_lines,
    free_notes,
    summary_cells,
    summary_lines,
    summary_notes,
    table_cells,
    table_lines,
    table_notes,
    table_text,
    wide_cells,
    wide_lines,
    wide_notes,
)
from podres_exporter.dump.capacity import Left, left
from podres_exporter.dump.selection import Selection, without_holder
from podres_exporter.join import Joiner
from podres_exporter.model import (
    Allocation,
    Belief,
    Claim,
    ClaimDevice,
    ContainerKind,
    CpuStock,
    DeviceStock,
    Listing,
    Mark,
    MemoryStock,
    Metadata,
    Part,
    ResourceHealth,
    RpcSupport,
    Snapshot,
    SourceHealth,
    Support,
    Verdict,
)

NODE_0, NODE_1, BOTH = frozenset({0}), frozenset({1}), frozenset({0, 1})
IDLE = small_node(pod("idle", container("main")), metadata=known())


def stocked(*memory: MemoryStock, devices: tuple[DeviceStock, ...] = (), cpus: CpuStock | None = None) -> Snapshot:
    return Snapshot("n1", Allocation((), devices, cpus or CpuStock(frozenset(), frozenset()), memory, None))


def lefts(snapshot: Snapshot) -> list[Left]:
    return left(snapshot.allocation)


def judged(snapshot: Snapshot, verdict: Verdict) -> Snapshot:
    """Return the snapshot with one verdict for all containers."""
    assert snapshot.allocation is not None
    pods = tuple(
        replace(
            view,
            containers=tuple(
                replace(each, alignment=replace(each.alignment, verdict=verdict, numa_nodes=frozenset()))
                for each in view.containers
            ),
        )
        for view in snapshot.allocation.pods
    )
    return replace(snapshot, allocation=replace(snapshot.allocation, pods=pods))


def test_containers_that_hold_nothing_are_shown_when_asked_for() -> None:
    assert ["nothing to list on n1"] == table_lines([IDLE]) == wide_lines([IDLE])
    assert (("default", "idle", "main", "-", "-"),) == table_cells([IDLE], everything=True).rows
    assert [
        "NAMESPACE  POD   CONTAINER  NUMA  ALIGNED",
        "default    idle  main       -     -",
    ] == table_lines([IDLE], everything=True)


def test_without_columns_to_fold_a_narrow_table_is_as_wide_as_its_names() -> None:
    long = small_node(pod("p" * 100, container("main")), metadata=known())

    assert ["NAMESPACE", "POD", "CONTAINER", "NUMA", "ALIGNED"] == table_lines([long], Layout(80), everything=True)[
        0
    ].split()


def test_the_workload_is_there_if_there_is_room() -> None:
    node = small_node(
        pod("a", container("main", gpu("GPU-0", 0)), namespace="ml"),
        pod("b", container("main", gpu("GPU-1", 0)), namespace="ml"),
        metadata=known(running("a", workload_kind="Deployment", workload_name="web")),
    )

    wide = small_node(
        pod("b" * 60, container("main", gpu("GPU-0", 0)), namespace="ml"),
        metadata=known(running("b" * 60, workload_kind="Deployment", workload_name="web")),
    )

    assert ["WORKLOAD", "Deployment/web", "?"] == [line.split()[-1] for line in table_lines([node])[:3]]
    assert "WORKLOAD" not in table_lines([wide], Layout(100))[0]
    assert "no room for WORKLOAD: widen the terminal, or use -o wide" == table_text([wide], Layout(100))[1][-1]
    assert not [each for each in table_text([node], Layout(100))[1] if "no room" in each]


def test_health_is_the_worst_that_is_said() -> None:
    rows = (
        ResourceHealth("nvidia.com/gpu", "GPU-0", "Healthy"),
        ResourceHealth("nvidia.com/gpu", "GPU-1", "Unhealthy"),
        ResourceHealth("nvidia.com/gpu", "GPU-2", "Unknown"),
    )
    held = container("main", gpu("GPU-0", 0), gpu("GPU-1", 0), gpu("GPU-2", 1), gpu("GPU-3", 1))
    meta = running("a", replace(spec(), health=rows))
    node = small_node(pod("a", held, namespace="ml"), metadata=known(meta))
    cells, wide = table_cells([node]), wide_cells([node])

    assert "1 Unhealthy, 1 Unknown" == cells.rows[0][cells.headers.index("HEALTH")]
    assert ["Healthy", "Unhealthy", "Unknown", "?"] == [row[wide.headers.index("HEALTH")] for row in wide.rows]


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [(Verdict.UNKNOWN, ("?", "?")), (Verdict.UNSUPPORTED, ("?", "?")), (Verdict.SPANS, ("?", "spans"))],
)
def test_an_unknown_verdict_is_no_verdict(verdict: Verdict, expected: tuple[str, str]) -> None:
    node = judged(small_node(pod("a", container("main", gpu("GPU-0", 0)))), verdict)
    cells = table_cells([node])
    row = dict(zip(cells.headers, cells.rows[0], strict=True))

    assert expected == (row["NUMA"], row["ALIGNED"])
    assert (verdict is Verdict.UNSUPPORTED) == any("before 1.23" in note for note in table_notes([node]))


def test_cpus_without_a_topology_sit_on_no_known_node() -> None:
    node = small_node(pod("a", container("main", cpus="1-2")), topology=None)

    assert [Left("cpu", frozenset(), 14, 2, 12, ("3-7,9-15",))] == [
        each for each in lefts(node) if each.resource == "cpu"
    ]
    assert "no topology: the NUMA nodes of CPUs are not known" in table_notes([node])
    assert "no topology: the NUMA nodes of CPUs are not known" not in table_notes([stocked()])
    assert "?" in summary_cells([node])[1].rows[0]


def test_a_device_near_no_stated_node_is_said_to_be_left_out() -> None:
    node = small_node(pod("a", container("main", device("x.com/y", "0"))), metadata=known())

    assert ["1 held device or CPU has no known NUMA node, and is ignored in NUMA and ALIGNED"] == table_notes([node])[
        :1
    ]


def test_a_block_over_several_nodes_ties_them_together() -> None:
    """The kubelet does not say how it is split, so what is left is known for all of them in one."""
    found = lefts(
        stocked(
            MemoryStock("memory", NODE_0, 10, 1),
            MemoryStock("memory", NODE_1, 10, 2),
            MemoryStock("memory", BOTH, None, 3),
            MemoryStock("memory", frozenset({2}), 10, 4),
            MemoryStock("memory", frozenset({3}), None, 5),
            MemoryStock("hugepages-2Mi", NODE_0, 10, 11),
            MemoryStock("hugepages-2Mi", frozenset(), None, 1),
        )
    )

    assert [
        ("memory", BOTH, 20, 6, 14),
        ("memory", frozenset({2}), 10, 4, 6),
        ("memory", frozenset({3}), None, 5, None),
        ("hugepages-2Mi", frozenset(), None, 1, None),
        ("hugepages-2Mi", NODE_0, 10, 11, 0),
    ] == [(each.resource, each.numa_nodes, each.allocatable, each.held, each.free) for each in found]


def test_where_nobody_tells_what_is_allocatable_nothing_is_free() -> None:
    node = replace(
        stocked(
            MemoryStock("memory", NODE_0, None, 1 << 30),
            devices=(DeviceStock("x.com/y", NODE_0, None, frozenset({"0"})),),
            cpus=CpuStock(None, frozenset({1})),
        ),
        rpcs=(RpcSupport("GetAllocatableResources", Support.UNSUPPORTED),),
    )

    assert [
        "RESOURCE  NUMA  FREE  OF  WHICH",
        "cpu       ?        ?   ?  ?",
        "memory    0        ?   ?  ?",
        "x.com/y   0        ?   ?  ?",
    ] == free_lines([node])
    assert ["free not known: this kubelet does not serve GetAllocatableResources"] == free_notes([node])
    assert ("x.com/y", "0", "?", "1", "?", "?") == summary_cells([node])[0].rows[2]
    assert ("memory", "0", "?", "1Gi", "?", "-") == summary_cells([node])[0].rows[1]
    cells = wide_cells([small_node(pod("a", container("main", gpu("GPU-0", 0))))])
    assert "yes" in cells.rows[0]


def test_that_an_answer_is_still_missing_is_told_apart_from_one_that_never_comes() -> None:
    node = stocked(cpus=CpuStock(None, frozenset()))

    assert ["free not known: the kubelet has not answered GetAllocatableResources"] == free_notes([node])
    assert (("cpu", "?", "?", "?", "?"),) == free_cells([node]).rows


def test_a_node_with_nothing_to_hand_out_says_so() -> None:
    assert ["nothing to list on n1"] == free_lines([stocked()])
    assert "RESOURCE" not in summary_lines([stocked()])[0]


def test_many_free_ids_are_folded() -> None:
    devices = tuple(device("x.com/y", f"d-{index}", 0) for index in range(50))
    row = free_cells([small_node(devices=devices)]).rows[-1]

    assert row[-1].startswith("d-0, d-1, d-2,")
    assert row[-1].endswith("d-38, d-39, and 10 more")


@pytest.mark.parametrize(
    ("snapshot", "expected"),
    [
        (Snapshot("n1", None), "nothing to show: the kubelet has not answered yet"),
        (
            Snapshot("n1", None, sources=(SourceHealth("kubelet", False, 1.7e9 + 0.25),)),
            "nothing to show: the kubelet's last good answer, of 2023-11-14T22:13:20Z, is older than the maximum age",
        ),
    ],
)
def test_without_an_allocation_every_table_says_why_and_nothing_else(snapshot: Snapshot, expected: str) -> None:
    """Unavailable is never empty."""
    assert [] == table_lines([snapshot]) == wide_lines([snapshot]) == free_lines([snapshot])
    assert [expected] == table_notes([snapshot]) == wide_notes([snapshot]) == summary_notes([snapshot])
    assert [expected] == free_notes([snapshot])
    assert ("?", "?", "?", "?") == summary_cells([snapshot])[1].rows[0][:4]


@pytest.mark.parametrize(
    ("sources", "parts", "expected"),
    [
        (
            (SourceHealth("kubelet", False, None),),
            (Part("pods", stale=True, held=False), Part("allocatable", stale=True, held=False)),
            ["stale: pods and allocatable as the kubelet last reported"],
        ),
        (
            (SourceHealth("kubelet", False, None), SourceHealth("topology", False, None)),
            (),
            [
                "down: the kubelet did not answer the last request",
                "down: /sys, which has the NUMA topology, did not answer the last request",
            ],
        ),
        ((SourceHealth("o\x1bther", False, None),), (), [r"down: o\x1bther did not answer the last request"]),
    ],
)
def test_what_is_not_of_this_moment_is_said(
    sources: tuple[SourceHealth, ...], parts: tuple[Part, ...], expected: list[str]
) -> None:
    assert expected == table_notes([replace(IDLE, sources=sources, parts=parts)])


@pytest.mark.parametrize(
    ("metadata", "sources", "expected"),
    [
        (None, (), "off"),
        (Metadata(synced=True), (), "synced"),
        (Metadata(), (SourceHealth("metadata", False, None),), "not synced, down"),
    ],
)
def test_the_summary_says_how_it_is_with_the_api_server(
    metadata: Metadata | None, sources: tuple[SourceHealth, ...], expected: str
) -> None:
    cells = summary_cells([replace(IDLE, metadata=metadata, sources=sources)])[1]

    assert expected == cells.rows[0][cells.headers.index("METADATA")]


def test_pods_left_out_are_counted() -> None:
    assert IDLE.allocation is not None
    node = replace(IDLE, allocation=replace(IDLE.allocation, skipped_pods={"terminal": 2, "duplicate_name": 0}))

    assert ["left out: 2 pods that the kubelet still lists and that have finished"] == table_notes([node])
    assert "2 terminal" in summary_cells([node])[1].rows[0]


def test_claims_of_old_kubelets_go_by_their_own_name() -> None:
    """Kubelets 1.27 to 1.30 name nothing but CDI devices."""
    unnamed = ClaimDevice("", "", "", "", ("x.com/y=1", "x.com/z=1"))
    node = small_node(pod("a", container("main", claims=[Claim("default", "c", (unnamed,))])), metadata=known())

    assert "1x claim c (DRA?)" in table_cells([node]).rows[0]
    assert "x.com/y=1,x.com/z=1" in wide_cells([node]).rows[0]


def test_the_same_note_of_several_nodes_is_told_once() -> None:
    nodes = [replace(IDLE, node=f"n{index}", metadata=None) for index in range(6)]

    assert [
        ("n0, n1, n2, n3, and 2 more: no metadata: metadata is off, so workloads, requests and health are not known")
    ] == table_notes(nodes)


def test_colours_say_what_is_bad_and_change_nothing_else() -> None:
    plain, coloured = table_lines([nasty()]), table_lines([nasty()], Layout(style=ANSI))
    codes = ("\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m")

    def bare(line: str) -> str:
        for code in codes:
            line = line.replace(code, "")
        return line

    assert plain == [bare(line) for line in coloured]
    assert any("\x1b[31mno\x1b[0m" in line for line in coloured)


def test_memory_comes_before_huge_pages_and_equal_types_are_one_amount() -> None:
    blocks = [block(1024, 0, memory_type="hugepages-2Mi"), block(1024, 0), block(1024, 1)]
    node = small_node(pod("a", container("main", memory=blocks)), metadata=known())

    assert "2Gi, 1Gi hugepages-2Mi" in table_cells([node]).rows[0]


def test_columns_are_those_that_somebody_fills() -> None:
    assert ("NAMESPACE", "POD", "CONTAINER", "CPUS", "DEVICES", "MEMORY", "NUMA", "ALIGNED") == table_cells(
        [builtin_demo()]
    ).headers
    assert "NODE" == table_cells([builtin_demo(), with_metadata("kubelet-1.36")]).headers[0]


def test_what_two_pods_hold_stands_below_every_table() -> None:
    """An error of the kubelet is shown without a flag; DRA devices are only possibly held twice."""
    lane = ClaimDevice("dra.example.com", "n1", "lane-0", "", ())
    pods = [
        pod(name, container("main", gpu("G0"), cpus="1", claims=[Claim("default", name, (lane,))]))
        for name in ("a", "b")
    ]
    node = with_doubles(small_node(*pods, metadata=known()))

    found = [notes([node]) for notes in (table_notes, wide_notes, summary_notes, free_notes)]

    certain = "held twice: nvidia.com/gpu G0 by default/a and default/b, CPU 1 by default/a and default/b"
    possible = "possibly held twice, unless for admin access: dra.example.com n1/lane-0 by default/a and default/b"
    assert [(True, True)] * 4 == [(certain in notes, possible in notes) for notes in found]
    assert not any("held twice" in note for note in table_notes([IDLE]))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"is_deleting": True}, "being deleted: ml/a"),
        ({"phase": "Failed"}, "finished, and still listed: ml/a"),
        ({}, ""),
    ],
)
def test_holders_that_are_coming_free_are_named(changes: dict[str, Any], words: str) -> None:
    """Where one looks for a GPU; pods that hold nothing are not."""
    pods = [pod(name, container("main", *devices), namespace="ml") for name, devices in (("a", [gpu("0")]), ("b", []))]
    metadata = replace(known(running("a", **changes), running("b", is_deleting=True)), synced=False)
    lines = table_notes([small_node(*pods, metadata=metadata)])

    assert ([words] if words else []) == [line for line in lines if "deleted" in line or "finished" in line]


def test_what_is_held_but_not_listed_is_no_free_device() -> None:
    """Of four GPUs main has one, and its init container has left two more with the pod."""
    meta = running("a", spec("i", devices={GPU: 3}, kind=ContainerKind.INIT), spec("main", devices={GPU: 1}))
    node = small_node(pod("a", container("main", gpu("GPU-0", 0)), namespace="ml"), metadata=known(meta))
    rows = [row for row in free_cells([node]).rows if row[0] == GPU]

    assert [(GPU, "0", "0", "2"), (GPU, "1", "0", "2")] == [row[:4] for row in rows]
    assert any("ml/a/i holds 2 nvidia.com/gpu that the kubelet does not list" in note for note in free_notes([node]))


def test_a_free_device_that_is_held_under_another_name_is_told() -> None:
    """Two pools that match one function."""
    address = "0000:00:06.0"
    left_name, right_name = device("intel.com/left", address, 0), device("intel.com/right", address, 0)
    node = small_node(pod("dpdk", container("main", left_name)), devices=(left_name, right_name))
    (sentence,) = without_holder([node], Selection(device=address))

    assert sentence.endswith(
        "held as intel.com/left 0000:00:06.0 by default/dpdk, and the kubelet would allocate it again"
    )
    assert any("counts as free, but is held as intel.com/left" in note for note in free_notes([node]))


def test_pods_that_run_and_that_the_kubelet_does_not_list_are_named_below() -> None:
    belief = Belief(given_up=(("ml", "lost"),))
    shown = Snapshot("n1", Joiner().join(Listing(()), allocatable(gpu("GPU-1")), None, Metadata(), belief=belief))

    assert any(note.startswith("not listed: according to the API server, ml/lost") for note in table_notes([shown]))
    assert any("nothing is counted as held for it" in note for note in free_notes([shown]))


def test_rows_that_are_not_what_the_running_kubelet_says_are_marked_and_only_then_is_there_a_column() -> None:
    """The table, the wide one and CSV; a note below names the retained pods too."""
    old, new, doubtful = (pod(name, container("main", gpu(f"GPU-{name}"))) for name in ("old", "new", "doubtful"))
    belief = Belief({old.key: Mark.RETAINED, doubtful.key: Mark.UNCONFIRMED})
    pods = Listing((doubtful, new, old))
    marked = Snapshot("n1", Joiner().join(pods, allocatable(gpu("GPU-old")), None, belief=belief))
    plain = Snapshot("n1", Joiner().join(pods, allocatable(gpu("GPU-old")), None))

    for cells in (table_cells([marked]), wide_cells([marked])):
        states = {row[cells.headers.index("POD")]: row[cells.headers.index("STATE")] for row in cells.rows}
        assert {"doubtful": "unconfirmed", "new": "-", "old": "retained"} == states
    assert "STATE" not in (*table_cells([plain]).headers, *wide_cells([plain]).headers)
    assert any(note.startswith("retained: default/old as") for note in table_notes([marked]))
    rows = csv.DictReader(csv_text([marked]).splitlines())
    assert {"doubtful": "unconfirmed", "new": "current", "old": "retained"} == {
        row["pod"]: row["state"] for row in rows
    }

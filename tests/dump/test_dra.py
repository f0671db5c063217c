"""DRA devices in every output: requests, UUIDs and admin access."""

from dataclasses import replace

import pytest
from snapshots import one_container

from podres_exporter.dump.capacity import left
from podres_exporter.dump.device_match import find_devices
from podres_exporter.dump.free import free_cells, free_notes
from podres_exporter.dump.held import held_things
from podres_exporter.dump.selection import Selection, without_holder
from podres_exporter.dump.spreadsheet import csv_text
from podres_exporter.dump.wide import wide_cells
from podres_exporter.errors import SelectionError
from podres_exporter.model import (
    Attribution,
    Claim,
    ClaimDevice,
    ClaimUse,
    Container,
    DeviceStock,
    DeviceTaint,
    DraCapacity,
    DraDevice,
    DraNode,
    DraPool,
    DraStock,
    Snapshot,
)

A, B = (ClaimDevice("d", "n1", name, "", ()) for name in ("gpu-0", "gpu-1"))
USES = (
    ClaimUse("c", A, Attribution.CONTAINER, "big"),
    ClaimUse("c", replace(B, share_id="s1"), Attribution.CONTAINER, "all", is_admin=True),
)
POOL = DraPool(
    "d", "n1", 1, (DraDevice("gpu-0", uuid="GPU-7f3c", pci_address="0000:17:00.0", numa_nodes=frozenset([1])),)
)
ITEMS = [("n1", f"gpu-{number}") for number in range(4)]
STOCK = DraStock("d", "gpu", frozenset(ITEMS), frozenset(ITEMS[:1]), frozenset(ITEMS[1:2]), 1)


def snapshot(stock: DraStock = STOCK) -> Snapshot:
    found = one_container(Container("main", claims=(Claim("ml", "c", (A, B)),)))
    assert found.allocation is not None
    (pod,) = found.allocation.pods
    views = tuple(replace(view, claim_uses=USES) for view in pod.containers)
    allocation = replace(found.allocation, pods=(replace(pod, containers=views),), dra=DraNode((POOL,), (stock,)))
    return replace(found, allocation=allocation)


def test_each_device_has_its_request_its_uuid_and_its_numa_node() -> None:
    holding, looking = held_things(snapshot().allocation)

    assert ("big", "GPU-7f3c", {1}, False) == (holding.request, holding.base, set(holding.numa_nodes), holding.is_admin)
    assert ("all", "", True) == (looking.request, looking.base, looking.is_admin)


def test_the_wide_table_and_csv_tell_them() -> None:
    grid = wide_cells([snapshot()])
    rows = [dict(zip(grid.headers, row, strict=True)) for row in grid.rows]

    assert [("big", "GPU-7f3c", "yes"), ("all", "-", "admin")] == [
        (row["REQUEST"], row["UUID"], row["USES"]) for row in rows
    ]
    first, second = csv_text([snapshot()]).splitlines()[1:]
    assert first.endswith(",big,false,GPU-7f3c,current,")
    assert second.endswith(",all,true,,current,")


@pytest.mark.parametrize("name", ["GPU-7f3c", "GPU-7", "0000:17:00.0", "gpu-0", "d/n1/gpu-0"])
def test_a_device_of_a_claim_is_found_by_what_its_slice_states(name: str) -> None:
    assert {("d", "n1", "gpu-0")} == find_devices([snapshot()], name).claim_devices


def test_what_no_slice_states_is_not_found() -> None:
    with pytest.raises(SelectionError, match="GPU-9"):
        find_devices([snapshot()], "GPU-9")


def test_what_is_left_is_as_much_as_fits() -> None:
    """Two are available, and the counters of their pool allow one."""
    (row,) = [each for each in left(snapshot().allocation) if each.resource.startswith("d")]
    (unknown,) = [each for each in left(snapshot(replace(STOCK, is_known=False)).allocation) if each.resource[0] == "d"]

    assert ("d (gpu)", 4, 1, 1) == (row.resource, row.allocatable, row.held, row.free)
    assert ("n1/gpu-2", "n1/gpu-3") == row.free_ids
    assert (None, ()) == (unknown.free, unknown.free_ids)


def test_hardware_that_a_claim_has_is_not_free_for_the_plugin_and_that_is_said() -> None:
    """Dual mode: the plugin does not know what the driver has given out."""
    found = snapshot()
    assert found.allocation is not None
    stock = DeviceStock("r", frozenset(), frozenset(["GPU-1", "GPU-2"]), frozenset(), held_by_dra=frozenset(["GPU-1"]))
    found = replace(found, allocation=replace(found.allocation, devices=(stock,)))
    (row,) = [each for each in left(found.allocation) if each.resource == "r"]

    assert (1, ("GPU-2",)) == (row.free, row.free_ids)
    assert ["GPU-1"] == [
        note.partition("hardware: ")[2].partition(";")[0] for note in free_notes([found]) if "DRA" in note
    ]


def with_dra(dra: DraNode) -> Snapshot:
    found = snapshot()
    assert found.allocation is not None
    return replace(found, allocation=replace(found.allocation, dra=dra))


def free_rows(dra: DraNode) -> list[list[str]]:
    """Return the rows of DRA devices: name, NUMA nodes, free, of how many, which."""
    return [list(row) for row in free_cells([with_dra(dra)]).rows if row[0].startswith("d")]


def test_free_devices_stand_with_their_numa_nodes() -> None:
    devices = tuple(DraDevice(f"gpu-{n}", kind="gpu", numa_nodes=frozenset([n // 2])) for n in range(4))
    stock = DraStock("d", "gpu", frozenset(ITEMS), frozenset(ITEMS[:1]), frozenset(), 3)

    assert [["d (gpu)", "0", "1", "2", "n1/gpu-1"], ["d (gpu)", "1", "2", "2", "n1/gpu-2, n1/gpu-3"]] == free_rows(
        DraNode((DraPool("d", "n1", 1, devices),), (stock,))
    )


def test_partitions_that_exclude_each_other_are_a_choice_and_nothing_where_none_fits() -> None:
    one, none = (replace(STOCK, kind=kind, unavailable=frozenset(), fitting=fit) for kind, fit in (("a", 1), ("b", 0)))

    assert [
        ["d (a)", "?", "1", "4", "any 1 of n1/gpu-1, n1/gpu-2, n1/gpu-3"],
        ["d (b)", "?", "0", "4", "-"],
    ] == free_rows(DraNode((POOL,), (one, none)))


def test_it_is_said_why_devices_are_not_free() -> None:
    bad = (DeviceTaint("xid", "79", "NoSchedule"), DeviceTaint("hot", "", "None"))
    pools = (
        DraPool("d", "n1", 1, tuple(DraDevice(name, taints=bad) for _, name in ITEMS)),
        DraPool("d", "half", 2, (), is_complete=False),
        DraPool("d", "off", 1, (), is_stale=True),
    )
    capacity = DraCapacity("d", "memory", 80 << 30, 60 << 30), DraCapacity("d", "bw", 1000, 10)
    notes = free_notes([with_dra(DraNode(pools, (STOCK,), capacity))])

    assert [
        "d/half: not counted: not all ResourceSlices of its newest generation are known",
        "d/off: not counted: its ResourceSlices are gone as its driver has stopped; devices in use remain",
        "d: not free, tainted xid=79 (NoSchedule): n1/gpu-1",
        "d: memory of devices that claims share: 20Gi of 80Gi left",
        "d: bw of devices that claims share: 990 of 1,000 left",
    ] == [note for note in notes if note.startswith("d")]
    unknown = free_notes([with_dra(DraNode(pools, (replace(STOCK, is_known=False),)))])
    assert "d: free not known: a claim of a pod here could not be read and may have any device" in unknown


UNHELD = DraPool(
    "d",
    "n1",
    1,
    (
        DraDevice("gpu-0"),
        DraDevice("gpu-1", uuid="GPU-1111", taints=(DeviceTaint("hot", "", "NoSchedule"),)),
        DraDevice("gpu-2", uuid="GPU-2222", numa_nodes=frozenset([1])),
        DraDevice("gpu-3", pci_address="0000:18:00.0"),
    ),
)
OTHER = DraPool("d", "san", 1, (DraDevice("disk-0"),), is_multi_node=True)


def unheld(stock: DraStock = STOCK) -> Snapshot:
    found = one_container(Container("main", claims=(Claim("ml", "c", (A,)),)))
    assert found.allocation is not None
    return replace(found, allocation=replace(found.allocation, dra=DraNode((UNHELD, OTHER), (stock,))))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("GPU-2222", "d/n1/gpu-2 GPU-2222 (NUMA node 1) of n1; it is available"),
        ("GPU-1111", "d/n1/gpu-1 GPU-1111 (NUMA node not stated) of n1; it is not available: tainted"),
        ("0000:18", "d/n1/gpu-3 (NUMA node not stated) of n1; it is available"),
        ("d/san/disk-0", "d/san/disk-0 (NUMA node not stated) of n1; it is not counted"),
    ],
)
def test_a_dra_device_that_nobody_holds_is_found_and_said_to_be_free_or_not(text: str, said: str) -> None:
    """By its name, UUID or PCI address; who is on call asks for what an error message names."""
    (sentence,) = without_holder([unheld()], Selection(device=text))

    assert sentence.startswith(f"no container holds {said}")


def test_what_a_claim_here_may_have_is_not_called_free() -> None:
    selection = Selection(device="gpu-2")
    (unread,) = without_holder([unheld(replace(STOCK, is_known=False))], selection)
    (taken,) = without_holder([unheld(replace(STOCK, allocated=frozenset(ITEMS[2:3])))], selection)

    assert unread.endswith("whether it is available is not known: a claim here is not read")
    assert taken.endswith("but a claim of a pod here has it that the kubelet has not listed yet")
    assert [] == without_holder([unheld()], Selection(device="gpu-0"))


def test_one_piece_of_hardware_under_two_names_is_no_choice() -> None:
    """A beginning of its UUID means both; that of two devices is still refused."""
    both = unheld()
    assert both.allocation is not None
    plugin = DeviceStock("nvidia.com/gpu", frozenset(), frozenset({"GPU-2222"}), frozenset())
    both = replace(both, allocation=replace(both.allocation, devices=(plugin,)))

    found = find_devices([both], "GPU-22")

    assert ({("nvidia.com/gpu", "GPU-2222")}, {("d", "n1", "gpu-2")}) == (set(found.devices), set(found.claim_devices))
    with pytest.raises(SelectionError, match="3 devices"):
        find_devices([both], "GPU-")

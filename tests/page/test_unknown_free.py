"""Resources that may be held without being listed are never shown as free."""

from dataclasses import replace

from page_dom import dom
from page_nodes import tiny

from podres_exporter.model import Allocation, DeviceStock


def rests(allocation: Allocation) -> list[str]:
    """Return what each tile says is free."""
    page = dom(replace(tiny(), allocation=allocation))
    return [each.children[1].text for each in page.all("li", within="totals")]


def test_a_tile_says_where_it_is_not_known_what_is_free() -> None:
    """Just after a kubelet's start, pods may hold more than it lists: 0 and all are both wrong."""
    allocation = tiny().allocation
    assert allocation is not None
    unknown = replace(
        allocation,
        devices=tuple(replace(each, is_complete=False) for each in allocation.devices),
        cpus=replace(allocation.cpus, is_complete=False),
        memory=tuple(replace(each, is_complete=False) for each in allocation.memory),
    )

    known = rests(allocation)

    assert known
    assert all(text.endswith((" free", " left to grant")) for text in known)
    assert ["free: not known"] * len(known) == rests(unknown)


def test_a_device_without_a_holder_is_free_only_where_that_is_known() -> None:
    """Nor is it free where a DRA claim has the same hardware."""
    snapshot = tiny()
    assert snapshot.allocation is not None
    (stock, *others) = [each for each in snapshot.allocation.devices if each.free]
    device = min(stock.free or ())

    def states(changed: DeviceStock) -> list[str]:
        assert snapshot.allocation is not None
        devices = (changed, *others)
        page = dom(replace(snapshot, allocation=replace(snapshot.allocation, devices=devices)))
        return [each.text for each in page.all("span", "state")]

    known = states(stock)

    assert "free" in known
    assert known.count("free") - 1 == states(replace(stock, held_by_dra=frozenset({device}))).count("free")
    assert "held by DRA" in states(replace(stock, held_by_dra=frozenset({device})))
    assert "no known holder" in states(replace(stock, is_complete=False))

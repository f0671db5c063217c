"""What may be held without being known to be is never shown as free."""

import re
from dataclasses import replace

from page_nodes import tiny

from podres_exporter.model import Allocation
from podres_exporter.page.totals import totals


def rests(allocation: Allocation) -> list[str]:
    """Return the last line of each tile."""
    return re.findall(r"<p>([^<]*)</p></li>", totals(allocation))


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
    assert all(text.endswith((" free", " in the shared pool")) for text in known)
    assert ["free: not known"] * len(known) == rests(unknown)

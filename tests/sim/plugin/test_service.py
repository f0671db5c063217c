"""The devices that the sample plugin prefers to allocate together."""

import pytest

from podres_exporter.sim.plugin.service import prefer

NODES: dict[str, tuple[int, ...] | None] = {
    "g0": (0,),
    "g1": (0,),
    "g2": (1,),
    "g3": (1,),
    "g10": (1,),
    "wide": (0, 1),
    "none": None,
    "minus": (-1,),
}


@pytest.mark.parametrize(
    ("available", "must", "size", "chosen"),
    [
        ("g3 g1 g0 g2", "", 2, "g0 g1"),  # two nodes alike: the lower number
        ("g0 g2 g3", "", 2, "g2 g3"),  # only node 1 has two
        ("g0 g1 g2 g3 g10", "", 2, "g0 g1"),  # node 0 is left with fewer
        ("g0 g1 g2 g3 g10", "", 3, "g2 g3 g10"),  # numbers count by value
        ("g0 g1 g2", "", 3, "g0 g1 g2"),  # no node has three: the one with the most first
        ("g0 g2 g3", "", 1, "g0"),
        ("g0 g1 g2 g3", "g2", 2, "g2 g3"),  # beside what it must include
        ("g0 g1 g2", "g2", 3, "g2 g0 g1"),
        ("g0 g1", "g0 g1", 2, "g0 g1"),
        ("g0 wide g2", "", 2, "g0 wide"),  # a device of two nodes is near to each
        ("none g2", "", 2, "g2 none"),  # a node before none at all
        ("none minus", "", 2, "minus none"),  # -1 is no node
        ("g0", "", 3, "g0"),
        ("", "", 0, ""),
        ("g0", "g1", 0, "g1"),
    ],
)
def test_devices_of_one_node_come_together(available: str, must: str, size: int, chosen: str) -> None:
    assert tuple(chosen.split()) == prefer(available.split(), must.split(), size, NODES)


def test_a_device_that_nobody_listed_states_no_node() -> None:
    assert ("new", "x1") == prefer(["x1", "new"], [], 2, {})

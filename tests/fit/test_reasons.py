"""Sentences that explain a rejection."""

import pytest
from asking_rig import GPU

from podres_exporter.admission import Rejection
from podres_exporter.fit import Fits, Hurdle, Obstacle, Outcome, Policy, Room
from podres_exporter.fit.reasons import reason

ROOM = Room(GPU, 4, 4, 6, {0: (1, 2), 1: (3, 4)})


def refused(*hurdles: Hurdle) -> Outcome:
    return Outcome(Policy.RESTRICTED, Fits.NO, rejection=Rejection("X", "no\n"), hurdles=hurdles)


@pytest.mark.parametrize(
    ("obstacle", "expected"),
    [
        (Obstacle.ABSENT, "4 nvidia.com/gpu requested, and the kubelet reports none"),
        (Obstacle.TOO_FEW, "4 nvidia.com/gpu requested, 6 in all"),
        (Obstacle.HELD, "4 nvidia.com/gpu requested, 4 of 6 free"),
        (Obstacle.TOO_WIDE, "4 nvidia.com/gpu requested, and no NUMA node has more than 4"),
        (Obstacle.SCATTERED, "4 nvidia.com/gpu requested and 4 free, but 1 on node 0 and 3 on node 1"),
    ],
)
def test_each_obstacle_has_its_sentence(obstacle: Obstacle, expected: str) -> None:
    assert expected == reason(refused(Hurdle(obstacle, room=ROOM)))
    assert f"container main: {expected}" == reason(refused(Hurdle(obstacle, "main", ROOM)))


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ([{0}], "node 0"),
        ([{0}, {2}], "one of nodes 0,2"),
        ([{0, 1}], "nodes 0-1"),
        ([{0, 1}, {2, 3}], "nodes 0-1 or nodes 2-3"),
        ([{0, 1}, {0, 2}, {1, 2}], "2 of nodes 0-2"),
        ([{0, 1}, {0, 2}, {0, 3}, {1, 2}], "2 of nodes 0-3"),
    ],
)
def test_sets_of_nodes_are_told_in_few_words(sets: list[set[int]], expected: str) -> None:
    hurdle = Hurdle(Obstacle.APART, room=ROOM, numa_nodes=tuple(map(frozenset, sets)))

    assert f"each fits somewhere, but not together: nvidia.com/gpu on {expected}" == reason(refused(hurdle))


def test_several_things_in_the_way_are_all_named() -> None:
    both = refused(Hurdle(Obstacle.HELD, room=ROOM), Hurdle(Obstacle.TOO_FEW, room=Room("cpu", 9, 1, 8, {})))

    assert "4 nvidia.com/gpu requested, 4 of 6 free; 9 exclusive CPUs requested, 8 in all" == reason(both)


def test_what_nothing_explains_is_told_in_the_kubelets_words() -> None:
    assert r"no\x0a" == reason(refused(Hurdle(Obstacle.OTHER)))

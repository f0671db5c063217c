"""Ranking the answers of several nodes."""

from asking_rig import GPU, GPUS, small_node
from builders import container, pod

from podres_exporter.fit import ask_for, fit, rank
from podres_exporter.model import Snapshot


def test_yes_goes_before_it_depends_before_unknown_before_no_and_tight_before_loose() -> None:
    ask = ask_for(devices={GPU: 2})
    nodes = {
        "roomy": small_node(),
        "empty": small_node(devices=()),
        "also-roomy": small_node(),
        "tight": small_node(pod("a", container("main", *GPUS[:2]))),
        "scattered": small_node(pod("a", container("main", GPUS[0], GPUS[2]))),
        "silent": Snapshot("silent", None),
    }

    ranked = rank({name: fit(snapshot, ask) for name, snapshot in nodes.items()})

    assert ["tight", "also-roomy", "roomy", "scattered", "silent", "empty"] == [name for name, _ in ranked]


def test_a_pod_that_asks_for_nothing_is_the_looser_the_emptier() -> None:
    (ranked,) = rank({"n1": fit(small_node(), ask_for())})

    assert [1.0] * 4 == [outcome.slack for outcome in ranked[1].outcomes]

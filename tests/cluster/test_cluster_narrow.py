"""Selecting pods of a cluster; a node without any of them is no error."""

from cluster_rig import busy, snapshot

from podres_exporter.dump.narrow import holders, only_pods
from podres_exporter.model import Snapshot


def test_the_pods_go_and_what_the_node_has_stays() -> None:
    whole = busy("n1")
    (part,) = only_pods([whole], lambda key: key[0] == "default")

    assert whole.allocation is not None
    assert part.allocation is not None
    assert () == part.allocation.pods
    assert whole.allocation.devices == part.allocation.devices
    assert whole.sources == part.sources


def test_wanted_pods_stay_as_they_are() -> None:
    whole = busy("n1")

    assert (whole,) == only_pods([whole], lambda key: key == ("ml", "train-n1"))


def test_holders_are_counted_over_all_nodes() -> None:
    assert 2 == holders([busy("n1"), snapshot("n2"), busy("n3"), Snapshot("n4", None)])

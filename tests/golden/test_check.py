"""
Whole reports of `check` for recorded kubelets, the demo's node and two faulty nodes.

`pytest tests/golden --update-golden` rewrites the files in `check/`; read them as a person on call would.
"""

from dataclasses import replace
from pathlib import Path

import pytest
from captures import CAPTURES
from check_rig import healthy, refused, silent, unconnected
from dump_rig import with_metadata

from podres_exporter.check import Evidence, judge, text_lines
from podres_exporter.check.evidence import Look
from podres_exporter.errors import Reason
from podres_exporter.model import Listing
from podres_exporter.scenario import node_at
from podres_exporter.sim import builtin_scenario
from podres_exporter.wire import AllocatableDecoder, ListDecoder

HERE = Path(__file__).parent


def recorded(release: str) -> Evidence:
    """Return what is found on the recorded node, whose calls all went well but for what its release lacks."""
    folder = CAPTURES / release
    listing = ListDecoder().decode((folder / "v1-list.bin").read_bytes())
    found = healthy(
        allocatable=AllocatableDecoder().decode((folder / "v1-allocatable.bin").read_bytes()),
        looks=(Look(listing, with_metadata(release).metadata),),
    )
    return replace(found, settings=replace(found.settings, node="node1"))


def demo() -> Evidence:
    """Return what is found on the demo's node without an API server."""
    scenario = builtin_scenario()
    state = node_at(scenario, 30.0)
    found = healthy(
        topology=state.topology, allocatable=state.allocatable, looks=(Look(Listing(state.pods)),), api=None
    )
    return replace(found, settings=replace(found.settings, node=scenario.node, metadata_source="none"))


def dead() -> Evidence:
    """Return what is found where no kubelet has made a socket, and the API server refuses us."""
    return unconnected(api=silent("HTTP 403: pods is forbidden", Reason.DENIED))


def throttled() -> Evidence:
    """Return what is found where another client eats the kubelet's limit and Get is off."""
    found = healthy()
    calls = {
        **found.calls,
        "GetAllocatableResources": refused(
            "GetAllocatableResources", Reason.THROTTLED, "rejected by rate limit", attempts=3, rejected=3
        ),
        "Get": refused("Get", Reason.DISABLED, "PodResources API Get method disabled"),
    }
    return replace(found, calls=calls, allocatable=None)


@pytest.mark.parametrize(
    ("name", "evidence"),
    [
        ("kubelet-1.36", recorded("kubelet-1.36")),
        ("kubelet-1.27", recorded("kubelet-1.27")),
        ("demo", demo()),
        ("dead", dead()),
        ("throttled", throttled()),
    ],
)
def test_a_node_gets_its_golden_diagnosis(name: str, evidence: Evidence, pytestconfig: pytest.Config) -> None:
    """Every line is what a person reads; columns and remedies are part of it."""
    actual = "\n".join(text_lines(judge(evidence), colours=False)) + "\n"
    file = HERE / "check" / f"{name}.txt"
    if pytestconfig.getoption("--update-golden"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(actual, encoding="utf-8")

    assert file.read_text(encoding="utf-8") == actual

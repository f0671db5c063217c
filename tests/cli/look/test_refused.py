"""One-shot commands distinguish an API server that refuses from one that does not answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from dra_rig import Played, played
from eventually import eventually
from look_rig import Command

from podres_exporter.sim.api import PODS, RESOURCE_SLICES, Fail, StreamFault

SCENARIO = Path(__file__).parents[2] / "golden/dra/scenarios/two-requests.yaml"


@pytest.fixture
def node(short_dir: Path) -> Iterator[Played]:
    with played(SCENARIO.read_text(encoding="utf-8"), short_dir) as found:
        assert eventually(lambda: 'request="nic"' in found.page(), 20_000)
        yield found


def test_slices_that_may_not_be_read_are_named_with_the_remedy(
    node: Played, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rest is shown, requests of claims included; the exit code says that something is missing."""
    run = Command(capsys)
    node.node.api.faults.on_requests("list", Fail(403), resource=RESOURCE_SLICES, times=None)
    ran = run("dump", *node.flags, "-o", "wide")
    recorded = run("dump", *node.flags, "--record=-")

    assert 3 == ran.code
    assert "for ResourceSlices, refused the last request; podres-exporter check names the missing right" in ran.err
    assert "down: the API server, for ResourceSlices and claims, refused the last request" in ran.err
    assert ("gpu-0" in ran.out, "GPU-0000" in ran.out, "nic" in ran.out) == (True, False, True)
    assert '"reason": "denied"' in recorded.out


def test_an_exporter_tells_who_asks_it_that_it_is_refused(node: Played, capsys: pytest.CaptureFixture[str]) -> None:
    """For slices and for pods; until then what was known stays."""
    run = Command(capsys)
    node.node.api.faults.on_requests("*", Fail(403), resource=RESOURCE_SLICES, times=None)
    node.node.api.faults.on_requests("*", Fail(403), resource=PODS, times=None)
    node.node.api.faults.on_open_watches(StreamFault.CUT)

    def is_told() -> bool:
        said = run("dump", f"--url={node.url}").err
        return said.count("refused the last request") >= 2

    assert eventually(is_told, 3000)
    assert "GPU-0000" in run("dump", f"--url={node.url}", "-o", "wide").out

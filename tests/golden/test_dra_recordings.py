"""A recording of a node with DRA gives the same output as the node itself."""

import json
from pathlib import Path
from typing import Any

import pytest
from dra_rig import played
from eventually import eventually
from look_rig import Command

HERE = Path(__file__).parent / "dra"


def counts(shown: dict[str, Any]) -> list[tuple[str, list[int], int]]:
    """Return of each driver and kind how many devices there are, allocated, unavailable and fitting."""
    rows = shown["dra"]["stock"]
    lengths = ("total", "allocated", "unavailable")
    return [(row["driver"], [len(row[name]) for name in lengths], row["fitting"]) for row in rows]


def secret(shown: dict[str, Any]) -> set[str]:
    """Return the names that a recording with hidden names must not have."""
    devices = [device for pool in shown["dra"]["pools"] for device in pool["devices"]]
    texts = {device.get(key, "") for device in devices for key in ("name", "uuid", "parentUuid", "pciAddress")}
    return {pod["name"] for pod in shown["pods"]} | texts - {""}


@pytest.mark.parametrize("scenario", ["partitions", "shares", "admin", "two-requests", "first-available"])
def test_a_recording_shows_what_the_node_did(
    scenario: str, tmp_path: Path, short_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names hidden or not; where they are hidden, what is counted stays, and no name of the scenario is there."""
    run = Command(capsys)
    with played((HERE / "scenarios" / f"{scenario}.yaml").read_text(encoding="utf-8"), short_dir) as node:
        argv = ["dump", *node.flags, "-o", "json"]
        golden = (
            (HERE / "pages" / f"{scenario}.prom")
            .read_text(encoding="utf-8")
            .count("podres_container_claim_device_info{")
        )

        def settled() -> bool:
            return golden == node.page().count("podres_container_claim_device_info{")

        assert eventually(settled, 20_000)
        plain, hidden = tmp_path / "plain.json", tmp_path / "hidden.json"
        ran = run(*argv, f"--record={plain}")
        assert 0 == run(*argv, f"--record={hidden}", "--hash-names").code
    then, now = json.loads(ran.out), json.loads(run("dump", "--from", plain, "-o", "json").out)
    unnamed = json.loads(run("dump", "--from", hidden, "-o", "json").out)

    assert (0, "") == (ran.code, ran.err)
    assert then["dra"]["pools"]
    assert {**then, "status": None} == {**now, "status": None}
    assert "dra" in [each["source"] for each in now["status"]["sources"] if each["up"]]
    assert sorted(counts(then)) == sorted(counts(unnamed))
    assert "" == " ".join(name for name in secret(then) if f': "{name}"' in json.dumps(unnamed))
    assert json.dumps(then).count('"request"') == json.dumps(unnamed).count('"request"')
    assert json.dumps(then).count('"adminAccess"') == json.dumps(unnamed).count('"adminAccess"')

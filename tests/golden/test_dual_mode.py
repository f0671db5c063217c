"""Hardware offered by a device plugin and a DRA driver, in check, explain and dump."""

import json
from pathlib import Path

import pytest
from dra_rig import played
from eventually import eventually
from look_rig import Command

SCENARIO = Path(__file__).parent / "dra/scenarios/dual-mode.yaml"


def test_what_is_offered_and_held_twice_is_named_everywhere(
    short_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """GPU-bbbb is held by both accounts, GPU-cccc by a claim alone; admin access to GPU-dddd is no conflict."""
    run = Command(capsys)
    with played(SCENARIO.read_text(encoding="utf-8"), short_dir) as node:
        assert eventually(lambda: 'podres_node_double_held_devices{resource="nvidia.com/gpu"} 1' in node.page(), 20_000)
        report = json.loads(run("check", *node.flags, "-o", "json").out)
        file = short_dir / "node.json"
        assert 0 == run("dump", *node.flags, f"--record={file}").code
        explained = run("explain", "ml/by-claim", f"--url={node.url}").out
        holder = run("explain", "ml/by-plugin", f"--url={node.url}").out
        free = run("dump", "--free", f"--url={node.url}")
    recorded = json.loads(run("check", f"--from={file}", "-o", "json").out)["findings"]
    found = {each["id"]: each for each in report["findings"]}
    dual, double = found["node.dual-mode"], found["node.double-held"]

    assert ("warning", ["nvidia.com/gpu GPU-cccc"]) == (dual["verdict"], dual["facts"]["claimed"])
    assert dual == next(each for each in recorded if each["id"] == "node.dual-mode")
    assert 4 == len(dual["facts"]["offered"])
    assert ("warning", 1) == (double["verdict"], double["facts"]["certain"])
    assert "GPU-bbbb" in double["seen"]
    assert "ml/by-claim" in double["seen"]
    words = " ".join(explained.split())
    assert "n1/gpu-2 is also offered as nvidia.com/gpu GPU-cccc" in words
    assert "GPU-bbbb" in words
    assert "by-claim" in holder
    assert "a DRA claim has the same hardware: GPU-cccc" in " ".join(free.err.split())

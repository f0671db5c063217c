"""Every kept scenario passes: each once broke something, or breaks a planted bug."""

from pathlib import Path

import pytest
from storm.kept import DIRECTORY, Scenario, load, play

FILES = sorted(DIRECTORY.glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_a_kept_scenario_breaks_nothing(file: Path) -> None:
    """Every invariant holds after every step, and the page becomes the truth in the end."""
    play(load(file))


def test_a_scenario_is_the_same_after_it_was_written_down(tmp_path: Path) -> None:
    """What a run prints can be kept."""
    scenario = Scenario(36, False, (("create", "a", 1), ("restart_kubelet", ["empty"], "all"), ("poll", 10.0)))
    file = tmp_path / "s.yaml"
    file.write_text(scenario.text("because"))

    assert scenario == load(file)

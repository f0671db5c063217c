"""Wrong usage of `simulate` and `simulate plugin`: all errors at once, exit code 2, nothing started."""

import os
import threading
from pathlib import Path

import pytest

from podres_exporter.cli import main
from podres_exporter.cli.sim.node import load_scenario


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """Return the errors for arguments that are rejected as wrong usage."""
    assert 2 == main(argv)

    return capsys.readouterr().err


def test_every_fault_of_simulate_is_said_at_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Scenario, release and address, each with its remedy."""
    scenario = tmp_path / "bad.yaml"
    scenario.write_text("nodes: 3\n", encoding="utf-8")

    said = refused(
        capsys, "simulate", f"--scenario={scenario}", "--release=1.5", "--api.listen-address=nowhere", "--seed=x"
    )

    assert "bad.yaml: nodes: unknown key" in said
    assert "--release: release 1.5 cannot be simulated; choose 1.20 to 1.38" in said
    assert "--api.listen-address: listen address 'nowhere' has no port" in said
    assert "--seed: 'x' is no seed; write a whole number, or sorted" in said


def test_a_directory_that_cannot_be_made_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A file stands in the way."""
    (tmp_path / "file").write_text("", encoding="utf-8")

    said = refused(capsys, "simulate", f"--directory={tmp_path / 'file/node'}")

    assert f"--directory: cannot make {tmp_path / 'file/node'}" in said


def test_a_directory_too_deep_for_a_socket_is_refused_with_the_way_out(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A Unix socket's path has 107 bytes at most (unix(7))."""
    said = refused(capsys, "simulate", f"--directory={tmp_path / ('x' * 100)}")

    assert "at most 107 fit" in said
    assert "set TMPDIR or --directory to a directory with a short path" in said


def test_every_fault_of_the_plugin_is_said_at_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Resource, devices and directory."""
    said = refused(capsys, "simulate", "plugin", "--resource=gpu", f"--directory={tmp_path / 'none'}")

    assert "--resource: 'gpu' is not an extended resource; write for example example.com/gpu" in said
    assert "--devices: the file with the devices is missing" in said
    assert f"--directory: {tmp_path / 'none'} is not a directory; a kubelet has it at" in said


def test_a_missing_resource_is_called_missing(capsys: pytest.CaptureFixture[str]) -> None:
    """And the kubelet's own directory is not named twice."""
    said = refused(capsys, "simulate", "plugin", "--devices=x", "--directory=/nowhere")

    assert "--resource: is missing; write for example example.com/gpu" in said
    assert "None" not in said


def test_a_wrong_file_of_devices_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """With the place of the fault in it."""
    devices = tmp_path / "devices.yaml"
    devices.write_text("devices: [{numa_nodes: [0]}]\n", encoding="utf-8")

    said = refused(capsys, "simulate", "plugin", "--resource=a.b/c", f"--devices={devices}", f"--directory={tmp_path}")

    assert "devices.yaml: devices[0]" in said


@pytest.mark.parametrize("argv", [("simulate", "--help"), ("simulate", "plugin", "--help")], ids=" ".join)
def test_help_is_complete(argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Every flag with its meaning."""
    with pytest.raises(SystemExit) as ended:
        main(argv)
    said = capsys.readouterr().out

    assert 0 == ended.value.code
    flags = {
        ("simulate", "--help"): ["--scenario", "--directory", "--release", "--api.listen-address", "plugin"],
        ("simulate", "plugin", "--help"): ["--resource", "--devices", "--directory"],
    }
    assert [] == [flag for flag in flags[argv] if flag not in said]


def test_an_endless_scenario_is_refused_before_it_fills_the_memory() -> None:
    _, faults = load_scenario("/dev/zero")

    assert ["--scenario: cannot read /dev/zero: it has more than 16777216 bytes"] == [
        fault.partition(";")[0] for fault in faults
    ]


def test_a_scenario_may_come_through_a_pipe(tmp_path: Path) -> None:
    """As in `--scenario <(jq ...)`."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=["numa: [{node: 0, cpus: 0-3, memory: 1Gi}]"])
    writer.start()
    scenario, faults = load_scenario(str(pipe))
    writer.join()

    assert ((), 1 << 30) == (tuple(faults), scenario.numa[0].memory_bytes)

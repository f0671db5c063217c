"""Shell completion: candidates, and the scripts run by real shells."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from podres_exporter.cli import kubectl_complete_main, main
from podres_exporter.cli.flags.completion import SCRIPTS


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["du"], ["dump"]),
        (["e"], ["explain"]),
        (["dump", "--no"], ["--node-name", "--nodes", "--no-headers"]),
        (["dump", "-o", "y"], ["yaml"]),
        (["fit", "--output", ""], ["text", "json"]),
        (["metrics", "-o", "mark"], ["markdown"]),
        (["dump", "tra"], []),
        (["nonsense", "--x"], []),
    ],
)
def test_what_may_follow(capsys: pytest.CaptureFixture[str], words: list[str], expected: list[str]) -> None:
    code = main(["__complete", *words])

    assert (0, sorted(expected)) == (code, sorted(capsys.readouterr().out.split()))


def test_every_command_follows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    main(["__complete", ""])

    assert {"serve", "dump", "explain", "fit", "check", "completion"} <= set(capsys.readouterr().out.split())


def test_kubectl_is_answered_in_its_own_protocol(capsys: pytest.CaptureFixture[str]) -> None:
    """A word a line, and `:4` for no file names."""
    kubectl_complete_main(["dump", "--exporter-n"])

    assert ["--exporter-namespace", ":4"] == capsys.readouterr().out.split()


def test_an_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(["completion", "tcsh"])
    assert "SHELL: 'tcsh' is unknown; choose bash, zsh, fish" in capsys.readouterr().err


@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_shell_reads_its_script(tmp_path: Path, shell: str) -> None:
    """Without a fault of syntax."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = tmp_path / "script"
    script.write_text(SCRIPTS[shell])

    assert "" == subprocess.run([shell, "-n", str(script)], capture_output=True, text=True, check=True).stderr


def test_bash_completes_by_the_script(tmp_path: Path) -> None:
    """As it does at a prompt: the function is called with the words of the line."""
    program = tmp_path / "podres-exporter"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m podres_exporter "$@"\n')
    program.chmod(0o755)
    line = f"""{SCRIPTS["bash"]}
COMP_WORDS=(podres-exporter dump --num) COMP_CWORD=2
_podres_exporter
echo "${{COMPREPLY[@]}}"
"""
    ran = subprocess.run(
        ["/bin/bash", "-c", line], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )

    assert "--numa-node\n" == ran.stdout

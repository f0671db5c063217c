"""deploy/Dockerfile, read: no engine is needed. What it builds is built and run by test_image_root.py."""

import fnmatch
import json
import re

import pytest
from helm_rig import ROOT
from image_rig import DOCKERFILE, copied, instructions

from podres_exporter import __version__

SCRIPT = (ROOT / "deploy" / "build-root.sh").read_text(encoding="utf-8")
IGNORED = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()


def test_it_starts_serve_without_a_shell_between() -> None:
    """Exec form: SIGTERM reaches the program, and `check` can be given instead of `serve`."""
    assert ["podres-exporter"] == json.loads(instructions("ENTRYPOINT")[-1])
    assert ["serve"] == json.loads(instructions("CMD")[-1])


def test_the_user_is_said_and_not_inherited() -> None:
    """UID 0 is needed for the socket; nobody should have to guess."""
    assert ["0:0"] == instructions("USER")


def test_both_stages_have_one_base_that_can_be_pinned() -> None:
    """The virtual environment's interpreter is the base's: another one would not find its packages."""
    bases = [base.removesuffix(" AS builder") for base in instructions("FROM")]

    assert ["${PYTHON_IMAGE}${PYTHON_DIGEST:+@$PYTHON_DIGEST}"] * 2 == bases
    assert re.search(r"^ARG PYTHON_IMAGE=docker.io/library/python:3\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)


def test_it_runs_with_the_flags_that_its_bytecode_was_compiled_for() -> None:
    """Otherwise every start compiles everything, and takes three times the memory."""
    environment = dict(each.split("=", 1) for each in instructions("ENV")[0].split())

    assert ("2", "1") == (environment["PYTHONOPTIMIZE"], environment["PYTHONNODEBUGRANGES"])
    assert "-OO -X no_debug_ranges -m compileall" in SCRIPT.replace("\\\n  ", "")
    assert "/opt/podres/pycache" == environment["PYTHONPYCACHEPREFIX"]
    assert 'PYTHONPYCACHEPREFIX="$root/pycache"' in SCRIPT


def test_the_release_is_the_programs() -> None:
    """On the label that registries show."""
    assert [f"VERSION={__version__}"] == [each for each in instructions("ARG") if each.startswith("VERSION")]
    assert {"title", "description", "licenses", "version", "revision"} <= set(
        re.findall(r"org\.opencontainers\.image\.(\w+)=", instructions("LABEL")[0])
    )


@pytest.mark.parametrize("source", copied())
def test_what_it_copies_is_there_and_is_sent(source: str) -> None:
    """The ignore file lets in what is named, and nothing else of a checkout: no .git, no .venv."""
    assert (ROOT / source).exists()
    assert f"!{source}" in IGNORED


def test_nothing_else_is_sent() -> None:
    """The last pattern that fits decides; bytecode of a checkout is of another interpreter."""
    assert ("*", "**/__pycache__") == (IGNORED[0], IGNORED[-1])
    assert {f"!{source}" for source in copied()} == {line for line in IGNORED if line.startswith("!")}


def test_every_package_is_pinned() -> None:
    """An image that is built again is the same one."""
    lines = [
        line
        for line in (ROOT / "deploy" / "requirements.txt").read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    ]

    assert lines
    assert all(fnmatch.fnmatch(line, "*==*") for line in lines)
    assert sorted(lines, key=lambda line: line.lower().split("==")) == lines

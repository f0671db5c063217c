"""deploy/Dockerfile by its text; test_image_root.py builds and runs what it contains."""

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
    """UID 0 is needed for the socket, and stated explicitly."""
    assert ["0:0"] == instructions("USER")


def test_the_base_can_be_pinned_and_nothing_of_it_is_left_but_what_the_program_needs() -> None:
    """The last stage begins with nothing; deploy/build-rootfs.sh copies what the interpreter loads."""
    assert ["${PYTHON_IMAGE}${PYTHON_DIGEST:+@$PYTHON_DIGEST} AS builder", "scratch"] == instructions("FROM")
    assert re.search(r"^ARG PYTHON_IMAGE=docker.io/library/python:3\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)
    assert not [line for line in DOCKERFILE.partition("FROM scratch")[2].splitlines() if line.startswith("RUN")]


def test_it_runs_with_the_flags_that_its_bytecode_was_compiled_for() -> None:
    """Otherwise every start compiles everything, and takes three times the memory."""
    environment = dict(each.split("=", 1) for each in instructions("ENV")[-1].split())

    assert ("2", "1") == (environment["PYTHONOPTIMIZE"], environment["PYTHONNODEBUGRANGES"])
    assert "-OO -X no_debug_ranges -m compileall" in SCRIPT.replace("\\\n  ", "")
    assert "/opt/podres/pycache" == environment["PYTHONPYCACHEPREFIX"]
    assert 'PYTHONPYCACHEPREFIX="$root/pycache"' in SCRIPT


def test_the_release_is_the_programs() -> None:
    """On the label that registries show."""
    assert [f"VERSION={__version__}"] == [each for each in instructions("ARG") if each.startswith("VERSION")]
    names = {
        "title",
        "description",
        "licenses",
        "vendor",
        "url",
        "source",
        "documentation",
        "version",
        "revision",
        "created",
    }

    assert names == set(re.findall(r"org\.opencontainers\.image\.(\w+)=", instructions("LABEL")[0]))


@pytest.mark.parametrize("source", copied())
def test_what_it_copies_is_there_and_is_sent(source: str) -> None:
    """The ignore file lets in what is named, and nothing else of a checkout: no .git, no .venv."""
    assert (ROOT / source).exists()
    assert f"!{source}" in IGNORED


def test_nothing_else_is_sent() -> None:
    """The last pattern that fits decides; bytecode of a checkout is of another interpreter."""
    assert ("*", "**/__pycache__") == (IGNORED[0], IGNORED[-1])
    assert {f"!{source}" for source in copied()} == {line for line in IGNORED if line.startswith("!")}


def test_every_package_is_pinned_with_the_hashes_of_its_files() -> None:
    """An image that is built again is the same one, and an index that serves something else is found out."""
    listed = (ROOT / "deploy" / "requirements.in").read_text(encoding="utf-8")
    text = (ROOT / "deploy" / "requirements.txt").read_text(encoding="utf-8")
    wanted = [line for line in listed.splitlines() if not line.startswith("#")]
    blocks = re.findall(r"^([^\s#]\S*)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", text, re.MULTILINE)

    assert wanted
    assert all(fnmatch.fnmatch(line, "*==*") for line in wanted)
    assert sorted(wanted, key=lambda line: line.lower().split("==")) == wanted
    assert [line.lower() for line in wanted] == [name.lower() for name, _ in blocks]
    assert 1 + sum(1 + hashes.count("--hash") for _, hashes in blocks) == len(text.splitlines())

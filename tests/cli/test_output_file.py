"""Atomic writing of files."""

import os
import stat
from pathlib import Path

import pytest

from podres_exporter.cli.output_file import write_whole


@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_replaced_and_what_it_leads_to_is_left_alone(tmp_path: Path, there: bool) -> None:
    """Another user may have laid it in a sticky folder; root would overwrite what only root may."""
    victim, path = tmp_path / "victim", tmp_path / "node.json"
    if there:
        victim.write_bytes(b"mine")
    path.symlink_to(victim)
    write_whole(path, b"new")

    assert (False, b"new", 0o600) == (path.is_symlink(), path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
    assert ([b"mine"] if there else []) == [each.read_bytes() for each in tmp_path.glob("victim")]


def test_a_folder_that_is_a_link_is_gone_through(tmp_path: Path) -> None:
    """The user named it; /tmp itself is a link on some machines."""
    (tmp_path / "real").mkdir()
    (tmp_path / "folder").symlink_to("real")
    write_whole(tmp_path / "folder" / "a", b"new")

    assert b"new" == (tmp_path / "real" / "a").read_bytes()


@pytest.mark.parametrize("kind", ["fifo", "directory", "device", "link to a device"])
def test_what_is_no_file_stays_what_it_is(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "device":
        path = Path("/dev/null")
    else:
        path.symlink_to("/dev/null")
    before = os.lstat(path)
    with pytest.raises(OSError, match="Not a regular file"):
        write_whole(path, b"new")

    assert (before.st_mode, before.st_ino) == (os.lstat(path).st_mode, os.lstat(path).st_ino)
    assert [] == list(tmp_path.glob(".podres-*"))

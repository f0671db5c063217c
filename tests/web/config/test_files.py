"""Reading files so that changes are detected."""

import os
from pathlib import Path

import pytest

from podres_exporter.web.config.files import MAX_BYTES, FileReader, signature


def test_a_file_that_did_not_change_looks_the_same(tmp_path: Path) -> None:
    """Else every second would be a reload."""
    path = tmp_path / "a"
    path.write_bytes(b"one")
    reader = FileReader()

    assert reader.read(path) == b"one"
    assert {path: signature(path)} == reader.signatures


@pytest.mark.parametrize("change", ["write", "replace", "swap", "remove"])
def test_a_change_is_seen_however_it_is_made(tmp_path: Path, change: str) -> None:
    """An editor writes, a careful program renames, Kubernetes swaps a link."""
    path, other = tmp_path / "a", tmp_path / "b"
    (tmp_path / "1").write_bytes(b"one")
    other.write_bytes(b"two")
    path.symlink_to("1")
    os.utime(other, ns=(1, 1))
    reader = FileReader()
    reader.read(path)
    match change:
        case "write":
            path.write_bytes(b"more")
        case "replace":
            other.replace(path)
        case "swap":
            (tmp_path / "link").symlink_to("b")
            (tmp_path / "link").replace(path)
        case _:
            path.unlink()

    assert {path: signature(path)} != reader.signatures


def test_a_missing_file_is_an_error_and_its_arrival_a_change(tmp_path: Path) -> None:
    """A Secret may be mounted late."""
    path, reader = tmp_path / "a", FileReader()
    with pytest.raises(FileNotFoundError):
        reader.read(path)
    before = {path: signature(path)}
    path.touch()

    assert before == reader.signatures
    assert {path: signature(path)} != reader.signatures


@pytest.mark.parametrize(("size", "is_read"), [(MAX_BYTES, True), (MAX_BYTES + 1, False)])
def test_what_is_too_large_for_a_certificate_is_not_read(tmp_path: Path, size: int, is_read: bool) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * size)
    try:
        content, problem = FileReader().read(path), None
    except OSError as error:
        content, problem = b"", error.strerror

    assert is_read == bool(content)
    assert (None if is_read else f"is larger than {MAX_BYTES} bytes") == problem

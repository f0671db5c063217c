"""Sockets in the plugin directories."""

import socket
from pathlib import Path

from podres_exporter.sim.devices.sockets import plugin_sockets, socket_id, wipe_sockets


def listen(path: Path) -> None:
    """Leave a socket file."""
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def test_a_wipe_takes_sockets_and_leaves_files_and_directories(short_dir: Path) -> None:
    """CleanupPluginDirectory: the checkpoint is a file like any other."""
    listen(short_dir / "nvidia-gpu.sock")
    listen(short_dir / "kubelet.sock")
    (short_dir / "kubelet_internal_checkpoint").write_text("{}")
    (short_dir / "below").mkdir()
    listen(short_dir / "below" / "kept.sock")
    wipe_sockets(short_dir)

    assert {"kubelet_internal_checkpoint", "below"} == {path.name for path in short_dir.iterdir()}
    assert (short_dir / "below" / "kept.sock").is_socket()


def test_the_watcher_sees_sockets_below_too_but_nothing_with_a_dot_before(short_dir: Path) -> None:
    """handleCreateEvent: names that start with a dot and what is no socket are ignored."""
    for directory in ("sub", ".hidden"):
        (short_dir / directory).mkdir()
    for name in ("b.sock", "a.sock", ".c.sock", "sub/d.sock", ".hidden/e.sock"):
        listen(short_dir / name)
    (short_dir / "file.sock").touch()

    assert ["a.sock", "b.sock", "sub/d.sock"] == [
        str(path.relative_to(short_dir)) for path in plugin_sockets(short_dir)
    ]


def test_a_socket_recreated_is_another_one(short_dir: Path) -> None:
    """The inode number is often used again, the change time is not."""
    path = short_dir / "kubelet.sock"
    listen(path)
    before = socket_id(path)
    path.unlink()
    listen(path)

    assert before != socket_id(path)


def test_what_is_no_socket_has_no_identity(short_dir: Path) -> None:
    (short_dir / "file").touch()

    assert socket_id(short_dir / "file") is None
    assert socket_id(short_dir / "nothing") is None

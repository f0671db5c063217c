"""Probing real sockets: as another user, behind bind mounts, with a full backlog."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from podres_exporter.check.evidence import DeviceManager, FileKind, Labels, Outcome
from podres_exporter.cli.probe.socket import look_at_socket, look_for_device_manager
from podres_exporter.clock import SystemClock

NOBODY = 65534
MOUNTS = "27 1 254:0 / / rw - ext4 /dev/vda rw\n"

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


@pytest.fixture
def listener(short_dir: Path) -> Iterator[socket.socket]:
    """Yield a listening socket at `d/s`."""
    (short_dir / "d").mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(short_dir / "d/s"))
        listening.listen(1)
        yield listening


@contextmanager
def nobody() -> Iterator[None]:
    """Be a user without rights, for as long as it takes."""
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def look(path: Path, mountinfo: Path | None = None) -> Any:
    clock = SystemClock()
    return look_at_socket(path, clock) if mountinfo is None else look_at_socket(path, clock, mountinfo)


def test_a_socket_is_connected_to_and_described(short_dir: Path, listener: socket.socket) -> None:
    """Mode and owner are of the file, the UID is ours."""
    path = short_dir / "d/s"
    path.chmod(0o755)
    seen = look(path)

    assert seen.is_connected
    assert (FileKind.SOCKET, 0o755, path.stat().st_uid) == (seen.file.kind, seen.file.mode, seen.file.owner_uid)
    assert path.stat().st_ctime == seen.file.changed_seconds
    assert os.geteuid() == seen.uid
    assert seen.connection.seconds >= 0
    assert listener.fileno() >= 0


def test_links_are_followed(short_dir: Path, listener: socket.socket) -> None:
    """The mounts are looked up by where the socket really is."""
    (short_dir / "link").symlink_to(short_dir / "d")
    seen = look(short_dir / "link/s")

    assert (str(short_dir / "link/s"), os.path.realpath(short_dir / "d/s")) == (seen.path, seen.real_path)
    assert seen.is_connected
    assert listener.fileno() >= 0


@pytest.mark.parametrize(("path", "missing"), [("d/x", ""), ("a/b/c/s", "a"), ("d/e/s", "d/e")])
def test_the_first_directory_that_is_missing_is_named(
    short_dir: Path, listener: socket.socket, path: str, missing: str
) -> None:
    seen = look(short_dir / path)

    assert FileKind.MISSING is seen.file.kind
    assert (str(short_dir / missing) if missing else "") == seen.file.missing_directory
    assert None is seen.connection
    assert listener.fileno() >= 0


def test_a_path_through_a_file_is_something_else(short_dir: Path) -> None:
    (short_dir / "file").touch()
    seen = look(short_dir / "file/s")

    assert (FileKind.OTHER, "Not a directory") == (seen.file.kind, seen.file.problem)


def test_nobody_listens(short_dir: Path, listener: socket.socket) -> None:
    """What a killed kubelet leaves behind."""
    listener.close()

    assert Outcome.REFUSED is look(short_dir / "d/s").connection.outcome


def test_a_listener_that_never_accepts(short_dir: Path, listener: socket.socket) -> None:
    """Once its backlog is full, no client can connect."""
    clients = []
    for _ in range(2):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.connect(str(short_dir / "d/s"))
        clients.append(client)
    seen = look(short_dir / "d/s")
    for client in clients:
        client.close()

    assert Outcome.BUSY is seen.connection.outcome
    assert listener.fileno() >= 0


def test_a_socket_of_another_kind(short_dir: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(short_dir / "s"))
        seen = look(short_dir / "s")

    assert Outcome.FAILED is seen.connection.outcome
    assert "Protocol wrong type" in seen.connection.problem


@as_root
def test_labels_of_the_socket_and_of_a_hidden_directory_are_read(
    short_dir: Path, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the kernel keeps them, with the zero at their end; without SELinux root may write any."""
    path, own = short_dir / "d/s", short_dir / "own"
    own.write_bytes(b"system_u:system_r:container_t:s0:c1,c2\0")
    monkeypatch.setattr("podres_exporter.cli.probe.socket.OWN_LABEL", own)
    try:
        os.setxattr(path, "security.selinux", b"system_u:object_r:kubelet_var_lib_t:s0\0")
    except OSError as error:
        pytest.skip(f"no labels on this file system: {error.strerror}")

    assert (
        Labels("system_u:system_r:container_t:s0:c1,c2", "system_u:object_r:kubelet_var_lib_t:s0") == look(path).labels
    )
    os.removexattr(path, "security.selinux")
    os.setxattr(path.parent, "security.selinux", b"system_u:object_r:container_var_lib_t:s0\0")
    assert "system_u:object_r:container_var_lib_t:s0" == look(path).labels.socket
    assert listener.fileno() >= 0


def test_without_a_security_module_there_are_no_labels(
    short_dir: Path, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("podres_exporter.cli.probe.socket.OWN_LABEL", short_dir / "none")

    assert Labels() == look(short_dir / "d/s").labels
    assert listener.fileno() >= 0


def test_the_device_managers_socket_is_looked_for_beside_ours_and_else_where_kubelets_have_it(short_dir: Path) -> None:
    """k0s moves the one and not the other; a simulated node moves both."""
    path, elsewhere = short_dir / "kubelet/pod-resources/kubelet.sock", short_dir / "elsewhere"
    path.parent.mkdir(parents=True)
    unseen = look_for_device_manager(path, elsewhere)
    elsewhere.mkdir()
    missing = look_for_device_manager(path, elsewhere)
    beside = short_dir / "kubelet/device-plugins"
    beside.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(beside / "kubelet.sock"))
        there = look_for_device_manager(path, elsewhere)

    assert DeviceManager(str(elsewhere / "kubelet.sock"), FileKind.MISSING, sees_directory=False) == unseen
    assert DeviceManager(str(elsewhere / "kubelet.sock"), FileKind.MISSING) == missing
    assert DeviceManager(str(beside / "kubelet.sock"), FileKind.SOCKET) == there


@as_root
def test_a_socket_without_a_write_bit_for_us(short_dir: Path, listener: socket.socket) -> None:
    """The kubelet's is root:root 0755."""
    for folder in (short_dir, short_dir / "d", short_dir / "d/s"):
        folder.chmod(0o755)
    with nobody():
        seen = look(short_dir / "d/s")

    assert (Outcome.DENIED, NOBODY) == (seen.connection.outcome, seen.uid)
    assert listener.fileno() >= 0


@as_root
def test_a_directory_that_is_closed_to_us(short_dir: Path, listener: socket.socket) -> None:
    """The kubelet's is root:root 0750."""
    (short_dir / "d").chmod(0o750)
    short_dir.chmod(0o755)
    with nobody():
        seen = look(short_dir / "d/s")

    assert (FileKind.HIDDEN, "Permission denied", None) == (seen.file.kind, seen.file.problem, seen.connection)
    assert listener.fileno() >= 0


def test_mounts_are_read_from_where_they_are(short_dir: Path) -> None:
    path = short_dir / "mountinfo"
    path.write_text(MOUNTS, encoding="ascii")
    seen = look(short_dir / "s", path)

    assert ("/", "") == (seen.mount.point, seen.mount_problem)


@pytest.mark.parametrize(("text", "problem"), [(None, "No such file or directory"), ("", "names none")])
def test_mounts_that_cannot_be_told_leave_a_reason(short_dir: Path, text: str | None, problem: str) -> None:
    path = short_dir / "mountinfo"
    if text is not None:
        path.write_text(text, encoding="ascii")
    seen = look(short_dir / "s", path)

    assert None is seen.mount
    assert problem in seen.mount_problem


def test_this_kernel_names_the_mount_of_a_file(short_dir: Path) -> None:
    """Whatever this machine is made of."""
    assert os.path.realpath(short_dir).startswith(look(short_dir / "s").mount.point)


SERVER = """
import os, socket, sys
path = sys.argv[1]
first = socket.socket(socket.AF_UNIX); first.bind(path + ".a"); first.listen(); os.rename(path + ".a", path)
source = path if sys.argv[2] == "file" else os.path.dirname(path)
point = sys.argv[3]
if sys.argv[2] == "file":
    open(point, "w").close()
    looked_at = point
else:
    os.mkdir(point)
    looked_at = point + "/" + os.path.basename(path)
if os.system(f"mount --bind {source} {point} && mount -o remount,bind,ro {point}"): sys.exit(77)
from podres_exporter.cli.probe.socket import look_at_socket
from podres_exporter.check.findings.endpoint import socket_findings
from podres_exporter.clock import SystemClock
from pathlib import Path
def show():
    clock = SystemClock()
    found = socket_findings(look_at_socket(Path(looked_at), clock), 0.0, clock.wall_seconds())
    return {each.id: each.verdict.value for each in found}
import json
before = show()
first.close()
second = socket.socket(socket.AF_UNIX); second.bind(path + ".b"); second.listen(); os.rename(path + ".b", path)
print(json.dumps([before, show()]))
"""


@as_root
@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [("file", "warning", "failed"), ("directory", "ok", "ok")],
)
def test_a_mounted_file_dies_with_the_kubelets_restart_and_a_mounted_directory_does_not(
    short_dir: Path, kind: str, before: str, after: str
) -> None:
    """Real bind mounts, read-only, in a mount namespace of their own; a kubelet's restart renames a new socket over."""
    command = ["unshare", "-m", sys.executable, "-c", SERVER, str(short_dir / "s"), kind, str(short_dir / "point")]
    if kind == "directory":
        (short_dir / "d").mkdir()
        command[5] = str(short_dir / "d/s")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("no mounts here")
    found = json.loads(done.stdout)

    assert [before, after] == [each["socket.mount"] for each in found]
    assert ["ok", "ok" if kind == "directory" else "failed"] == [each["socket.connect"] for each in found]

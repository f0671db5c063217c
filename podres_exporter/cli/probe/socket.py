"""Gather evidence on the kubelet's socket: the file, its mount, and whether a process listens."""

import os
import socket
import stat
from pathlib import Path

from podres_exporter.check.evidence import Connection, DeviceManager, FileKind, Labels, Outcome, Socket, SocketFile
from podres_exporter.check.mounts import Mount, mount_of
from podres_exporter.clock import Clock

MOUNTINFO = Path("/proc/self/mountinfo")
CONNECT_SECONDS = 5.0
OWN_LABEL = Path("/proc/self/attr/current")
DEVICE_PLUGINS = Path("/var/lib/kubelet/device-plugins")
"""The kubelet's constant, which is independent of --root-dir."""

_LABEL_ENDS = "\0\n"
"""Labels are terminated like C strings."""


def look_at_socket(path: Path, clock: Clock, mountinfo: Path = MOUNTINFO) -> Socket:
    """Examine the socket; never raises."""
    file = _file(path)
    real_path = os.path.realpath(path)
    mount, problem = _mount(real_path, mountinfo)
    return Socket(
        path=str(path),
        real_path=real_path,
        uid=os.geteuid(),
        file=file,
        connection=_connect(path, clock) if file.kind is FileKind.SOCKET else None,
        mount=mount,
        mount_problem=problem,
        labels=Labels(_own_label(), _label_of(path)),
    )


def look_for_device_manager(socket_path: Path, directory: Path = DEVICE_PLUGINS) -> DeviceManager:
    """Examine the Device Manager's socket: beside the pod-resources directory, else in its default place."""
    beside = socket_path.parent.parent / DEVICE_PLUGINS.name
    folder = beside if beside.is_dir() else directory
    file = _file(folder / "kubelet.sock")
    return DeviceManager(str(folder / "kubelet.sock"), file.kind, sees_directory=not file.missing_directory)


def _own_label() -> str:
    """Return this process' SELinux context or AppArmor profile; empty without a security module."""
    try:
        return OWN_LABEL.read_text(encoding="utf-8", errors="replace").strip(_LABEL_ENDS)
    except OSError:
        return ""


def _label_of(path: Path) -> str:
    """Return the SELinux label of a socket, or of its directory if the socket is not accessible; empty without one."""
    for each in (path, path.parent):
        try:
            return os.getxattr(each, "security.selinux").decode(errors="replace").strip(_LABEL_ENDS)
        except OSError:
            continue
    return ""


def _file(path: Path) -> SocketFile:
    """Examine the path, following links."""
    try:
        found = path.stat()
    except PermissionError as error:
        return SocketFile(FileKind.HIDDEN, error.strerror or "")
    except FileNotFoundError:
        return SocketFile(FileKind.MISSING, missing_directory=_first_missing(path))
    except OSError as error:
        return SocketFile(FileKind.OTHER, error.strerror or "")
    return SocketFile(
        _kind(found.st_mode),
        mode=stat.S_IMODE(found.st_mode),
        owner_uid=found.st_uid,
        changed_seconds=found.st_ctime,
    )


def _kind(mode: int) -> FileKind:
    if stat.S_ISSOCK(mode):
        return FileKind.SOCKET
    if stat.S_ISDIR(mode):
        return FileKind.DIRECTORY
    return FileKind.REGULAR if stat.S_ISREG(mode) else FileKind.OTHER


def _first_missing(path: Path) -> str:
    """Return the first directory of the path that does not exist, empty if all do."""
    return next((str(folder) for folder in reversed(path.parents) if not folder.exists()), "")


def _mount(real_path: str, mountinfo: Path) -> tuple[Mount | None, str]:
    """Return the mount, or None and the reason."""
    try:
        text = mountinfo.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        return None, f"{mountinfo}: {error.strerror}"
    mount = mount_of(real_path, text)
    return mount, "" if mount else f"{mountinfo} names none"


def _connect(path: Path, clock: Clock) -> Connection:
    """Try to connect; the connection is closed at once."""
    began = clock.monotonic_seconds()
    outcome, problem = Outcome.CONNECTED, ""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(CONNECT_SECONDS)
        try:
            client.connect(str(path))
        except OSError as error:
            outcome, problem = _outcome(error), error.strerror or str(error)
    return Connection(outcome, clock.monotonic_seconds() - began, problem)


def _outcome(error: OSError) -> Outcome:
    """
    Return the meaning of an error of connect(2).

    Source: unix(7); a stream socket with a full backlog returns EAGAIN to non-blocking clients.
    """
    match error:
        case ConnectionRefusedError():
            return Outcome.REFUSED
        case PermissionError():
            return Outcome.DENIED
        case BlockingIOError() | TimeoutError():
            return Outcome.BUSY
        case _:
            return Outcome.FAILED

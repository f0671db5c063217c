"""List, identify and remove sockets in the kubelet's plugin directories."""

import stat
from collections.abc import Mapping
from pathlib import Path

SocketId = tuple[int, int]
"""(inode, change time in ns): a new socket often gets the inode of the one that was removed before."""


def wipe_sockets(directory: Path) -> None:
    """
    Remove every socket, so that plugins notice that the kubelet has restarted. Files and directories stay.

    Source: CleanupPluginDirectory of pkg/kubelet/cm/devicemanager/manager.go, which asks os.Stat: links are followed.
    """
    for path in directory.iterdir():
        if path.is_socket():
            path.unlink(missing_ok=True)


def socket_id(path: Path) -> SocketId | None:
    """Return the identity of the socket at the path; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_ino, status.st_ctime_ns) if stat.S_ISSOCK(status.st_mode) else None


def plugin_sockets(directory: Path) -> Mapping[Path, SocketId]:
    """
    Return the sockets that the plugin watcher looks at, in order of name, below the directory too.

    What begins with a dot is passed over (handleCreateEvent of pluginwatcher/plugin_watcher.go).
    """
    found: dict[Path, SocketId] = {}
    for path in sorted(directory.rglob("*")):
        identity = socket_id(path)
        if identity is not None and not any(part.startswith(".") for part in path.relative_to(directory).parts):
            found[path] = identity
    return found

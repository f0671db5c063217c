"""Parse the kernel's list of mounts (mountinfo)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_ESCAPE = re.compile(r"\\([0-7]{3})")
_GONE = "//deleted"


@dataclass(frozen=True, slots=True)
class Mount:
    """
    One mount. *root* is the mounted part of its file system.

    Source: proc_pid_mountinfo(5).
    """

    point: str
    root: str
    is_read_only: bool
    file_system: str

    @property
    def is_deleted(self) -> bool:
        """Whether the mounted file was deleted: the kernel appends that to its name."""
        return self.root.endswith(_GONE)


def mount_of(path: str, mountinfo: str) -> Mount | None:
    """
    Return the mount that contains the file at *path*, which has no symbolic links; None if there is none.

    If there are several on one mount point, the last one counts. Unreadable lines are skipped.
    """
    best: Mount | None = None
    for mount in _mounts(mountinfo.splitlines()):
        is_above = path == mount.point or path.startswith(mount.point.rstrip("/") + "/")
        if is_above and (best is None or len(mount.point) >= len(best.point)):
            best = mount
    return best


def _mounts(lines: Iterable[str]) -> Iterable[Mount]:
    """Yield the mounts: number, parent, device, root, point, options, tags, `-`, file system, source, its options."""
    for line in lines:
        fields, _, rest = line.partition(" - ")
        words = fields.split(" ")
        if len(words) < 6:
            continue
        root, point, options = words[3:6]
        yield Mount(_plain(point), _plain(root), "ro" in options.split(","), rest.partition(" ")[0])


def _plain(text: str) -> str:
    r"""Return a path without the kernel's escapes: `\040` is a space."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)

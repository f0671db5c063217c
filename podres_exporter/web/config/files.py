"""Read files and remember what they looked like, so that a later change is noticed."""

import os
import stat
from pathlib import Path

Signature = tuple[int, int, int] | None
"""Time of the last change in nanoseconds, size, inode; None where there is no such file."""

MAX_BYTES = 1024 * 1024
"""Certificates and settings are a few KiB; a device or a log that is named by mistake must not fill the memory."""


class FileReader:
    """
    Reads files once each, and keeps the signature that each had when it was read.

    *signatures* has every file that was asked for, the missing ones too. A signature is taken from the open file before
    the first byte is read, so what changes meanwhile looks changed at the next comparison.
    """

    def __init__(self) -> None:
        """Start with nothing read."""
        self.signatures: dict[Path, Signature] = {}

    def read(self, path: Path) -> bytes:
        """Return the content; raises OSError with a `strerror` for people."""
        self.signatures[path] = signature(path)  # for what cannot be opened, a directory among it
        with open(path, "rb", opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            self.signatures[path] = _of(status)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(None, "is no regular file")
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise OSError(None, f"is larger than {MAX_BYTES} bytes")
        return content


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting: for the writer of a FIFO, for example, and with it all reloads would wait."""
    return os.open(path, flags | os.O_NONBLOCK)


def signature(path: Path) -> Signature:
    """
    Return what a file looks like from outside; links are followed.

    A mounted Secret changes by a swap of links, so its files change their inodes (Kubernetes' AtomicWriter).
    """
    try:
        return _of(path.stat())
    except OSError:
        return None


def _of(status: os.stat_result) -> Signature:
    return status.st_mtime_ns, status.st_size, status.st_ino

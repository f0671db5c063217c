"""Read files and remember their signatures, so that later changes are detected."""

import os
from pathlib import Path

from podres_exporter.regular_file import open_regular

Signature = tuple[int, int, int] | None
"""Modification time in nanoseconds, size, inode; None if the file does not exist."""

MAX_BYTES = 1024 * 1024
"""Certificates and settings are a few KiB; a device or log configured by mistake must not fill the memory."""


class FileReader:
    """
    Reads each file once, and keeps its signature at that time.

    *signatures* has every requested file, including missing ones. A signature is taken from the open file before the
    first byte is read, so changes made while reading are detected at the next comparison.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.signatures: dict[Path, Signature] = {}

    def read(self, path: Path) -> bytes:
        """Return the content; raises OSError with a readable `strerror`."""
        self.signatures[path] = signature(path)  # also for what cannot be opened, such as a directory
        with open_regular(path) as file:
            self.signatures[path] = _of(os.fstat(file.fileno()))
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise OSError(None, f"is larger than {MAX_BYTES} bytes")
        return content


def signature(path: Path) -> Signature:
    """
    Return the file's signature; links are followed.

    A mounted Secret is updated by swapping links, so its files get new inodes (Kubernetes' AtomicWriter).
    """
    try:
        return _of(path.stat())
    except OSError:
        return None


def _of(status: os.stat_result) -> Signature:
    return status.st_mtime_ns, status.st_size, status.st_ino

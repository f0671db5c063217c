"""Open files that others may replace: never wait for the writer of a FIFO, and read from no device."""

import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular(path: Path) -> BinaryIO:
    """Return the file, open for reading; links are followed. Raises OSError, also if it is no regular file."""
    file = open(path, "rb", opener=_open_at_once)  # noqa: SIM115 - for the caller's `with`
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(None, "is not a regular file")
    return file


def _open_at_once(path: str, flags: int) -> int:
    """Open without blocking: the writer of a FIFO may never come."""
    return os.open(path, flags | os.O_NONBLOCK)

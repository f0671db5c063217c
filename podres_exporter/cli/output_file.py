"""Write a file atomically, readable by its owner only."""

import errno
import os
import tempfile
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """
    Replace *path* by a new file of mode 0600; on failure the old one is kept. Raises OSError.

    A symbolic link is replaced and not followed: in a directory writable by others, another user could have pointed it
    at a file that only this user may change. Anything but a file or a link to a file is left alone.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "Not a regular file")
    target = path.parent.resolve() / path.name
    descriptor, name = tempfile.mkstemp(prefix=".podres-", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

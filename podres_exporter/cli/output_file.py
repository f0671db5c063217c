"""Write a file completely or not at all, readable by its owner only."""

import errno
import os
import tempfile
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """
    Put a new file of mode 0600 in the place of *path*; what was there stays where that fails. Raises OSError.

    A link is replaced and not followed: in a folder that others may write to, another user could have laid it to a file
    that only this one may change. What is neither a file nor a link to one stays what it is.
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

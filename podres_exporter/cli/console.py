"""What commands that look once have in common: how they end, and how they write."""

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterable

from podres_exporter.errors import NotFoundError, SelectionError, SnapshotError

EXIT_OK, EXIT_FAILED, EXIT_PARTIAL, EXIT_INTERRUPTED = 0, 1, 3, 130


def ended(verb: Callable[[], int], *, failed: int = EXIT_FAILED) -> int:
    """Return the verb's exit code, *failed* where there is nothing to show; Ctrl-C ends it without a traceback."""
    try:
        return verb()
    except (SnapshotError, SelectionError, NotFoundError) as error:
        complain([str(error)])
        return failed
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def complain(sentences: Iterable[str]) -> None:
    """Write sentences to standard error, for people."""
    for sentence in sentences:
        print(f"podres-exporter: {sentence}", file=sys.stderr)


def write(text: str) -> bool:
    """
    Write a text to standard output; False if nobody reads any more, as after `| head`, which is no error.

    What the output's encoding does not have is replaced.
    """
    with contextlib.suppress(AttributeError):
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a test's may not have it
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def columns(otherwise: int) -> int:
    """Return the width of the terminal, or COLUMNS; *otherwise* where there is neither."""
    return shutil.get_terminal_size((otherwise, 24)).columns


def wants_colours() -> bool:
    """Return whether to colour: a terminal that can, and a user who has not said no (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

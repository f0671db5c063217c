"""Standard output and standard error of one-shot commands, and their exit codes."""

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable
from typing import TextIO

from podres_exporter.errors import NotFoundError, OutputError, SelectionError, SnapshotError
from podres_exporter.printable import printable
from podres_exporter.text.style import ANSI, PLAIN, Tone
from podres_exporter.text.words import ENDLESS, sentence_lines

# Anything but plain text, line ends, tabs and colours; for the rest, str.isprintable decides.
_UNSAFE = re.compile(r"(?!\x1b\[[0-9;]*m)[^\n\t\x20-\x7e]")

EXIT_OK, EXIT_FAILED, EXIT_PARTIAL, EXIT_INTERRUPTED = 0, 1, 3, 130


def ended(verb: Callable[[], int], *, failed: int = EXIT_FAILED) -> int:
    """Return the verb's exit code, *failed* if there is nothing to show; on Ctrl-C, exit without a traceback."""
    try:
        return verb()
    except (SnapshotError, SelectionError, NotFoundError) as error:
        complain([str(error)])
        return failed
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def complain(sentences: Iterable[str]) -> None:
    """Write sentences to standard error, for people."""
    for sentence in sentences if sys.stderr is not None else ():
        print(f"podres-exporter: {sentence}", file=sys.stderr)


def remark(notes: Iterable[str]) -> None:
    """Write notes about a table to standard error, so that the table can be piped into a program."""
    width, is_coloured = columns(ENDLESS), wants_colours(sys.stderr)
    for line in (line for note in notes for line in sentence_lines(note, width) if sys.stderr is not None):
        print((ANSI if is_coloured else PLAIN).paint(line, Tone.WARN), file=sys.stderr)


def write(text: str) -> bool:
    """
    Write a text to standard output; return False if the reader has closed it, as in `| head`, which is not an error.

    Raises OutputError if it cannot be written.

    Characters missing from the output's encoding are replaced. A terminal gets no control characters but our own
    colours: CSV and the exposition formats contain raw names, and a terminal would obey escape sequences in them.
    """
    if sys.stdout is None:  # as after `>&-`
        raise OutputError("standard output is closed")
    if sys.stdout.isatty():
        text = _for_terminal(text)
    with contextlib.suppress(AttributeError):
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a test's may not have it
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _silence()
        return False
    except OSError as error:
        _silence()
        raise OutputError(f"standard output cannot be written: {error.strerror}") from error
    return True


def _silence() -> None:
    """Discard buffered output, also at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _for_terminal(text: str) -> str:
    return _UNSAFE.sub(_shown, text.replace("\r\n", "\n"))


def _shown(found: re.Match[str]) -> str:
    return found[0] if found[0].isprintable() else printable(found[0])


def is_terminal() -> bool:
    """Return whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def columns(otherwise: int) -> int:
    """Return the width of the terminal, or COLUMNS; *otherwise* if neither is known."""
    return shutil.get_terminal_size((otherwise, 24)).columns


def wants_colours(stream: TextIO | None = None) -> bool:
    """Return whether to use colours: the terminal supports them, and NO_COLOR is not set (https://no-color.org)."""
    stream = stream or sys.stdout
    return (
        stream is not None and stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )

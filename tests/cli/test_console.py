"""Exit codes and output of one-shot commands."""

import io
import os
import sys

import pytest

from podres_exporter.cli.console import columns, complain, ended, wants_colours, write
from podres_exporter.errors import NotFoundError, PodresError, SelectionError, SnapshotError


@pytest.mark.parametrize("error", [SnapshotError("gone"), NotFoundError("gone"), SelectionError("gone")])
def test_nothing_to_show_is_a_failure_with_a_sentence(error: PodresError, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code is the verb's choice."""

    def verb() -> int:
        raise error

    assert (1, 3) == (ended(verb), ended(verb, failed=3))
    assert "podres-exporter: gone\n" * 2 == capsys.readouterr().err


def test_ctrl_c_ends_a_command_as_shells_expect() -> None:
    """128 and the number of the signal."""

    def verb() -> int:
        raise KeyboardInterrupt

    assert 130 == ended(verb)
    assert 0 == ended(lambda: 0)


def test_complaints_go_to_people(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output belongs to what was asked for."""
    complain(["one", "two"])

    assert ("", "podres-exporter: one\npodres-exporter: two\n") == capsys.readouterr()


def test_what_the_output_cannot_write_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may have letters that the locale has not."""
    memory = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(memory, encoding="ascii"))

    assert write("gr\u00fcn\n")
    assert b"gr?n\n" == memory.getvalue()


def test_an_output_that_cannot_be_told_how_to_write_is_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands in for standard output."""
    memory = io.StringIO()
    monkeypatch.setattr(sys, "stdout", memory)

    assert write("a\n")
    assert "a\n" == memory.getvalue()


def test_nobody_reading_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing more is written to the pipe, not even when the interpreter ends."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as output:
        monkeypatch.setattr(sys, "stdout", output)

        assert not write("a\n")
        assert write("b\n")


def test_the_width_is_the_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """COLUMNS first, as for every program."""
    monkeypatch.setenv("COLUMNS", "91")

    assert 91 == columns(otherwise=120)
    monkeypatch.delenv("COLUMNS")
    monkeypatch.setattr(sys, "__stdout__", io.StringIO())

    assert 120 == columns(otherwise=120)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": ""}, True)],
)
def test_a_terminal_is_coloured_unless_somebody_objects(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], *, expected: bool
) -> None:
    """no-color.org: any value that is not empty. A pipe is never coloured."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    in_a_pipe = wants_colours()
    monkeypatch.setattr(sys, "stdout", Terminal())

    assert not in_a_pipe
    assert expected == wants_colours()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a,\x1b]0;pwned\x07b\r\n", "a,\\x1b]0;pwned\\x07b\n"),
        ("\x1b[2J\x1b[1;31mred\x1b[0m\n", "\\x1b[2J\x1b[1;31mred\x1b[0m\n"),
        ("\x9b31m \u202egnp\u2066 \x7f \x08\r", "\\x9b31m \\u202egnp\\u2066 \\x7f \\x08\\x0d"),
        ("zo\u00eb\t\u5927\n", "zo\u00eb\t\u5927\n"),
    ],
)
def test_a_terminal_is_not_told_what_to_do_by_names(monkeypatch: pytest.MonkeyPatch, text: str, shown: str) -> None:
    """Of control characters only line ends, tabs and colours pass; a pipe gets everything as it is."""
    terminal, pipe = Terminal(), io.StringIO()
    for output in (terminal, pipe):
        monkeypatch.setattr(sys, "stdout", output)
        write(text)

    assert (shown, text) == (terminal.getvalue(), pipe.getvalue())

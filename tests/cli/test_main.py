"""The command line as a whole: commands, exit codes, and all errors at once on standard error."""

import re
import shlex

import pytest

from podres_exporter import __version__
from podres_exporter.cli import kubectl_main, main
from podres_exporter.cli.flags.commands import build_parser
from podres_exporter.cli.flags.parser import parse

VERBS = ("serve", "dump", "explain", "fit", "check", "demo", "simulate", "metrics")
PROGRAM = "podres-exporter"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that every node may have, whatever the machine's host name; wide lines for help."""
    monkeypatch.setenv("NODE_NAME", "node1")
    monkeypatch.setenv("COLUMNS", "200")


def usage_errors(capsys: pytest.CaptureFixture[str], *argv: str) -> list[str]:
    """Run a command that must be refused; return its faults without the program's name."""
    code = main(argv)
    captured = capsys.readouterr()
    *faults, last = captured.err.splitlines()

    assert 2 == code
    assert "" == captured.out
    assert f"{PROGRAM}: see {PROGRAM} {f'{argv[0]} ' if argv[0] in VERBS else ''}--help" == last
    assert all(fault.startswith("podres-exporter: ") for fault in faults)
    return [fault.removeprefix("podres-exporter: ") for fault in faults]


def printed(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """Run a command that prints something and exits with 0."""
    with pytest.raises(SystemExit) as caught:
        main(argv)
    captured = capsys.readouterr()

    assert 0 == caught.value.code
    assert "" == captured.err
    return captured.out


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """What a bug report begins with; the same as in podres_exporter_build_info."""
    assert f"podres-exporter {__version__}\n" == printed(capsys, "--version")


def test_the_help_names_every_verb_the_precedence_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` is complete."""
    text = printed(capsys, "--help")

    assert [] == [verb for verb in VERBS if f"\n    {verb} " not in text]
    assert "--version" in text
    assert "Flags override environment variables, which override defaults." in text
    assert "Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 partial." in text


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_help_of_its_own(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    """And asking for it is no error."""
    assert printed(capsys, verb, "--help").startswith(f"usage: podres-exporter {verb} ")


def test_no_verb_is_wrong_usage_and_the_help_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 is usage."""
    code = main([])
    captured = capsys.readouterr()

    assert (2, "") == (code, captured.out)
    assert captured.err.startswith("usage: podres-exporter COMMAND")
    assert [] == [verb for verb in VERBS if f"\n    {verb} " not in captured.err]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("srve", "serve"), ("dmup", "dump"), ("servr", "serve"), ("explian", "explain"), ("chekc", "check")],
)
def test_a_mistyped_verb_is_answered_with_the_one_that_was_meant(
    capsys: pytest.CaptureFixture[str], typed: str, meant: str
) -> None:
    (fault,) = usage_errors(capsys, typed, "--watch")

    assert fault.startswith(f"{typed!r} is not a command; did you mean {meant}; there are serve, dump, ")


def test_an_unknown_verb_is_refused_and_the_verbs_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """The remedy is the list of what there is."""
    (fault,) = usage_errors(capsys, "xyz")

    assert fault.startswith("'xyz' is not a command; there are ")
    assert [] == [verb for verb in VERBS if verb not in fault]


@pytest.mark.parametrize("argv", [("help",), ("help", "dump"), ("help", "fit", "me")])
def test_help_is_a_word_too(capsys: pytest.CaptureFixture[str], argv: tuple[str, ...]) -> None:
    assert printed(capsys, *argv[1:2], "--help") == printed(capsys, *argv)


@pytest.mark.parametrize("word", ["version", "-V"])
def test_the_version_is_printed_for_other_words_too(capsys: pytest.CaptureFixture[str], word: str) -> None:
    assert f"podres-exporter {__version__}\n" == printed(capsys, word)


@pytest.mark.parametrize("verb", VERBS)
def test_every_help_begins_with_examples_that_the_parser_takes(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    """An example with a typing error would be worse than none."""
    examples = printed(capsys, verb, "--help").partition("\nexamples:\n")[2].partition("\n\n")[0].splitlines()

    assert examples
    for line in examples:
        program, *argv = shlex.split(re.split(r" {2,}|\|", line.strip())[0])
        assert (PROGRAM, verb) == (program, argv[0])
        assert verb == parse(build_parser(), argv).verb


def test_only_what_is_unknown_is_said_where_something_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    """The rest may follow from it: `--web.listen-adress` leaves the address at its default."""
    assert [
        "serve has no flag --web.listen-adress; did you mean --web.listen-address?",
        "serve takes no argument 'stray'",
    ] == usage_errors(capsys, "serve", "--web.listen-adress=:1", "stray", "--web.max-requests=0")


def test_flags_of_other_programs_are_answered_with_ours(capsys: pytest.CaptureFixture[str]) -> None:
    """`--cpus` is near `--gpus` in letters only."""
    assert ["fit has no flag --gpus; use --device nvidia.com/gpu=N"] == usage_errors(capsys, "fit", "--gpus", "2")


def test_all_faults_of_a_command_line_and_its_environment_are_said_at_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every wrong flag or value refused with all faults at once and exit 2."""
    monkeypatch.setenv("PODRES_KUBELET_TIMEOUT", "soon")
    monkeypatch.setenv("PODRES_COLLECTOR_CPUS", "yes")
    faults = usage_errors(
        capsys,
        "serve",
        "--kubelet.socket=kubelet.sock",
        "--log.level",
        "trace",
        "--web.max-requests=0",
    )
    named = (
        "--kubelet.socket: ",
        "PODRES_KUBELET_TIMEOUT: ",
        "PODRES_COLLECTOR_CPUS: ",
        "--web.max-requests: ",
        "--log.level: ",
    )

    assert [] == [name for name in named if not any(fault.startswith(name) for fault in faults)]
    assert len(named) == len(faults)


def test_a_flag_without_its_value_is_said_together_with_the_other_faults(capsys: pytest.CaptureFixture[str]) -> None:
    """A missing value is a fault like any other."""
    faults = " ".join(usage_errors(capsys, "serve", "--kubelet.timeout=soon", "--log.level"))

    assert "--log.level" in faults
    assert "--kubelet.timeout" in faults


def test_a_switch_takes_no_value_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """`--collector.cpus=false` must not switch the collector on; the flag is named."""
    (fault,) = usage_errors(capsys, "serve", "--collector.cpus=false")

    assert "--collector.cpus" in fault
    assert "'false'" in fault


def test_a_wrong_duration_of_any_length_is_refused_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """A typing error is never a bug's traceback, even where the number fits into no float."""
    (fault,) = usage_errors(capsys, "serve", "--kubelet.timeout", "9" * 400 + "s")

    assert fault.startswith("--kubelet.timeout: ")


def test_the_wrong_format_of_the_catalogue_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert ["--output: 'xml' is unknown; choose table, markdown or json"] == usage_errors(
        capsys, "metrics", "-o", "xml"
    )


def test_kubectl_podres_is_a_command_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """Faults come under the name that the user typed; tests/cli/kubectl has the rest."""
    code = kubectl_main(["serve"])
    captured = capsys.readouterr()

    assert (2, "") == (code, captured.out)
    assert [] == [line for line in captured.err.splitlines() if not line.startswith("kubectl podres: ")]
    assert captured.err.endswith("kubectl podres: see kubectl podres --help\n")

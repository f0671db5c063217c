"""The parser: help texts, given flags, and suggestions for unknown ones."""

import pytest

from podres_exporter.cli.flags.commands import DEMO_DEFAULTS, build_parser
from podres_exporter.cli.flags.parser import given_flags, unknown_arguments, with_values
from podres_exporter.config import OPTIONS, Option
from podres_exporter.config.options import environment_name
from podres_exporter.families.collectors import COLLECTORS, OFF_BY_DEFAULT

SWITCHES = [*(f"--collector.{name}" for name in COLLECTORS), "--metrics.node-label"]
FLAGS_OF_SERVE = [*(str(option.flag) for option in OPTIONS), *SWITCHES]


def complaints(verb: str, extras: list[str]) -> list[str]:
    """Return the errors for arguments that the command's parser leaves over."""
    return unknown_arguments(build_parser().parse_args([verb]), extras)


def negative(switch: str) -> str:
    return "--no-" + switch.removeprefix("--")


def help_of(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, verb: str) -> dict[str, str]:
    """Return the help of a verb by flag; the lines are so wide that each flag's text is one line."""
    monkeypatch.setenv("COLUMNS", "1000")
    with pytest.raises(SystemExit):
        build_parser().parse_args([verb, "--help"])
    entries: dict[str, str] = {}
    flag = ""
    for line in capsys.readouterr().out.splitlines():
        words = line.split()
        if line.startswith("  -"):
            flag = next(word.strip(",") for word in words if word.startswith("--"))
            entries[flag] = line.strip()
        elif flag and line.startswith("      "):
            entries[flag] += " " + line.strip()
    return entries


def given(*argv: str) -> dict[str, str | bool | list[str]]:
    """Return what is kept of a command line."""
    return given_flags(build_parser().parse_args(argv))


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: str(option.flag))
def test_the_help_of_serve_names_each_option_with_its_meaning_its_default_and_its_variable(
    option: Option[object], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--help` is complete."""
    entry = help_of(capsys, monkeypatch, "serve")[option.flag]

    assert entry.startswith(f"{option.flag} {option.placeholder}")
    assert option.help in entry
    assert option.environment in entry
    assert f"default {option.default or option.otherwise};" in entry


@pytest.mark.parametrize("switch", SWITCHES)
def test_the_help_of_serve_names_each_switch_with_its_opposite_its_default_and_its_variable(
    switch: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Switches are on unless their help says otherwise."""
    entry = help_of(capsys, monkeypatch, "serve")[switch]
    is_off = switch.removeprefix("--collector.") in OFF_BY_DEFAULT

    assert negative(switch) in entry
    assert environment_name(switch) in entry
    assert is_off == ("off by default" in entry)


def test_the_help_of_serve_names_nothing_else(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every flag is in the tables that help, README and these tests read."""
    assert {*FLAGS_OF_SERVE, "--help"} == set(help_of(capsys, monkeypatch, "serve"))


def test_the_help_of_serve_says_that_switches_are_on(capsys: pytest.CaptureFixture[str]) -> None:
    """The default of a switch, said once for all."""
    with pytest.raises(SystemExit):
        build_parser().parse_args(["serve", "--help"])

    assert "collectors, all on unless noted" in capsys.readouterr().out


@pytest.mark.parametrize("name", COLLECTORS)
def test_the_help_of_serve_says_what_each_collector_shows(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name alone does not explain what is missing without it."""
    assert COLLECTORS[name] in help_of(capsys, monkeypatch, "serve")[f"--collector.{name}"]


def test_the_help_of_demo_names_its_flags_with_their_own_defaults(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo polls faster than `serve`; its help must not show the defaults of `serve`."""
    entries = help_of(capsys, monkeypatch, "demo")
    defaults = {
        option.flag: DEMO_DEFAULTS[option.flag] or option.default for option in OPTIONS if option.flag in DEMO_DEFAULTS
    }

    assert {*DEMO_DEFAULTS, "--scenario", "--help"} == set(entries)
    assert [] == [flag for flag, default in defaults.items() if f"(default {default})" not in entries[flag]]


def test_the_help_of_demo_names_no_variable(capsys: pytest.CaptureFixture[str]) -> None:
    """Environment variables are ignored, so that the demo is the same on every machine."""
    with pytest.raises(SystemExit):
        build_parser().parse_args(["demo", "--help"])

    assert "PODRES_" not in capsys.readouterr().out


def test_the_help_of_metrics_names_the_formats_and_the_default(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three outputs, and which comes without a flag."""
    assert "table, markdown or json (table)" in help_of(capsys, monkeypatch, "metrics")["--output"]


def test_nothing_is_kept_of_flags_that_are_not_given() -> None:
    """What is absent leaves the word to the environment."""
    assert {} == given("serve")
    assert {} == given("demo")


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: str(option.flag))
@pytest.mark.parametrize("joined", [True, False], ids=["--flag=value", "--flag value"])
def test_a_flag_is_kept_as_its_text(option: Option[object], joined: bool) -> None:
    """Both forms of the command line; texts are checked elsewhere, all of them at once."""
    argv = [f"{option.flag}=text"] if joined else [option.flag, "text"]

    assert {option.flag: ["text"] if option.repeatable else "text"} == given("serve", *argv)


def test_a_repeatable_flag_keeps_every_text_in_order() -> None:
    """`--web.listen-address` may be given several times."""
    argv = ("--web.listen-address", ":1", "--web.listen-address=:2", "--web.listen-address", ":1")

    assert {"--web.listen-address": [":1", ":2", ":1"]} == given("serve", *argv)


def test_of_a_flag_that_is_not_repeatable_the_last_one_counts() -> None:
    """A wrapper script may put its own flags first."""
    assert {"--log.level": "error"} == given("serve", "--log.level=debug", "--log.level=error")


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_is_kept_as_a_boolean(switch: str) -> None:
    """`--x`, `--no-x`, and the last one counts."""
    assert {switch: True} == given("serve", switch)
    assert {switch: False} == given("serve", negative(switch))
    assert {switch: False} == given("serve", switch, negative(switch))


@pytest.mark.parametrize("argument", ["--kubelet.sock=/a", "--log.lev", "--collector.cpu", "--web.max=3", "--node"])
def test_flags_cannot_be_abbreviated(argument: str) -> None:
    """An abbreviation in a manifest would break with the next release that has a similar flag."""
    arguments, extras = build_parser().parse_known_args(["serve", argument])

    assert [argument] == extras
    assert {} == given_flags(arguments)


def unknown(*argv: str) -> list[str]:
    """Return the errors for unknown arguments of a command line."""
    arguments, extras = build_parser().parse_known_args(argv)
    return unknown_arguments(arguments, extras)


def test_an_unknown_flag_is_named_with_the_nearest_one_there_is() -> None:
    """The remedy of a typing error."""
    assert ["serve has no flag --kubelet.sokcet; did you mean --kubelet.socket?"] == unknown(
        "serve", "--kubelet.sokcet=/run/x"
    )


@pytest.mark.parametrize("flag", [*FLAGS_OF_SERVE, *map(negative, SWITCHES)])
def test_a_typing_error_in_any_flag_is_answered_with_that_flag(flag: str) -> None:
    """Two letters too many, for every flag and the opposite of every switch."""
    assert [f"serve has no flag {flag}xx; did you mean {flag}?"] == unknown("serve", f"{flag}xx")


@pytest.mark.parametrize(("verb", "flag"), [("demo", "--scenario"), ("metrics", "--output")])
def test_a_typing_error_in_a_flag_of_another_verb_is_answered_too(verb: str, flag: str) -> None:
    """Every verb's flags are known by name."""
    assert [f"{verb} has no flag {flag}x; did you mean {flag}?"] == unknown(verb, f"{flag}x")


@pytest.mark.parametrize("flag", [flag for flag in FLAGS_OF_SERVE if flag not in DEMO_DEFAULTS])
def test_the_demo_proposes_no_flag_that_it_does_not_take(flag: str) -> None:
    """A flag of `serve` is not one of `demo`; to propose it again would send the user in a circle."""
    (problem,) = unknown("demo", flag)

    assert problem.startswith(f"demo has no flag {flag}")
    assert [] == [other for other in FLAGS_OF_SERVE if other not in DEMO_DEFAULTS and f"mean {other}?" in problem]


def test_a_flag_like_no_other_is_named_without_a_guess() -> None:
    """A far-fetched proposal is worse than none."""
    assert ["serve has no flag --zzz"] == unknown("serve", "--zzz")


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ([], []),
        (["--log.level=debug", "--no-collector.cpus"], []),
        (["stray"], ["serve takes no argument 'stray'"]),
        (["a", "b"], ["serve takes no argument 'a'", "serve takes no argument 'b'"]),
        (["--zzz", "value"], ["serve has no flag --zzz"]),
        (["--zzz=value", "stray"], ["serve has no flag --zzz", "serve takes no argument 'stray'"]),
        (["--zzz", "--yyy"], ["serve has no flag --zzz", "serve has no flag --yyy"]),
    ],
)
def test_every_argument_that_nobody_knows_is_named_once(argv: list[str], expected: list[str]) -> None:
    """What follows an unknown flag is taken for its value and not held against the user twice."""
    assert expected == unknown("serve", *argv)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: str(option.flag))
@pytest.mark.parametrize("after", [["--collector.cpus"], []], ids=["before a flag", "at the end"])
def test_an_option_without_its_value_has_an_empty_one(option: Option[object], after: list[str]) -> None:
    """An empty flag is refused together with all other faults, where argparse would stop at the first."""
    kept = given(*with_values(["serve", option.flag, *after]))

    assert ([""] if option.repeatable else "") == kept[option.flag]


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["serve"],
        ["serve", "--log.level", "debug", "--node-name=n"],
        ["serve", "--kubelet.timeout", "-1s"],
        ["serve", "--no-collector.cpus", "--collector.cpu-info"],
        ["metrics", "-o", "json"],
    ],
    ids=repr,
)
def test_arguments_that_have_their_values_stay_as_they_are(argv: list[str]) -> None:
    """Switches take no value, and what does not look like a long flag is one."""
    assert argv == with_values(argv)

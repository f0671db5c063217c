"""The command-line parser: help with examples, suggestions for typos, and a single exception for errors."""

import argparse
import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

from podres_exporter.cli.flags.habits import ARGUMENT
from podres_exporter.config import OPTIONS, Option, option_name
from podres_exporter.config.options import environment_name
from podres_exporter.errors import ConfigError
from podres_exporter.families.collectors import COLLECTORS

_EXAMPLES = "examples:\n"
_AGO = re.compile(r"-[0-9]")


class Parser(argparse.ArgumentParser):
    """An argparse parser that raises ConfigError instead of exiting."""

    def __init__(self, **given: object) -> None:
        """Create the parser; abbreviated flags are rejected, because a new flag could change their meaning."""
        super().__init__(**{"allow_abbrev": False, "formatter_class": _Formatter, **given})  # type: ignore[arg-type]  # argparse checks its own values
        self._examples = ""

    def error(self, message: str) -> NoReturn:
        """Raise argparse's error."""
        raise ConfigError([message])

    def runs(self, module: str, function: str = "run", *, instead: Mapping[str, str] | None = None) -> None:
        """
        Set the module and function that run the verb, after all its flags have been added.

        *instead* maps flags of other programs, and any argument too many, to what to use here (see `habits`).
        """
        self.set_defaults(
            module=module, function=function, flags=tuple(self._option_string_actions), instead=instead or {}
        )

    def examples(self, *lines: str) -> None:
        """Show the lines in the help, before the flags."""
        self._examples = "".join(f"  {line}\n" for line in lines)

    def format_help(self) -> str:
        """Return the help: usage, what the command does, examples, and then the flags."""
        import shutil  # noqa: PLC0415 - it loads four compressors, which the daemon does not need

        formatter = _Formatter(self.prog, width=shutil.get_terminal_size().columns - 2)
        formatter.add_usage(self.usage, self._actions, self._mutually_exclusive_groups)
        formatter.add_text(self.description)
        if self._examples:
            formatter.add_text(_EXAMPLES + self._examples)
        for group in self._action_groups:
            formatter.start_section(group.title)
            formatter.add_text(group.description)
            formatter.add_arguments(group._group_actions)  # noqa: SLF001 - as argparse does it
            formatter.end_section()
        formatter.add_text(self.epilog)
        return formatter.format_help()

    def flags(self) -> Sequence[argparse.Action]:
        """Return the flags, in the order of the help."""
        return [action for action in self._actions if action.option_strings]

    @property
    def commands(self) -> Mapping[str, "Parser"]:
        """The parsers of the commands by name, empty for a parser without commands."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - argparse has no other way to ask
                return action.choices
        return {}


class _Formatter(argparse.HelpFormatter):
    """Wraps paragraphs but not examples."""

    def __init__(self, prog: str, width: int = 78) -> None:
        """Create it; argparse makes one for each flag that is added, and would import shutil for the width."""
        super().__init__(prog, width=width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text.rstrip("\n") if text.startswith(_EXAMPLES) else super()._fill_text(text, width, indent)


def parse(parser: Parser, argv: Sequence[str]) -> argparse.Namespace:
    """Return the parsed arguments. Raises ConfigError naming everything unknown."""
    argv = _with_moments(_spelled_out(argv))
    if argv and not argv[0].startswith("-") and argv[0] not in parser.commands:
        raise ConfigError([_unknown_command(argv[0], parser)])
    if argv and argv[0].startswith("-") and argv[0] not in parser._option_string_actions:  # noqa: SLF001 - argparse's own
        raise ConfigError([_early_flag(argv, parser)])
    arguments, extras = parser.parse_known_args(with_values(argv))
    if problems := unknown_arguments(arguments, extras):
        raise ConfigError(problems)
    return arguments


def help_hint(parser: Parser, argv: Sequence[str]) -> str:
    """Return a hint where to find help after an error."""
    words = [parser.prog]
    for word in argv:
        if word not in parser.commands:
            break
        words.append(word)
        parser = parser.commands[word]
    return f"see {' '.join(words)} --help"


def _spelled_out(argv: Sequence[str]) -> list[str]:
    """Return the arguments with words of other programs replaced by flags."""
    match list(argv):
        case ["help"]:
            return ["--help"]
        case ["help", verb, *_]:
            return [verb, "--help"]
        case ["version" | "-V"]:
            return ["--version"]
        case given:
            return given


def _with_moments(argv: Sequence[str]) -> list[str]:
    """Return the arguments with times such as `-2h` joined to their flag, which argparse would take for flags."""
    joined: list[str] = []
    for argument in argv:
        if joined and joined[-1].startswith("--") and "=" not in joined[-1] and _AGO.match(argument):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _unknown_command(word: str, parser: Parser) -> str:
    near = _near(word, parser.commands).removesuffix("?")
    return f"{word!r} is not a command{near}; there are {', '.join(parser.commands)}"


def _early_flag(argv: Sequence[str], parser: Parser) -> str:
    """Return what to write instead of a flag that stands before its command."""
    verb = next((word for word in argv if word in parser.commands), "COMMAND")
    return f"{argv[0]} stands before the command; write {parser.prog} {verb} {argv[0]}"


def _near(word: str, known: Sequence[str] | Mapping[str, object]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - not for the daemon

    # Without their dashes: two flags of four letters would be half the same.
    bare = {name.lstrip("-"): name for name in known}
    near = get_close_matches(word.lstrip("-").lower(), bare, 1)
    return f"; did you mean {bare[near[0]]}?" if near else ""


def with_values(argv: Sequence[str]) -> list[str]:
    """
    Return the arguments with an empty value for each option that lacks one.

    argparse would stop at the first of them; config rejects empty values together with all other faults.
    """
    flags = {option.flag for option in OPTIONS}
    following = [*argv, "--"][1:]
    return [
        f"{argument}=" if argument in flags and after.startswith("--") else argument
        for argument, after in zip(argv, following, strict=True)
    ]


def given_flags(arguments: argparse.Namespace) -> dict[str, str | bool | list[str]]:
    """Return the given flags and their values."""
    flags = (
        [option.flag for option in OPTIONS] + [f"--collector.{name}" for name in COLLECTORS] + ["--metrics.node-label"]
    )
    kept = vars(arguments)
    return {flag: kept[option_name(flag)] for flag in flags if option_name(flag) in kept}


def unknown_arguments(arguments: argparse.Namespace, extras: Sequence[str]) -> list[str]:
    """Return a sentence per unknown argument; a word after an unknown flag is taken for its value."""
    verb = arguments.verb
    problems = []
    for before, argument in zip(["", *extras], extras, strict=False):
        if argument.startswith("-"):
            name = argument.partition("=")[0]
            other = arguments.instead.get(name)
            hint = f"; use {other}" if other else _near(name, arguments.flags)
            problems.append(f"{verb} has no flag {name}{hint}")
        elif not before.startswith("-") or "=" in before:
            other = arguments.instead.get(ARGUMENT, "").replace("{}", argument)
            problems.append(f"{verb} takes no argument {argument!r}{f'; use {other}' if other else ''}")
    return problems


def add_option(parser: argparse._ActionsContainer, option: Option[object], note: str) -> None:
    """Add a flag that takes a value; without the flag, nothing is stored."""
    parser.add_argument(
        option.flag,
        dest=option_name(option.flag),
        metavar=option.placeholder,
        action="append" if option.repeatable else "store",
        default=argparse.SUPPRESS,
        help=f"{option.help} ({note})",
    )


def add_switch(group: argparse._ActionsContainer, flag: str, text: str) -> None:
    """Add `--x` and `--no-x`; without either, nothing is stored."""
    group.add_argument(
        flag,
        dest=option_name(flag),
        action=argparse.BooleanOptionalAction,
        default=argparse.SUPPRESS,
        help=f"{text} ({environment_name(flag)})",
    )

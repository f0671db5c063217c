"""Shell completion: the possible next words of a command line, and the shell scripts that request them."""

import argparse
from collections.abc import Sequence

from podres_exporter.cli.console import write
from podres_exporter.cli.flags.parser import Parser
from podres_exporter.cli.flags.request import FORMATS
from podres_exporter.errors import ConfigError

_BASH = """_podres_exporter() {
  local IFS=$'\\n'
  COMPREPLY=($(podres-exporter __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _podres_exporter podres-exporter
"""
_ZSH = """#compdef podres-exporter
_podres_exporter() {
  compadd -- ${(f)"$(podres-exporter __complete "${words[@]:1:$((CURRENT - 1))}" 2>/dev/null)}"
}
compdef _podres_exporter podres-exporter
"""
_FISH = """function __podres_exporter
  set -l line (commandline -opc) (commandline -ct)
  podres-exporter __complete $line[2..] 2>/dev/null
end
complete -c podres-exporter -f -a '(__podres_exporter)'
"""
# They run `__complete` with the words of the line so far; the last one may be incomplete.
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


_FORMATS = {"dump": FORMATS, "metrics": ("table", "markdown", "json"), "who": ("table", "json")}
"""Formats by command; all other commands print text or json."""


def candidates(parser: Parser, words: Sequence[str]) -> list[str]:
    """Return the completions of the last word; *words* are those after the program's name."""
    *before, last = words or [""]
    if not before:
        return [name for name in parser.commands if name.startswith(last)]
    verb = parser.commands.get(before[0])
    if verb is None:
        return []
    if before[-1] in {"-o", "--output"}:
        return [name for name in _formats(before[0]) if name.startswith(last)]
    if not last.startswith("-"):
        return []
    return [flag for action in verb.flags() for flag in _flags(action) if flag.startswith(last)]


def _formats(verb: str) -> Sequence[str]:
    return _FORMATS.get(verb, ("text", "json"))


def _flags(action: argparse.Action) -> list[str]:
    return [flag for flag in action.option_strings if flag.startswith("--")]


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    if arguments.shell not in SCRIPTS:
        raise ConfigError([f"SHELL: {arguments.shell!r} is unknown; choose {', '.join(SCRIPTS)}"])
    write(SCRIPTS[arguments.shell])
    return 0

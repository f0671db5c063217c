"""The entry points of both commands: parse, run one command, turn errors into exit codes."""

import importlib
import os
import sys
from collections.abc import Sequence

# gRPC's core would write its own log lines to stderr; it reads this variable when loaded.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

from podres_exporter.cli.signals import CtrlC, end_at_sigterm

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2

_GO_ON = frozenset({"serve", "demo", "simulate"})
"""The verbs that handle signals themselves."""


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run one verb; return its exit code: 0 ok, 1 failed, 2 usage.

    Without *argv* it runs as the whole process and handles Ctrl-C.
    """
    ctrl_c = CtrlC()
    if argv is None:
        end_at_sigterm()
        ctrl_c.take()
    # Imported late, and this module imports little else: until then a signal meets Python's default handler.
    from podres_exporter.cli.flags.commands import build_parser  # noqa: PLC0415 - as said
    from podres_exporter.cli.flags.parser import help_hint, parse  # noqa: PLC0415 - as said
    from podres_exporter.errors import ConfigError, OutputError  # noqa: PLC0415 - as said

    given, parser = sys.argv[1:] if argv is None else argv, build_parser()
    if not given:
        parser.print_help(sys.stderr)
        return EXIT_USAGE
    if given[0] == "__complete":
        return _complete("podres_exporter.cli.flags.commands", given[1:])
    try:
        arguments = parse(parser, given)
        # Imported by name, so that the daemon does not load the simulated node: its memory is used on every node.
        verb = getattr(importlib.import_module(arguments.module), arguments.function)

        def run() -> int:
            code = int(verb(arguments))
            if sys.stdout is not None:
                sys.stdout.flush()
            return code

        return run() if arguments.verb in _GO_ON else ctrl_c.run(run)
    except ConfigError as error:
        for problem in error.problems:
            print(f"podres-exporter: {problem}", file=sys.stderr)
        print(f"podres-exporter: {help_hint(parser, given)}", file=sys.stderr)
        return EXIT_USAGE
    except OutputError as error:
        print(f"podres-exporter: {error}", file=sys.stderr)
        return EXIT_FAILED
    except BrokenPipeError:
        # The reader has closed the pipe, as in `metrics | head`; nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED


def kubectl_complete_main(argv: Sequence[str] | None = None) -> int:
    """
    Complete a command line of `kubectl podres`; kubectl runs this program as `kubectl_complete-podres`.

    Source: kubectl's plugin completion, which uses cobra's protocol: one word per line, then a directive (4: no file
    names).
    """
    code = _complete("podres_exporter.cli.kubectl.flags", sys.argv[1:] if argv is None else argv)
    print(":4")
    return code


def _complete(parsers: str, words: Sequence[str]) -> int:
    """Print the possible completions, using the parser built by that module."""
    completion = importlib.import_module("podres_exporter.cli.flags.completion")
    for word in completion.candidates(importlib.import_module(parsers).build_parser(), words):
        print(word)
    return EXIT_OK


def kubectl_main(argv: Sequence[str] | None = None) -> int:
    """Run `kubectl podres`; return its exit code: 0 ok, 1 failed, 2 usage, 3 partial. Without *argv* as in `main`."""
    ctrl_c = CtrlC()
    if argv is None:
        ctrl_c.take()
    # Imported by name, for the same reason as a verb.
    kubectl = importlib.import_module("podres_exporter.cli.kubectl.command")
    return ctrl_c.run(lambda: int(kubectl.run(sys.argv[1:] if argv is None else argv)))

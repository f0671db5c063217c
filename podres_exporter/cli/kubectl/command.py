"""The entry point of `kubectl podres`: run one of its commands."""

import importlib
import sys
from collections.abc import Iterable, Sequence

from podres_exporter.cli.console import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, EXIT_PARTIAL
from podres_exporter.cli.flags.parser import help_hint, parse
from podres_exporter.cli.kubectl.flags import PROGRAM, build_parser
from podres_exporter.cluster.outcome import Outcome, is_interrupted, told, trouble_lines, troubles
from podres_exporter.errors import ConfigError, NotFoundError, OutputError, SelectionError, SnapshotError

EXIT_USAGE = 2


def run(argv: Sequence[str]) -> int:
    """Run one verb; return its exit code."""
    parser = build_parser()
    if not argv:
        parser.print_help(sys.stderr)
        return EXIT_USAGE
    try:
        arguments = parse(parser, argv)
        verb = getattr(importlib.import_module(arguments.module), arguments.function)
        return int(verb(arguments))
    except ConfigError as error:
        complain([*error.problems, help_hint(parser, argv)])
        return EXIT_USAGE
    except (SnapshotError, SelectionError, NotFoundError, OutputError) as error:
        complain([str(error)])
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def complain(sentences: Iterable[str]) -> None:
    """Write sentences to standard error, for people."""
    for sentence in sentences:
        print(f"{PROGRAM}: {sentence}", file=sys.stderr)


def named_troubles(outcomes: Sequence[Outcome]) -> int:
    """Name every node without an answer on standard error, and return the resulting exit code."""
    found = troubles(outcomes)
    complain(trouble_lines(found))
    if is_interrupted(found):
        return EXIT_INTERRUPTED
    if not found:
        return EXIT_OK
    return EXIT_PARTIAL if told(outcomes) else EXIT_FAILED


def refuse(faults: Sequence[str]) -> None:
    """Raise ConfigError if there are faults."""
    if faults:
        raise ConfigError(faults)

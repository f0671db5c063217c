"""The command line: verbs, exit codes, and the only place that builds everything."""

import importlib
import os
import sys
from collections.abc import Sequence

# gRPC's core writes lines of its own to stderr, between ours; it reads this variable when it is loaded.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

from podres_exporter.cli.parser import build_parser, unknown_arguments, with_values
from podres_exporter.errors import ConfigError

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; return its exit code: 0 ok, 1 failed, 2 usage."""
    try:
        arguments, extras = build_parser().parse_known_args(with_values(sys.argv[1:] if argv is None else argv))
        # Loaded by name, so that the daemon does not carry the simulated node: its memory is paid once per node.
        verb = importlib.import_module(arguments.module)
        code = int(verb.run(arguments, unknown_arguments(arguments, extras)))
        sys.stdout.flush()
    except ConfigError as error:
        for problem in error.problems:
            print(f"podres-exporter: {problem}", file=sys.stderr)
        print("podres-exporter: see podres-exporter --help", file=sys.stderr)
        return EXIT_USAGE
    except BrokenPipeError:
        # Whoever reads has seen enough, as in `metrics | head`; nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    return code


def kubectl_main(argv: Sequence[str] | None = None) -> int:
    """Run `kubectl podres`; return its exit code: 0 ok, 1 failed, 2 usage, 3 partial."""
    # Loaded by name, for the same reason as a verb.
    return int(importlib.import_module("podres_exporter.cli.kubectl").run(sys.argv[1:] if argv is None else argv))

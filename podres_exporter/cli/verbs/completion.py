"""`completion`: print the script that completes commands and flags in a shell."""

import argparse

from podres_exporter.cli.console import write
from podres_exporter.cli.flags.completion import SCRIPTS
from podres_exporter.errors import ConfigError


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    if arguments.shell not in SCRIPTS:
        raise ConfigError([f"SHELL: {arguments.shell!r} is unknown; choose {', '.join(SCRIPTS)}"])
    write(SCRIPTS[arguments.shell])
    return 0

"""Add options of the configuration to a command as flags."""

import argparse

from podres_exporter.config import Option, option_name
from podres_exporter.config.options import environment_name


def add_option(parser: argparse._ActionsContainer, option: Option[object], note: str) -> None:
    """Add a flag that takes a value; nothing is kept of one that is not given."""
    parser.add_argument(
        option.flag,
        dest=option_name(option.flag),
        metavar=option.placeholder,
        action="append" if option.repeatable else "store",
        default=argparse.SUPPRESS,
        help=f"{option.help} ({note})",
    )


def add_switch(group: argparse._ActionsContainer, flag: str, text: str) -> None:
    """Add `--x` and `--no-x`; nothing is kept of a switch that is not given."""
    group.add_argument(
        flag,
        dest=option_name(flag),
        action=argparse.BooleanOptionalAction,
        default=argparse.SUPPRESS,
        help=f"{text} ({environment_name(flag)})",
    )

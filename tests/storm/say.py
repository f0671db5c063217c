"""Printing a line of a report."""

import sys


def say(line: str) -> None:
    """Print at once, for a run takes minutes."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()

"""`kubectl podres who`: who held a device at a moment, or over a time."""

from podres_exporter.cli.verbs.who import answered as run

__all__ = ["run"]

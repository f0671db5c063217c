"""`kubectl podres who`: who held a device at a given time, or over a period."""

from podres_exporter.cli.verbs.who import answered as run

__all__ = ["run"]

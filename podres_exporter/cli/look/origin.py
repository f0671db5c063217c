"""The interface of the sources of a snapshot for one-shot commands: node, file or exporter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from podres_exporter.cli.signals import Alarm
from podres_exporter.config import Config
from podres_exporter.model import Snapshot
from podres_exporter.recording import Recording

Keep = Callable[[Recording], None]
"""Records the raw answers of a node, before they are known to be usable."""

Show = Callable[[Snapshot], bool]
"""Prints what changed since the last snapshot; False if standard output was closed by its reader."""


@dataclass(frozen=True, slots=True)
class Observation:
    """
    A snapshot with an allocation, and when it was made (Unix seconds); ages are computed at *now_seconds*.

    *failures* are the problems by source, as far as the origin knows; anything else missing is visible in the snapshot.
    """

    snapshot: Snapshot
    made_at_seconds: float
    now_seconds: float | None
    failures: Mapping[str, str] = field(default_factory=dict)


class SnapshotOrigin(Protocol):
    """
    A node, a file or an exporter. Every request has a deadline.

    Its methods raise SnapshotError if there is nothing to show, and ConfigError if given credentials cannot be used.
    """

    @property
    def config(self) -> Config:
        """The validated configuration of the command."""
        ...

    def look(self) -> Observation:
        """Return the current snapshot."""
        ...

    def watch(self, alarm: Alarm, show: Show) -> None:
        """Show snapshot after snapshot until KeyboardInterrupt, or until *show* returns False."""
        ...

"""The interface of the places a one-shot command reads its snapshot from: the node, a file or a running exporter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from podres_exporter.cli.signals import Alarm
from podres_exporter.config import Config
from podres_exporter.model import Snapshot
from podres_exporter.recording import Recording

Keep = Callable[[Recording], None]
"""Stores the raw answers of a node, before it is known whether they can be used."""

Show = Callable[[Snapshot], bool]
"""Prints what changed since the last snapshot; False if standard output was closed by its reader."""


@dataclass(frozen=True, slots=True)
class Observation:
    """
    A snapshot with an allocation, and when it was made (Unix seconds); *now_seconds* is what ages count to.

    *failures* say why a source gave nothing or too little, by source, as far as the origin knows; what else is missing
    is in the snapshot.
    """

    snapshot: Snapshot
    made_at_seconds: float
    now_seconds: float | None
    failures: Mapping[str, str] = field(default_factory=dict)


class SnapshotOrigin(Protocol):
    """
    A node, a file or an exporter. Every request that it makes has a deadline.

    Its methods raise SnapshotError if there is nothing to show, and ConfigError if named credentials cannot be used.
    """

    @property
    def config(self) -> Config:
        """The configuration of the command, checked."""
        ...

    def look(self) -> Observation:
        """Return what there is now."""
        ...

    def watch(self, alarm: Alarm, show: Show) -> None:
        """Show snapshot after snapshot until KeyboardInterrupt, or until *show* returns False."""
        ...

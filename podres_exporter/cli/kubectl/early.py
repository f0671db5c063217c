"""Print rows of a cluster table before all nodes have answered, in the order of the nodes."""

from collections.abc import Callable, Sequence

from podres_exporter.clock import Clock
from podres_exporter.cluster.outcome import Outcome, told
from podres_exporter.cluster.tables import GrowingTable
from podres_exporter.model import Snapshot

PATIENCE_SECONDS = 2.0
"""How long nothing is printed: if all nodes answer by then, one table is fitted to all of it."""
PAUSE_SECONDS = 1.0
"""The pause between two parts, so that columns rarely need to grow."""


class EarlyRows:
    """Prints a table in parts, given the outcomes in the order of the nodes."""

    def __init__(
        self, table: GrowingTable, shown: Callable[[Sequence[Snapshot]], Sequence[Snapshot]], clock: Clock
    ) -> None:
        """*shown* returns the selection of some snapshots."""
        self._table, self._shown, self._clock = table, shown, clock
        self._due_at = clock.monotonic_seconds() + PATIENCE_SECONDS
        self._waiting: list[Outcome] = []
        self._printed: set[str] = set()
        self.has_begun = False

    def take(self, outcomes: Sequence[Outcome]) -> str:
        """Add an outcome; return the rows that are due, empty if none are."""
        self._waiting += outcomes
        now = self._clock.monotonic_seconds()
        if now < self._due_at:
            return ""
        self._due_at = now + PAUSE_SECONDS
        return self._text(self._waiting)

    def rest(self, outcomes: Sequence[Outcome]) -> str:
        """Return the remaining rows of all outcomes."""
        return self._text(outcomes)

    def _text(self, outcomes: Sequence[Outcome]) -> str:
        nodes = [each for each in told(outcomes) if each.node not in self._printed]
        self._printed.update(each.node for each in nodes)
        self._waiting = []
        lines = self._table.lines(self._shown([each.snapshot for each in nodes])) if nodes else []
        self.has_begun = self.has_begun or bool(lines)
        return "".join(f"{line}\n" for line in lines)

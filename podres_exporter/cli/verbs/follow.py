"""`dump --watch`: print a line for each change, until Ctrl-C."""

import json

from podres_exporter.cli.console import EXIT_OK, complain, wants_colours, write
from podres_exporter.cli.look.origin import SnapshotOrigin
from podres_exporter.cli.signals import interruptible
from podres_exporter.clock import Clock
from podres_exporter.dump import ANSI, PLAIN, Selection, select_nodes
from podres_exporter.dump.changes import Follower, change_document, change_lines
from podres_exporter.errors import SelectionError
from podres_exporter.model import Snapshot
from podres_exporter.text.availability import moment_text


def follow(origin: SnapshotOrigin, selection: Selection, clock: Clock, *, is_json: bool) -> int:
    """Print everything held, then each change; return 0 on a signal, or when the reader is gone."""
    printer = Printer(selection, clock, is_json=is_json)
    with interruptible() as alarm:
        origin.watch(alarm, printer.show)
    return EXIT_OK


class Printer:
    """Prints the changes of each snapshot."""

    def __init__(self, selection: Selection, clock: Clock, *, is_json: bool) -> None:
        """Start empty, so that everything held is new; *is_json*: one JSON object per line."""
        self._selection, self._clock, self._is_json = selection, clock, is_json
        self._follower = Follower()
        self._known: list[Snapshot] = []
        self._complaint = ""
        self._style = ANSI if wants_colours() else PLAIN

    def show(self, snapshot: Snapshot) -> bool:
        """Print a timestamped line for each change; return False if the reader is gone."""
        selected = self._selected(snapshot)
        found = [] if selected is None else self._follower.follow(selected)
        now = moment_text(self._clock.wall_seconds())
        if self._is_json:
            lines = [json.dumps({"time": now, **change_document(each)}) for each in found]
        else:
            lines = [f"{now} {line}" for line in change_lines(found, style=self._style)]
        return write("".join(f"{line}\n" for line in lines)) if lines else True

    def _selected(self, snapshot: Snapshot) -> Snapshot | None:
        """
        Return the selection; None, with a message, until the selected object first appears.

        Later it may disappear and return: the name is known to be valid.
        """
        try:
            found = select_nodes([snapshot, *self._known], self._selection)[0]
        except SelectionError as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                complain([f"{error}; waiting for it"])
            return None
        if snapshot.allocation is not None and not self._known:
            self._known = [snapshot]
        return found

"""`dump --watch`: a line for each change, until Ctrl-C."""

from podres_exporter.cli.console import EXIT_OK, complain, wants_colours, write
from podres_exporter.cli.look.origin import SnapshotOrigin
from podres_exporter.cli.signals import interruptible
from podres_exporter.dump import ANSI, PLAIN, Follower, Selection, change_lines, select_nodes
from podres_exporter.errors import SelectionError
from podres_exporter.model import Snapshot


def follow(origin: SnapshotOrigin, selection: Selection) -> int:
    """Print everything that is held, then what changes; 0 when a signal ends it, or nobody reads any more."""
    printer = Printer(selection)
    with interruptible() as alarm:
        origin.watch(alarm, printer.show)
    return EXIT_OK


class Printer:
    """Prints what each snapshot changes."""

    def __init__(self, selection: Selection) -> None:
        """Begin with nothing, so that everything that is held is new."""
        self._selection, self._follower = selection, Follower()
        self._known: list[Snapshot] = []
        self._complaint = ""
        self._style = ANSI if wants_colours() else PLAIN

    def show(self, snapshot: Snapshot) -> bool:
        """Print a line for each change; False if nobody reads any more."""
        selected = self._selected(snapshot)
        lines = [] if selected is None else change_lines(self._follower.follow(selected), style=self._style)
        return write("".join(f"{line}\n" for line in lines)) if lines else True

    def _selected(self, snapshot: Snapshot) -> Snapshot | None:
        """
        Return what is selected; None as long as what was asked for has never been there, which is said.

        Later it may go and come back: the snapshot that had it vouches for the name.
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

"""DRA facts that never change: read once by a one-shot command, from a recording, or none at all."""

from collections.abc import Callable, Mapping

from podres_exporter.model import ClaimKey, Dra


class FixedDra:
    """DraSource that always returns the same; None where nobody is asked."""

    def __init__(self, dra: Dra | None = None) -> None:
        """Keep it."""
        self._dra = dra

    def start(self, changed: Callable[[], None]) -> None:
        """Do nothing: nothing will ever change."""

    def dra(self) -> Dra | None:
        """Return what was given."""
        return self._dra

    def want(self, users: Mapping[ClaimKey, frozenset[str]]) -> None:
        """Do nothing: what was not read is not known."""

    def stop(self) -> None:
        """Do nothing."""

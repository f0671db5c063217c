"""For the source of pod metadata, where nobody counts what it does."""

from collections.abc import Sequence

from podres_exporter.errors import Reason
from podres_exporter.model import Malformed


class SilentObserver:
    """MetadataObserver that passes over everything."""

    def request(self, verb: str) -> None:
        """Pass over it."""

    def error(self, verb: str, reason: Reason) -> None:
        """Pass over it."""

    def restart(self, cause: str) -> None:
        """Pass over it."""

    def event(self, kind: str) -> None:
        """Pass over it."""

    def received(self, number_of_bytes: int) -> None:
        """Pass over it."""

    def malformed(self, items: Sequence[Malformed]) -> None:
        """Pass over it."""

"""What the service counts, whoever counts it."""

from typing import Protocol

from podres_exporter.errors import Reason


class Events(Protocol):
    """Told of what happens; `exposition.own.OwnMetrics` is the one that runs."""

    def rpc(self, rpc: str, seconds: float, reason: Reason | None) -> None:
        """One call to the kubelet ended."""
        ...

    def malformed(self, rpc: str, items: int) -> None:
        """One answer had unusable items."""
        ...

    def restarted(self) -> None:
        """The kubelet started anew."""
        ...

    def loop_error(self) -> None:
        """A poll ended in an unexpected error."""
        ...

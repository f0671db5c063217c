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

    def listed(self, reason: str) -> None:
        """The kubelet is asked for all pods, for a reason."""
        ...

    def list_delayed(self, outcome: str) -> None:
        """A List has waited for an admission: it is over (`waited`), or was waited for long enough (`gave_up`)."""
        ...

    def resync_differed(self) -> None:
        """What the kubelet says of a pod was not what was shown, and no event has told why."""
        ...

    def loop_error(self) -> None:
        """A poll ended in an unexpected error."""
        ...

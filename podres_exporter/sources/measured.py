"""The kubelet's client with a measuring tape, for commands that look once."""

from pathlib import Path

from podres_exporter.clock import Clock
from podres_exporter.errors import Reason
from podres_exporter.sources.kubelet import KubeletClient


class MeasuredKubelet(KubeletClient):
    """KubeletSource that keeps how the last call of each RPC went; *sizes* and *seconds* are by RPC."""

    def __init__(self, socket: Path, timeout_seconds: float, clock: Clock) -> None:
        """Open nothing yet."""
        super().__init__(socket, timeout_seconds, clock, self._note)
        self.sizes: dict[str, int] = {}
        self.seconds: dict[str, float] = {}

    def _note(self, rpc: str, seconds: float, _reason: Reason | None) -> None:
        self.seconds[rpc] = seconds

    def _send(self, rpc: str, request: bytes) -> bytes:
        """Return the answer's bytes, and keep how many there are."""
        self.sizes.pop(rpc, None)
        answer = super()._send(rpc, request)
        self.sizes[rpc] = len(answer)
        return answer

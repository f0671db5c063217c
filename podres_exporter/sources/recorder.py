"""The kubelet's client with a notebook, for `--record`."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from podres_exporter.clock import Clock
from podres_exporter.errors import KubeletError, Reason
from podres_exporter.recording import Call, Refusal
from podres_exporter.sources.kubelet import KubeletClient

T = TypeVar("T")


class RecordingKubelet(KubeletClient):
    """KubeletSource that keeps how the last call of each RPC went, and its bytes, unreadable ones too."""

    def __init__(self, socket: Path, timeout_seconds: float, clock: Clock) -> None:
        """Open nothing yet."""
        super().__init__(socket, timeout_seconds, clock, _tell_nobody)
        self.calls: dict[str, Call] = {}

    def _call(self, rpc: str, request: bytes, decode: Callable[[bytes], T]) -> T:
        came: list[bytes] = []

        def keep_and_decode(data: bytes) -> T:
            came.append(data)
            return decode(data)

        try:
            answer = super()._call(rpc, request, keep_and_decode)
        except KubeletError as error:
            self.calls[rpc] = Call(came[0] if came else None, Refusal(error.reason, error.detail))
            raise
        self.calls[rpc] = Call(came[0])
        return answer


def _tell_nobody(rpc: str, seconds: float, reason: Reason | None) -> None:
    """Stand in for the metrics."""

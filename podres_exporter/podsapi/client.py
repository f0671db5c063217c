"""The client of the kubelet's Pods API (WatchPods), over one long-lived gRPC channel."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from podres_exporter.errors import PodsApiError, Reason
from podres_exporter.grpcio import grpc
from podres_exporter.sources.channel import kubelet_channel, socket_identity
from podres_exporter.sources.interfaces import SocketIdentity

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""A pod has at most etcd's 1.5 MiB, which is within gRPC's default limit of 4 MiB."""

WATCH_METHOD = "/v1alpha1.Pods/WatchPods"

_BY_CODE = {
    grpc.StatusCode.UNAVAILABLE: Reason.UNAVAILABLE,
    grpc.StatusCode.CANCELLED: Reason.UNAVAILABLE,
    grpc.StatusCode.FAILED_PRECONDITION: Reason.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: Reason.TIMEOUT,
    grpc.StatusCode.PERMISSION_DENIED: Reason.DENIED,
    grpc.StatusCode.UNAUTHENTICATED: Reason.DENIED,
    grpc.StatusCode.UNIMPLEMENTED: Reason.UNIMPLEMENTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Reason.THROTTLED,
    grpc.StatusCode.DATA_LOSS: Reason.MALFORMED,
}


class PodStream:
    """One WatchPods call; `cancel` may be called from any thread."""

    def __init__(self, call: Any, socket: Path) -> None:
        """*call* is gRPC's, which has no type of its own."""
        self._call, self._socket = call, socket

    def cancel(self) -> None:
        """Cancel the stream."""
        self._call.cancel()

    def __iter__(self) -> Iterator[bytes]:
        """Yield the events. Raises PodsApiError when the stream ends, which never happens regularly."""
        try:
            yield from self._call
        except grpc.RpcError as error:
            _raise(error, self._socket)
        raise PodsApiError(Reason.UNAVAILABLE, f"the kubelet closed the stream (socket {self._socket})")


class PodsApiClient:
    """Not thread-safe, except for `close`."""

    def __init__(self, socket: Path) -> None:
        """Open nothing yet."""
        self.socket = socket
        self._channel = kubelet_channel(socket, MAX_EVENT_BYTES)

    def identity(self) -> SocketIdentity | None:
        """Return the identity of the current socket (another one means a kubelet restart); None if there is none."""
        return socket_identity(self.socket)

    def watch(self) -> PodStream:
        """Open a watch. Raises PodsApiError if the client has been closed."""
        try:
            begin: Callable[..., Any] = self._channel.unary_stream(WATCH_METHOD)
            return PodStream(begin(b""), self.socket)
        except ValueError as error:
            raise PodsApiError(Reason.UNAVAILABLE, "the channel is closed") from error

    def close(self) -> None:
        """Close the channel; an open stream ends at once."""
        self._channel.close()


def _raise(error: Any, socket: Path) -> NoReturn:
    reason, detail = translate(error.code(), error.details() or "")
    raise PodsApiError(reason, f"{detail} (socket {socket})") from error


def translate(code: grpc.StatusCode, detail: str) -> tuple[Reason, str]:
    """
    Return the reason why a stream ended, and a text for display.

    FAILED_PRECONDITION has two meanings, distinguished only by the text: the feature gate is off (as long as this
    kubelet runs), or its sources of pods are not ready yet. RESOURCE_EXHAUSTED means that the client reads too slowly,
    that there are too many clients (from 1.38 on), or that a message exceeds the client's own limit.

    Source: kubelet apis/pods/server.go of 1.36; kubernetes #140286 (1.37), #142458 (1.38).
    """
    text = detail.lower()
    if "permission denied" in text and code is grpc.StatusCode.UNAVAILABLE:
        return Reason.DENIED, detail
    if code is grpc.StatusCode.FAILED_PRECONDITION and "disabled" in text:
        return Reason.DISABLED, detail
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in text:
        return Reason.TOO_LARGE, detail
    reason = _BY_CODE.get(code, Reason.INTERNAL)
    return reason, detail if code is grpc.StatusCode.UNAVAILABLE else f"{code.name}: {detail}"

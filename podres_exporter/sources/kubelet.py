"""The client of the kubelet's pod-resources API: List, GetAllocatableResources and Get over a Unix socket."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from podres_exporter.clock import Clock
from podres_exporter.errors import KubeletError, Reason
from podres_exporter.grpcio import grpc
from podres_exporter.model import Allocatable, Listing
from podres_exporter.sources.channel import kubelet_channel, socket_identity
from podres_exporter.sources.interfaces import ALLOCATABLE, GET, LIST, KubeletCall, Observer, SocketIdentity
from podres_exporter.wire import AllocatableDecoder, DeviceRows, ListDecoder, decode_get, encode_get_request

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""
The default. gRPC's own of 4 MiB is within reach of a large node, and the 16 MiB of the kubelet's end-to-end client
within reach of one with a DRA claim that cannot be prepared (kubernetes #141335).
"""

T = TypeVar("T")


class KubeletClient:
    """KubeletSource over the real socket. Not thread-safe, except for `close`."""

    def __init__(
        self,
        socket: Path,
        timeout_seconds: float,
        clock: Clock,
        observe: Observer,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
    ) -> None:
        """Open nothing yet: gRPC connects at the first call, and reconnects whenever the kubelet comes back."""
        self._socket, self._timeout, self._clock, self._observe = socket, timeout_seconds, clock, observe
        self._channel = kubelet_channel(socket, max_message_bytes)
        rows = DeviceRows()
        self._list_decoder, self._allocatable_decoder = ListDecoder(rows), AllocatableDecoder(rows)

    def identity(self) -> SocketIdentity | None:
        """Return device, inode and mtime of the socket."""
        return socket_identity(self._socket)

    def list(self) -> Listing:
        """Return all pods of the node; up to 1.33 that includes finished ones."""
        return self._call(LIST, b"", self._list_decoder.decode)

    def allocatable(self) -> Allocatable:
        """Return what the kubelet can allocate, used or not."""
        return self._call(ALLOCATABLE, b"", self._allocatable_decoder.decode)

    def get(self, namespace: str, name: str) -> Listing:
        """Return one pod; KubeletError (not_found) if the kubelet does not know it or it has finished."""
        return self._call(GET, encode_get_request(namespace, name), decode_get)

    def close(self) -> None:
        """Close the channel; a pending call ends at once."""
        self._channel.close()

    def _call(self, rpc: str, request: bytes, decode: Callable[[bytes], T]) -> T:
        """Make one call, decode its answer, and report it to the observer."""
        started = self._clock.monotonic_seconds()
        data: bytes | None = None
        error: KubeletError | None = KubeletError(rpc, Reason.INTERNAL, "the answer was not decoded")
        try:
            data = self._send(rpc, request)
            answer = decode(data)
            error = None
        except KubeletError as raised:
            error = raised
            raise
        finally:
            self._observe(KubeletCall(rpc, self._clock.monotonic_seconds() - started, error, data))
        return answer

    def _send(self, rpc: str, request: bytes) -> bytes:
        """Return the raw answer; raises KubeletError."""
        try:
            method: Callable[..., bytes] = self._channel.unary_unary(f"/v1.PodResourcesLister/{rpc}")
            return method(request, timeout=self._timeout)
        except grpc.RpcError as error:
            reason, detail = translate(error.code(), error.details() or "")
            raise KubeletError(rpc, reason, f"{detail} (socket {self._socket})") from error
        except ValueError as error:  # the channel was closed because the exporter is stopping
            raise KubeletError(rpc, Reason.UNAVAILABLE, "the channel is closed") from error


def translate(code: grpc.StatusCode, detail: str) -> tuple[Reason, str]:
    """
    Return the reason why a call failed, and a text for display.

    The kubelet's handlers return bare errors, so a switched-off method and an unknown pod are both UNKNOWN and only the
    text tells them apart; its rate limit and a message over our limit are both RESOURCE_EXHAUSTED.

    Source: kubelet apis/podresources/server_v1.go ("disabled", "not found"), apis/grpc/ratelimit.go ("rejected by rate
    limit"); gRPC core "Received message larger than max"; connect(2) EACCES arrives as UNAVAILABLE.
    """
    text = detail.lower()
    match code:
        case grpc.StatusCode.UNAVAILABLE:
            denied = "permission denied" in text
            return (Reason.DENIED if denied else Reason.UNAVAILABLE), detail
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return (Reason.TOO_LARGE if "larger than max" in text else Reason.THROTTLED), detail
        case grpc.StatusCode.UNKNOWN if "disabled" in text:
            return Reason.DISABLED, detail
        case grpc.StatusCode.UNKNOWN if "not found" in text:
            return Reason.NOT_FOUND, detail
        case _:
            return _BY_CODE.get(code, Reason.INTERNAL), f"{code.name}: {detail}"


_BY_CODE = {
    grpc.StatusCode.DEADLINE_EXCEEDED: Reason.TIMEOUT,
    grpc.StatusCode.PERMISSION_DENIED: Reason.DENIED,
    grpc.StatusCode.UNAUTHENTICATED: Reason.DENIED,
    grpc.StatusCode.UNIMPLEMENTED: Reason.UNIMPLEMENTED,
    grpc.StatusCode.NOT_FOUND: Reason.NOT_FOUND,
    grpc.StatusCode.CANCELLED: Reason.UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS: Reason.MALFORMED,
}

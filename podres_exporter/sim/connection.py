"""A gRPC connection over a Unix socket that is dialled the way the kubelet dials, and fails in grpc-go's words."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import grpc
from google.protobuf.message import Message

from podres_exporter.sim.go_texts import rpc_error_text

_OPTIONS = (
    # Since 1.26 the kubelet says so too (WithAuthority): strict servers refuse the escaped path that is the default.
    ("grpc.default_authority", "localhost"),
    # A second connection to the same path must be one: by default gRPC would share the first one's.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # Despite its name also how long one attempt may take: a socket that listens but does not accept is waited for.
    ("grpc.min_reconnect_backoff_ms", 20_000),
)
_PROBE = "/podres.simulator.Dial/AreYouThere"
_NOT_CONNECTED = {
    grpc.StatusCode.DEADLINE_EXCEEDED: "context deadline exceeded",
    grpc.StatusCode.CANCELLED: "context canceled",
}
_CLOSING = "rpc error: code = Canceled desc = grpc: the client connection is closing"

M = TypeVar("M", bound=Message)


class WireError(Exception):
    """A dial or a call failed; the text is what the error's Error() says in Go."""


class Connection:
    """Made once, closed once, used from any thread. Only `close` ends a stream or a call without a deadline."""

    def __init__(self, path: Path) -> None:
        """Connect to nothing yet."""
        self._channel = grpc.insecure_channel(f"unix:{path}", options=_OPTIONS)

    def dial(self, timeout_seconds: float) -> None:
        """
        Return once connected. Raises WireError when the time is over, however early the socket refused.

        It asks for a method that nobody has: whoever says so is there. grpc.channel_ready_future would ask nothing, but
        its thread outlives the channel and dies with a traceback.

        Source: dial of client.go, with grpc.WithBlock: grpc-go tries again and again until the context is done.
        """
        try:
            probe: grpc.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(_PROBE)
            probe(b"", timeout=timeout_seconds, wait_for_ready=True)
        except grpc.RpcError as error:
            if error.code() in _NOT_CONNECTED:
                raise WireError(_NOT_CONNECTED[error.code()]) from error
        except ValueError as error:  # how a closed channel refuses
            raise WireError(_NOT_CONNECTED[grpc.StatusCode.CANCELLED]) from error

    def call(self, method: str, request: Message, answer: type[M], timeout_seconds: float) -> M:
        """Return the answer to one call; raises WireError."""
        try:
            calling: grpc.UnaryUnaryMultiCallable[Message, M] = self._channel.unary_unary(
                method, type(request).SerializeToString, answer.FromString
            )
            return calling(request, timeout=timeout_seconds)
        except grpc.RpcError as error:
            raise WireError(rpc_error_text(error)) from error
        except ValueError as error:
            raise WireError(_CLOSING) from error

    def stream(self, method: str, request: Message, answer: type[M]) -> Iterator[M]:
        """Yield the answers of a streaming call until it ends; raises WireError unless the server ended it well."""
        try:
            calling: grpc.UnaryStreamMultiCallable[Message, M] = self._channel.unary_stream(
                method, type(request).SerializeToString, answer.FromString
            )
            yield from calling(request)
        except grpc.RpcError as error:
            raise WireError(rpc_error_text(error)) from error
        except ValueError as error:
            raise WireError(_CLOSING) from error

    def close(self) -> None:
        """End the dialling, every stream and every call; may be called again."""
        self._channel.close()

"""A gRPC connection over a Unix socket that dials as the kubelet does and fails with grpc-go's messages."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from podres_exporter.clock import SystemClock
from podres_exporter.sim.rpc.go_texts import rpc_error_text

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
_DEADLINE, _CANCELED = "context deadline exceeded", "context canceled"
_READY = grpc.ChannelConnectivity.READY.value[0]
_STEP_SECONDS = 0.5
_CLOCK = SystemClock()
"""gRPC counts the deadlines of its connections by the machine's wall clock."""
_CLOSING = "rpc error: code = Canceled desc = grpc: the client connection is closing"

M = TypeVar("M", bound=Message)


class WireError(Exception):
    """A dial or a call failed; the text is what the error's Error() says in Go."""


class Connection:
    """Made once, closed once, used from any thread. Only `close` ends a stream or a call without a deadline."""

    def __init__(self, path: Path) -> None:
        """Connect to nothing yet."""
        self._path = path
        self._channel = grpc.insecure_channel(f"unix:{path}", options=_OPTIONS)
        # The public way, Channel.subscribe, has a thread that outlives the channel and dies with a traceback.
        self._states: Any = self._channel._channel  # type: ignore[attr-defined]  # noqa: SLF001 - see above

    def dial(self, timeout_seconds: float) -> None:
        """
        Return once connected. Raises WireError when the time is over, however early the socket refused.

        No method is called: a plugin sees the connection alone, as it does of a kubelet.

        Source: dial of client.go, with grpc.WithBlock: grpc-go tries again and again until the context is done.
        """
        end = _CLOCK.wall_seconds() + timeout_seconds
        while not self.is_connected():
            if _CLOCK.wall_seconds() >= end:
                raise WireError(_DEADLINE)
            self._wait_for_change(min(end, _CLOCK.wall_seconds() + _STEP_SECONDS))

    def is_connected(self) -> bool:
        """Return whether the other side is there, and begin to connect where it is not. Raises WireError: closed."""
        return self._state() == _READY

    def _state(self) -> int:
        try:
            return int(self._states.check_connectivity_state(True))
        except ValueError as error:  # how a closed channel refuses
            raise WireError(_CANCELED) from error

    def _wait_for_change(self, until: float) -> None:
        """Return when the connection has changed, or at this wall time, which is the one that gRPC knows."""
        try:
            self._states.watch_connectivity_state(self._state(), until)
        except ValueError as error:
            raise WireError(_CANCELED) from error

    def call(self, method: str, request: Message, answer: type[M], timeout_seconds: float) -> M:
        """Return the answer to one call; raises WireError."""
        try:
            calling: grpc.UnaryUnaryMultiCallable[Message, M] = self._channel.unary_unary(
                method, type(request).SerializeToString, answer.FromString
            )
            return calling(request, timeout=timeout_seconds)
        except grpc.RpcError as error:
            raise WireError(rpc_error_text(error, self._path)) from error
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
            raise WireError(rpc_error_text(error, self._path)) from error
        except ValueError as error:
            raise WireError(_CLOSING) from error

    def close(self) -> None:
        """End the dialling, every stream and every call; may be called again."""
        self._channel.close()

"""A gRPC server on a Unix socket that is bound and replaced as the kubelet does it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from podres_exporter.config.values import MAX_SOCKET_PATH_BYTES

_THREADS = 16
_OPTIONS = (
    ("grpc.max_send_message_length", -1),  # grpc-go sends without limit; 4 MiB for what it receives is its default too
    ("grpc.so_reuseport", 0),
)

Answer = Callable[[str, bytes, grpc.ServicerContext], bytes]
"""(method path, request) to response; may end the call through the context."""


class _EveryMethod(grpc.GenericRpcHandler):
    """Hands every unary call, of whatever service, to one function, as bytes."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        method = str(handler_call_details.method)

        def call(request: bytes, context: grpc.ServicerContext) -> bytes:
            return self._answer(method, request, context)

        return grpc.unary_unary_rpc_method_handler(call)


class Endpoint:
    """One socket path with at most one server behind it. Its owner lets one thread at a time start and stop it."""

    def __init__(self, path: Path, answer: Answer) -> None:
        """Raises ValueError where the path, or the temporary name beside it, does not fit a socket address."""
        self._numbers = itertools.count()
        self._path = path
        self._answer = answer
        self._server: grpc.Server | None = None
        self._pool: ThreadPoolExecutor | None = None
        longest = max(len(str(each).encode()) for each in (path, self._temporary(0)))
        if longest > MAX_SOCKET_PATH_BYTES:
            raise ValueError(
                f"socket path {path} needs {longest} bytes, at most {MAX_SOCKET_PATH_BYTES} fit; use a shorter one"
            )

    @property
    def serving(self) -> bool:
        """Whether a server is running."""
        return self._server is not None

    def start(self) -> None:
        """
        Serve on a new socket; `serving` must be false.

        Source: CreateListener of k8s.io/cri-client util_unix.go: directory with mode 0750, bind under a temporary name,
        rename over the path.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.parent.chmod(0o750)
        temporary = self._temporary(next(self._numbers))
        pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="sim-kubelet")
        server = grpc.server(pool, handlers=[_EveryMethod(self._answer)], options=_OPTIONS)
        server.add_insecure_port(f"unix:{temporary}")
        server.start()
        temporary.chmod(0o755)
        temporary.rename(self._path)
        self._server, self._pool = server, pool

    def stop(self, interrupt: Callable[[], None]) -> None:
        """End all calls (*interrupt* is called to free those that block) and threads; the socket file stays."""
        if self._server is None or self._pool is None:
            return
        stopped = self._server.stop(grace=None)
        interrupt()
        stopped.wait()
        self._pool.shutdown(wait=True)
        self._server = self._pool = None

    def _temporary(self, number: int) -> Path:
        """Return a name beside the path; each server has its own, for grpc unlinks the name it bound when it stops."""
        return self._path.with_name(f".{number}.sock")

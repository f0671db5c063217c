"""gRPC servers and services on a Unix socket path; the socket is bound directly, so that watchers see CREATE."""

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import grpc

from podres_exporter.config.values import MAX_SOCKET_PATH_BYTES

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # generic in the type stubs only


class Services(grpc.GenericRpcHandler):
    """Answers the methods of a table {service: {method: handler}} and refuses every other one as grpc-go does."""

    def __init__(self, handlers: Mapping[str, Mapping[str, Handler]]) -> None:
        """Keep the table."""
        self._handlers = handlers

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler:
        """
        Return the handler of a call.

        Source of the texts: grpc-go server.go, handleStream.
        """
        _, service, method = str(handler_call_details.method).split("/")
        if service not in self._handlers:
            return _refusal(f"unknown service {service}")
        known = self._handlers[service].get(method)
        return known or _refusal(f"unknown method {method} for service {service}")


def _refusal(text: str) -> Handler:
    def refuse(_request: bytes, context: grpc.ServicerContext) -> NoReturn:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, text)

    return grpc.unary_unary_rpc_method_handler(refuse)


_OPTIONS = (
    # A second server must never share the socket: a restart has to be seen.
    ("grpc.so_reuseport", 0),
)


class UnixServer:
    """One socket path with at most one server behind it. `start` and `stop` may be called from any thread."""

    def __init__(self, path: Path, handlers: Iterable[grpc.GenericRpcHandler], *, threads: int) -> None:
        """*threads* is how many calls, streams included, run at once. Raises ValueError: the path is too long."""
        size = len(str(path).encode())
        if size > MAX_SOCKET_PATH_BYTES:
            raise ValueError(
                f"socket path {path} needs {size} bytes, at most {MAX_SOCKET_PATH_BYTES} fit; use a shorter one"
            )
        self.path = path
        self._handlers = list(handlers)
        self._threads = threads
        self._lock = threading.Lock()
        self._server: grpc.Server | None = None
        self._pool: ThreadPoolExecutor | None = None

    @property
    def serving(self) -> bool:
        """Whether a server is running."""
        return self._server is not None

    def start(self) -> None:
        """Bind and serve; a socket that is left at the path is replaced. Nothing happens where it serves already."""
        with self._lock:
            if self._server is not None:
                return
            pool = ThreadPoolExecutor(self._threads, thread_name_prefix=self.path.name)
            server = grpc.server(pool, handlers=self._handlers, options=_OPTIONS)
            server.add_insecure_port(f"unix:{self.path}")
            server.start()
            self._server, self._pool = server, pool

    def hide(self) -> None:
        """Remove the socket, so that no client can connect; existing connections go on."""
        with self._lock:
            if self._server is not None:
                self.path.unlink(missing_ok=True)

    def stop(self) -> None:
        """
        End all calls and threads and remove the socket; may be called again.

        A handler that blocks must have been freed before, or be freed by the end of its call. gRPC unlinks the path, so
        the next server may only bind it after this one has ended, which is when this returns.
        """
        with self._lock:
            if self._server is None or self._pool is None:
                return
            self._server.stop(grace=None).wait()
            self._pool.shutdown(wait=True)
            self._server = self._pool = None

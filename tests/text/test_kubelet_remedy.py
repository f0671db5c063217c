"""What to do about a kubelet that does not answer, by the errors of a real client on real sockets."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

import grpc
import pytest

from podres_exporter.clock import SystemClock
from podres_exporter.errors import KubeletError, Reason
from podres_exporter.sources import KubeletClient
from podres_exporter.text.kubelet_remedy import kubelet_remedy

Endpoint = Callable[[Path], AbstractContextManager[object]]


@contextmanager
def left_behind(path: Path) -> Iterator[None]:
    """A socket whose process is gone."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    yield


@contextmanager
def silent(path: Path) -> Iterator[None]:
    """A process that listens and never answers."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(16)
        yield


@contextmanager
def web_server(path: Path) -> Iterator[None]:
    """A process that speaks HTTP/1: it reads the request that it takes the preface of HTTP/2 for, and answers it."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(16)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    while connection.recv(65536):  # a close with bytes unread would take the answer away
                        pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def refusing(code: grpc.StatusCode, detail: str) -> Endpoint:
    """A gRPC server that answers every call with this status."""

    class Refusal(grpc.GenericRpcHandler):
        def service(self, _: object) -> "grpc.RpcMethodHandler[bytes, bytes]":
            def refuse(__: bytes, context: grpc.ServicerContext) -> bytes:
                context.abort(code, detail)

            return grpc.unary_unary_rpc_method_handler(refuse)

    @contextmanager
    def running(path: Path) -> Iterator[None]:
        server = grpc.server(ThreadPoolExecutor(2))
        server.add_generic_rpc_handlers((Refusal(),))
        server.add_insecure_port(f"unix:{path}")
        server.start()
        yield
        server.stop(None).wait()

    return running


def missing(_: Path) -> AbstractContextManager[None]:
    return nullcontext()


CAUSES: dict[str, tuple[Endpoint, str]] = {
    "no socket": (missing, "There is no socket at this path"),
    "a socket that was left behind": (left_behind, "No process listens on the socket"),
    "silence": (silent, "nothing answers|does not answer"),
    "a web server": (web_server, "does not speak gRPC"),
    "another gRPC service": (refusing(grpc.StatusCode.UNIMPLEMENTED, "unknown service"), "does not serve the pod-res"),
    "a rate limit": (refusing(grpc.StatusCode.RESOURCE_EXHAUSTED, "rejected by rate limit"), "100 calls a second"),
    "a refusal": (refusing(grpc.StatusCode.PERMISSION_DENIED, "no"), "container_device_plugin_t"),
    "a deadline": (refusing(grpc.StatusCode.DEADLINE_EXCEEDED, "slow"), "does not answer in time"),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_the_remedy_is_that_of_the_cause(short_dir: Path, cause: str) -> None:
    endpoint, words = CAUSES[cause]
    with endpoint(short_dir / "k.sock"):
        client = KubeletClient(short_dir / "k.sock", 2.0, SystemClock(), lambda _: None)
        with pytest.raises(KubeletError) as failed:
            client.list()
        client.close()

    remedy = kubelet_remedy(failed.value.reason, failed.value.detail)

    assert any(each in remedy for each in words.split("|")), str(failed.value)


@pytest.mark.parametrize("reason", Reason)
def test_a_remedy_is_sentences(reason: Reason) -> None:
    """Some reasons are never a kubelet's, or say nothing of the cause: nothing is better than a guess."""
    remedy = kubelet_remedy(reason, "")

    assert (reason in {Reason.NOT_FOUND, Reason.GONE, Reason.INTERNAL}) == (remedy == "")
    assert not remedy or remedy.endswith(".")


def test_an_unknown_cause_has_no_remedy() -> None:
    assert "" == kubelet_remedy(None, "No such file or directory")

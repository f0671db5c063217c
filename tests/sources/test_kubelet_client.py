"""The client of the kubelet's socket: connections, reconnects, and socket identity."""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import field, list_answer, pod_row

from podres_exporter.clock import SystemClock
from podres_exporter.errors import KubeletError, Reason
from podres_exporter.model import Listing
from podres_exporter.sim import FixedAnswers, SimKubelet
from podres_exporter.sources import KubeletClient

SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
GOAWAY = b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + bytes(8)
"""The last stream that was looked at is 0, so each call under way may be sent again on another connection."""


class Refuser:
    """A server that accepts, says GOAWAY at once and closes; it counts its connections."""

    def __init__(self, path: Path) -> None:
        self.connections = 0
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen(64)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                with connection, contextlib.suppress(OSError):
                    connection.sendall(SETTINGS)
                    connection.recv(65536)
                    connection.sendall(GOAWAY)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(60)


@pytest.fixture
def refuser(short_dir: Path) -> Iterator[Refuser]:
    server = Refuser(short_dir / "s")
    yield server
    server.close()


def client_of(path: Path) -> KubeletClient:
    return KubeletClient(path, 2.0, SystemClock(), lambda *_: None)


def test_a_server_that_sends_every_call_away_is_not_asked_again_at_once(refuser: Refuser, short_dir: Path) -> None:
    """Each transparent retry of gRPC opened a connection and kept its buffers: thousands of them within a deadline."""
    client = client_of(short_dir / "s")
    with contextlib.closing(client), pytest.raises(KubeletError) as raised:
        client.list()

    assert Reason.UNAVAILABLE is raised.value.reason
    assert refuser.connections < 100


def test_other_rights_on_the_socket_are_not_another_kubelet(short_dir: Path) -> None:
    """chmod, chown and relabelling move ctime alone; a bind moves mtime (finding R10)."""
    with SimKubelet(short_dir / "s", FixedAnswers(b""), SystemClock()) as kubelet:
        client = client_of(kubelet.socket_path)
        with contextlib.closing(client):
            before = client.identity()
            kubelet.socket_path.chmod(0o770)
            os.chown(kubelet.socket_path, os.getuid(), os.getgid())

            assert before == client.identity()
            kubelet.restart()
            assert before != client.identity()


@pytest.mark.parametrize(("limit", "reason"), [(4 << 20, Reason.TOO_LARGE), (6 << 20, None)])
def test_the_largest_answer_that_is_taken_is_set(short_dir: Path, limit: int, reason: Reason | None) -> None:
    """Above it gRPC refuses the answer and says how large it is."""
    answer = list_answer(pod_row("a")) + field(100, bytes(5 << 20))
    with SimKubelet(short_dir / "s", FixedAnswers(answer), SystemClock()) as kubelet:
        client = KubeletClient(kubelet.socket_path, 5.0, SystemClock(), lambda *_: None, limit)
        with contextlib.closing(client):
            try:
                told: Listing | KubeletError = client.list()
            except KubeletError as error:
                told = error

    assert reason is (told.reason if isinstance(told, KubeletError) else None)
    if isinstance(told, Listing):
        assert told.largest_pod
        assert "a" == told.largest_pod.name

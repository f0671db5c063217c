"""Connections, and cutting them from another thread."""

import socket
import threading

import pytest
from urllib3 import PoolManager, ProxyManager
from urllib3.exceptions import HTTPError, ProtocolError, ProxyError
from urllib3.poolmanager import pool_classes_by_scheme

from podres_exporter.kube.transport import OpenSockets


def test_what_is_connected_later_is_cut_at_once() -> None:
    """A stop may come between the decision to connect and the connection."""
    sockets = OpenSockets()
    sockets.close()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sockets.add(ours)

        assert b"" == theirs.recv(1)


def test_what_is_closed_already_and_what_is_no_socket_is_left_alone() -> None:
    sockets = OpenSockets()
    ours, theirs = socket.socketpair()
    sockets.add(ours)
    sockets.add(None)
    ours.close()
    theirs.close()
    sockets.close()

    assert sockets.is_closed


@pytest.mark.parametrize("is_proxied", [False, True])
def test_a_request_that_waits_for_its_answer_ends_at_once(is_proxied: bool) -> None:
    """There is no response yet that could be closed; a proxy has a pool manager of its own."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        manager = ProxyManager(url, retries=False) if is_proxied else PoolManager(retries=False)
        sockets = OpenSockets()
        sockets.track(manager)
        errors: list[BaseException] = []
        waiting = threading.Thread(target=lambda: errors.append(error_of(manager, url)), daemon=True)
        waiting.start()
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(4096).startswith(b"GET")
            sockets.close()
            waiting.join(60)

    assert [ProxyError if is_proxied else ProtocolError] == [type(each) for each in errors]


def error_of(manager: PoolManager, url: str) -> BaseException:
    with manager, pytest.raises(HTTPError) as caught:
        manager.request("GET", url)
    return caught.value


def test_a_manager_with_connections_of_its_own_keeps_them() -> None:
    """SOCKS; what it waits for is then ended by its timeouts alone."""

    class Special(PoolManager):
        pass

    manager = Special()
    OpenSockets().track(manager)

    assert manager.pool_classes_by_scheme is pool_classes_by_scheme

"""The API server over TLS."""

import base64
import contextlib
import http.client
import http.server
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from api_rig import Client, names, pod
from eventually import eventually
from kubectl_rig import Kubectl
from tls_rig import Authority

from podres_exporter.clock import Clock
from podres_exporter.sim.api import PODS, ApiServer, Fail, Hang, Store, StreamFault, kubeconfig
from podres_exporter.sim.api.serving.listener import Listener

PODS_PATH = "/api/v1/pods"
TOKEN = "a-token"  # noqa: S105 - a test's own


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def secured(store: Store, clock: Clock, authority: Authority) -> Iterator[ApiServer]:
    with ApiServer(store, clock, token=TOKEN, tls=authority.server_context()) as server:
        yield server


def address(server: ApiServer) -> tuple[str, int]:
    host, port = server.url.removeprefix("https://").split(":")
    return host, int(port)


@pytest.fixture
def connection(secured: ApiServer, authority: Authority) -> Iterator[http.client.HTTPSConnection]:
    host, port = address(secured)
    connection = http.client.HTTPSConnection(host, port, timeout=60, context=authority.client_context())
    yield connection
    connection.close()


def request(connection: http.client.HTTPSConnection, path: str = PODS_PATH) -> http.client.HTTPResponse:
    connection.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
    return connection.getresponse()


def own_threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("sim-api")]


def test_a_list_comes_over_tls_and_the_connection_stays(
    store: Store, secured: ApiServer, connection: http.client.HTTPSConnection
) -> None:
    store.create(PODS, pod("a"))
    found = [names(json.loads(request(connection).read())["items"]) for _ in range(2)]

    assert [["a"], ["a"]] == found
    assert secured.url.startswith("https://127.0.0.1:")


def test_a_watch_comes_over_tls_and_the_connection_stays(
    store: Store, secured: ApiServer, connection: http.client.HTTPSConnection
) -> None:
    store.create(PODS, pod("a"))
    stream = request(connection, f"{PODS_PATH}?watch=1&resourceVersion=1")
    events = [json.loads(stream.readline())]
    store.create(PODS, pod("b"))
    events.append(json.loads(stream.readline()))
    secured.faults.on_open_watches(StreamFault.CLOSE)

    assert ["a", "b"] == names([each["object"] for each in events])
    assert b"" == stream.readline()
    assert 200 == request(connection).status


def test_a_cut_over_tls_lacks_the_last_chunk(secured: ApiServer, connection: http.client.HTTPSConnection) -> None:
    secured.faults.on_next_watches(StreamFault.CUT)

    with pytest.raises(http.client.IncompleteRead):
        request(connection, f"{PODS_PATH}?watch=1&resourceVersion=1").read()


def test_a_client_without_the_authority_is_refused_and_nobody_else_is(
    secured: ApiServer, connection: http.client.HTTPSConnection, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = http.client.HTTPSConnection(*address(secured), timeout=60, context=Authority().client_context())
    with pytest.raises(ssl.SSLCertVerificationError):
        stranger.connect()
    stranger.close()

    assert 200 == request(connection).status
    assert [] == caplog.records


def test_plain_http_is_refused_without_a_word_in_the_log(secured: ApiServer, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises((http.client.BadStatusLine, ConnectionError)):
        Client(secured.url.replace("https", "http")).get(PODS_PATH)
    assert eventually(lambda: ["sim-api-accept"] == own_threads())

    assert [] == caplog.records


def test_silent_connections_do_not_lock_out_the_others(
    secured: ApiServer, connection: http.client.HTTPSConnection
) -> None:
    """The handshake is made in the connection's own thread."""
    silent = [socket.create_connection(address(secured), 5) for _ in range(5)]

    assert 200 == request(connection).status
    for each in silent:
        each.close()


def test_a_silent_connection_is_closed_in_the_end(authority: Authority) -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    handler, context = http.server.BaseHTTPRequestHandler, authority.server_context()
    served = Listener(listener, handler, context, handshake_seconds=0.05, silence_seconds=0.05)
    served.start()
    with socket.create_connection(listener.getsockname(), 60) as silent, contextlib.closing(served):
        assert b"" == silent.recv(1)


def test_a_client_that_is_gone_before_it_is_accepted_is_no_error(
    secured: ApiServer, connection: http.client.HTTPSConnection, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(20):
        gone = socket.create_connection(address(secured), 5)
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        gone.close()

    assert 200 == request(connection).status
    assert [] == caplog.records


@pytest.mark.parametrize("says_farewell", [True, False])
@pytest.mark.parametrize("is_stalled", [True, False])
def test_a_watch_whose_client_has_left_leaves_no_thread(
    secured: ApiServer, connection: http.client.HTTPSConnection, says_farewell: bool, is_stalled: bool
) -> None:
    """With the `close_notify` that Go's clients send, and without it as Python's do."""
    if is_stalled:
        secured.faults.on_next_watches(StreamFault.STALL)
    stream = request(connection, f"{PODS_PATH}?watch=1&resourceVersion=1")
    assert eventually(lambda: 1 == secured.faults.open_watches)
    if says_farewell:
        assert isinstance(connection.sock, ssl.SSLSocket)
        connection.sock.settimeout(0)
        with pytest.raises(ssl.SSLWantReadError):
            connection.sock.unwrap()
    stream.close()
    connection.close()

    assert eventually(lambda: ["sim-api-accept"] == own_threads())


@pytest.mark.usefixtures("secured")
@pytest.mark.parametrize("is_whole", [True, False])
def test_a_client_that_talks_while_it_is_answered_is_still_there(
    store: Store, connection: http.client.HTTPSConnection, is_whole: bool
) -> None:
    """With a whole record of TLS, and with the beginning of one."""
    stream = request(connection, f"{PODS_PATH}?watch=1&resourceVersion=1")
    if is_whole:
        connection.sock.sendall(b"x")
    else:
        socket.socket.sendall(connection.sock, b"\x17\x03\x03")
    events = []
    for name in ("a", "b"):
        store.create(PODS, pod(name))
        events.append(json.loads(stream.readline()))

    assert ["a", "b"] == names([each["object"] for each in events])


def test_stopping_waits_for_nothing_that_is_open(
    secured: ApiServer, connection: http.client.HTTPSConnection, authority: Authority
) -> None:
    """A watch, a hanging request, a client in the middle of its handshake, an idle one."""
    stream = request(connection, f"{PODS_PATH}?watch=1&resourceVersion=1")
    secured.faults.on_requests("list", Hang())
    hanging = http.client.HTTPSConnection(*address(secured), timeout=60, context=authority.client_context())
    hanging.request("GET", PODS_PATH, headers={"Authorization": f"Bearer {TOKEN}"})
    assert secured.requests.wait_for(1, "list", code=0)
    silent = socket.create_connection(address(secured), 5)
    secured.stop()

    assert [] == own_threads()
    for each in (stream, hanging, silent):
        each.close()


def test_a_server_that_is_down_comes_back_with_tls(secured: ApiServer, connection: http.client.HTTPSConnection) -> None:
    secured.go_down()
    with pytest.raises(ConnectionRefusedError):
        request(connection)
    connection.close()
    secured.start()

    assert 200 == request(connection).status


def test_a_rotated_token_counts_from_the_next_request_on(
    secured: ApiServer, connection: http.client.HTTPSConnection
) -> None:
    secured.token = "another"  # noqa: S105 - a test's own
    response = request(connection)
    response.read()
    secured.faults.on_requests("list", Fail(500))

    assert [401, 401] == [response.status, request(connection).status]


def test_a_kubeconfig_holds_the_authority() -> None:
    config = yaml.safe_load(kubeconfig("https://127.0.0.1:1", None, b"PEM"))
    cluster = config["clusters"][0]["cluster"]

    assert ("https://127.0.0.1:1", b"PEM") == (
        cluster["server"],
        base64.b64decode(cluster["certificate-authority-data"]),
    )


def test_kubectl_sends_its_token_to_a_server_with_tls(
    store: Store, secured: ApiServer, authority: Authority, tmp_path: Path
) -> None:
    """It sends none without TLS."""
    kubectl = Kubectl(tmp_path)
    kubectl.config.write_text(kubeconfig(secured.url, TOKEN, authority.pem))
    store.create(PODS, pod("a"))

    assert "pod/a" == kubectl("get", "pods", "-n", "ml", "-o", "name").strip()

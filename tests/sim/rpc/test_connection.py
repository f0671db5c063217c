"""gRPC connections over Unix sockets, with grpc-go's errors."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from eventually import eventually
from plain_plugin import PlainPlugin, device

from podres_exporter._proto import deviceplugin_v1beta1_pb2 as pb
from podres_exporter.sim.lifecycle import WorkerThreads
from podres_exporter.sim.rpc.connection import Connection, WireError
from podres_exporter.sim.rpc.unix_server import UnixServer

OPTIONS = "/v1beta1.DevicePlugin/GetDevicePluginOptions"
LIST = "/v1beta1.DevicePlugin/ListAndWatch"
CLOSING = "rpc error: code = Canceled desc = grpc: the client connection is closing"
LONG = 60.0


@pytest.fixture
def plugin(short_dir: Path) -> Iterator[PlainPlugin]:
    one = PlainPlugin(short_dir / "p.sock", device("a"))
    yield one
    one.close()


@pytest.fixture
def connection(plugin: PlainPlugin) -> Iterator[Connection]:
    one = Connection(plugin.path)
    yield one
    one.close()


class _Witness(grpc.ServerInterceptor):
    """Writes down every method that is called, known or not."""

    def __init__(self) -> None:
        self.methods: list[str] = []

    def intercept_service(self, continuation: Any, handler_call_details: grpc.HandlerCallDetails) -> Any:
        self.methods.append(str(handler_call_details.method))
        return continuation(handler_call_details)


def test_a_dial_makes_no_call(short_dir: Path) -> None:
    """A stats handler or an interceptor of a plugin sees what it sees of a kubelet: a connection."""
    witness = _Witness()
    with ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool, interceptors=[witness])
        server.add_insecure_port(f"unix:{short_dir / 'w.sock'}")
        server.start()
        connection = Connection(short_dir / "w.sock")
        connection.dial(LONG)
        dialled = list(witness.methods)
        with pytest.raises(WireError):
            options(connection)
        connection.close()
        server.stop(None).wait()

    assert ([], [OPTIONS]) == (dialled, witness.methods)


def test_a_plugin_that_dies_in_a_call_leaves_gos_words(short_dir: Path) -> None:
    """
    Bytes that a dying process has not read turn the end of its connection into a reset, so there are two true texts.

    Which one stands in the pod's status depends on how fast the plugin reads: test_go_texts has each of them alone.
    """
    path = short_dir / "d.sock"
    child = subprocess.Popen([sys.executable, "-c", _DIES, str(path)])
    connection = Connection(path)
    connection.dial(LONG)
    with pytest.raises(WireError) as caught:
        options(connection)
    connection.close()
    child.wait(LONG)

    at_end, reset = "EOF", f"read unix @->{path}: read: connection reset by peer"
    assert str(caught.value) in {
        f"rpc error: code = Unavailable desc = error reading from server: {words}" for words in (at_end, reset)
    }


_DIES = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
import grpc

class Dies(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: os._exit(1))

server = grpc.server(ThreadPoolExecutor(1), handlers=[Dies()])
server.add_insecure_port("unix:" + sys.argv[1])
server.start()
server.wait_for_termination()
"""


def options(connection: Connection) -> pb.DevicePluginOptions:
    return connection.call(OPTIONS, pb.Empty(), pb.DevicePluginOptions, LONG)


def test_who_answers_is_connected(plugin: PlainPlugin, connection: Connection) -> None:
    """The dial itself reaches no method of the plugin."""
    plugin.serve()
    connection.dial(LONG)

    assert [] == plugin.asked


def test_who_listens_but_does_not_accept_is_waited_for(connection: Connection) -> None:
    with pytest.raises(WireError) as caught:
        connection.dial(0.05)

    assert "context deadline exceeded" == str(caught.value)


def test_a_socket_that_comes_late_is_reached(short_dir: Path) -> None:
    """Like grpc.WithBlock: a refusal is no end."""
    connection, threads, failures = Connection(short_dir / "late.sock"), WorkerThreads("test"), []

    def dial() -> None:
        try:
            connection.dial(LONG)
        except WireError as error:
            failures.append(error)

    threads.start("dial", dial)
    plugin = PlainPlugin(short_dir / "late.sock").serve()
    threads.join(LONG)
    connection.close()
    plugin.close()

    assert [] == failures


def test_a_dial_is_broken_off_by_close(connection: Connection) -> None:
    connection.close()
    with pytest.raises(WireError) as caught:
        connection.dial(LONG)

    assert "context canceled" == str(caught.value)


def test_closing_ends_a_dial_that_waits(connection: Connection) -> None:
    threads, texts = WorkerThreads("test"), []

    def dial() -> None:
        try:
            connection.dial(LONG)
        except WireError as error:
            texts.append(str(error))

    threads.start("dial", dial)
    connection.close()
    threads.join(60)

    assert ["context canceled"] == texts


def test_an_error_is_told_in_gos_words(plugin: PlainPlugin, connection: Connection) -> None:
    plugin.serve()
    plugin.errors["GetDevicePluginOptions"] = "no"
    with pytest.raises(WireError) as caught:
        options(connection)

    assert "rpc error: code = Unknown desc = no" == str(caught.value)


def test_a_closed_connection_refuses_calls_and_streams(connection: Connection) -> None:
    connection.close()
    connection.close()
    with pytest.raises(WireError) as of_call:
        options(connection)
    with pytest.raises(WireError) as of_stream:
        next(connection.stream(LIST, pb.Empty(), pb.ListAndWatchResponse))

    assert [CLOSING] * 2 == [str(of_call.value), str(of_stream.value)]


def test_two_connections_to_one_path_are_two(short_dir: Path) -> None:
    """A plugin that serves a new socket under the old name is reached, while the old one still runs."""
    path = short_dir / "p.sock"
    old = PlainPlugin(path).serve()
    first = Connection(path)
    first.dial(LONG)
    path.rename(short_dir / "old.sock")
    new = PlainPlugin(path).serve()
    second = Connection(path)
    options(second)
    options(first)
    asked = [len(old.asked), len(new.asked)]
    for each in (first, second, old, new):
        each.close()

    assert [1, 1] == asked


def test_closing_leaves_no_thread(plugin: PlainPlugin, connection: Connection) -> None:
    plugin.serve()
    threads = WorkerThreads("reader")
    ends: list[object] = []

    def read() -> None:
        try:
            ends.extend(len(answer.devices) for answer in connection.stream(LIST, pb.Empty(), pb.ListAndWatchResponse))
        except WireError as error:
            ends.append(str(error).partition(" desc")[0])

    threads.start("stream", read)
    assert eventually(lambda: bool(ends))
    connection.close()
    threads.join(60)

    assert [1, "rpc error: code = Canceled"] == ends


def test_a_server_binds_its_path_directly_and_removes_it(short_dir: Path) -> None:
    """Whoever watches the directory sees a CREATE of this very name."""
    server = UnixServer(short_dir / "s.sock", [], threads=1)
    before = list(short_dir.iterdir())
    server.start()
    server.start()
    during = list(short_dir.iterdir())
    server.stop()
    server.stop()

    assert [[], [server.path], []] == [before, during, list(short_dir.iterdir())]


def test_a_hidden_server_serves_whom_it_knows_and_nobody_else(short_dir: Path) -> None:
    server = UnixServer(short_dir / "s.sock", [], threads=1)
    server.hide()
    server.start()
    known, late = Connection(server.path), Connection(server.path)
    known.dial(LONG)
    server.hide()
    known.dial(LONG)
    with pytest.raises(WireError) as caught:
        late.dial(0.02)
    for each in (known, late):
        each.close()
    server.stop()

    assert "context deadline exceeded" == str(caught.value)


def test_a_server_replaces_a_socket_that_was_left(short_dir: Path) -> None:
    left = PlainPlugin(short_dir / "s.sock")
    server = UnixServer(short_dir / "s.sock", [], threads=1)
    server.start()
    with grpc.insecure_channel(f"unix:{server.path}") as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(OPTIONS)
        with pytest.raises(grpc.RpcError) as caught:
            call(b"", timeout=LONG)
    server.stop()
    left.close()

    assert grpc.StatusCode.UNIMPLEMENTED == caught.value.code()

"""The API server as a whole: it starts, compresses, counts requests, and stops cleanly."""

import gzip
import http.client
import re
import socket
import threading

import pytest
import yaml
from api_rig import Client, names, pod

from podres_exporter.clock import Clock
from podres_exporter.errors import ConfigError
from podres_exporter.sim.api import PODS, ApiServer, Hang, Store, StreamFault, kubeconfig

PODS_PATH = "/api/v1/pods"


def own_threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("sim-api")]


def test_stopping_takes_less_than_a_second_whatever_is_open(store: Store, clock: Clock) -> None:
    """Open, half-open and full watches, a hanging request, an idle connection: none is left, nor any thread."""
    server = ApiServer(store, clock)
    server.start()
    client = Client(server.url)
    server.faults.on_next_watches(StreamFault.STALL)
    streams = [client.watch(PODS_PATH) for _ in range(5)]
    server.faults.oversized_line_bytes = 8 * 1024 * 1024
    server.faults.on_next_watches(StreamFault.OVERSIZE)
    streams.append(client.watch(PODS_PATH))
    server.faults.on_requests("list", Hang())
    hanging, idle = client.connect(), client.connect()
    hanging.request("GET", PODS_PATH)
    idle.connect()
    assert server.requests.wait_for(1, "list", code=0)
    server.stop()

    assert [] == own_threads()
    with pytest.raises(ConnectionRefusedError):
        client.get(PODS_PATH)
    for stream in streams:
        stream.close()
    hanging.close()
    idle.close()


def test_stopping_twice_or_before_the_start_is_nothing(store: Store, clock: Clock) -> None:
    server = ApiServer(store, clock)
    server.stop()
    server.stop()
    server.start()
    server.start()

    assert 200 == Client(server.url).get("/version").code
    server.stop()
    server.drop_connections()
    assert [] == own_threads()


def test_a_watch_whose_client_has_left_leaves_no_thread(server: ApiServer, client: Client) -> None:
    """It is noticed without an event: a client that reconnects a thousand times must cost nothing."""
    for _ in range(3):
        client.watch(PODS_PATH).close()
    ticker = threading.Event()
    for _ in range(100):
        if own_threads() == ["sim-api-accept"]:
            break
        ticker.wait(0.02)

    assert ["sim-api-accept"] == own_threads()
    assert 3 == server.requests.count("watch")


def test_an_address_that_is_taken_is_a_configuration_error(server: ApiServer, store: Store, clock: Clock) -> None:
    port = int(server.url.rpartition(":")[2])

    with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1 port {port}: Address already in use"):
        ApiServer(store, clock, ("127.0.0.1", port)).start()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_the_server_can_be_on_ipv6(store: Store, clock: Clock) -> None:
    with ApiServer(store, clock, ("::1", 0)) as server:
        assert re.fullmatch(r"http://\[::1\]:\d+", server.url)
        assert 200 == Client(server.url).get("/version").code


def test_a_large_list_is_compressed_for_who_takes_it(store: Store, client: Client) -> None:
    """From 128 KiB on, as the real server does."""
    for number in range(10):
        store.create(PODS, pod(f"p{number}", annotations={"note": "x" * 14_000}))
    plain, packed = client.get(PODS_PATH), client.get(PODS_PATH, Accept_Encoding="gzip")

    assert ("gzip", None) == (packed.headers.get("content-encoding"), plain.headers.get("content-encoding"))
    assert plain.body == gzip.decompress(packed.body)
    assert len(packed.body) < len(plain.body) // 10


def test_a_small_answer_is_not_compressed(client: Client) -> None:
    assert "content-encoding" not in client.get(PODS_PATH, Accept_Encoding="gzip").headers


def test_one_connection_serves_many_requests(client: Client) -> None:
    connection = client.connect()
    codes = []
    for path in ("/version", PODS_PATH, "/api/v1/namespaces/ml/pods/none", "/nowhere"):
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        codes.append(response.status)
    connection.close()

    assert [200, 200, 404, 404] == codes


def test_requests_are_counted_by_verb_path_and_code(server: ApiServer, client: Client) -> None:
    client.get(f"{PODS_PATH}?limit=5", User_Agent="mine")
    client.get(PODS_PATH)
    client.get("/api/v1/namespaces/ml/pods/none")

    assert {("list", PODS_PATH, 200): 2, ("get", "/api/v1/namespaces/ml/pods/none", 404): 1} == server.requests.counts
    assert [3, 2, 1, 0] == [
        server.requests.count(),
        server.requests.count("list"),
        server.requests.count(code=404),
        server.requests.count("list", code=404),
    ]
    first = server.requests.recent[0]
    assert ({"limit": "5"}, "mine") == (first.query, first.headers["user-agent"])
    server.requests.clear()
    assert ({}, ()) == (server.requests.counts, server.requests.recent)


def test_a_test_can_wait_for_a_request(server: ApiServer, client: Client) -> None:
    asker = threading.Thread(target=client.get, args=(PODS_PATH,))
    asker.start()

    assert server.requests.wait_for(1, "list", PODS_PATH, 200)
    asker.join()
    assert not server.requests.wait_for(2, "list", timeout_seconds=0.01)


def test_many_clients_at_once_see_every_change_in_order(store: Store, client: Client) -> None:
    """Four writers, four watchers: versions only rise, and nothing is lost."""
    streams = [client.watch(f"{PODS_PATH}?resourceVersion=1") for _ in range(4)]
    writers = [
        threading.Thread(target=lambda n=n: [store.create(PODS, pod(f"p{n}-{i}")) for i in range(25)]) for n in range(4)
    ]
    for writer in writers:
        writer.start()
    for stream in streams:
        items = [stream.event()[1] for _ in range(100)]
        versions = [int(item["metadata"]["resourceVersion"]) for item in items]

        assert sorted(versions) == versions
        assert 100 == len(set(names(items)))
        stream.close()
    for writer in writers:
        writer.join()


def test_what_is_not_http_gets_a_bad_request(server: ApiServer) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 5) as sock:
        sock.sendall(b"hello\r\n\r\n")

        assert b"400" in sock.recv(1000)


@pytest.mark.parametrize(("token", "user"), [(None, {}), ("secret", {"token": "secret"})])
def test_a_kubeconfig_names_server_and_token(token: str | None, user: dict[str, str]) -> None:
    config = yaml.safe_load(kubeconfig("http://127.0.0.1:1", token))

    assert "http://127.0.0.1:1" == config["clusters"][0]["cluster"]["server"]
    assert user == config["users"][0]["user"]
    assert config["current-context"] == config["contexts"][0]["name"]


def test_a_client_that_leaves_in_the_middle_is_no_error(
    server: ApiServer, store: Store, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(50):
        store.create(PODS, pod(f"p{number}", annotations={"note": "x" * 100_000}))
    for path in (PODS_PATH, f"{PODS_PATH}?watch=1"):
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
        connection.request("GET", path)
        connection.close()

    assert 200 == client.get("/version").code
    server.stop()
    assert [] == caplog.records


def test_clients_that_say_nothing_do_not_keep_their_threads(store: Store, clock: Clock) -> None:
    """And where all threads are taken another client is sent away, as the descriptors must last for the rest."""
    with ApiServer(store, clock) as server:
        served = server._listener  # noqa: SLF001 - the limits are for real time
        assert served is not None
        served._silence_seconds = 0.05  # noqa: SLF001 - as above
        client = Client(server.url)
        silent = [client.connect() for _ in range(20)]
        for each in silent:
            each.connect()
        ended = [each.sock.recv(1) for each in silent]
        answered = client.get(PODS_PATH).code
        for each in silent:
            each.close()

    assert ([b""] * 20, 200) == (ended, answered)


def test_the_number_of_connections_is_bounded(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("podres_exporter.sim.api.serving.listener.MOST_CONNECTIONS", 3)
    with ApiServer(store, clock) as server:
        client = Client(server.url)
        kept = [client.watch(PODS_PATH) for _ in range(3)]
        threads = len(own_threads())
        one_more = client.connect()
        one_more.connect()
        refused = one_more.sock.recv(1)
        one_more.close()
        kept.pop().close()
        for each in kept:
            each.close()

    assert (b"", 4) == (refused, threads)  # three and the accepting one

"""The pod proxy: forwarded requests, and errors if nothing answers."""

import gzip
from typing import Any

import pytest
from api_rig import Client, pod
from raw_server import RawServer, whole

from podres_exporter.sim.api import NODES, PODS, Answer, ApiServer, Fail, Inquiry, Store

EXPORTER = "/api/v1/namespaces/monitoring/pods/exporter"


def exporter(**status: Any) -> dict[str, Any]:
    """Return a pod with an address and a port."""
    item = pod("exporter", "monitoring")
    item["spec"]["containers"][0]["ports"] = [{"containerPort": 8080}]
    item["status"] |= {"podIP": "10.1.2.3", **status}
    return item


class Echo:
    """Says what it was asked, and keeps it."""

    def __init__(self) -> None:
        self.inquiries: list[Inquiry] = []

    def __call__(self, inquiry: Inquiry) -> Answer:
        self.inquiries.append(inquiry)
        return Answer(418, b"short and stout", {"Content-Type": "text/tea"})


@pytest.fixture
def echo(store: Store, server: ApiServer) -> Echo:
    store.create(PODS, exporter())
    backend = Echo()
    server.backends.put("monitoring", "exporter", backend)
    return backend


def test_an_answer_of_the_pod_passes_as_it_is_whatever_its_code(echo: Echo, client: Client) -> None:
    reply = client.get(f"{EXPORTER}:10190/proxy/api/v1/snapshot?a=b")

    assert (418, b"short and stout", "text/tea") == (reply.code, reply.body, reply.headers["content-type"])
    assert [("http", "10190", "/api/v1/snapshot?a=b")] == [(e.scheme, e.port, e.path) for e in echo.inquiries]


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        ("exporter", "/", ("http", "", "/")),
        ("http:exporter:1", "/x", ("http", "1", "/x")),
        ("https:exporter:10190", "/proxy/pods/", ("https", "10190", "/proxy/pods/")),
        ("https:exporter:", "/%2Fx", ("https", "", "/%2Fx")),
    ],
)
def test_scheme_and_port_stand_beside_the_name(
    echo: Echo, client: Client, name: str, path: str, expected: tuple[str, str, str]
) -> None:
    """utilnet.SplitSchemeNamePort; a path may have any number of parts, and keeps its escapes and its last slash."""
    client.get(f"/api/v1/namespaces/monitoring/pods/{name}/proxy{path}")

    assert [expected] == [(each.scheme, each.port, each.path) for each in echo.inquiries]


def test_the_token_stays_with_the_server(echo: Echo, client: Client) -> None:
    """A pod could use it otherwise; an exporter that wants a password cannot be asked this way."""
    client.get(f"{EXPORTER}/proxy/", Authorization="Bearer secret", Accept_Encoding="gzip")

    (inquiry,) = echo.inquiries
    assert "authorization" not in inquiry.headers
    assert "gzip" == inquiry.headers["accept-encoding"]


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("/pods/missing:10190/proxy/", 404, 'pods "missing" not found'),
        ("/pods/a:b:c/proxy/", 400, 'invalid pod request "a:b:c"'),
        ("/pods/:10190/proxy/", 400, 'invalid pod request ":10190"'),
        ("/pods/young:10190/proxy/", 400, "address not allowed"),
        (
            "/pods/exporter:10190/proxy/x",
            503,
            "error trying to reach service: dial tcp 10.1.2.3:10190: connect: connection refused",
        ),
        (
            "/pods/exporter/proxy/x",
            503,
            "error trying to reach service: dial tcp 10.1.2.3:8080: connect: connection refused",
        ),
    ],
)
def test_what_cannot_be_reached_is_said_in_the_words_of_the_real_server(
    store: Store, client: Client, path: str, code: int, message: str
) -> None:
    store.create(PODS, exporter())
    store.create(PODS, pod("young", "monitoring"))
    reply = client.get(f"/api/v1/namespaces/monitoring{path}")

    assert (code, "Status", message) == (reply.code, reply.json["kind"], reply.json["message"])


def test_a_pod_without_ports_is_asked_on_that_of_its_scheme(store: Store, client: Client) -> None:
    item = exporter()
    del item["spec"]["containers"][0]["ports"]
    store.create(PODS, item)

    assert "dial tcp 10.1.2.3:80:" in client.get(f"{EXPORTER}/proxy/").json["message"]


def test_without_a_path_the_client_is_sent_to_the_one_with_a_slash(echo: Echo, client: Client) -> None:
    reply = client.get(f"{EXPORTER}:1/proxy")

    assert (301, f"{EXPORTER}:1/proxy/") == (reply.code, reply.headers["location"])
    assert [] == echo.inquiries


def test_only_pods_have_it_and_only_get_is_played(store: Store, echo: Echo, client: Client) -> None:
    store.create(NODES, {"metadata": {"name": "n1"}})

    assert 404 == client.get("/api/v1/nodes/n1/proxy/").code
    assert 405 == client.call("POST", f"{EXPORTER}/proxy/").code
    assert [] == echo.inquiries


def test_rbac_can_refuse_the_proxy_alone(server: ApiServer, echo: Echo, client: Client) -> None:
    server.faults.on_requests("get", Fail(403), resource=PODS, subresource="proxy")
    reply = client.get(f"{EXPORTER}:10190/proxy/")
    spec = {"resourceAttributes": {"verb": "get", "resource": "pods", "subresource": "proxy"}}
    review = client.call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"spec": spec})

    assert 403 == reply.code
    assert reply.json["message"].startswith('pods "exporter:10190" is forbidden: User "')
    assert ' cannot get resource "pods/proxy" in API group "" in the namespace "monitoring"' in reply.json["message"]
    assert {"allowed": False} == review.json["status"]
    assert 200 == client.get(EXPORTER).code
    assert [] == echo.inquiries


def test_a_url_stands_for_the_server_there(store: Store, server: ApiServer, client: Client) -> None:
    """Compressed bytes pass as they are."""
    store.create(PODS, exporter())
    body = gzip.compress(b"{}")
    with RawServer(whole(body, "200 OK", "Content-Encoding: gzip", "Content-Type: application/json")) as real:
        server.backends.put("monitoring", "exporter", real.url)
        reply = client.get(f"{EXPORTER}:1/proxy/api/v1/snapshot", Accept_Encoding="gzip")

    assert (200, body, "gzip") == (reply.code, reply.body, reply.headers["content-encoding"])
    assert real.heads[0].startswith(b"GET /api/v1/snapshot HTTP/1.1\r\n")


def test_a_server_that_is_none_is_not_reached(store: Store, server: ApiServer, client: Client) -> None:
    store.create(PODS, exporter())
    with RawServer(b"what?\r\n\r\n") as real:
        server.backends.put("monitoring", "exporter", real.url)

        assert 503 == client.get(f"{EXPORTER}:1/proxy/").code

    assert "Connection refused" in client.get(f"{EXPORTER}:1/proxy/").json["message"]


def test_a_backend_can_be_taken_away(server: ApiServer, echo: Echo, client: Client) -> None:
    server.backends.remove("monitoring", "exporter")

    assert 503 == client.get(f"{EXPORTER}:1/proxy/").code
    assert [] == echo.inquiries


def test_other_subresources_are_none_of_this_server(echo: Echo, client: Client) -> None:
    assert 404 == client.get(f"{EXPORTER}/log").code
    assert 404 == client.get(f"{EXPORTER}/log/proxy").code
    assert [] == echo.inquiries

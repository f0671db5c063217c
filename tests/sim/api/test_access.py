"""Authentication and authorization: tokens, RBAC refusals, access reviews."""

import pytest
from api_rig import Client, pod

from podres_exporter.clock import Clock
from podres_exporter.sim.api import PODS, ApiServer, Fail, Store

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@pytest.mark.parametrize("token", [None, "wrong", "", "secre", "secretly"])
def test_without_the_right_token_nothing_is_answered(store: Store, clock: Clock, token: str | None) -> None:
    with ApiServer(store, clock, token="secret") as server:  # noqa: S106 - a test's own
        reply = Client(server.url, token).get("/api/v1/pods")

    assert (401, "Unauthorized", "Unauthorized") == (reply.code, reply.json["reason"], reply.json["message"])


def test_the_token_can_be_rotated_while_a_watch_goes_on(store: Store, clock: Clock) -> None:
    """As with the real server: a stream is not asked again."""
    with ApiServer(store, clock, token="old") as server:  # noqa: S106 - a test's own
        old, new = Client(server.url, "old"), Client(server.url, "new")
        with old.watch("/api/v1/pods") as stream:
            server.token = "new"  # noqa: S105 - a test's own
            store.create(PODS, pod("a"))

            assert [401, 200] == [each.get("/api/v1/pods").code for each in (old, new)]
            assert ["ADDED a"] == stream.brief(1)


@pytest.mark.parametrize(
    ("verb", "path", "expected"),
    [
        (
            "list",
            "/api/v1/pods",
            'pods is forbidden: User "{}" cannot list resource "pods" in API group "" at the cluster scope',
        ),
        (
            "watch",
            "/api/v1/namespaces/ml/pods?watch=1",
            'pods is forbidden: User "{}" cannot watch resource "pods" in API group "" in the namespace "ml"',
        ),
        (
            "get",
            "/api/v1/namespaces/ml/pods/a",
            'pods "a" is forbidden: User "{}" cannot get resource "pods" in API group "" in the namespace "ml"',
        ),
        (
            "list",
            "/apis/resource.k8s.io/v1/resourceslices",
            (
                'resourceslices.resource.k8s.io is forbidden: User "{}" cannot list resource "resourceslices" '
                'in API group "resource.k8s.io" at the cluster scope'
            ),
        ),
        ("get", "/version", 'forbidden: User "{}" cannot get path "/version"'),
    ],
)
def test_a_refusal_reads_as_that_of_rbac(store: Store, clock: Clock, verb: str, path: str, expected: str) -> None:
    user = "system:serviceaccount:ns:name"
    with ApiServer(store, clock, user=user) as server:
        server.faults.on_requests(verb, Fail(403))
        reply = Client(server.url).get(path)

    assert (403, "Forbidden", expected.format(user)) == (reply.code, reply.json["reason"], reply.json["message"])


def review(client: Client, verb: str, resource: str, group: str = "") -> bool:
    attributes = {"verb": verb, "resource": resource, "group": group}
    body = {"kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}}
    reply = client.call("POST", REVIEWS, body)
    assert 201 == reply.code
    return bool(reply.json["status"]["allowed"])


def test_a_review_says_what_the_resource_allows(client: Client) -> None:
    assert review(client, "list", "pods")
    assert review(client, "list", "resourceslices", "resource.k8s.io")
    assert not review(client, "delete", "nodes")
    assert not review(client, "list", "secrets")


def test_a_review_knows_what_is_forbidden_just_now(server: ApiServer, client: Client) -> None:
    """And it uses up none of the refusals."""
    server.faults.on_requests("list", Fail(403), times=1, resource=PODS)

    assert not review(client, "list", "pods")
    assert review(client, "watch", "pods")
    assert [403, 200] == [client.get("/api/v1/pods").code for _ in range(2)]
    assert review(client, "list", "pods")


def test_a_review_is_posted(client: Client) -> None:
    assert 405 == client.get(REVIEWS).code


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2, len(content)]) + content


def test_a_review_may_come_as_protobuf(client: Client) -> None:
    """From 1.33 on kubectl sends nothing else."""
    attributes = _field(2, b"list") + _field(4, b"*") + _field(5, b"pods")
    message = _field(1, b"type") + _field(2, _field(1, b"") + _field(2, _field(1, attributes)))
    headers = {"Content-Type": "application/vnd.kubernetes.protobuf"}
    reply = client.call("POST", REVIEWS, b"k8s\x00" + message, headers)

    assert {"allowed": True} == reply.json["status"]
    assert {"verb": "list", "version": "*", "resource": "pods"} == reply.json["spec"]["resourceAttributes"]


@pytest.mark.parametrize("body", [b"{}", b"k8s\x00\x12", b"k8s\x00\x12\x7f", b"k8s\x00\x10\x01", b"k8s\x00\xff"])
def test_a_broken_review_is_a_bad_request(client: Client, body: bytes) -> None:
    reply = client.call("POST", REVIEWS, body, {"Content-Type": "application/vnd.kubernetes.protobuf"})

    assert 400 == reply.code


def test_a_review_about_nothing_is_refused(client: Client) -> None:
    assert {"allowed": False} == client.call("POST", REVIEWS, {"spec": "?"}).json["status"]

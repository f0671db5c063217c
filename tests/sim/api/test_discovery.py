"""API discovery."""

import pytest
from api_rig import Client

from podres_exporter.clock import Clock
from podres_exporter.sim.api import ApiServer, Store

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


def test_the_version_is_the_one_given(store: Store, clock: Clock) -> None:
    with ApiServer(store, clock, version="v1.27.16") as server:
        version = Client(server.url).get("/version").json

    assert ("1", "27", "v1.27.16") == (version["major"], version["minor"], version["gitVersion"])


def test_who_asks_for_aggregated_discovery_gets_the_plain_lists(client: Client) -> None:
    """client-go then goes on with one request per group."""
    core, groups = (client.get(path, Accept=AGGREGATED) for path in ("/api", "/apis"))

    assert ("APIVersions", ["v1"]) == (core.json["kind"], core.json["versions"])
    assert ["authorization.k8s.io", "resource.k8s.io"] == [each["name"] for each in groups.json["groups"]]
    assert "application/json" == groups.headers["content-type"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v1", ["namespaces", "nodes", "pods"]),
        ("/apis/resource.k8s.io/v1", ["deviceclasses", "resourceclaims", "resourceclaimtemplates", "resourceslices"]),
        ("/apis/authorization.k8s.io/v1", ["selfsubjectaccessreviews"]),
    ],
)
def test_every_group_lists_its_resources(client: Client, path: str, expected: list[str]) -> None:
    listed = client.get(path).json

    assert "APIResourceList" == listed["kind"]
    assert expected == [each["name"] for each in listed["resources"]]


def test_only_pods_can_be_written(client: Client) -> None:
    resources = client.get("/api/v1").json["resources"]

    assert {"pods"} == {each["name"] for each in resources if "create" in each["verbs"]}


def test_a_group_names_its_version(client: Client) -> None:
    group = client.get("/apis/resource.k8s.io").json

    assert ("APIGroup", "resource.k8s.io/v1") == (group["kind"], group["preferredVersion"]["groupVersion"])


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
def test_the_server_is_healthy(client: Client, path: str) -> None:
    assert b"ok" == client.get(path).body


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/api/v2", ""),
        ("/api/v1/secrets", " (not simulated: secrets)"),
        ("/api/v1/namespaces/ml/events", " (not simulated: events)"),
        ("/apis/events.k8s.io/v1/namespaces/ml/events/e", " (not simulated: events)"),
        ("/apis/apps/v1/deployments", " (not simulated: deployments)"),
        ("/api/v1/namespaces/ml/nodes", ""),
        ("/api/v1/pods/a", ""),
        ("/api/v1/namespaces/ml/pods/a/log", " (not simulated: pods/log)"),
        ("/api/v1/namespaces/ml/pods/a/log/more", ""),
    ],
)
def test_what_is_not_there_is_a_status_that_names_what_only_a_real_server_has(
    client: Client, path: str, named: str
) -> None:
    reply = client.get(path)

    assert (404, "the server could not find the requested resource" + named) == (reply.code, reply.json["message"])


@pytest.mark.parametrize("path", ["/", "/metrics", "/openapi/v3"])
def test_what_is_not_the_api_is_plain_text(client: Client, path: str) -> None:
    reply = client.get(path)

    assert (404, b"404 page not found\n") == (reply.code, reply.body)

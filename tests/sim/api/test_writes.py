"""Creating and deleting pods."""

from typing import Any

import pytest
from api_rig import Client, pod

from podres_exporter.sim.api import PODS, ApiServer, Event, Store

PATH = "/api/v1/namespaces/default/pods"


def manifest(name: str = "new", **rest: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", **pod(name, namespace="default"), **rest}


def test_a_created_pod_is_pending_and_its_owner_hears_of_it_first(store: Store, client: Client) -> None:
    """The listener has run when the client gets its answer, so the answer's pod may have moved on already."""
    heard: list[Event] = []
    store.subscribe(heard.append)
    reply = client.call("POST", PATH, manifest())

    assert (201, "Pending") == (reply.code, reply.json["status"]["phase"])
    assert ["new"] == [each.key[1] for each in heard]
    assert reply.json == store.get(PODS, "default", "new")


def test_what_only_the_server_decides_is_not_taken_from_the_client(client: Client) -> None:
    given = manifest()
    given["metadata"] |= {"uid": "mine", "resourceVersion": "7", "creationTimestamp": "2000-01-01T00:00:00Z"}
    metadata = client.call("POST", PATH, given).json["metadata"]

    assert not {"mine", "7", "2000-01-01T00:00:00Z"} & set(metadata.values())


def test_the_namespace_comes_from_the_path(client: Client) -> None:
    given = manifest()
    del given["metadata"]["namespace"]

    assert "default" == client.call("POST", PATH, given).json["metadata"]["namespace"]


def test_a_generated_name_begins_as_asked(client: Client) -> None:
    given = manifest()
    given["metadata"] = {"generateName": "job-"}

    assert client.call("POST", PATH, given).json["metadata"]["name"].startswith("job-")


@pytest.mark.parametrize(
    ("node", "phase", "query", "options"),
    [
        ("n1", "Running", "", {"kind": "DeleteOptions", "gracePeriodSeconds": 0}),
        ("n1", "Running", "?gracePeriodSeconds=0", None),
        ("n1", "Succeeded", "", {"kind": "DeleteOptions", "gracePeriodSeconds": 30}),
        ("n1", "Failed", "", None),
        ("", "Pending", "", None),
    ],
)
def test_a_deleted_pod_is_returned_and_gone_at_once_where_no_kubelet_has_to_end_it(
    store: Store, client: Client, node: str, phase: str, query: str, options: Any
) -> None:
    """Pods return themselves, not a Status (registry/core/pod/storage, CheckGracefulDelete)."""
    store.create(PODS, pod("a", namespace="default", node=node, phase=phase))
    reply = client.call("DELETE", f"{PATH}/a{query}", options)

    assert (200, "Pod", "a") == (reply.code, reply.json["kind"], reply.json["metadata"]["name"])
    assert [404, 404] == [client.get(f"{PATH}/a").code, client.call("DELETE", f"{PATH}/a").code]


def test_a_running_pod_waits_for_its_kubelet(store: Store, client: Client) -> None:
    """It carries when its time is over; a shorter period replaces a longer one, a longer one changes nothing."""
    store.create(PODS, pod("a", namespace="default"))
    first = client.call("DELETE", f"{PATH}/a").json["metadata"]
    longer = client.call("DELETE", f"{PATH}/a", {"gracePeriodSeconds": 60}).json["metadata"]
    shorter = client.call("DELETE", f"{PATH}/a", {"gracePeriodSeconds": -1}).json["metadata"]
    stored = client.get(f"{PATH}/a").json["metadata"]

    assert [30, 30, 1] == [each["deletionGracePeriodSeconds"] for each in (first, longer, shorter)]
    assert first["deletionTimestamp"] == longer["deletionTimestamp"] > shorter["deletionTimestamp"]
    assert shorter == stored
    assert 400 == client.call("DELETE", f"{PATH}/a", {"gracePeriodSeconds": "soon"}).code


def test_the_grace_period_of_the_spec_counts_where_the_client_names_none(store: Store, client: Client) -> None:
    given = pod("a", namespace="default")
    store.create(PODS, {**given, "spec": {**given["spec"], "terminationGracePeriodSeconds": 5}})

    assert 5 == client.call("DELETE", f"{PATH}/a").json["metadata"]["deletionGracePeriodSeconds"]


def test_a_delete_may_insist_on_the_uid(store: Store, client: Client) -> None:
    uid = store.create(PODS, pod("a", namespace="default")).item["metadata"]["uid"]

    assert 409 == client.call("DELETE", f"{PATH}/a", {"preconditions": {"uid": "other"}}).code
    assert 200 == client.call("DELETE", f"{PATH}/a", {"preconditions": {"uid": uid}}).code


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b"{", 400, "couldn't get version/kind; json parse error: "),
        (b"[]", 400, "couldn't get version/kind; json parse error: "),
        (manifest(kind="Node"), 400, 'the API version in the data ("v1, Kind=Node") does not match "v1"'),
        (manifest(metadata=[]), 400, "json: cannot unmarshal"),
        (manifest(metadata={}), 422, 'Pod "" is invalid: metadata.name: Required value: name or generateName'),
        (
            manifest(metadata={"name": "a", "namespace": "other"}),
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (manifest("taken"), 409, 'pods "taken" already exists'),
        (b"[" * 100_000, 400, "couldn't get version/kind; json parse error: "),
        (manifest("../../etc"), 422, 'Pod "../../etc" is invalid: metadata.name: Invalid value: '),
        (manifest("Upper"), 422, 'Pod "Upper" is invalid: metadata.name: Invalid value: '),
        (manifest("a." + "b" * 300), 422, 'Pod "a.bbbb'),
        (manifest(metadata={"name": 7}), 422, 'Pod "7" is invalid: metadata.name: Invalid value: 7: a lowercase RFC'),
    ],
)
def test_a_pod_that_cannot_be_created_is_refused(
    store: Store, client: Client, body: Any, code: int, message: str
) -> None:
    store.create(PODS, pod("taken", namespace="default"))
    reply = client.call("POST", PATH, body)

    assert (code, message) == (reply.code, reply.json["message"][: len(message)])


def test_a_missing_namespace_is_not_made_for_a_client(client: Client) -> None:
    reply = client.call("POST", "/api/v1/namespaces/none/pods", manifest(metadata={"name": "a"}))

    assert (404, 'namespaces "none" not found') == (reply.code, reply.json["message"])


def test_yaml_is_understood(client: Client) -> None:
    body = b"kind: Pod\nmetadata: {name: y}\nspec: {containers: [{name: c, image: i}]}\n"

    assert 201 == client.call("POST", PATH, body, {"Content-Type": "application/yaml"}).code
    assert 400 == client.call("POST", PATH, b"a: [", {"Content-Type": "application/yaml"}).code


def test_another_media_type_is_not_understood(client: Client) -> None:
    reply = client.call("POST", PATH, b"k8s", {"Content-Type": "application/vnd.kubernetes.protobuf"})

    assert (415, "UnsupportedMediaType") == (reply.code, reply.json["reason"])


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_dry_run_is_refused_and_changes_nothing(store: Store, client: Client, method: str) -> None:
    store.create(PODS, pod("a", namespace="default"))
    version = store.version
    path = f"{PATH}/a" if method == "DELETE" else PATH

    assert 400 == client.call(method, f"{path}?dryRun=All", manifest()).code
    assert version == store.version


@pytest.mark.parametrize(
    ("method", "path", "named"),
    [
        ("PUT", f"{PATH}/a", "(not simulated: update of pods)"),
        ("PATCH", "/api/v1/namespaces/default", "(not simulated: patch of namespaces)"),
        ("DELETE", PATH, "(not simulated: deletecollection of pods)"),
        ("POST", "/api/v1/pods", ""),
        ("POST", "/api/v1/nodes", "(not simulated: create of nodes)"),
        ("DELETE", "/api/v1/nodes/n1", "(not simulated: delete of nodes)"),
    ],
)
def test_other_changes_are_not_allowed_and_are_named(client: Client, method: str, path: str, named: str) -> None:
    reply = client.call(method, path, manifest())

    assert (405, "MethodNotAllowed") == (reply.code, reply.json["reason"])
    assert reply.json["message"].endswith(named or "on the requested resource")


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("Content-Length", str(3 * 1024 * 1024 + 1), 413),
        ("Transfer-Encoding", "chunked", 411),
        ("Content-Length", "x", 411),
    ],
)
def test_a_body_that_is_too_large_or_of_unknown_length_is_refused(
    client: Client, header: str, value: str, code: int
) -> None:
    """The real server takes three mebibytes; chunks it would take, but no client of pods sends any."""
    connection = client.connect()
    connection.putrequest("POST", PATH)
    connection.putheader(header, value)
    connection.endheaders()
    response = connection.getresponse()

    assert (code, "close") == (response.status, response.getheader("Connection"))
    response.close()
    connection.close()


def test_a_listener_that_fails_is_a_500_and_the_server_goes_on(
    server: ApiServer, store: Store, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(_: Event) -> None:
        raise RuntimeError("the simulated kubelet is broken")

    store.subscribe(break_down)

    assert 500 == client.call("POST", PATH, manifest()).code
    assert 200 == client.get("/api/v1/pods").code
    assert "sim.api_request_failed" in caplog.text
    assert 1 == server.requests.count("create", code=500)

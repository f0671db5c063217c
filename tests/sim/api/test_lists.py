"""Lists: resource versions, pagination, and older versions."""

import base64
import json

import pytest
from api_rig import Client, names, pod

from podres_exporter.sim.api import NODES, PODS, RESOURCE_CLAIMS, RESOURCE_SLICES, Store

TOO_OLD = "The provided continue parameter is too old to display a consistent list result."


@pytest.fixture
def three(store: Store) -> list[str]:
    for name in ("c", "a", "b"):
        store.create(PODS, pod(name))
    return ["a", "b", "c"]


@pytest.mark.parametrize("version", ["", "resourceVersion=0", "resourceVersion=4", "resourceVersion=2"])
def test_a_list_is_sorted_and_has_the_latest_version(
    store: Store, client: Client, three: list[str], version: str
) -> None:
    """Version 0 is "whatever you have", a number "not older than"; both get the present here."""
    listed = client.get(f"/api/v1/pods?{version}").json

    assert three == names(listed["items"])
    assert ("PodList", "v1", {"resourceVersion": str(store.version)}) == (
        listed["kind"],
        listed["apiVersion"],
        listed["metadata"],
    )


def test_objects_in_a_list_do_not_repeat_their_kind(client: Client, three: list[str]) -> None:
    items = client.get("/api/v1/pods").json["items"]

    assert len(three) == len(items)
    assert not any("kind" in item or "apiVersion" in item for item in items)


def test_a_namespaced_list_has_only_that_namespace(store: Store, client: Client) -> None:
    store.create(PODS, pod("a", namespace="one"))
    store.create(PODS, pod("b", namespace="two"))

    assert ["b"] == names(client.get("/api/v1/namespaces/two/pods").json["items"])
    assert [] == client.get("/api/v1/namespaces/none/pods").json["items"]


def test_with_version_0_the_limit_is_ignored(client: Client, three: list[str]) -> None:
    listed = client.get("/api/v1/pods?resourceVersion=0&limit=1").json

    assert three == names(listed["items"])
    assert "continue" not in listed["metadata"]


def test_pages_show_the_state_of_the_first_one(store: Store, client: Client, three: list[str]) -> None:
    """What changes between two pages is not seen (API concepts, "Retrieving large results sets in chunks")."""
    first = client.get("/api/v1/pods?limit=2").json
    store.delete(PODS, "ml", "c")
    second = client.get(f"/api/v1/pods?limit=2&continue={first['metadata']['continue']}").json

    assert three == names(first["items"]) + names(second["items"])
    assert 1 == first["metadata"]["remainingItemCount"]
    assert {"resourceVersion": first["metadata"]["resourceVersion"]} == second["metadata"]


def test_with_a_selector_nobody_says_how_many_remain(client: Client, three: list[str]) -> None:
    metadata = client.get("/api/v1/pods?limit=1&fieldSelector=spec.nodeName%3Dn1").json["metadata"]

    assert three
    assert "continue" in metadata
    assert "remainingItemCount" not in metadata


def test_a_token_after_compaction_is_gone_and_brings_one_for_the_present(
    store: Store, client: Client, three: list[str]
) -> None:
    """HTTP 410, and in the Status a token to go on inconsistently (storage/etcd3 handleCompactedErrorForPaging)."""
    token = client.get("/api/v1/pods?limit=1").json["metadata"]["continue"]
    store.delete(PODS, "ml", "b")
    store.compact()
    gone = client.get(f"/api/v1/pods?limit=1&continue={token}")
    rest = client.get(f"/api/v1/pods?limit=5&continue={gone.json['metadata']['continue']}").json

    assert (410, "Expired") == (gone.code, gone.json["reason"])
    assert gone.json["message"].startswith(TOO_OLD)
    assert [three[2]] == names(rest["items"])


def test_a_version_from_the_future_is_a_timeout_with_a_second_to_wait(store: Store, client: Client) -> None:
    reply = client.get("/api/v1/pods?resourceVersion=1000")

    assert (504, "1") == (reply.code, reply.headers["retry-after"])
    assert f"Timeout: Too large resource version: 1000, current: {store.version}" == reply.json["message"]
    assert {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    } == reply.json["details"]


def test_exactly_a_version_is_the_past(store: Store, client: Client, three: list[str]) -> None:
    version = store.version
    store.delete(PODS, "ml", "a")
    path = f"/api/v1/pods?resourceVersion={version}&resourceVersionMatch=Exact"

    assert three == names(client.get(path).json["items"])
    store.compact()
    assert (410, "The resourceVersion for the provided list is too old.") == (
        client.get(path).code,
        client.get(path).json["message"],
    )


def _token(**content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("resourceVersion=x", 400, 'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": '),
        ("limit=x", 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("continue=!", 400, "continue key is not valid: "),
        (f"continue={_token(rv=1)}", 400, "continue key is not valid: "),
        (f"continue={_token(rv=1, start=2)}", 400, "continue key is not valid: "),
        (
            f"resourceVersion=3&continue={_token(rv=1, start='a/b')}",
            400,
            "specifying resource version is not allowed when using continue",
        ),
        (f"continue={_token(rv=99, start='a/b')}", 504, "Timeout: Too large resource version: 99"),
        (
            "resourceVersionMatch=Exact",
            422,
            (
                'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is '
                "forbidden unless resourceVersion is provided"
            ),
        ),
        ("resourceVersion=0&resourceVersionMatch=Exact", 422, 'ListOptions.meta.k8s.io "" is invalid: '),
        ("resourceVersion=1&resourceVersionMatch=Any", 422, 'ListOptions.meta.k8s.io "" is invalid: '),
        ("resourceVersionMatch=Exact&continue=x", 422, 'ListOptions.meta.k8s.io "" is invalid: ['),
        ("sendInitialEvents=true", 422, 'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: '),
    ],
)
def test_options_that_make_no_sense_are_refused(client: Client, query: str, code: int, message: str) -> None:
    reply = client.get(f"/api/v1/pods?{query}")

    assert code == reply.code
    assert message == reply.json["message"][: len(message)]


def test_other_kinds_are_listed_and_got_too(store: Store, client: Client) -> None:
    store.create(NODES, {"metadata": {"name": "n1"}})
    store.create(RESOURCE_CLAIMS, {"metadata": {"name": "claim", "namespace": "ml"}})
    store.create(RESOURCE_SLICES, {"metadata": {"name": "slice"}, "spec": {"driver": "gpu.example.com"}})

    assert ["n1"] == names(client.get("/api/v1/nodes").json["items"])
    assert "Node" == client.get("/api/v1/nodes/n1").json["kind"]
    assert ["default", "ml"] == names(client.get("/api/v1/namespaces").json["items"])
    assert "Active" == client.get("/api/v1/namespaces/ml").json["status"]["phase"]
    assert ["claim"] == names(client.get("/apis/resource.k8s.io/v1/namespaces/ml/resourceclaims").json["items"])
    slices = client.get("/apis/resource.k8s.io/v1/resourceslices?fieldSelector=spec.driver%3Dgpu.example.com").json
    assert ("ResourceSliceList", ["slice"]) == (slices["kind"], names(slices["items"]))


def test_one_object_comes_whole(store: Store, client: Client, three: list[str]) -> None:
    path = f"/api/v1/namespaces/ml/pods/{three[0]}"

    assert store.get(PODS, "ml", "a") == client.get(path).json
    assert 200 == client.get(f"{path}?resourceVersion={store.version}").code
    assert 504 == client.get(f"{path}?resourceVersion=99").code


def test_an_object_that_does_not_exist_is_a_status(client: Client) -> None:
    reply = client.get("/api/v1/namespaces/ml/pods/none")

    assert 404 == reply.code
    assert {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'pods "none" not found',
        "reason": "NotFound",
        "details": {"name": "none", "kind": "pods"},
        "code": 404,
    } == reply.json


def test_another_group_is_named_in_the_text(client: Client) -> None:
    reply = client.get("/apis/resource.k8s.io/v1/resourceslices/none")

    assert 'resourceslices.resource.k8s.io "none" not found' == reply.json["message"]
    assert {"name": "none", "group": "resource.k8s.io", "kind": "resourceslices"} == reply.json["details"]

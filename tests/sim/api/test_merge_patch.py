"""Merge patches of pods and nodes."""

from typing import Any

import pytest
from api_rig import Client, Reply, pod

from podres_exporter.sim.api import NODES, PODS, Store

POD, NODE = "/api/v1/namespaces/default/pods/a", "/api/v1/nodes/n1"
MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"


@pytest.fixture(autouse=True)
def objects(store: Store) -> None:
    store.create(PODS, pod("a", namespace="default", labels={"app": "x", "old": "y"}))
    store.create(NODES, {"metadata": {"name": "n1"}, "spec": {}, "status": {"capacity": {"cpu": "4"}}})


def patch(client: Client, path: str, body: Any, kind: str = MERGE) -> Reply:
    return client.call("PATCH", path, body, {"Content-Type": kind})


@pytest.mark.parametrize("kind", [MERGE, STRATEGIC])
def test_labels_are_merged_and_null_removes(store: Store, client: Client, kind: str) -> None:
    uid = store.get(PODS, "default", "a")["metadata"]["uid"]
    body = {"metadata": {"labels": {"old": None, "new": "z"}, "annotations": {"n": "1"}, "uid": "other"}}
    reply = patch(client, POD, body, kind)

    assert 200 == reply.code
    metadata = store.get(PODS, "default", "a")["metadata"]
    assert ({"app": "x", "new": "z"}, {"n": "1"}, uid) == (metadata["labels"], metadata["annotations"], metadata["uid"])
    assert metadata == reply.json["metadata"]


def test_a_node_is_cordoned_and_its_status_is_none_of_a_patchs_business(store: Store, client: Client) -> None:
    patch(client, NODE, {"spec": {"unschedulable": True}, "status": {"capacity": {"cpu": "400"}}})
    node = store.get(NODES, "", "n1")

    assert ({"unschedulable": True}, {"cpu": "4"}) == (node["spec"], node["status"]["capacity"])


@pytest.mark.parametrize(
    ("path", "body", "kind", "code"),
    [
        (POD, {"spec": {"nodeName": "n2"}}, MERGE, 422),
        (POD, {"metadata": {"labels": {"a": "b"}, "resourceVersion": "1"}}, MERGE, 409),
        (POD, [{"op": "add"}], "application/json-patch+json", 415),
        (NODE, {"spec": {"taints": [{"key": "k"}]}}, STRATEGIC, 415),
        (NODE, {"spec": {"$retainKeys": ["x"]}}, STRATEGIC, 415),
        (POD.replace("/a", "/b"), {}, MERGE, 404),
    ],
)
def test_what_is_refused_changes_nothing(
    store: Store, client: Client, path: str, body: Any, kind: str, code: int
) -> None:
    version = store.version

    assert code == patch(client, path, body, kind).code
    assert version == store.version


def test_a_patch_that_changes_nothing_is_no_event(store: Store, client: Client) -> None:
    version = store.version

    assert 200 == patch(client, POD, {"metadata": {"labels": {"app": "x"}}}).code
    assert version == store.version

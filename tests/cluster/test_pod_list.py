"""Paginated lists of pods and nodes as the API server writes them."""

import json
from typing import Any

import pytest

from podres_exporter.cluster.pod_list import ListedPod, read_node_page, read_page
from podres_exporter.errors import ApiServerError, Reason


def page(*items: dict[str, Any], **metadata: str) -> bytes:
    return json.dumps({"kind": "PodList", "metadata": metadata, "items": items}).encode()


def only(**fields: Any) -> ListedPod:
    (found,) = read_page(page({"metadata": {"namespace": "m", "name": "a"}, **fields})).items or []
    return found


def test_what_matters_of_a_pod_is_read_and_the_rest_is_passed_over() -> None:
    pod = only(
        spec={"nodeName": "n1", "containers": [{"name": "c", "ports": [{"name": "metrics", "containerPort": 9}]}]},
        status={"phase": "Running", "startTime": "2026-01-01T00:00:00Z", "podIP": "10.0.0.1"},
    )
    (port,) = [port for each in pod.spec.containers or () for port in each.ports or ()]

    assert ("m", "a", "n1") == (pod.metadata.namespace, pod.metadata.name, pod.spec.node_name)
    assert ("metrics", 9) == (port.name, port.container_port)
    assert ("Running", "2026-01-01T00:00:00Z") == (pod.status.phase, pod.status.start_time)


def test_a_pod_that_says_nothing_is_not_ready_and_has_no_node() -> None:
    pod = only()

    assert ("", "", False, "") == (pod.spec.node_name, pod.status.phase, pod.is_ready, pod.unscheduled)


@pytest.mark.parametrize(
    ("kind", "status", "expected"), [("Ready", "True", True), ("Ready", "False", False), ("Initialized", "True", False)]
)
def test_ready_is_what_its_condition_says(kind: str, status: str, expected: bool) -> None:
    assert expected == only(status={"conditions": [{"type": kind, "status": status}]}).is_ready


@pytest.mark.parametrize(("node", "expected"), [("", "0/3 nodes are available"), ("n1", "")])
def test_why_a_pod_waits_is_told_while_no_node_has_it(node: str, expected: str) -> None:
    condition = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}

    assert expected == only(spec={"nodeName": node}, status={"conditions": [condition]}).unscheduled


def test_a_page_says_where_the_next_one_begins() -> None:
    """Go writes null for an empty list."""
    following = read_page(page(**{"continue": "abc"})).metadata.next_page

    assert "abc" == following
    assert read_page(b'{"items": null, "metadata": {"resourceVersion": "7"}}').items is None


def test_nodes_are_names() -> None:
    body = b'{"items": [{"metadata": {"name": "n1"}, "spec": {}}], "metadata": {}}'

    assert ["n1"] == [each.metadata.name for each in read_node_page(body).items or ()]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"items": {}}', b'{"items": [{}]}'])
def test_what_is_no_list_is_malformed(body: bytes) -> None:
    with pytest.raises(ApiServerError, match="bytes are not a list of pods") as of_pods:
        read_page(body)
    with pytest.raises(ApiServerError, match="bytes are not a list of nodes") as of_nodes:
        read_node_page(body)

    assert [Reason.MALFORMED] * 2 == [of_pods.value.reason, of_nodes.value.reason]

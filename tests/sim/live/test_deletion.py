"""Deletion with a grace period, seen through the API server and the kubelet's sockets."""

import http.client
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from live_bench import GPU, container, eventually, live_node, phases
from sim_client import LIST, ask, pods_in

from podres_exporter.sim.api import PODS, Event
from podres_exporter.sim.live import LiveNode

HOOK = {"lifecycle": {"preStop": {"sleep": {"seconds": 20}}}}


def pod(name: str, *, sleeps: bool = False, gpu: int = 0) -> dict[str, Any]:
    main = {**container(gpu=gpu), "image": "i", **(HOOK if sleeps else {})}
    return {"metadata": {"namespace": "default", "name": name}, "spec": {"containers": [main]}}


def delete(node: LiveNode, name: str, **options: Any) -> tuple[int, Any]:
    """Delete a pod over HTTP."""
    connection = http.client.HTTPConnection(node.api.url.removeprefix("http://"), timeout=60)
    try:
        body = json.dumps({"kind": "DeleteOptions", **options})
        connection.request(
            "DELETE", f"/api/v1/namespaces/default/pods/{name}", body, {"Content-Type": "application/json"}
        )
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def listed(node: LiveNode) -> list[str]:
    return pods_in(ask(node.socket_path, LIST))


def test_watchers_see_the_deletion_then_the_end_then_that_it_has_gone(short_dir: Path) -> None:
    """Measured on 1.36.3: MODIFIED with deletionTimestamp, MODIFIED with a terminal phase, DELETED."""
    seen: list[tuple[str, bool, str]] = []

    def look(event: Event) -> None:
        if event.resource is PODS:
            metadata = event.item["metadata"]
            seen.append((event.type, "deletionTimestamp" in metadata, event.item["status"]["phase"]))

    with live_node(short_dir) as (node, _):
        node.create(pod("a"))
        node.store.subscribe(look)
        code, answer = delete(node, "a")
        node.settle()

        assert (200, "a", 30) == (code, answer["metadata"]["name"], answer["metadata"]["deletionGracePeriodSeconds"])
        assert [("MODIFIED", True, "Running"), ("MODIFIED", True, "Succeeded"), ("DELETED", True, "Succeeded")] == seen
        assert [] == listed(node)


def test_while_its_hook_sleeps_a_pod_runs_is_listed_and_holds_its_device(short_dir: Path) -> None:
    """And no other pod gets the device: the next pod waits until the first is deleted."""
    with live_node(short_dir) as (node, _):
        node.create(pod("a", sleeps=True, gpu=2))
        delete(node, "a")
        node.create(pod("b", gpu=1))
        during = phases(node)

        assert {"a": "Running", "b": "Pending"} == during
        assert "deletionTimestamp" in node.store.get(PODS, "default", "a")["metadata"]
        assert ["a"] == listed(node)
        assert 2 == len([each for held in node.pods.held(_uid(node, "a")) for each in held.devices])

        delete(node, "a", gracePeriodSeconds=0)
        node.settle()

        assert {"b": "Running"} == phases(node)
        assert ["b"] == listed(node)


def test_a_hook_ends_with_the_grace_period(short_dir: Path) -> None:
    """A period of one second leaves the container the kubelet's minimum of two."""
    with live_node(short_dir) as (node, _):
        node.create(pod("a", sleeps=True))
        delete(node, "a", gracePeriodSeconds=1)
        node.settle()
        during = phases(node)

        assert {"a": "Running"} == during
        assert eventually(lambda: {} == phases(node))


def test_a_pod_that_is_deleted_while_its_kubelet_hears_nothing_ends_when_it_hears_again(short_dir: Path) -> None:
    """A half-open API server, or a kubelet that is away: Terminating for as long as that lasts."""
    with live_node(short_dir) as (node, _):
        node.create(pod("a"))
        node.cut_kubelet_off()
        delete(node, "a")
        node.settle()
        during = (phases(node), listed(node))
        node.reconnect_kubelet()
        node.settle()

        assert ({"a": "Running"}, ["a"]) == during
        assert ({}, []) == (phases(node), listed(node))


def test_a_restarted_kubelet_ends_what_was_ending_and_admits_nothing_that_is_deleted(short_dir: Path) -> None:
    with live_node(short_dir) as (node, _):
        node.create(pod("a", sleeps=True))
        delete(node, "a")
        node.restart_kubelet()
        node.settle()
        during = listed(node)
        delete(node, "a", gracePeriodSeconds=0)
        node.settle()

        assert ["a"] == during
        assert [] == listed(node)


@pytest.mark.parametrize("release", [29, 36])
def test_a_deleted_pod_gives_back_what_it_held(short_dir: Path, release: int) -> None:
    with live_node(short_dir, release=release) as (node, _):
        for number in range(3):
            node.create(pod(f"a{number}", gpu=2))
            assert "Running" == phases(node)[f"a{number}"]
            delete(node, f"a{number}")
            node.settle()

        assert {} == phases(node)
        assert {"GPU-0", "GPU-1"} == set(node.devices.healthy()[GPU])


def test_two_deletions_at_once_end_a_pod_once(short_dir: Path) -> None:
    with live_node(short_dir) as (node, _):
        node.create(pod("a"))
        codes: list[int] = []
        threads = [threading.Thread(target=lambda: codes.append(delete(node, "a")[0])) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        node.settle()

        assert {} == phases(node)
        assert 200 in codes
        assert {200, 404} >= set(codes)


def _uid(node: LiveNode, name: str) -> str:
    return str(node.store.get(PODS, "default", name)["metadata"]["uid"])

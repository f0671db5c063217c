"""Server-side tables for kubectl."""

from datetime import UTC, datetime
from typing import Any

import pytest
from api_rig import Client, pod
from fake_clock import FakeClock

from podres_exporter.sim.api import NODES, PODS, RESOURCE_CLAIMS, RESOURCE_SLICES, Resource, Store
from podres_exporter.sim.api.tables.pod_cells import PodCells, age, pod_cells
from podres_exporter.sim.api.tables.rows import as_table

TABLE = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)
NOW = 1_700_000_000.0

RUNNING: dict[str, Any] = {"name": "main", "ready": True, "restartCount": 0, "state": {"running": {}}}
DONE: dict[str, Any] = {"name": "init", "restartCount": 1, "state": {"terminated": {"exitCode": 0}}}


def ended(**terminated: Any) -> dict[str, Any]:
    return {"name": "main", "state": {"terminated": terminated}}


def waiting(reason: str, name: str = "main") -> dict[str, Any]:
    return {"name": name, "state": {"waiting": {"reason": reason}}}


def status(*containers: dict[str, Any], init: tuple[dict[str, Any], ...] = (), **rest: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "main"}], "initContainers": [{"name": each["name"]} for each in init]},
        "status": {"phase": "Running", "containerStatuses": containers, "initContainerStatuses": init, **rest},
    }


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (status(phase="Pending"), PodCells("0/1", "Pending", "0")),
        (status(RUNNING), PodCells("1/1", "Running", "0")),
        (status({**RUNNING, "ready": False}), PodCells("0/1", "Running", "0")),
        (status(waiting("ContainerCreating"), phase="Pending"), PodCells("0/1", "ContainerCreating", "0")),
        (status(ended(reason="Completed"), phase="Succeeded"), PodCells("0/1", "Completed", "0")),
        (status(ended(exitCode=3), phase="Failed"), PodCells("0/1", "ExitCode:3", "0")),
        (status(ended(signal=9), phase="Failed"), PodCells("0/1", "Signal:9", "0")),
        (status(phase="Failed", reason="Evicted"), PodCells("0/1", "Evicted", "0")),
        (status(phase="Failed", reason="UnexpectedAdmissionError"), PodCells("0/1", "UnexpectedAdmissionError", "0")),
        (status(ended(reason="Completed"), RUNNING), PodCells("1/1", "NotReady", "0")),
        (
            status(ended(reason="Completed"), RUNNING, conditions=[{"type": "Ready", "status": "True"}]),
            PodCells("1/1", "Running", "0"),
        ),
        (
            status(conditions=[{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]),
            PodCells("0/1", "SchedulingGated", "0"),
        ),
        (status(init=(DONE, waiting("PodInitializing", "second"))), PodCells("0/1", "Init:1/2", "1")),
        (status(init=(waiting("ImagePullBackOff", "i"),)), PodCells("0/1", "Init:ImagePullBackOff", "0")),
        (
            status(init=({"name": "i", "state": {"terminated": {"exitCode": 1}}},)),
            PodCells("0/1", "Init:ExitCode:1", "0"),
        ),
        (status(RUNNING, init=(DONE,)), PodCells("1/1", "Running", "0")),
        (
            status({**RUNNING, "restartCount": 2, "lastState": {"terminated": {"finishedAt": "2023-11-14T22:08:20Z"}}}),
            PodCells("1/1", "Running", "2 (5m ago)"),
        ),
    ],
)
def test_a_pods_cells_are_those_of_kubectl(item: dict[str, Any], expected: PodCells) -> None:
    """printPod: the reason of the first container that has one, else of the pod, else its phase."""
    assert expected == pod_cells(item, NOW)


def test_a_sidecar_counts_as_a_container() -> None:
    sidecar = {"name": "side", "started": True, "ready": True, "restartCount": 3, "state": {"running": {}}}
    item = status(RUNNING, init=(sidecar,))
    item["spec"]["initContainers"][0]["restartPolicy"] = "Always"

    assert PodCells("2/2", "Running", "3") == pod_cells(item, NOW)


@pytest.mark.parametrize(
    ("phase", "reason", "expected"),
    [("Running", "", "Terminating"), ("Failed", "", "Failed"), ("Running", "NodeLost", "Unknown")],
)
def test_a_pod_that_is_being_deleted_says_so(phase: str, reason: str, expected: str) -> None:
    item = status(phase=phase, reason=reason)
    item["metadata"]["deletionTimestamp"] = "2023-11-14T22:13:20Z"

    assert expected == pod_cells(item, NOW).status


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (200, "3m20s"),
        (600, "10m"),
        (10799, "179m"),
        (10800, "3h"),
        (26100, "7h15m"),
        (100000, "27h"),
        (172800, "2d"),
        (183600, "2d3h"),
        (86400 * 400, "400d"),
        (86400 * 740, "2y10d"),
        (86400 * 3650, "10y"),
    ],
)
def test_ages_have_two_or_three_digits(seconds: float, expected: str) -> None:
    """util/duration.HumanDuration."""
    created = datetime.fromtimestamp(10**9, UTC).isoformat()

    assert expected == age(created, 10**9 + seconds)


@pytest.mark.parametrize(
    ("resource", "item", "expected"),
    [
        (
            NODES,
            {
                "metadata": {"name": "n1", "labels": {"node-role.kubernetes.io/gpu": "", "a": "b"}},
                "spec": {"unschedulable": True},
                "status": {
                    "conditions": [{"type": "Ready", "status": "True"}],
                    "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
                    "nodeInfo": {"kubeletVersion": "v1.36.3", "osImage": "Debian"},
                },
            },
            "n1 Ready,SchedulingDisabled gpu <unknown> v1.36.3 10.0.0.1 <none> Debian <unknown> <unknown>",
        ),
        (
            NODES,
            {"metadata": {"name": "n1"}, "status": {"conditions": [{"type": "Ready", "status": "False"}]}},
            "n1 NotReady <none> <unknown>  <none> <none> <unknown> <unknown> <unknown>",
        ),
        (RESOURCE_CLAIMS, {"metadata": {"name": "c"}}, "c pending <unknown>"),
        (
            RESOURCE_CLAIMS,
            {"metadata": {"name": "c"}, "status": {"allocation": {}, "reservedFor": [{"name": "p"}]}},
            "c allocated,reserved <unknown>",
        ),
        (
            RESOURCE_SLICES,
            {"metadata": {"name": "s"}, "spec": {"nodeName": "n1", "driver": "d", "pool": {"name": "pool"}}},
            "s n1 d pool <unknown>",
        ),
    ],
)
def test_other_kinds_have_their_columns(resource: Resource, item: dict[str, Any], expected: str) -> None:
    table = as_table(resource, [item], {}, NOW)

    assert expected == " ".join(table["rows"][0]["cells"])
    assert len(table["columnDefinitions"]) == len(table["rows"][0]["cells"])


def test_a_list_as_a_table_has_the_wide_columns_marked(store: Store, clock: FakeClock, client: Client) -> None:
    store.create(PODS, pod("a"))
    clock.advance(65)
    table = client.get("/api/v1/pods", Accept=TABLE).json

    assert ("Table", "meta.k8s.io/v1", str(store.version)) == (
        table["kind"],
        table["apiVersion"],
        table["metadata"]["resourceVersion"],
    )
    assert ["Name", "Ready", "Status", "Restarts", "Age"] == [
        each["name"] for each in table["columnDefinitions"] if each["priority"] == 0
    ]
    assert ["a", "0/1", "Running", "0", "65s", "<none>", "n1", "<none>", "<none>"] == table["rows"][0]["cells"]
    assert "PartialObjectMetadata" == table["rows"][0]["object"]["kind"]


@pytest.mark.parametrize(
    ("include", "expected"), [("None", None), ("Object", "Pod"), ("Metadata", "PartialObjectMetadata")]
)
def test_a_row_has_as_much_of_its_object_as_was_asked_for(
    store: Store, client: Client, include: str, expected: str | None
) -> None:
    store.create(PODS, pod("a"))
    table = client.get(f"/api/v1/namespaces/ml/pods/a?includeObject={include}", Accept=TABLE).json

    assert expected == table["rows"][0].get("object", {}).get("kind")


def test_a_watch_sends_tables_of_one_row(store: Store, clock: FakeClock, client: Client) -> None:
    path = "/api/v1/pods?resourceVersion=1&allowWatchBookmarks=true"
    with client.watch(path, Accept=TABLE) as stream:
        store.create(PODS, pod("a"))
        kind, table = stream.event()
        clock.advance(60)
        bookmark, empty = stream.event()

        assert ("ADDED", "Table", "a") == (kind, table["kind"], table["rows"][0]["cells"][0])
        assert ("BOOKMARK", [], str(store.version)) == (bookmark, empty["rows"], empty["metadata"]["resourceVersion"])


@pytest.mark.parametrize(
    ("accept", "code", "kind"),
    [
        ("", 200, "PodList"),
        ("*/*", 200, "PodList"),
        ("application/vnd.kubernetes.protobuf, application/json", 200, "PodList"),
        ("application/json;as=Table;v=v1beta1;g=meta.k8s.io, application/json", 200, "PodList"),
        ("application/vnd.kubernetes.protobuf", 406, "Status"),
        ("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", 406, "Status"),
    ],
)
def test_what_the_server_cannot_write_is_passed_over(client: Client, accept: str, code: int, kind: str) -> None:
    reply = client.get("/api/v1/pods", Accept=accept)

    assert (code, kind) == (reply.code, reply.json["kind"])

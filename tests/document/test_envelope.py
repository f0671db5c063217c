"""The whole document: round trips, other versions, and rejected input."""

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml
from document_samples import everything

from podres_exporter.document import API_VERSION, KIND, decode, encode
from podres_exporter.errors import DocumentError, DocumentVersionError
from podres_exporter.join import Joiner
from podres_exporter.model import (
    Allocatable,
    Container,
    ContainerKind,
    ContainerSpec,
    Device,
    Listing,
    Metadata,
    Part,
    Pod,
    PodMeta,
    RpcSupport,
    Snapshot,
    SourceHealth,
    Support,
    Topology,
    Usage,
)

NOON_SECONDS = 1_795_176_000.25
GPUS = (Device("nvidia.com/gpu", "GPU-1", frozenset({0})), Device("nvidia.com/gpu", "GPU-2", frozenset({1})))


def document(snapshot: Snapshot) -> Any:
    return encode(snapshot, generated_at_seconds=NOON_SECONDS, version="1.2.3")


def one_gpu() -> Snapshot:
    """Return a node with two GPUs, one of them and two CPUs held by a pod."""
    pod = Pod("ml", "train-0", (Container("main", GPUS[:1], frozenset({2, 3})),))
    spec = ContainerSpec("main", ContainerKind.APP, (("nvidia.com/gpu", 1),), 2000)
    meta = PodMeta("ml", "train-0", "6a1f", "Running", qos_class="Guaranteed", has_started=True, containers=(spec,))
    metadata = Metadata({meta.key: meta}, synced=True, is_up=True, last_success_seconds=NOON_SECONDS)
    topology = Topology({0: frozenset(range(4)), 1: frozenset(range(4, 8))})
    return Snapshot(
        "gpu-node-1",
        Joiner().join(Listing((pod,)), Allocatable(GPUS, frozenset(range(1, 8)), ()), topology, metadata),
        metadata,
        (SourceHealth("kubelet", True, NOON_SECONDS),),
        (RpcSupport("Get", Support.SUPPORTED),),
        (Part("pods", stale=False, held=False),),
        Usage({("ml", "nvidia.com/gpu"): 30.0}, {"ml": 60.0}),
    )


def test_a_pod_with_one_gpu_reads_like_this() -> None:
    """The whole shape at a glance."""
    actual = document(one_gpu())

    moment = "2026-11-20T12:00:00.25Z"
    assert {
        "apiVersion": "podres/v1",
        "kind": "PodResourcesSnapshot",
        "generatedAt": moment,
        "exporter": {"version": "1.2.3"},
        "node": "gpu-node-1",
        "status": {
            "allocation": {"available": True},
            "sources": [{"source": "kubelet", "up": True, "lastSuccess": moment}],
            "rpcs": [{"rpc": "Get", "support": "supported"}],
            "parts": [{"part": "pods", "stale": False, "held": False}],
            "metadata": {"synced": True, "up": True, "away": False, "lastSuccess": moment},
        },
        "topology": {"nodes": [{"node": 0, "cpus": "0-3"}, {"node": 1, "cpus": "4-7"}], "cores": []},
        "pods": [
            {
                "namespace": "ml",
                "name": "train-0",
                "metadata": {
                    "uid": "6a1f",
                    "phase": "Running",
                    "qosClass": "Guaranteed",
                    "terminal": False,
                    "deleting": False,
                    "started": True,
                    "podLevelResources": False,
                    "containers": [
                        {"name": "main", "kind": "app", "devices": {"nvidia.com/gpu": 1}, "cpuMillicores": 2000}
                    ],
                },
                "containers": [
                    {
                        "name": "main",
                        "devices": [{"resource": "nvidia.com/gpu", "id": "GPU-1", "numaNodes": [0]}],
                        "exclusiveCpus": "2-3",
                        "memory": [],
                        "claims": [],
                        "alignment": {
                            "verdict": "aligned",
                            "numaNodes": [0],
                            "reasons": [
                                {"resource": "cpu", "count": 2, "needs": "every", "numaNodes": [0]},
                                {"resource": "nvidia.com/gpu", "count": 1, "needs": "any", "numaNodes": [0]},
                            ],
                        },
                    }
                ],
                "requests": [
                    {"container": "main", "resource": "nvidia.com/gpu", "requested": 1, "held": 1, "missing": 0},
                    {"container": "main", "resource": "cpu", "requested": 2, "held": 2, "missing": 0},
                ],
            }
        ],
        "stock": {
            "devices": [
                {
                    "resource": "nvidia.com/gpu",
                    "numaNodes": [0],
                    "allocatable": ["GPU-1"],
                    "held": ["GPU-1"],
                    "free": [],
                    "heldButUnallocatable": [],
                },
                {
                    "resource": "nvidia.com/gpu",
                    "numaNodes": [1],
                    "allocatable": ["GPU-2"],
                    "held": [],
                    "free": ["GPU-2"],
                    "heldButUnallocatable": [],
                },
            ],
            "cpus": {"allocatable": "1-7", "exclusive": "2-3", "sharedPool": "1,4-7"},
            "memory": [],
        },
        "usage": {
            "devices": [{"namespace": "ml", "resource": "nvidia.com/gpu", "held": 1, "deviceSeconds": 30.0}],
            "exclusiveCpus": [{"namespace": "ml", "held": 2, "cpuSeconds": 60.0}],
        },
        "skippedPods": {"duplicate_name": 0, "terminal": 0},
        "otherPods": [],
    } == actual


@pytest.mark.parametrize("snapshot", [one_gpu(), everything(), everything().expired(), Snapshot("n1", None)])
def test_a_document_goes_through_json_and_yaml_unharmed(snapshot: Snapshot) -> None:
    """Moments, numbers in quotes and empty texts are what YAML likes to take for something else."""
    as_json = json.loads(json.dumps(document(snapshot), allow_nan=False))
    as_yaml = yaml.safe_load(yaml.safe_dump(document(snapshot), sort_keys=False))

    assert snapshot == decode(as_json)
    assert snapshot == decode(as_yaml)


def test_a_document_as_yaml_repeats_nothing_by_alias() -> None:
    """`&id001` is for machines: no list or mapping may stand in the document twice."""
    assert "&id" not in yaml.safe_dump(document(everything()))


def test_without_an_allocation_what_needs_one_is_absent() -> None:
    """Unavailable is never empty; the pods of the API server are still told."""
    actual = document(everything().expired())

    assert {"topology", "pods", "stock", "skippedPods"}.isdisjoint(actual)
    assert ["train-0", "train-1"] == [pod["name"] for pod in actual["otherPods"]]


def test_a_node_without_pods_has_an_empty_list_of_them() -> None:
    """Not the same as one of which nothing is known."""
    snapshot = Snapshot("n1", Joiner().join(Listing(()), None, None))

    assert [] == document(snapshot)["pods"]
    assert snapshot == decode(document(snapshot))


def test_keys_of_a_newer_release_are_passed_over() -> None:
    """A major version stays readable while keys are only added; where keys are the cluster's own names, none can be."""
    of_names = {"labels", "claims", "devices", "memoryBytes", "skippedPods", "unread"}

    def enriched(value: Any, key: str = "") -> Any:
        if isinstance(value, list):
            return [enriched(item) for item in value]
        if isinstance(value, dict) and key not in of_names:
            return {"later": {"x": [1]}, **{name: enriched(inner, name) for name, inner in value.items()}}
        return value

    assert everything() == decode(enriched(document(everything())))


def test_a_reason_of_a_newer_release_is_passed_over() -> None:
    """Why a cgroup could not be compared is a label of a metric of this release."""
    found = document(everything())
    found["cpusetDrift"]["unread"]["moon_phase"] = 1

    assert everything() == decode(found)


def test_null_reads_as_absent() -> None:
    """Some tools write it where we write nothing."""
    found = document(replace(one_gpu(), metadata=None))
    found |= {"otherPods": None, "topology": {**found["topology"], "cores": [{"cpus": "0", "core": None}]}}
    found["status"]["metadata"] = None

    assert decode(found).metadata is None


@pytest.mark.parametrize(
    ("version", "remedy"),
    [
        ("podres/v2", "written by a newer podres-exporter; upgrade this one"),
        ("podres/v0", "written by an older podres-exporter; upgrade that one"),
    ],
)
def test_another_major_version_names_both_and_the_remedy(version: str, remedy: str) -> None:
    """Whatever else such a document may look like."""
    with pytest.raises(DocumentVersionError) as caught:
        decode({"apiVersion": version, "kind": "Something"})

    assert (version, API_VERSION) == (caught.value.stated, caught.value.readable)
    assert f"apiVersion: is {version} and this release reads podres/v1: {remedy}" == str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "document: is a list; must be a mapping"),
        ({}, "apiVersion: is missing"),
        ({"apiVersion": "v1", "kind": "List"}, "apiVersion: is 'v1'; a snapshot has podres/v1"),
        ({"apiVersion": "podres/v1beta1", "kind": KIND}, "apiVersion: is 'podres/v1beta1'; a snapshot has podres/v1"),
        ({"apiVersion": API_VERSION, "kind": "List"}, "kind: is 'List'; a snapshot has PodResourcesSnapshot"),
        ({"apiVersion": API_VERSION, "kind": KIND}, "node: is missing"),
    ],
)
def test_what_is_no_snapshot_is_refused(content: object, message: str) -> None:
    """A file of something else, such as the answer of an API server."""
    with pytest.raises(DocumentError) as caught:
        decode(content)

    assert message == str(caught.value)
    assert not isinstance(caught.value, DocumentVersionError)


def test_a_pod_list_without_stock_is_malformed() -> None:
    """An allocation is there as a whole or not at all."""
    found = document(one_gpu())
    del found["stock"]

    with pytest.raises(DocumentError, match=r"^stock: is missing$"):
        decode(found)

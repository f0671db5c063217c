"""Pod metadata in the document."""

from document_samples import everything
from msgspec import to_builtins

from podres_exporter.document.faults import read
from podres_exporter.document.metadata import PodMetadataRecord, read_meta, write_meta
from podres_exporter.model import ContainerKind, ContainerSpec, PodMeta


def test_what_is_not_stated_is_absent() -> None:
    """An empty text would look like knowledge."""
    meta = PodMeta("ml", "a", "1", containers=(ContainerSpec("main", ContainerKind.SIDECAR),))

    written = to_builtins(write_meta(meta))

    assert {
        "uid": "1",
        "terminal": False,
        "deleting": False,
        "started": False,
        "podLevelResources": False,
        "containers": [{"name": "main", "kind": "sidecar"}],
    } == written
    assert meta == read(written, PodMetadataRecord, lambda record: read_meta(record, meta.key))


def test_half_of_an_owner_is_still_told() -> None:
    meta = PodMeta("ml", "a", "1", owner_kind="Node", workload_name="x", extended_claim="c")

    written = to_builtins(write_meta(meta))

    assert ({"kind": "Node"}, {"name": "x"}, {"name": "c"}) == (
        written["owner"],
        written["workload"],
        written["extendedResourceClaim"],
    )
    assert meta == read(written, PodMetadataRecord, lambda record: read_meta(record, meta.key))


def test_everything_that_is_stated_stands_under_a_plain_name() -> None:
    metadata = everything().metadata
    assert metadata is not None
    meta = metadata.pods["ml", "train-0"]

    written = to_builtins(write_meta(meta))

    assert {
        "uid": "6a1f",
        "phase": "Running",
        "reason": "Odd",
        "message": "oddly so",
        "qosClass": "Guaranteed",
        "priorityClass": "high",
        "owner": {"kind": "ReplicaSet", "name": "train-5d"},
        "workload": {"kind": "Deployment", "name": "train"},
        "labels": {"example.com/app": "train"},
        "terminal": True,
        "deleting": True,
        "started": True,
        "mirror": True,
        "podLevelResources": True,
        "claims": {"gpu": "train-gpu"},
        "extendedResourceClaim": {
            "name": "train-extended",
            "requests": [{"container": "main", "resource": "example.com/nic"}],
        },
        "requests": {"cpuMillicores": 2500, "memoryBytes": 3 << 30},
        "pendingResize": "Deferred: node has not enough",
        "chosenDevices": {"annotation": "hami.io/vgpu-devices-allocated", "devices": ["GPU-1"]},
        "containers": [
            {"name": "setup", "kind": "init"},
            {
                "name": "main",
                "kind": "app",
                "devices": {"nvidia.com/gpu": 2},
                "cpuMillicores": 2000,
                "memoryBytes": {"memory": 1 << 30},
                "claims": [{"name": "gpu", "request": "big"}, {"name": "scratch"}],
                "deviceHealth": [
                    {
                        "name": "claim:gpu/big",
                        "resourceId": "example.com/gpu=0",
                        "health": "Unhealthy",
                        "message": "XID 79",
                    }
                ],
            },
        ],
    } == written
    assert meta == read(written, PodMetadataRecord, lambda record: read_meta(record, meta.key))

"""Protobuf pods of the Pods API decode to the same as the API server's JSON."""

from dataclasses import replace
from typing import Any

import pytest
from captures import CAPTURES
from pod_json import asking, owner_json, pod_json, to_bytes

from podres_exporter._proto import core_v1_pod_pb2 as core
from podres_exporter._proto import pods_v1alpha1_pb2 as pb
from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.model import PodKey, PodMeta
from podres_exporter.podmeta import DecodedPod, PodDecoder, PodError, decode_list
from podres_exporter.podsapi.events import Ended, Reported, Synced, Unknown, Unusable, decode_event
from podres_exporter.podsapi.pod_bytes import decode_pod
from podres_exporter.sim.podsapi.encode import pod_bytes

CAPTURE = CAPTURES / "podsapi-1.36"
DECODER = PodDecoder(LabelAllowlist(everything=True))

NAMELESS = b"\n\x00"
"""A pod whose metadata are there and empty."""


def recorded() -> dict[PodKey, PodMeta]:
    answer = pb.ListPodsResponse.FromString((CAPTURE / "list.bin").read_bytes())
    found = [decode_pod(data, DECODER).decoded for data in answer.pods]
    assert all(not each.problems for each in found)
    assert [("gpus",)] == [each.meta.unnamed_claims for each in found if each.meta.unnamed_claims]
    return {each.meta.key: as_json(each) for each in found}


def as_json(found: DecodedPod) -> PodMeta:
    """Return the metadata as the API server's JSON makes them, which tells of claims by the status."""
    return replace(found.meta, unnamed_claims=(), has_no_claim_status=False)


def of_apiserver() -> dict[PodKey, PodMeta]:
    listed = decode_list((CAPTURE / "pods-of-apiserver.json").read_bytes(), DECODER)
    return {each.meta.key: each.meta for each in listed.pods}


def test_a_recorded_kubelet_says_of_its_pods_what_the_api_server_says_but_for_claims_of_templates() -> None:
    """The kubelet replaces the status by its own, without resourceClaimStatuses and extendedResourceClaimStatus."""
    said, stored = recorded(), of_apiserver()
    template, extended = stored["default", "dra-template"], stored["default", "dra-extended"]

    assert (("gpus", "dra-template-gpus-cxs27"),) == template.claims
    assert extended.extended_claim
    assert stored == {
        **said,
        template.key: replace(said[template.key], claims=template.claims),
        extended.key: replace(
            said[extended.key],
            extended_claim=extended.extended_claim,
            extended_requests=extended.extended_requests,
            extended_names=extended.extended_names,
        ),
    }


PODS: dict[str, dict[str, Any]] = {
    "bare": pod_json(),
    "owner": pod_json(
        metadata={
            "labels": {"app": "web", "pod-template-hash": "abc"},
            "ownerReferences": [owner_json("Thing", "x", "v1", controller=False), owner_json("Job", "j", "batch/v1")],
            "annotations": {
                "hami.io/vgpu-devices-allocated": "GPU-1,NVIDIA,1000,10:;",
                "kubernetes.io/config.source": "api",
            },
            "deletionTimestamp": "2026-11-20T19:51:33Z",
        }
    ),
    "amounts": pod_json(
        asking(requests={"cpu": "1500m", "memory": "1Gi", "example.com/gpu": "2"}, limits={"hugepages-2Mi": "4Mi"}),
        asking("zero", requests={"cpu": "0"}),
        spec={
            "overhead": {"cpu": "250m"},
            "resources": {"requests": {"cpu": "4"}},
            "priorityClassName": "high",
            "nodeName": "n1",
            "initContainers": [
                {"name": "init", "resources": {"requests": {"cpu": "3"}}},
                {"name": "side", "restartPolicy": "Always", "resources": {"claims": [{"name": "a", "request": "r"}]}},
            ],
        },
        status={"qosClass": "Burstable", "startTime": "2026-11-20T19:51:33Z"},
    ),
    "malformed amount": pod_json(asking(requests={"cpu": "lots", "memory": "1Gi"})),
    "claims": pod_json(
        asking(claims=[{"name": "gpu"}, {"name": "made"}]),
        spec={
            "resourceClaims": [
                {"name": "gpu", "resourceClaimName": "shared"},
                {"name": "made", "resourceClaimTemplateName": "t"},
                {"name": "unneeded", "resourceClaimTemplateName": "t"},
            ]
        },
        status={
            "resourceClaimStatuses": [{"name": "made", "resourceClaimName": "train-0-made-1"}, {"name": "unneeded"}],
            "extendedResourceClaimStatus": {
                "resourceClaimName": "train-0-extended-resources-1",
                "requestMappings": [
                    {"containerName": "main", "resourceName": "example.com/gpu", "requestName": "container-0-request-0"}
                ],
            },
        },
    ),
    "failed": pod_json(status={"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory."}),
    "still runs": pod_json(
        status={
            "phase": "Succeeded",
            "containerStatuses": [
                {
                    "name": "main",
                    "containerID": "containerd://c0ffee",
                    "state": {"running": {"startedAt": "2026-11-20T19:51:33Z"}},
                }
            ],
        }
    ),
    "resizing": pod_json(
        asking(requests={"cpu": "4"}),
        status={
            "conditions": [
                {"type": "PodResizePending", "status": "True", "reason": "Deferred", "message": "Node is full"}
            ],
            "containerStatuses": [{"name": "main", "allocatedResources": {"cpu": "2"}}],
        },
    ),
    "admitted": pod_json(
        asking(requests={"cpu": "4"}),
        status={
            "resize": "Infeasible",
            "containerStatuses": [{"name": "main", "resources": {"requests": {"cpu": "2"}}}],
        },
    ),
    "sick": pod_json(
        status={
            "containerStatuses": [
                {
                    "name": "main",
                    "state": {"waiting": {"reason": "PodInitializing"}},
                    "allocatedResourcesStatus": [
                        {
                            "name": "example.com/gpu",
                            "resources": [
                                {"resourceID": "GPU-1", "health": "Unhealthy", "message": "XID 79"},
                                {"resourceID": "GPU-2"},
                            ],
                        }
                    ],
                }
            ]
        }
    ),
}


@pytest.mark.parametrize("name", PODS)
def test_bytes_and_json_of_one_pod_make_the_same_of_it(name: str) -> None:
    """One decoder reads the records of both; a field number that is wrong would make a difference."""
    said, stored = decode_pod(pod_bytes(PODS[name]), DECODER).decoded, DECODER.decode(to_bytes(PODS[name]))

    assert stored == replace(said, meta=as_json(said))
    assert stored.meta.running_ids == said.meta.running_ids  # which are not compared
    assert bool(said.meta.running_ids) == (name == "still runs")


def test_a_static_pod_is_marked_as_by_its_mirror_pod() -> None:
    """The kubelet shows static pods without an API server's copy; config.source tells them."""
    pod = pod_json(metadata={"annotations": {"kubernetes.io/config.source": "file", "kubernetes.io/config.hash": "h"}})

    meta = decode_pod(pod_bytes({**pod, "spec": {"nodeName": "n1"}}), DECODER).decoded.meta
    assert (True, "Node", "n1") == (meta.is_mirror, meta.owner_kind, meta.owner_name)
    assert not decode_pod(pod_bytes(PODS["owner"]), DECODER).decoded.meta.is_mirror


def test_the_generation_of_a_status_is_kept() -> None:
    """KEP-5067."""
    assert 7 == decode_pod(pod_bytes(pod_json(status={"observedGeneration": 7})), DECODER).generation
    assert 0 == decode_pod(pod_bytes(pod_json()), DECODER).generation


def event(kind: int, data: bytes = b"") -> bytes:
    return pb.WatchPodsEvent(type=kind, pod=data).SerializeToString()  # type: ignore[arg-type]


def test_events_say_what_they_are() -> None:
    """A DELETED has namespace, name and UID of the pod and nothing else."""
    stub = core.Pod(metadata=core.ObjectMeta(namespace="ml", name="train-0", uid="u-1")).SerializeToString()
    whole = pod_bytes(pod_json())

    assert Reported(decode_pod(whole, DECODER)) == decode_event(event(pb.ADDED, whole), DECODER)
    assert Reported(decode_pod(whole, DECODER)) == decode_event(event(pb.MODIFIED, whole), DECODER)
    assert Ended(("ml", "train-0"), "u-1") == decode_event(event(pb.DELETED, stub), DECODER)
    assert Synced() == decode_event(event(pb.INITIAL_SYNC_COMPLETE), DECODER)
    assert Unknown(9) == decode_event(event(9), DECODER)


def test_a_damaged_pod_is_named_by_what_can_be_read_of_it() -> None:
    """The phase is not UTF-8."""
    whole = core.Pod(metadata=core.ObjectMeta(namespace="ml", name="train-0")).SerializeToString()

    found = decode_event(event(pb.ADDED, whole + b"\x1a\x04\x0a\x02\xff\xff"), DECODER)
    assert isinstance(found, Unusable)
    assert ("ml", "train-0") == found.key
    assert found.problem.startswith("pod ml/train-0: its ")
    assert "status.phase" in found.problem


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\xff\xff", "its 2 bytes are not a core/v1 Pod"),
        (NAMELESS, "is missing"),
        (b"", "is missing"),
    ],
)
def test_bytes_that_are_no_pod_are_an_error_with_its_place(data: bytes, problem: str) -> None:
    """They never become an empty pod."""
    with pytest.raises(PodError, match=problem):
        decode_pod(data, DECODER)
    assert isinstance(decode_event(event(pb.ADDED, data), DECODER), Unusable)


def test_what_is_no_event_or_names_nobody_is_unusable() -> None:
    """Neither ends a pod."""
    assert Unusable(("", ""), "", "1 bytes are not a WatchPodsEvent") == decode_event(b"\xff", DECODER)
    found = decode_event(event(pb.DELETED, NAMELESS), DECODER)
    assert isinstance(found, Unusable)
    assert "pod.metadata" == found.path

"""Decoding one pod of the API server."""

from typing import Any

import msgspec
import pytest
from pod_json import asking, owner_json, pod_json, to_bytes

from podres_exporter.allowlist import LabelAllowlist, parse_allowlist
from podres_exporter.model import ContainerKind, ContainerSpec, Malformed, PodMeta
from podres_exporter.podmeta import DecodedPod, PodDecoder, PodError

MAIN = ContainerSpec("main", ContainerKind.APP)


def decoded(value: object, allowlist: str = "") -> DecodedPod:
    return PodDecoder(parse_allowlist(allowlist)).decode(to_bytes(value))


def meta(value: object) -> PodMeta:
    return decoded(value).meta


def of_status(**status: Any) -> PodMeta:
    return meta(pod_json(status=status))


def test_a_pod_is_known_by_its_names_and_its_version() -> None:
    """What is not stated is empty."""
    expected = PodMeta("ml", "train-0", "u-1", phase="Running", containers=(MAIN,))

    assert DecodedPod(expected, "17") == decoded(pod_json())


def test_everything_that_is_kept_has_its_place() -> None:
    """One pod with all of it, and much that is not kept."""
    value = pod_json(
        asking(requests={"cpu": "2", "memory": "1Ki", "nvidia.com/gpu": "1"}),
        metadata={
            "labels": {"app": "a", "team": "b"},
            "ownerReferences": [owner_json("StatefulSet", "train", "apps/v1", uid="o-1", blockOwnerDeletion=True)],
            "deletionTimestamp": "2026-11-20T18:23:50Z",
            "managedFields": [{"fieldsV1": {"f:metadata": {}}}],
        },
        spec={"nodeName": "n1", "priorityClassName": "high", "resources": {"limits": {"cpu": "4"}}},
        status={
            "phase": "Failed",
            "reason": "Evicted",
            "message": "The node was low on resource: memory.",
            "qosClass": "Guaranteed",
            "startTime": "2026-11-20T18:23:50Z",
        },
    )

    assert DecodedPod(
        PodMeta(
            namespace="ml",
            name="train-0",
            uid="u-1",
            phase="Failed",
            reason="Evicted",
            message="The node was low on resource: memory.",
            qos_class="Guaranteed",
            priority_class="high",
            owner_kind="StatefulSet",
            owner_name="train",
            workload_kind="StatefulSet",
            workload_name="train",
            labels=(("app", "a"),),
            is_terminal=True,
            is_deleting=True,
            has_started=True,
            has_pod_resources=True,
            cpu_millicores=4000,
            memory_bytes=1024,
            containers=(
                ContainerSpec(
                    "main",
                    ContainerKind.APP,
                    devices=(("nvidia.com/gpu", 1),),
                    cpu_millicores=2000,
                    memory=(("memory", 1024),),
                ),
            ),
            started_seconds=1795199030.0,
        ),
        "17",
    ) == decoded(value, "pods=[app]")


@pytest.mark.parametrize("text", ["", "yesterday", "1795199030", "1969-12-31T23:59:59Z", "2026-13-01T00:00:00Z"])
def test_a_start_time_that_is_none_is_named_and_the_pod_is_kept(text: str) -> None:
    """Its age is not known; that it has started is."""
    found = decoded(pod_json(asking(), status={"phase": "Running", "startTime": text}))

    assert (True, None) == (found.meta.has_started, found.meta.started_seconds)
    assert ["status.startTime"] == [each.path for each in found.problems]


def test_null_is_the_same_as_left_out() -> None:
    """Go writes null for lists, maps and pointers that are nil and have no omitempty."""
    metadata = dict.fromkeys(["labels", "ownerReferences", "deletionTimestamp", "creationTimestamp"])
    spec = dict.fromkeys(["containers", "initContainers", "resources", "resourceClaims"])
    status = dict.fromkeys(
        [
            "startTime",
            "containerStatuses",
            "initContainerStatuses",
            "resourceClaimStatuses",
            "extendedResourceClaimStatus",
        ]
    )

    assert PodMeta("ml", "train-0", "u-1", phase="Running") == meta(
        pod_json(metadata=metadata, spec=spec, status=status)
    )


@pytest.mark.parametrize("more", [{}, {"spec": None, "status": None}, {"spec": {}, "status": {}}])
def test_metadata_alone_makes_a_pod(more: dict[str, Any]) -> None:
    """A PartialObjectMetadata has no more."""
    assert PodMeta("ml", "p", "") == meta({"metadata": {"namespace": "ml", "name": "p"}, **more})


def test_the_workload_behind_a_replica_set_is_found_by_the_pods_label() -> None:
    """The label need not be allowed for that; the owner stays the ReplicaSet."""
    found = meta(
        pod_json(
            metadata={
                "labels": {"pod-template-hash": "abc"},
                "ownerReferences": [owner_json("ReplicaSet", "web-abc", "apps/v1")],
            }
        )
    )

    assert ("ReplicaSet", "web-abc") == (found.owner_kind, found.owner_name)
    assert ("Deployment", "web") == (found.workload_kind, found.workload_name)
    assert () == found.labels


def test_a_static_pod_is_owned_by_its_node_and_has_no_workload() -> None:
    """The mirror pod's owner is the Node."""
    found = meta(pod_json(metadata={"ownerReferences": [owner_json("Node", "n1", "v1")]}))

    assert ("Node", "n1", "", "") == (found.owner_kind, found.owner_name, found.workload_kind, found.workload_name)


RUNNING = {"name": "main", "state": {"running": {"startedAt": "2026-11-20T18:23:50Z"}}}
ENDED = {"name": "main", "state": {"terminated": {"exitCode": 0}}}


@pytest.mark.parametrize(
    ("status", "is_terminal"),
    [
        ({"phase": "Succeeded"}, True),
        ({"phase": "Failed", "containerStatuses": [ENDED]}, True),
        ({"phase": "Failed", "containerStatuses": [ENDED, RUNNING]}, False),
        ({"phase": "Failed", "containerStatuses": [ENDED], "initContainerStatuses": [RUNNING]}, False),
        ({"phase": "Failed", "containerStatuses": [{"name": "main"}, {"name": "b", "state": None}]}, True),
        ({"phase": "Failed", "containerStatuses": [{"name": "main", "state": {"running": {}}}]}, False),
        ({"phase": "Failed", "containerStatuses": [{"name": "main", "state": {"running": None}}]}, True),
        ({"phase": "Running", "containerStatuses": [ENDED]}, False),
        ({"phase": "Pending"}, False),
        ({"phase": ""}, False),
    ],
)
def test_a_pod_has_finished_when_nothing_of_it_runs(status: dict[str, Any], is_terminal: bool) -> None:
    """An evicted pod is Failed at once and keeps its devices until its containers have ended."""
    assert is_terminal == of_status(**status).is_terminal


def test_a_message_counts_only_beside_a_reason_and_has_an_end() -> None:
    """Reasons are for rejected and evicted pods; messages can be long."""
    assert "" == of_status(message="all is well").message
    assert "x" * 1024 == of_status(reason="UnexpectedAdmissionError", message="x" * 5000).message


@pytest.mark.parametrize(
    ("resources", "asks"),
    [({"requests": {"cpu": "1"}}, True), ({"limits": {"memory": "1Gi"}}, True), ({"requests": {}}, False), ({}, False)],
)
def test_resources_of_the_pod_as_a_whole_are_noticed(resources: dict[str, Any], asks: bool) -> None:
    """KEP-2837: its containers then share CPUs and memory."""
    assert asks == meta(pod_json(spec={"resources": resources})).has_pod_resources


def test_claims_are_found_in_the_status_or_in_the_spec() -> None:
    """resourceclaim.Name: a template's claim has its name in the status; none there: no claim was needed."""
    spec = {
        "resourceClaims": [
            {"name": "z-own", "resourceClaimName": "lane"},
            {"name": "made", "resourceClaimTemplateName": "t"},
            {"name": "waiting", "resourceClaimTemplateName": "t"},
            {"name": "needless", "resourceClaimTemplateName": "t", "resourceClaimName": None},
            {"name": "old", "source": {"resourceClaimName": "from-1-30"}},
            {"name": "old-template", "source": {"resourceClaimTemplateName": "t"}},
        ]
    }
    made = [{"name": "made", "resourceClaimName": "p-made-x7k2"}, {"name": "needless"}]

    assert (("made", "p-made-x7k2"), ("old", "from-1-30"), ("z-own", "lane")) == meta(
        pod_json(spec=spec, status={"resourceClaimStatuses": made})
    ).claims


def test_the_claim_for_extended_resources_says_what_it_stands_for() -> None:
    """KEP-5004: the scheduler makes one per pod; two requests of one resource are one pair."""
    mappings = [
        {"containerName": "main", "resourceName": "nvidia.com/gpu", "requestName": "container-0-request-1"},
        {"containerName": "main", "resourceName": "nvidia.com/gpu", "requestName": "container-0-request-0"},
        {"containerName": "init", "resourceName": "nvidia.com/gpu", "requestName": "container-1-request-0"},
        {"containerName": "main"},
    ]
    found = of_status(extendedResourceClaimStatus={"resourceClaimName": "p-ext-1", "requestMappings": mappings})
    bare = of_status(extendedResourceClaimStatus={"resourceClaimName": "p-ext-1", "requestMappings": None})

    assert "p-ext-1" == found.extended_claim
    assert (("init", "nvidia.com/gpu"), ("main", "nvidia.com/gpu")) == found.extended_requests
    assert ("p-ext-1", ()) == (bare.extended_claim, bare.extended_requests)


def test_an_amount_that_is_none_does_not_spoil_its_pod() -> None:
    """The pod is there, and the problem has its path in the pod."""
    found = decoded(pod_json(asking(requests={"cpu": "two"})))

    assert (MAIN,) == found.meta.containers
    assert (
        Malformed('spec.containers[0].resources.requests["cpu"]', "'two' is not a number of CPUs"),
    ) == found.problems


def test_texts_that_many_pods_share_are_kept_once() -> None:
    """Hundreds of pods on a node have the same few phases, owners and resources."""
    value = pod_json(
        asking(limits={"nvidia.com/gpu": "1"}),
        metadata={"labels": {"app": "a"}, "ownerReferences": [owner_json("DaemonSet", "agent", "apps/v1")]},
        status={"qosClass": "Guaranteed"},
    )
    one, other = decoded(value, "*").meta, decoded(value, "*").meta

    assert one == other
    assert one.namespace is other.namespace
    assert one.qos_class is other.qos_class
    assert one.owner_name is other.owner_name
    assert one.labels[0][0] is other.labels[0][0]
    assert one.containers[0].devices[0][0] is other.containers[0].devices[0][0]


def test_raw_items_of_a_list_are_decoded_as_bytes_are() -> None:
    """A list hands its items out unread."""
    decoder = PodDecoder(LabelAllowlist())
    data = to_bytes(pod_json())

    assert decoder.decode(data) == decoder.decode(msgspec.Raw(data))


@pytest.mark.parametrize(
    ("value", "path", "problem"),
    [
        (7, "", "Expected object, got int"),
        ({}, "", "Object missing required field metadata"),
        ({"metadata": {"namespace": "ml"}}, "metadata.name", "is missing"),
        ({"metadata": {"name": "p"}}, "metadata.namespace", "is missing"),
        ({"metadata": {"namespace": "ml", "name": ""}}, "metadata.name", "is missing"),
        (pod_json(metadata={"labels": {"a": 1}}), "metadata.labels[...]", "Expected str, got int"),
        (pod_json({"image": "i"}), "spec.containers[0]", "Object missing required field name"),
        (pod_json(status={"phase": None}), "status.phase", "Expected str, got null"),
    ],
)
def test_what_is_no_pod_is_named_with_its_place(value: object, path: str, problem: str) -> None:
    """A pod that cannot be joined with the kubelet's answer by its names is of no use."""
    with pytest.raises(PodError) as caught:
        decoded(value)

    assert (path, problem) == (caught.value.path, caught.value.problem)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff", b'{"metadata":{"name":"\xff"}}', b'{"metadata":{"a":' + b"[" * 100_000],
    ids=["empty", "cut", "no JSON", "no UTF-8", "too deep"],
)
def test_bytes_that_are_no_json_are_a_pod_error_too(data: bytes) -> None:
    """Errors of msgspec are translated; its use is an implementation detail."""
    with pytest.raises(PodError):
        PodDecoder(LabelAllowlist()).decode(data)

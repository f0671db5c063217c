"""Fuzz target: damaged pod lists, pods and watch lines of the API server."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from builders import TWO_NODES, container, gpu
from builders import pod as held_pod
from captures import CAPTURES
from fuzz import trees
from fuzz.engine import GOOD, PromiseError, Target
from fuzz.outputs import check_everything, check_message
from pod_json import asking, owner_json, pod_json, to_bytes

from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.join import Joiner
from podres_exporter.model import Listing, Metadata, Snapshot
from podres_exporter.podmeta import (
    Changed,
    DecodedPod,
    Failed,
    PodDecoder,
    PodError,
    decode_event,
    decode_list,
    parse_allowlist,
)

_DECODER = PodDecoder(parse_allowlist("pods=[*]"))


class _Items(msgspec.Struct):
    """A list, each of whose items is still text."""

    items: list[msgspec.Raw] | None


@contextmanager
def pods(_folder: Path) -> Iterator[Target]:
    """Yield the target; its seeds are what real kubelets say of their pods, and pods with every field that is read."""
    yield Target("pods", list(_seeds()), trees.mutated, _check)


def _seeds() -> Iterator[bytes]:
    rich = _rich()
    for path in sorted(CAPTURES.glob("*/pods.json")):
        listed = json.loads(path.read_bytes())
        yield to_bytes({**listed, "metadata": {"resourceVersion": "4"}})
    yield to_bytes({"metadata": {"resourceVersion": "4"}, "items": [rich, pod_json()]})
    yield to_bytes(rich)
    for kind in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK"):
        yield to_bytes({"type": kind, "object": rich})
    status = {
        "kind": "Status",
        "code": 410,
        "reason": "Expired",
        "message": "too old",
        "details": {"retryAfterSeconds": 1},
    }
    yield to_bytes({"type": "ERROR", "object": status})


def _rich() -> dict[str, Any]:
    """Return a pod that says everything."""
    limits = {"cpu": "2", "memory": "1.5Gi", "hugepages-2Mi": "4Mi", "nvidia.com/gpu": 1}
    health = [
        {"name": "nvidia.com/gpu", "resources": [{"resourceID": "GPU-0", "health": "Unhealthy", "message": "hot"}]}
    ]
    extended = {
        "resourceClaimName": "c",
        "requestMappings": [{"containerName": "main", "resourceName": "nvidia.com/gpu"}],
    }
    return pod_json(
        asking("main", limits=limits, requests={"cpu": "500m"}, claims=[{"name": "lane", "request": "r"}]),
        metadata={
            "labels": {
                "app": "a",
                "pod-template-hash": "7c9d",
                "app.kubernetes.io/name": "b",
                "appKubernetesIo_name": "c",
            },
            "ownerReferences": [owner_json("ReplicaSet", "web-7c9d", "apps/v1")],
            "deletionTimestamp": "2026-11-21T00:00:00Z",
        },
        spec={
            "priorityClassName": "high",
            "initContainers": [{"name": "side", "restartPolicy": "Always", "resources": {}}],
            "resources": {"limits": {"cpu": "3"}},
            "resourceClaims": [{"name": "lane", "resourceClaimName": "lane-1"}, {"name": "old", "source": {}}],
        },
        status={
            "reason": "Evicted",
            "message": "why",
            "qosClass": "Guaranteed",
            "startTime": "2026-11-21T00:00:00Z",
            "containerStatuses": [{"name": "main", "state": {"running": {}}, "allocatedResourcesStatus": health}],
            "resourceClaimStatuses": [{"name": "made", "resourceClaimName": "made-x"}],
            "extendedResourceClaimStatus": extended,
        },
    )


def _check(data: bytes, is_thorough: bool) -> str:
    found: list[DecodedPod] = []
    outcome = " ".join((_check_list(data, found), _check_event(data, found), _check_pod(data, found)))
    if is_thorough and found:
        _show(found)
    return outcome


def _check_list(data: bytes, pods: list[DecodedPod]) -> str:
    try:
        found = decode_list(data, _DECODER)
    except ApiServerError as error:
        return _refused(error, "list")
    names = {(pod.meta.namespace, pod.meta.name) for pod in found.pods}
    missing = {meta.meta.key for meta in _whole(data)} - names
    if missing:
        raise PromiseError(f"a pod that is whole went down with another: {missing!r}")
    if any(not fault.problem or not fault.path.startswith("items[") for fault in found.malformed):
        raise PromiseError(f"an item that is not named: {found.malformed!r}")
    pods += found.pods
    return f"{GOOD}{bool(found.malformed)}"


def _whole(data: bytes) -> Iterator[DecodedPod]:
    """Yield each item of a list that can be read where it stands alone."""
    for item in msgspec.json.decode(data, type=_Items).items or ():
        try:
            yield _DECODER.decode(bytes(item))
        except PodError:
            continue


def _check_event(data: bytes, pods: list[DecodedPod]) -> str:
    try:
        event = decode_event(data, _DECODER)
    except ApiServerError as error:
        return _refused(error, "watch")
    if isinstance(event, Changed):
        pods.append(event.pod)
    if isinstance(event, Failed) and event.retry_after_seconds is not None and event.retry_after_seconds <= 0:
        raise PromiseError("a wait that is none")
    return type(event).__name__


def _check_pod(data: bytes, pods: list[DecodedPod]) -> str:
    try:
        decoded = _DECODER.decode(data)
    except PodError as error:
        return check_message(error)
    if any(not fault.problem for fault in decoded.problems):
        raise PromiseError(f"an amount that is not named: {decoded.problems!r}")
    pods.append(decoded)
    return f"{GOOD}{bool(decoded.problems)}"


def _refused(error: ApiServerError, verb: str) -> str:
    if (error.reason, error.verb) != (Reason.MALFORMED, verb):
        raise PromiseError(f"an answer was refused for another reason: {error}") from error
    return check_message(error)


def _show(pods: Sequence[DecodedPod]) -> None:
    """Join the pods with what the kubelet says of pods of their names."""
    metas = {pod.meta.key: pod.meta for pod in pods}
    listed = [
        held_pod(name, container("main", gpu("GPU-0", 0)), namespace=namespace) for namespace, name in sorted(metas)
    ]
    metadata = Metadata(metas, synced=True, is_up=True, last_success_seconds=1.0)
    allocation = Joiner().join(Listing(tuple(listed)), None, TWO_NODES, metadata)
    check_everything(Snapshot("n1", allocation, metadata=metadata))

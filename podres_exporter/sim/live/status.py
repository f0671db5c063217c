"""Compute the status of a pod as the kubelet does."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from podres_exporter.admission import Kind
from podres_exporter.model import Container
from podres_exporter.sim.live.live_pod import LivePod, Phase
from podres_exporter.sim.rpc.go_texts import plain_slice

HEALTH_SINCE_MINOR = 36
"""ResourceHealthStatus is on by default from here."""
_RESOURCES_SINCE_MINOR, _SANDBOX_SINCE_MINOR = 33, 29
"""InPlacePodVerticalScaling and PodReadyToStartContainersCondition are on by default from there."""

_ADDRESS = "127.0.0.1"
"""The address of every pod: nothing runs in them, and a server that answers for one listens here."""


def pod_status(
    live: LivePod,
    held: Iterable[Container],
    sick: frozenset[tuple[str, str]],
    minor: int,
    wall_seconds: float,
    started: str | None = None,
    claim_rows: Mapping[str, list[dict[str, Any]]] | None = None,
) -> dict[str, Any]:
    """
    Return the whole status of a pod; *sick* are the unhealthy devices by (resource, id).

    *started* is the start time in the status before, None where there is none: the pod has come just now. *claim_rows*
    are those about devices of claims, by container.

    Devices of sidecars have no health there, and a container keeps its rows when it has finished.

    Source: kubelet_pods.go generateAPIPodStatus; devicemanager UpdateAllocatedResourcesStatus (KEP-4680).
    """
    stamp = datetime.fromtimestamp(wall_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    started = started or stamp
    status: dict[str, Any] = {"phase": live.phase.value, "qosClass": live.request.qos.value, "startTime": started}
    if live.rejection is not None:
        message = f"Pod was rejected: {live.rejection.message}"
        return {**status, "reason": live.rejection.reason, "message": message}
    if live.phase is Phase.PENDING:
        return {**status, **_pending(live, held, sick, minor, started)}
    running = live.phase is Phase.RUNNING
    by_name = {container.name: container for container in held}
    rows: dict[Kind, list[dict[str, Any]]] = {Kind.INIT: [], Kind.APP: []}
    for container in live.request.containers:
        runs = running and container.kind is not Kind.INIT
        ended = None if runs else started if container.kind is Kind.INIT else stamp
        row = _container(container.name, started, ended)
        if container.kind is Kind.APP and minor >= HEALTH_SINCE_MINOR and container.name in by_name:
            row |= _health(by_name[container.name], sick, (claim_rows or {}).get(container.name, []))
        rows[Kind.APP if container.kind is Kind.APP else Kind.INIT].append(row)
    ready, since = ("True", started) if running else ("False", stamp)
    conditions = [
        *_sandbox(ready, since, minor),
        _condition("Initialized", "True", started),
        _condition("Ready", ready, since),
        _condition("ContainersReady", ready, since),
        _condition("PodScheduled", "True", started),
    ]
    named = {"initContainerStatuses": rows[Kind.INIT], "containerStatuses": rows[Kind.APP]}
    if running:
        status["podIP"] = _ADDRESS
    return {**status, "conditions": conditions, **{key: value for key, value in named.items() if value}}


def _pending(
    live: LivePod, held: Iterable[Container], sick: frozenset[tuple[str, str]], minor: int, started: str
) -> dict[str, Any]:
    """Return the status of a pod that has been admitted and whose containers do not all run."""
    by_name = {container.name: container for container in held}
    rows: dict[str, list[dict[str, Any]]] = {"initContainerStatuses": [], "containerStatuses": []}
    has_inits = any(each.kind is not Kind.APP for each in live.request.containers)
    for container in live.request.containers:
        name, is_app = container.name, container.kind is Kind.APP
        row = _container(name, started, started if container.kind is Kind.INIT else None)
        if name not in live.started:
            other = {"reason": "PodInitializing" if has_inits else "ContainerCreating"}
            failed = {"reason": "CreateContainerConfigError", "message": live.waiting.get(name)}
            row |= {"ready": False, "started": False, "state": {"waiting": failed if name in live.waiting else other}}
        if is_app and minor >= HEALTH_SINCE_MINOR and name in by_name:
            row |= _health(by_name[name], sick, [])
        rows["containerStatuses" if is_app else "initContainerStatuses"].append(row)
    inits = {each.name for each in live.request.containers if each.kind is Kind.INIT}
    missing = [each.name for each in live.request.containers if each.kind is Kind.APP and each.name not in live.started]
    unready = {"reason": "ContainersNotReady", "message": f"containers with unready status: {plain_slice(missing)}"}
    conditions = [
        *_sandbox("True" if live.started or live.waiting else "False", started, minor),
        _condition("Initialized", str(inits <= live.started), started),
        {**_condition("Ready", "False", started), **unready},
        {**_condition("ContainersReady", "False", started), **unready},
        _condition("PodScheduled", "True", started),
    ]
    return {"conditions": conditions, **{key: value for key, value in rows.items() if value}}


def with_spec(status: dict[str, Any], spec: Mapping[str, Any], minor: int) -> dict[str, Any]:
    """
    Return the status with the images of its containers, and the resources of those that have been created.

    Source: kubelet_pods.go convertContainerStatusResources; nothing is resized here.
    """
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    by_name = {each.get("name"): each for each in containers if isinstance(each, Mapping)}
    for rows in (status.get("initContainerStatuses") or (), status.get("containerStatuses") or ()):
        for row in rows:
            stated = by_name.get(row["name"], {})
            row["image"] = stated.get("image") or row["image"]
            if stated and minor >= _RESOURCES_SINCE_MINOR and "waiting" not in row["state"]:
                row["resources"] = resources = stated.get("resources") or {}
                if resources.get("requests"):
                    row["allocatedResources"] = resources["requests"]
    return status


def _sandbox(value: str, stamp: str, minor: int) -> list[dict[str, Any]]:
    """Return the condition that says whether the pod's sandbox is there."""
    return [_condition("PodReadyToStartContainers", value, stamp)] if minor >= _SANDBOX_SINCE_MINOR else []


def _condition(kind: str, value: str, stamp: str) -> dict[str, Any]:
    return {"type": kind, "status": value, "lastTransitionTime": stamp}


def _container(name: str, started: str, ended: str | None) -> dict[str, Any]:
    """Return a container that runs, or that has *ended* well."""
    running = ended is None
    terminated = {"exitCode": 0, "reason": "Completed", "startedAt": started, "finishedAt": ended}
    state = {"running": {"startedAt": started}} if running else {"terminated": terminated}
    return {
        "name": name,
        "ready": running,
        "started": running,
        "restartCount": 0,
        "image": "simulated",
        "imageID": "",
        "state": state,
        "lastState": {},
    }


def _health(
    container: Container, sick: frozenset[tuple[str, str]], claim_rows: list[dict[str, Any]]
) -> Mapping[str, Any]:
    resources: dict[str, list[dict[str, str]]] = {}
    for device in container.devices:
        health = "Unhealthy" if (device.resource, device.device_id) in sick else "Healthy"
        resources.setdefault(device.resource, []).append({"resourceID": device.device_id, "health": health})
    rows = [{"name": name, "resources": found} for name, found in sorted(resources.items())] + claim_rows
    return {"allocatedResourcesStatus": rows} if rows else {}

"""Server-side tables: the API server computes the cells, and kubectl only prints them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from podres_exporter.sim.api.storage.objects import Object, at
from podres_exporter.sim.api.storage.resources import (
    DAEMON_SETS,
    DEVICE_CLASSES,
    NAMESPACES,
    NODES,
    PODS,
    RESOURCE_CLAIM_TEMPLATES,
    RESOURCE_CLAIMS,
    RESOURCE_SLICES,
    Resource,
)
from podres_exporter.sim.api.tables.pod_cells import age, pod_cells

_NONE = "<none>"


@dataclass(frozen=True, slots=True)
class _Layout:
    """The columns of one kind, those after *narrow* only with `-o wide`, and how a row is filled."""

    columns: tuple[str, ...]
    narrow: int
    cells: Callable[[Object, float], list[str]]


def as_table(
    resource: Resource, items: Iterable[Object], metadata: Object, now_seconds: float, include: str = "Metadata"
) -> dict[str, Any]:
    """
    Return a meta.k8s.io/v1 Table with a row per object; *metadata* is the list's or the object's own.

    *include* is the query's `includeObject`: each row carries its object's metadata, all of it, or nothing.
    Source: the API concepts page, "Receiving resources as Tables"; columns: pkg/printers/internalversion.
    """
    layout = _LAYOUTS[resource]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {name: metadata[name] for name in _LIST_METADATA if name in metadata},
        "columnDefinitions": [_column(name, index >= layout.narrow) for index, name in enumerate(layout.columns)],
        "rows": [{"cells": layout.cells(item, now_seconds), **_row_object(item, include)} for item in items],
    }


_LIST_METADATA = ("resourceVersion", "continue", "remainingItemCount")


def _column(name: str, is_wide: bool) -> dict[str, Any]:
    """Return a column definition; kubectl takes the one of format `name` for the object's name."""
    kind = "name" if name == "Name" else ""
    return {"name": name, "type": "string", "format": kind, "description": "", "priority": int(is_wide)}


def _row_object(item: Object, include: str) -> dict[str, Any]:
    """Return what a row says about its object; kubectl reads the namespace from there."""
    if include == "None":
        return {}
    if include == "Object":
        return {"object": item}
    partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}
    return {"object": partial}


def _pod(pod: Object, now_seconds: float) -> list[str]:
    """Return a pod's row; readiness gates are never simulated."""
    cells = pod_cells(pod, now_seconds)
    places = [at(pod, path) or _NONE for path in ("status.podIP", "spec.nodeName", "status.nominatedNodeName")]
    return [_name(pod), cells.ready, cells.status, cells.restarts, _age(pod, now_seconds), *places, _NONE]


def _node(node: Object, now_seconds: float) -> list[str]:
    """Return a node's row (printNode)."""
    conditions = {each["type"]: each["status"] for each in at(node, "status.conditions") or ()}
    ready = {"True": "Ready", None: "Unknown"}.get(conditions.get("Ready"), "NotReady")
    status = f"{ready},SchedulingDisabled" if at(node, "spec.unschedulable") else ready
    prefix = "node-role.kubernetes.io/"
    labels = at(node, "metadata.labels") or {}
    roles = ",".join(sorted(name.removeprefix(prefix) for name in labels if name.startswith(prefix))) or _NONE
    addresses = {each["type"]: each["address"] for each in at(node, "status.addresses") or ()}
    info = at(node, "status.nodeInfo") or {}
    software = [info.get(name) or "<unknown>" for name in ("osImage", "kernelVersion", "containerRuntimeVersion")]
    where = [addresses.get(kind, _NONE) for kind in ("InternalIP", "ExternalIP")]
    return [_name(node), status, roles, _age(node, now_seconds), info.get("kubeletVersion", ""), *where, *software]


def _namespace(namespace: Object, now_seconds: float) -> list[str]:
    """Return a namespace's row (printNamespace)."""
    return [_name(namespace), at(namespace, "status.phase") or "", _age(namespace, now_seconds)]


def _claim(claim: Object, now_seconds: float) -> list[str]:
    """Return a resource claim's row (resourceClaimState)."""
    states = ["deleted"] if at(claim, "metadata.deletionTimestamp") else []
    if at(claim, "status.allocation") is None:
        states.append("pending")
    else:
        states += ["allocated", *(["reserved"] if at(claim, "status.reservedFor") else [])]
    return [_name(claim), ",".join(states), _age(claim, now_seconds)]


def _slice(item: Object, now_seconds: float) -> list[str]:
    """Return a resource slice's row (printResourceSlice)."""
    spec = item.get("spec", {})
    places = [spec.get("nodeName") or _NONE, spec.get("driver", ""), at(item, "spec.pool.name") or ""]
    return [_name(item), *places, _age(item, now_seconds)]


def _named(item: Object, now_seconds: float) -> list[Any]:
    """Return the cells of what is shown by its name and age."""
    return [_name(item), _age(item, now_seconds)]


def _name(item: Object) -> str:
    """Return an object's name."""
    return str(item["metadata"]["name"])


def _age(item: Object, now_seconds: float) -> str:
    """Return an object's age."""
    return age(item["metadata"].get("creationTimestamp"), now_seconds)


_POD_COLUMNS = ("Name", "Ready", "Status", "Restarts", "Age", "IP", "Node", "Nominated Node", "Readiness Gates")
_NODE_COLUMNS = ("Name", "Status", "Roles", "Age", "Version")
_NODE_COLUMNS_WIDE = ("Internal-IP", "External-IP", "OS-Image", "Kernel-Version", "Container-Runtime")

_LAYOUTS = {
    PODS: _Layout(_POD_COLUMNS, 5, _pod),
    NODES: _Layout((*_NODE_COLUMNS, *_NODE_COLUMNS_WIDE), 5, _node),
    DAEMON_SETS: _Layout(("Name", "Age"), 2, _named),
    DEVICE_CLASSES: _Layout(("Name", "Age"), 2, _named),
    NAMESPACES: _Layout(("Name", "Status", "Age"), 3, _namespace),
    RESOURCE_CLAIMS: _Layout(("Name", "State", "Age"), 3, _claim),
    RESOURCE_CLAIM_TEMPLATES: _Layout(("Name", "Age"), 2, _named),
    RESOURCE_SLICES: _Layout(("Name", "Node", "Driver", "Pool", "Age"), 5, _slice),
}

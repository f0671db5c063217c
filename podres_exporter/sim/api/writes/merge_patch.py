"""Apply merge patches to pods and nodes: labels, annotations, cordon and taints."""

from collections.abc import Mapping
from typing import Any

from podres_exporter.sim.api.http.request import Request, Target, media_type_of, read_body
from podres_exporter.sim.api.storage.objects import Object
from podres_exporter.sim.api.storage.resources import PODS
from podres_exporter.sim.api.storage.status import StatusError, invalid
from podres_exporter.sim.api.storage.store import Store

MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"
_FIXED = ("uid", "creationTimestamp", "resourceVersion", "name", "namespace", "deletionTimestamp")
_POD_RULE = "Forbidden: pod updates may not change fields other than labels, annotations and finalizers here"


def patch(store: Store, request: Request, target: Target) -> Object:
    """
    Return the object after a merge patch; its status is ignored, as without a subresource.

    A strategic merge patch is taken where it means the same, which is where it has neither lists of objects nor
    directives. Raises StatusError: 404, 409 for a stale version, 415 for other patches, 422 for what may not change.

    Source: RFC 7386; registry/core/pod/strategy.
    """
    resource, namespace, name = target.resource, target.namespace or "", target.name or ""
    body = read_body(request, (MERGE, STRATEGIC))
    if media_type_of(request) == STRATEGIC and _is_strategic(body):
        text = f"the simulated API server takes {STRATEGIC} without lists of objects and directives only; use {MERGE}"
        raise StatusError(415, text)
    current = store.get(resource, namespace, name)
    changed = {**merged(current, body), "status": current.get("status", {})}
    told = (body.get("metadata") or {}).get("resourceVersion")
    kept = {key: current["metadata"][key] for key in _FIXED if key in current["metadata"]}
    changed["metadata"] = {**changed["metadata"], **kept, **({"resourceVersion": told} if told else {})}
    if resource is PODS and changed.get("spec") != current.get("spec"):
        raise invalid(resource.kind, name, [f"spec: {_POD_RULE}"])
    store.update(resource, changed)
    return store.get(resource, namespace, name)


def merged(current: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object with the change merged in: null removes, objects merge, all else replaces."""
    found = dict(current)
    for key, value in change.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, Mapping):
            inner = found.get(key)
            found[key] = merged(inner if isinstance(inner, Mapping) else {}, value)
        else:
            found[key] = value
    return found


def _is_strategic(value: object) -> bool:
    """Whether a strategic merge patch would do something else than a merge patch."""
    if isinstance(value, Mapping):
        return any(str(key).startswith("$") or _is_strategic(each) for key, each in value.items())
    return isinstance(value, list) and any(isinstance(each, Mapping) for each in value)

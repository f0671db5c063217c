"""Create and delete objects."""

import json
import re
from typing import Any

from podres_exporter.clock import Clock
from podres_exporter.sim.api.http.request import Request, Target, read_body
from podres_exporter.sim.api.storage.objects import Object, generated_name
from podres_exporter.sim.api.storage.resources import NAMESPACES, PODS
from podres_exporter.sim.api.storage.status import bad_request, invalid
from podres_exporter.sim.api.storage.store import Store
from podres_exporter.sim.api.writes.defaults import defaulted, qos_class, with_defaults
from podres_exporter.sim.api.writes.deletion import delete_object
from podres_exporter.sim.api.writes.validation import problems_of

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LONGEST_NAME = 253
NAME_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is '" + _NAME.pattern + "')"
)
"""Source: apimachinery validation.NameIsDNSSubdomain."""


def is_name(name: object) -> bool:
    """Return whether an API server takes this as the name of a pod."""
    return isinstance(name, str) and len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) is not None


def create(store: Store, request: Request, target: Target) -> Object:
    """
    Return the object that a POST has made; it is stored, and the store's listeners have run.

    A pod starts as Pending without a node, which the owner of the store assigns. Raises StatusError for the mistakes
    that the real server names too: wrong kind, wrong or missing namespace, no name, a name that is taken. A kind that
    is not stated is that of the URL.
    """
    resource = target.resource
    _refuse_dry_run(request)
    kind = {"apiVersion": resource.api_version, "kind": resource.kind}
    body = read_body(request, kind=resource.kind)
    item = kind | {name: value for name, value in body.items() if value is not None}
    if (item["apiVersion"], item["kind"]) != (resource.api_version, resource.kind):
        told = f'"{item.get("apiVersion")}, Kind={item.get("kind")}"'
        raise bad_request(f'the API version in the data ({told}) does not match "{resource.api_version}"')
    metadata = item["metadata"] = {**_mapping(item.get("metadata"))}
    if resource.is_namespaced:
        if metadata.setdefault("namespace", target.namespace) != target.namespace:
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
        store.get(NAMESPACES, "", metadata["namespace"])
    _ensure_name(item, store.version)
    for name in ("uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"):
        metadata.pop(name, None)
    if resource is not PODS:
        return store.create(resource, item).item
    item = defaulted(item)
    problems = problems_of(item)
    if problems:
        raise invalid(item["kind"], metadata["name"], problems)
    status = {"phase": "Pending", "qosClass": qos_class(item)}
    return store.create(resource, {**with_defaults(item), "status": status}).item


def update(store: Store, request: Request, target: Target) -> Object:
    """
    Return the object that a PUT has replaced; a version that it names must be the current one.

    Raises StatusError: 400 for another kind or name, 404, 409.
    """
    resource, name = target.resource, target.name or ""
    _refuse_dry_run(request)
    item = {"apiVersion": resource.api_version, "kind": resource.kind, **read_body(request, kind=resource.kind)}
    metadata = item["metadata"] = {**_mapping(item.get("metadata"))}
    if (item["apiVersion"], item["kind"], metadata.get("name", name)) != (resource.api_version, resource.kind, name):
        raise bad_request(f"the body is no {resource.kind} of {resource.api_version} with the name {name}")
    metadata |= {"name": name} | ({"namespace": target.namespace} if target.namespace else {})
    store.update(resource, item)
    return store.get(resource, target.namespace or "", name)


def delete(store: Store, clock: Clock, request: Request, target: Target) -> Object:
    """
    Return the object that a DELETE has removed, or the pod that its kubelet is to end; see `delete_object`.

    Source: registry/core/pod/storage, whose store returns the deleted object and not a Status.
    """
    resource, namespace, name = target.resource, target.namespace or "", target.name or ""
    _refuse_dry_run(request)
    options = read_body(request, kind="DeleteOptions") if request.body else {}
    grace = options.get("gracePeriodSeconds", request.query.get("gracePeriodSeconds"))
    try:
        seconds = None if grace is None else int(grace)
    except (TypeError, ValueError) as error:
        raise bad_request("gracePeriodSeconds: Invalid value: it is no number") from error
    uid = _mapping(options.get("preconditions")).get("uid")
    return delete_object(store, clock, resource, namespace, name, grace_seconds=seconds, uid=uid)


def _mapping(value: object) -> dict[str, Any]:
    """Return a part of a body, empty where it is absent. Raises StatusError 400 where it is something else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad_request("json: cannot unmarshal the body into the object")
    return value


def _refuse_dry_run(request: Request) -> None:
    """Raise StatusError 400 for dryRun: refusing it is better than performing the change."""
    if "dryRun" in request.query:
        raise bad_request("the simulated API server has no dry run")


def _ensure_name(item: dict[str, Any], version: int) -> None:
    """Give an object with `generateName` its name. Raises StatusError 422 where it has neither."""
    metadata = item["metadata"]
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = generated_name(str(metadata["generateName"]), version)
    if not metadata.get("name"):
        problem = "metadata.name: Required value: name or generateName is required"
        raise invalid(item["kind"], "", [problem])
    name = metadata["name"]
    if not is_name(name):
        raise invalid(
            item["kind"], str(name)[:_LONGEST_NAME], [f"metadata.name: Invalid value: {json.dumps(name)}: {NAME_RULE}"]
        )

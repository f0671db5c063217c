"""Objects that clients create and delete."""

import json
import re
from typing import Any

from podres_exporter.sim.api.http.answer import JSON
from podres_exporter.sim.api.http.request import Request, Target
from podres_exporter.sim.api.storage.objects import Object
from podres_exporter.sim.api.storage.resources import NAMESPACES
from podres_exporter.sim.api.storage.status import StatusError, bad_request, invalid, method_not_allowed
from podres_exporter.sim.api.storage.store import Store
from podres_exporter.sim.api.writes.defaults import defaulted

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LONGEST_NAME = 253
NAME_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character"
)
"""Source: apimachinery validation.NameIsDNSSubdomain."""


def is_name(name: object) -> bool:
    """Return whether an API server takes this as the name of a pod."""
    return isinstance(name, str) and len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) is not None


def read_body(request: Request) -> dict[str, Any]:
    """Return the object in a request's body. Raises StatusError: 415 for other media types, 400 for no JSON."""
    media_type = request.headers.get("content-type", JSON).partition(";")[0].strip()
    if media_type != JSON:
        message = f"the body of the request was in an unknown format - accepted media types include: {JSON}"
        raise StatusError(415, message)
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"couldn't get version/kind; json parse error: {error}") from error
    if not isinstance(body, dict):
        raise bad_request("couldn't get version/kind; json parse error: the body is not an object")
    return body


def create(store: Store, request: Request, target: Target) -> Object:
    """
    Return the object that a POST has made; it is stored, and the store's listeners have run.

    A pod begins as Pending without a node, whoever owns the store gives it one. Raises StatusError for the mistakes
    that the real server names too: wrong kind, wrong or missing namespace, no name, a name that is taken. A kind that
    is not stated is that of the URL.
    """
    resource = target.resource
    if not resource.is_writable:
        raise method_not_allowed()
    _refuse_dry_run(request)
    kind = {"apiVersion": resource.api_version, "kind": resource.kind}
    item = kind | {name: value for name, value in read_body(request).items() if value is not None}
    if (item["apiVersion"], item["kind"]) != (resource.api_version, resource.kind):
        told = f'"{item.get("apiVersion")}, Kind={item.get("kind")}"'
        raise bad_request(f'the API version in the data ({told}) does not match "{resource.api_version}"')
    metadata = item["metadata"] = {**_mapping(item.get("metadata"))}
    if metadata.setdefault("namespace", target.namespace) != target.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    store.get(NAMESPACES, "", metadata["namespace"])
    _ensure_name(item, store.version)
    for name in ("uid", "resourceVersion", "creationTimestamp"):
        metadata.pop(name, None)
    return store.create(resource, {**defaulted(item), "status": {"phase": "Pending"}}).item


def delete(store: Store, request: Request, target: Target) -> Object:
    """
    Return the object that a DELETE has removed, at once: there is no kubelet that could confirm a grace period.

    Raises StatusError: 404 where there is none, 409 where `preconditions` name another uid.
    Source: registry/core/pod/storage, whose store returns the deleted object and not a Status.
    """
    resource, namespace, name = target.resource, target.namespace or "", target.name or ""
    if not resource.is_writable:
        raise method_not_allowed()
    _refuse_dry_run(request)
    uid = _mapping(read_body(request).get("preconditions")).get("uid") if request.body else None
    current = store.get(resource, namespace, name)["metadata"]["uid"]
    if uid not in {None, current}:
        problem = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {current}"
        told = f'Operation cannot be fulfilled on {resource.qualified_name} "{name}": {problem}'
        raise StatusError(409, told)
    return store.delete(resource, namespace, name).item


def _mapping(value: object) -> dict[str, Any]:
    """Return a part of a body, empty where it is absent. Raises StatusError 400 where it is something else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad_request("json: cannot unmarshal the body into the object")
    return value


def _refuse_dry_run(request: Request) -> None:
    """Raise StatusError 400 where nothing shall happen: to do it all the same would be worse than to refuse."""
    if "dryRun" in request.query:
        raise bad_request("the simulated API server has no dry run")


def _ensure_name(item: dict[str, Any], version: int) -> None:
    """Give an object with `generateName` its name. Raises StatusError 422 where it has neither."""
    metadata = item["metadata"]
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = f"{metadata['generateName']}{version:05d}"
    if not metadata.get("name"):
        problem = "metadata.name: Required value: name or generateName is required"
        raise invalid(item["kind"], "", [problem])
    name = metadata["name"]
    if not is_name(name):
        raise invalid(item["kind"], str(name)[:_LONGEST_NAME], [f"metadata.name: Invalid value: {name!r}: {NAME_RULE}"])

"""Authentication and authorization: the bearer token, and access reviews."""

import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from podres_exporter.sim.api.http.request import Request, read_body
from podres_exporter.sim.api.serving.faults import Faults
from podres_exporter.sim.api.storage.resources import find_resource
from podres_exporter.sim.api.storage.status import StatusError, forbidden, unauthorized


def read_review_spec(request: Request) -> Mapping[str, Any]:
    """Return the `spec` of a SelfSubjectAccessReview. Raises StatusError: 415 and 400 for what is none."""
    return _mapping(read_body(request, kind="SelfSubjectAccessReview").get("spec"))


def _mapping(value: object) -> Mapping[str, Any]:
    """Return a part of the body, empty where it is not what it should be."""
    return value if isinstance(value, dict) else {}


def authenticate(request: Request, token: str | None) -> None:
    """Raise StatusError 401 unless the request carries the token; without a token everybody is welcome."""
    if token is None:
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise unauthorized()


def refuse_access(request: Request, user: str, missing_roles: Sequence[str] = ()) -> None:
    """
    Raise the StatusError 403 that RBAC has for the request, with the roles that it looked for and did not find.

    Source: plugin/pkg/auth/authorizer/rbac rbac.go Authorize, whose reason is an aggregate of the errors.
    """
    target = request.target
    if target is None:
        raise StatusError(403, f'forbidden: User "{user}" cannot {request.verb} path "{request.path}"')
    errors = [f'clusterrole.rbac.authorization.k8s.io "{role}" not found' for role in missing_roles]
    reason = f"[{', '.join(errors)}]" if len(errors) > 1 else "".join(errors)
    raise forbidden(
        user,
        request.verb,
        target.resource,
        target.namespace,
        target.name,
        target.subresource,
        reason=f"RBAC: {reason}" if reason else "",
    )


def review_access(request: Request, faults: Faults) -> dict[str, Any]:
    """
    Return the SelfSubjectAccessReview with its status: allowed, unless such a request would get 403 now.

    Resources that this server does not have are refused, as RBAC refuses what no rule grants.
    Source: authorization.k8s.io/v1; `kubectl auth can-i` asks it.
    """
    spec = read_review_spec(request)
    asked = spec.get("resourceAttributes") or {}
    group, version = asked.get("group", ""), asked.get("version") or "v1"
    resource = find_resource(group, "v1" if version == "*" else version, asked.get("resource", ""))
    subresource = asked.get("subresource", "")
    is_known = resource is not None and asked.get("verb") in resource.verbs
    is_allowed = is_known and not faults.forbids(asked["verb"], resource, subresource)
    return {
        "kind": "SelfSubjectAccessReview",
        "apiVersion": "authorization.k8s.io/v1",
        "metadata": {"creationTimestamp": None},
        "spec": spec,
        "status": {"allowed": is_allowed},
    }

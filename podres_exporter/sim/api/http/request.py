"""Requests to the simulated API server: method, path, query, and the object in the body."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import yaml

from podres_exporter.sim.api.http.answer import JSON
from podres_exporter.sim.api.http.options import parse_bool
from podres_exporter.sim.api.http.protobuf import KINDS, PROTOBUF, read_protobuf
from podres_exporter.sim.api.storage.resources import Resource, find_resource
from podres_exporter.sim.api.storage.status import StatusError, bad_request


@dataclass(frozen=True, slots=True)
class Target:
    """
    The object or the collection that a path names; *namespace* None is all of them, *name* None the collection.

    *path* is what follows the subresource `proxy`, as it stands in the URL; empty without even a slash.
    *version* is that of the API's group.
    """

    resource: Resource
    namespace: str | None = None
    name: str | None = None
    subresource: str = ""
    path: str = ""
    version: str = "v1"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, read to its end. Header names are in lower case; of a repeated query key the first counts."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def target(self) -> Target | None:
        """What the path names, None for discovery, the version and paths that lead nowhere."""
        return parse_target(self.path)

    @property
    def verb(self) -> str:
        """
        The word that RBAC has for it; for paths that are no resource, the method in lower case.

        Source: endpoints/request.RequestInfoFactory.
        """
        target = self.target
        if target is None:
            return self.method.lower()
        if self.method in {"GET", "HEAD"}:
            if target.name is not None:
                return "get"
            return "watch" if parse_bool(self.query.get("watch")) else "list"
        verb = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}.get(self.method, "")
        return "deletecollection" if verb == "delete" and target.name is None else verb


def parse_request(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Request:
    """Return the request that a request line and headers make."""
    parts = urlsplit(url)
    query = dict(reversed(parse_qsl(parts.query, keep_blank_values=True)))
    return Request(method, parts.path, query, {name.lower(): value for name, value in headers.items()}, body)


def parse_target(path: str) -> Target | None:
    """Return what `/api/v1/...` or `/apis/GROUP/VERSION/...` names, None if this server does not have that resource."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    if parts[0] == "api" and len(parts) >= 3:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) >= 4:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = None
    if rest[0] == "namespaces" and len(rest) >= 3:
        namespace, rest = rest[1], rest[2:]
    resource = find_resource(group, version, rest[0])
    subresource = rest[2] if len(rest) > 2 else ""
    is_proxied = subresource == "proxy"
    if resource is None or (len(rest) > 3 and not is_proxied) or (namespace is not None and not resource.is_namespaced):
        return None
    name = rest[1] if len(rest) > 1 else None
    if resource.is_namespaced and namespace is None and name is not None:
        return None
    below = _below(path, len(parts) - len(rest) + 3) if is_proxied else ""
    return Target(resource, namespace, name, subresource, below, version)


def _below(path: str, depth: int) -> str:
    """Return what of a path comes after so many components, with its slash; empty where there is not even that."""
    pieces = path.lstrip("/").split("/", depth)
    return f"/{pieces[depth]}" if len(pieces) > depth else ""


YAML = "application/yaml"
OBJECTS = (JSON, YAML)


def media_type_of(request: Request) -> str:
    """Return what the client says that its body is; JSON where it says nothing."""
    return request.headers.get("content-type", JSON).partition(";")[0].strip()


def read_body(request: Request, accepted: Collection[str] = OBJECTS, *, kind: str = "") -> dict[str, Any]:
    """
    Return the object in a request's body, in protobuf if it is of a *kind* that is understood so.

    Raises StatusError: 415 for other media types, 400 for no object.
    """
    media_type = media_type_of(request)
    if media_type == PROTOBUF and kind in KINDS:
        return read_protobuf(request.body, kind)
    if media_type not in accepted:
        known = ", ".join(accepted)
        message = f"the body of the request was in an unknown format - accepted media types include: {known}"
        raise StatusError(415, message)
    try:
        body = yaml.safe_load(request.body) if media_type == YAML else json.loads(request.body)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise bad_request(f"couldn't get version/kind; json parse error: {error}") from error
    if not isinstance(body, dict):
        raise bad_request("couldn't get version/kind; json parse error: the body is not an object")
    return body

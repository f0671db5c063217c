"""API discovery documents in their unaggregated form, which every client understands."""

from collections.abc import Mapping, Sequence
from typing import Any

from podres_exporter.sim.api.http.answer import Answer, document_answer, text_answer
from podres_exporter.sim.api.reads.versions import DRA_GROUP, served_versions
from podres_exporter.sim.api.storage.resources import RESOURCES, Resource

ACCESS_GROUP = "authorization.k8s.io"
ACCESS_REVIEWS = "selfsubjectaccessreviews"

_GROUPS = (ACCESS_GROUP, DRA_GROUP)

_ACCESS_REVIEW = {
    "name": ACCESS_REVIEWS,
    "singularName": "selfsubjectaccessreview",
    "namespaced": False,
    "kind": "SelfSubjectAccessReview",
    "verbs": ["create"],
}

_OPENAPI_V2 = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
"""`kubectl create` wants a schema or fails. An empty protobuf message is one that knows no kind: nothing is checked."""


def discover(path: str, version: str) -> Answer | None:
    """
    Return what a GET of *path* outside the resources answers, None where there is nothing.

    *version* is what the server says it is, such as `v1.36.3`. Aggregated discovery is not offered: a client that asks
    for it gets the plain lists and goes on with them (client-go discovery, `GroupsAndMaybeResources`).
    """
    path = path.rstrip("/")
    if path in {"/healthz", "/livez", "/readyz"}:
        return text_answer("ok")
    if path == "/openapi/v2":
        return Answer(200, b"", {"Content-Type": _OPENAPI_V2})
    document = _documents(version).get(path)
    return None if document is None else document_answer(document)


def _documents(version: str) -> Mapping[str, Mapping[str, Any]]:
    """Return every document by its path."""
    served = {name: versions for name in _GROUPS if (versions := served_versions(name, version))}
    groups = [_group(name, versions) for name, versions in served.items()]
    return {
        "/version": _version(version),
        "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups},
        "/api/v1": _resource_list("v1", ""),
        **{f"/apis/{each['name']}": {"kind": "APIGroup", "apiVersion": "v1", **each} for each in groups},
        **{
            f"/apis/{name}/{each}": _resource_list(f"{name}/{each}", name)
            for name, versions in served.items()
            for each in versions
        },
    }


def _version(version: str) -> dict[str, str]:
    """Return the answer of /version (apimachinery version.Info)."""
    major, minor = version.removeprefix("v").split(".")[:2]
    unknown = dict.fromkeys(("gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform"), "")
    return {"major": major, "minor": minor, "gitVersion": version, **unknown}


def _group(name: str, versions: Sequence[str]) -> dict[str, Any]:
    """Return one API group with its versions, the preferred one first."""
    found = [{"groupVersion": f"{name}/{each}", "version": each} for each in versions]
    return {"name": name, "versions": found, "preferredVersion": found[0]}


def _resource_list(group_version: str, group: str) -> dict[str, Any]:
    """Return the resources of one group."""
    resources = [_described(each) for each in RESOURCES if each.group == group]
    if group == ACCESS_GROUP:
        resources.append(_ACCESS_REVIEW)
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources}


def _described(resource: Resource) -> dict[str, Any]:
    """Return one resource (metav1.APIResource)."""
    return {
        "name": resource.plural,
        "singularName": resource.kind.lower(),
        "namespaced": resource.is_namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
        "shortNames": list(resource.short_names),
    }

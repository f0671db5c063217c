"""Versions of the DRA API: which ones a release serves, and conversion of stored v1 objects to older versions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from podres_exporter.sim.api.storage.objects import Object
from podres_exporter.sim.api.storage.resources import Resource

DRA_GROUP = "resource.k8s.io"
V1, V1BETA1, V1BETA2 = "v1", "v1beta1", "v1beta2"
DRA_VERSIONS = (V1, V1BETA2, V1BETA1)


def served_versions(group: str, server_version: str) -> tuple[str, ...]:
    """
    Return the versions in which a server of this version, such as `v1.36.3`, serves a group; none: not at all.

    Before 1.34 DRA is behind a feature gate, which is enabled here; from 1.34 on betas are off by default.

    Source: pkg/controlplane/instance.go; KEP-4381.
    """
    if group != DRA_GROUP:
        return (V1,)
    minor = _minor(server_version)
    if minor >= 34:
        return (V1,)
    return {33: (V1BETA2, V1BETA1), 32: (V1BETA1,)}.get(minor, ())


def in_version(item: Object, resource: Resource, version: str) -> Object:
    """
    Return an object as a version of its group writes it.

    v1beta1 has what a device is below `basic`, and no `exactly` in the requests of a claim.
    """
    if version == resource.version:
        return item
    found: dict[str, Any] = dict(item)
    if "apiVersion" in found:
        found["apiVersion"] = f"{resource.group}/{version}"
    if version == V1BETA1:
        found |= {"spec": _beta1_spec(found["spec"])} if "spec" in found else {}
    return found


def _beta1_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec of a slice or a claim in v1beta1."""
    found = dict(spec)
    if spec.get("devices") and isinstance(spec["devices"], list):
        found["devices"] = [
            {"name": each["name"], "basic": {key: each[key] for key in each if key != "name"}}
            for each in spec["devices"]
        ]
    elif isinstance(spec.get("devices"), Mapping):
        requests = [{**each, **each.get("exactly", {})} for each in spec["devices"].get("requests") or ()]
        for each in requests:
            each.pop("exactly", None)
        found["devices"] = {**spec["devices"], "requests": requests}
    return found


def selectable(resource: Resource, server_version: str) -> Resource:
    """Return the resource with the fields that a server of this version lets clients select by."""
    newer = tuple(name for name, minor in resource.newer_fields if _minor(server_version) >= minor)
    return replace(resource, fields=(*resource.fields, *newer)) if newer else resource


def _minor(server_version: str) -> int:
    return int(server_version.removeprefix("v").split(".")[1])

"""Kubernetes objects as JSON, and the metadata that the API server adds."""

import copy
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from podres_exporter.sim.api.storage.resources import Resource

Object = Mapping[str, Any]
"""A Kubernetes object. Those of the store are shared and must not be changed."""

ObjectKey = tuple[str, str]
"""Namespace, empty where the kind has none, and name. Lists are sorted by both as text, as etcd sorts its keys."""

_UIDS = uuid.UUID("d6e5a3f0-61a5-4d0e-8f3e-3f1c5a7b9d21")


def key_of(item: Object) -> ObjectKey:
    """Return an object's namespace and name."""
    metadata = item["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def born(resource: Resource, item: Object, wall_seconds: float, version: int) -> dict[str, Any]:
    """
    Return a copy with uid and creation time, where *item* does not bring its own.

    The uid is made from name and *version*, so that the same calls give the same objects.
    """
    metadata = {
        "uid": str(uuid.uuid5(_UIDS, f"{resource.plural}/{'/'.join(key_of(item))}/{version}")),
        "creationTimestamp": datetime.fromtimestamp(wall_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return stamped(resource, item, {**metadata, **item["metadata"]})


def stamped(resource: Resource, item: Object, metadata: Object) -> dict[str, Any]:
    """Return a deep copy with *metadata* added to its own, and with the kind's name first, as the server writes it."""
    plain = copy.deepcopy({name: value for name, value in item.items() if name not in {"kind", "apiVersion"}})
    plain["metadata"] = {**plain["metadata"], **metadata}
    return {"kind": resource.kind, "apiVersion": resource.api_version, **plain}


def at(item: Object, path: str) -> Any:
    """Return the value at a dotted path such as `spec.nodeName`, None where there is none."""
    value: Any = item
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


_ALPHANUMS = "bcdfghjklmnpqrstvwxz2456789"
_RANDOM_LENGTH, _LONGEST_BASE = 5, 58
_STRIDE = 7_368_787
"""A prime, so that successive numbers give names that look drawn, and no two of them the same."""


def generated_name(base: str, number: int) -> str:
    """
    Return the name that is made of `generateName`; another *number* makes another name.

    Source: apiserver storage/names SimpleNameGenerator; apimachinery util/rand String.
    """
    left, letters = number * _STRIDE % len(_ALPHANUMS) ** _RANDOM_LENGTH, ""
    for _ in range(_RANDOM_LENGTH):
        left, index = divmod(left, len(_ALPHANUMS))
        letters += _ALPHANUMS[index]
    return base[:_LONGEST_BASE] + letters

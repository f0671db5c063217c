"""Builders of pod JSON as the API server writes it; fields that are not named are left out."""

import json
from typing import Any


def pod_json(
    *containers: dict[str, Any],
    metadata: dict[str, Any] | None = None,
    spec: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a pod `ml/train-0`, with one container `main` if none is given."""
    return {
        "metadata": {"namespace": "ml", "name": "train-0", "uid": "u-1", "resourceVersion": "17", **(metadata or {})},
        "spec": {"containers": containers or [{"name": "main", "resources": {}}], **(spec or {})},
        "status": {"phase": "Running", **(status or {})},
    }


def owner_json(kind: str, name: str, api_version: str, **more: Any) -> dict[str, Any]:
    """Return an owner that controls."""
    return {"apiVersion": api_version, "kind": kind, "name": name, "controller": True, **more}


def asking(name: str = "main", **resources: Any) -> dict[str, Any]:
    """Return a container with *resources*: requests, limits, claims."""
    return {"name": name, "resources": resources}


def to_bytes(value: object) -> bytes:
    """Return the value as JSON."""
    return json.dumps(value).encode()

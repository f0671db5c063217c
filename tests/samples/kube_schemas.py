"""JSON schemas of Kubernetes kinds, and of the operators' kinds that the chart uses."""

import functools
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

jsonschema = pytest.importorskip("jsonschema", reason="comes with the extra `dev`")
pytest.importorskip("kubernetes_validate", reason="comes with the extra `dev`")
referencing = pytest.importorskip("referencing", reason="comes with jsonschema")

VERSIONS = tuple(f"1.{minor}" for minor in range(30, 38))
_OWN = Path(__file__).parents[1] / "deploy" / "schemas"


def problems(item: dict[str, Any], version: str) -> list[str]:
    """
    Return what is wrong with an object for a Kubernetes release, unknown fields included.

    Kinds of operators are looked up in tests/deploy/schemas, whatever the release.
    """
    return list(_problems(json.dumps(item, sort_keys=True), version))


@functools.cache
def _problems(text: str, version: str) -> tuple[str, ...]:
    """Return the same; most variants have most objects in common."""
    item = json.loads(text)
    own = _OWN / f"{item['kind'].lower()}.json"
    validator = _own_validator(own) if own.exists() else _validator(version, item["apiVersion"], item["kind"])
    return tuple(f"{item['kind']}: {error.json_path}: {error.message}" for error in validator.iter_errors(item))


@functools.cache
def _own_validator(path: Path) -> Any:
    return jsonschema.Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))


@functools.cache
def _validator(version: str, api_version: str, kind: str) -> Any:
    """Return the strict validator of a kind: rbac.authorization.k8s.io/v1 ClusterRole has clusterrole-rbac-v1.json."""
    group, _, name = api_version.rpartition("/")
    file = "-".join([kind.lower(), *([group.partition(".")[0]] if group else []), name])
    folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{version}.0-local-strict"
    schema = json.loads((folder / f"{file}.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema, registry=_definitions(version))


@functools.cache
def _definitions(version: str) -> Any:
    folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{version}.0-local-strict"
    content = json.loads((folder / "_definitions.json").read_text(encoding="utf-8"))
    return referencing.Resource.from_contents(content) @ referencing.Registry()

"""
Generate the JSON Schema of the document from its records.

`make schema` writes it to podres_exporter/data/podres-v1.schema.json, which is part of the package.
"""

import json
from typing import Any

import msgspec

from podres_exporter.document.envelope import API_VERSION, KIND, SnapshotRecord

_WHOLE = "SnapshotRecord"
_SUFFIX = "Record"
_NEEDS_ALLOCATION = {
    "pods": ["stock", "skippedPods"],
    "stock": ["pods"],
    "skippedPods": ["pods"],
    "topology": ["pods"],
}
"""Keys that are either all present or all absent."""
_ALWAYS_WRITTEN = {
    "SnapshotRecord": ["generatedAt", "exporter"],
    "ExporterRecord": ["version"],
    "StatusRecord": ["allocation"],
    "RequestRecord": ["missing"],
}
"""Derived keys for readers: always written, but not needed to read the document back."""


def schema() -> dict[str, Any]:
    """Return the JSON Schema, draft 2020-12, of the documents that this release writes."""
    _, components = msgspec.json.schema_components([SnapshotRecord], ref_template="#/$defs/{name}")
    records = {name: _plain(each) for name, each in components.items()}
    for name, keys in _ALWAYS_WRITTEN.items():
        each = records[name]
        each["required"] = [key for key in each["properties"] if key in {*each.get("required", ()), *keys}]
    whole = records.pop(_WHOLE)
    whole["properties"]["apiVersion"] |= {"const": API_VERSION}
    whole["properties"]["kind"] |= {"const": KIND}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:podres-exporter:schema:podres-v1",
        "title": KIND,
        "description": " ".join((SnapshotRecord.__doc__ or "").split()),
        "type": "object",
        "required": whole["required"],
        "dependentRequired": _NEEDS_ALLOCATION,
        "properties": whole["properties"],
        "$defs": {_named(name): {key: each[key] for key in each if key != "title"} for name, each in records.items()},
    }


def _plain(value: Any) -> Any:
    """
    Return a part of msgspec's schema without null and defaults: absent values are not written, and neither is null.
    """
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    value = {key: _plain(each) for key, each in value.items() if key != "default" and (key, each) != ("required", [])}
    if "$ref" in value:
        value["$ref"] = f"#/$defs/{_named(value['$ref'].rpartition('/')[2])}"
    stated = [each for each in value.pop("anyOf", []) if each != {"type": "null"}]
    return (stated[0] if stated else {}) | value


def _named(name: str) -> str:
    """Return the name of a record in the schema."""
    name = name.removesuffix(_SUFFIX)
    return name[:1].lower() + name[1:]


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))  # noqa: T201 - what it is for

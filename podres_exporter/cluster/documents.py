"""The snapshots of a cluster as JSON and YAML: one list, with the nodes that failed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from podres_exporter.cluster.outcome import Answered, Trouble
from podres_exporter.document import API_VERSION, encode
from podres_exporter.dump import LIST_KIND
from podres_exporter.model import Snapshot

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of a node: *snapshot* may be a part of the original."""

    told: Answered
    snapshot: Snapshot


def dump_document(shown: Sequence[Shown], found: Sequence[Trouble]) -> Document:
    """
    Return the list of the nodes' documents, each with its own time and version.

    `failed` is always present, so that programs can see whether the document is complete.
    """
    items = [
        encode(each.snapshot, generated_at_seconds=each.told.generated_at_seconds, version=each.told.version)
        for each in shown
    ]
    return {"apiVersion": API_VERSION, "kind": LIST_KIND, "items": items, "failed": failed_documents(found)}


def failed_documents(found: Sequence[Trouble]) -> list[Document]:
    """Return the nodes without an answer, and why."""
    return [{"node": each.node, "pod": each.pod, "reason": each.reason.value, "message": each.detail} for each in found]


def json_of(document: Mapping[str, Any]) -> str:
    """Return JSON with a final newline, with all non-ASCII characters escaped so that any terminal can print it."""
    return json.dumps(document, indent=2) + "\n"


def yaml_of(document: Mapping[str, Any]) -> str:
    """Return YAML, keys in the order of the document."""
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    return text

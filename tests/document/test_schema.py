"""The packaged JSON Schema accepts every document that is written."""

import json
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest
from captures import CAPTURES
from document_samples import everything, snapshots
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.document import encode
from podres_exporter.document.schema import schema
from podres_exporter.join import Joiner, accrue
from podres_exporter.model import Core, Listing, Metadata, Snapshot, Topology, Usage
from podres_exporter.podmeta import PodDecoder, decode_list
from podres_exporter.scenario import node_at
from podres_exporter.sim import builtin_scenario
from podres_exporter.wire import AllocatableDecoder, ListDecoder

SCHEMA: Any = json.loads((files("podres_exporter") / "data" / "podres-v1.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
TWO_NODES = Topology({0: frozenset(range(4)), 1: frozenset(range(4, 8))}, {0: Core(0, 0), 4: Core(-1, 1)})


def document(snapshot: Snapshot) -> Any:
    return encode(snapshot, generated_at_seconds=1.7e9, version="1")


def captured(release: str) -> Snapshot:
    """Return what a recorded kubelet and its API server say."""
    folder = CAPTURES / release
    listing = ListDecoder().decode((folder / "v1-list.bin").read_bytes())
    allocatable = AllocatableDecoder().decode((folder / "v1-allocatable.bin").read_bytes())
    decoder = PodDecoder(LabelAllowlist(everything=True))
    metas = {pod.meta.key: pod.meta for pod in decode_list((folder / "pods.json").read_bytes(), decoder).pods}
    metadata = Metadata(metas, synced=True, is_up=True, last_success_seconds=1.7e9)
    allocation = Joiner().join(listing, allocatable, TWO_NODES, metadata)
    return Snapshot("node1", allocation, metadata, usage=accrue(Usage(), allocation, 10))


def simulated(name: str) -> Snapshot:
    """Return what a scenario of the package holds after half a minute."""
    scenario = builtin_scenario(name)
    state = node_at(scenario, 30)
    return Snapshot(scenario.node, Joiner().join(Listing(state.pods), state.allocatable, state.topology))


def described(schema: Any, path: str = "") -> Iterator[str]:
    """Yield the path of every property that the schema describes; `[]` stands for any item of a list."""
    schema = {**SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], **schema} if "$ref" in schema else schema
    for key, inner in schema.get("properties", {}).items():
        yield f"{path}.{key}"
        yield from described(inner, f"{path}.{key}")
    if "items" in schema:
        yield from described(schema["items"], f"{path}[]")


def written(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of every key of a document; keys that are names of the cluster's own are left out."""
    if isinstance(value, list):
        for item in value:
            yield from written(item, f"{path}[]")
    elif isinstance(value, dict) and path not in NAMED:
        for key, inner in value.items():
            yield f"{path}.{key}"
            yield from written(inner, f"{path}.{key}")


def properties(schema: Any) -> Iterator[tuple[str, Any]]:
    """Yield every property of the schema with its name, wherever it stands."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {}).items()
        for inner in schema.values():
            yield from properties(inner)


NAMED = {".skippedPods", ".cpusetDrift.unread"} | {
    f"{pods}.metadata{place}"
    for pods in (".pods[]", ".otherPods[]")
    for place in (".labels", ".claims", ".containers[].devices", ".containers[].memoryBytes")
}


def test_the_schema_is_that_of_the_records() -> None:
    """`make schema` writes it."""
    assert schema() == SCHEMA


def test_the_schema_is_one() -> None:
    """JSON Schema, draft 2020-12."""
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "snapshot",
    [
        everything(),
        everything().expired(),
        Snapshot("n1", None),
        captured("kubelet-1.27"),
        captured("kubelet-1.36"),
        simulated("demo"),
    ],
    ids=["everything", "expired", "nothing", "kubelet-1.27", "kubelet-1.36", "demo"],
)
def test_documents_keep_to_the_schema(snapshot: Snapshot) -> None:
    assert [] == [error.message for error in VALIDATOR.iter_errors(document(snapshot))]


@settings(deadline=None, max_examples=50)
@given(snapshots())
def test_any_document_keeps_to_the_schema(snapshot: Snapshot) -> None:
    assert [] == [error.message for error in VALIDATOR.iter_errors(document(snapshot))]


def test_every_key_that_is_written_is_described_and_the_reverse() -> None:
    """Every key that is written is described, and every described key is written."""
    unknown = everything()
    assert unknown.allocation is not None
    cpus = replace(unknown.allocation.cpus, is_complete=False)
    unknown = replace(unknown, allocation=replace(unknown.allocation, cpus=cpus))
    snapshots = [everything(), unknown, everything().expired(), captured("kubelet-1.36")]
    rejected = {
        ".otherPods[]" + path.removeprefix(".pods[]")
        for path in described(SCHEMA)
        if path.startswith(".pods[].metadata")
    }

    actual = {path for snapshot in snapshots for path in written(document(snapshot))}

    assert set() == actual - set(described(SCHEMA))
    # What metadata may say does not depend on where it stands.
    assert set() == set(described(SCHEMA)) - actual - rejected


def test_every_property_has_a_description() -> None:
    """Whole sentences, for editors show them as they are."""
    assert [] == [name for name, schema in properties(SCHEMA) if not schema.get("description", "").endswith(".")]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"pods": None}, "None is not of type 'array'"),
        ({"apiVersion": "podres/v2"}, "'podres/v1' was expected"),
        ({"generatedAt": "yesterday"}, "'yesterday' does not match"),
    ],
)
def test_the_schema_refuses_what_is_wrong(damage: dict[str, object], message: str) -> None:
    """A schema that accepts everything would keep to anything."""
    (error,) = VALIDATOR.iter_errors({**document(everything()), **damage})

    assert error.message.startswith(message)

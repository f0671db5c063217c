"""Decoding exporters' documents; undecodable ones are errors of their node."""

import json
from typing import Any

import pytest
from cluster_rig import NOW, busy, document, told

from podres_exporter.cluster.outcome import Answered, Trouble, read_reply
from podres_exporter.errors import Reason

TARGET = told("n1").target


def read(content: object) -> Answered | Trouble:
    return read_reply(TARGET, json.dumps(content).encode())


def detail(content: object) -> str:
    found = read(content)
    assert isinstance(found, Trouble)
    assert (Reason.MALFORMED, "n1", "monitoring/exporter-n1") == (found.reason, found.node, found.pod)
    return found.detail


def changed(**fields: Any) -> dict[str, Any]:
    return {**document(busy("n1"), at=NOW), **fields}


def test_a_document_is_read_with_its_time_and_version() -> None:
    assert told("n1") == read(changed())


def test_the_node_is_called_what_the_api_server_calls_it() -> None:
    """Exporters that all go by one name must not be taken for one node; what it said is kept."""
    found = read(changed(node="localhost"))

    assert isinstance(found, Answered)
    assert ("n1", "n1", "localhost") == (found.node, found.snapshot.node, found.said_node)


@pytest.mark.parametrize("exporter", [None, {}, {"version": None}])
def test_an_exporter_need_not_say_its_version(exporter: object) -> None:
    found = read(changed(exporter=exporter))

    assert isinstance(found, Answered)
    assert "" == found.version


@pytest.mark.parametrize(
    ("exporter", "writer"), [({"version": "2.0.0"}, "podres-exporter 2.0.0"), (None, "its exporter")]
)
def test_another_version_of_the_document_names_both(exporter: object, writer: str) -> None:
    expected = f"{writer} writes podres/v2 and this command reads podres/v1; use the same release for both"

    assert expected == detail(changed(apiVersion="podres/v2", exporter=exporter))


def test_a_malformed_document_is_named_by_its_place_and_its_writer() -> None:
    expected = "its snapshot cannot be read: pods: is 7; must be a list (podres-exporter 1.0.0)"

    assert expected == detail(changed(pods=7))


@pytest.mark.parametrize("content", [[], 7, None, {"apiVersion": "v1"}])
def test_json_that_is_no_snapshot_is_refused(content: object) -> None:
    assert detail(content).startswith("its snapshot cannot be read: ")


def test_a_document_must_say_when_it_was_made() -> None:
    assert "its snapshot does not say when it was made" == detail(changed(generatedAt=None))


@pytest.mark.parametrize("moment", ["yesterday", 7])
def test_a_time_that_is_none_is_named(moment: object) -> None:
    assert detail(changed(generatedAt=moment)).startswith("its snapshot cannot be read: generatedAt: is ")


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    found = read_reply(TARGET, body)

    assert isinstance(found, Trouble)
    assert "its answer is not JSON; is it a podres-exporter?" == found.detail

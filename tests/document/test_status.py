"""Freshness and completeness in the document."""

from typing import Any

import pytest
from document_samples import everything
from msgspec import to_builtins

from podres_exporter.document.faults import read
from podres_exporter.document.status import (
    MetadataSourceRecord,
    StatusRecord,
    read_metadata_source,
    read_sources,
    write_status,
)
from podres_exporter.model import Metadata, Part, Snapshot, SourceHealth

NEVER = SourceHealth("kubelet", False, None)
ONCE = SourceHealth("kubelet", False, 5.0)


def status(snapshot: Snapshot) -> Any:
    return to_builtins(write_status(snapshot))


AT = "1970-01-01T00:00:05Z"


@pytest.mark.parametrize(
    ("source", "held", "reason", "message"),
    [
        (NEVER, False, "not_answered", "the kubelet has not answered yet"),
        (ONCE, True, "too_old", f"the kubelet's last good answer, of {AT}, is older than the maximum age"),
        (ONCE, False, "too_old", f"the kubelet's last good answer, of {AT}, is older than the maximum age"),
    ],
)
def test_why_there_is_no_allocation_is_said(source: SourceHealth, held: bool, reason: str, message: str) -> None:
    """Unavailable is never empty, and never silent."""
    parts = (Part("allocatable", stale=False, held=True), Part("pods", stale=True, held=held))
    topology = SourceHealth("topology", True, 9.0)

    actual = status(Snapshot("n1", None, sources=(topology, source), parts=parts))["allocation"]

    assert {"available": False, "reason": reason, "message": message} == actual


def test_an_allocation_that_is_there_needs_no_words() -> None:
    assert {"available": True} == status(everything())["allocation"]


def test_a_source_that_never_answered_has_no_last_success() -> None:
    """Not 1970."""
    written = status(Snapshot("n1", None, sources=(NEVER,)))

    assert [{"source": "kubelet", "up": False}] == written["sources"]
    assert (NEVER,) == read(written, StatusRecord, read_sources)


@pytest.mark.parametrize(
    "metadata", [None, Metadata(), Metadata({}, True, False, True, 7.5), Metadata({}, False, True, False, 0.0)]
)
def test_an_api_server_that_is_not_asked_differs_from_one_that_does_not_answer(metadata: Metadata | None) -> None:
    written = status(Snapshot("n1", None, metadata))

    if metadata is None:
        assert "metadata" not in written
    else:
        assert metadata == read(written["metadata"], MetadataSourceRecord, read_metadata_source)

"""Invariants of the JSON document, over random snapshots with hostile names."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import msgspec.json
import pytest
from document_samples import seconds, snapshots
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import whole_page

from podres_exporter.document import decode, encode
from podres_exporter.errors import DocumentError
from podres_exporter.exposition.negotiation import Format
from podres_exporter.families.catalogue import CATALOGUE
from podres_exporter.model import Snapshot
from podres_exporter.moment import read_moment, write_moment

law = settings(deadline=None)
"""Speed is measured elsewhere; a busy machine breaks no law."""

FOR_READERS_ONLY = {"free", "sharedPool", "missing", "base", "replica", "allocation", "generatedAt", "exporter"}


def written(snapshot: Snapshot) -> Any:
    """Return the document after a way through JSON."""
    return json.loads(msgspec.json.encode(encode(snapshot, generated_at_seconds=1.7e9, version="1")))


def without(document: Any, keys: set[str]) -> Any:
    """Return the document without some keys, wherever they stand."""
    if isinstance(document, list):
        return [without(item, keys) for item in document]
    if isinstance(document, dict):
        return {key: without(value, keys) for key, value in document.items() if key not in keys}
    return document


@law
@given(snapshots())
def test_a_document_is_read_back_to_the_snapshot_it_was_written_from(snapshot: Snapshot) -> None:
    assert snapshot == decode(written(snapshot))


@law
@given(snapshots())
def test_the_page_of_a_snapshot_that_was_read_back_is_the_same_to_the_byte(snapshot: Snapshot) -> None:
    """`dump --url -o prom` and a scrape of the same exporter say the same."""
    again = decode(written(snapshot))

    assert whole_page(snapshot, CATALOGUE, Format.TEXT) == whole_page(again, CATALOGUE, Format.TEXT)


@law
@given(snapshots())
def test_what_is_there_for_readers_only_is_not_read(snapshot: Snapshot) -> None:
    """What is derived cannot contradict what it is derived from."""
    assert snapshot == decode(without(written(snapshot), FOR_READERS_ONLY))


@law
@given(seconds)
def test_a_moment_is_read_back_to_the_last_bit(moment: float) -> None:
    """podres_source_last_success_timestamp_seconds must not change on its way."""
    assert moment == read_moment(write_moment(moment))


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every (container, key) within a document."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield value, key
        yield from places(inner)


JSON: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just([]) | st.just({})
)


@law
@given(snapshots(), JSON, st.data())
def test_a_damaged_document_is_read_or_the_place_of_its_fault_is_named(
    snapshot: Snapshot, value: Any, data: st.DataObject
) -> None:
    """No other error may come of an edited file, nor of an answer of something that is no exporter."""
    document = written(snapshot)
    holder, key = data.draw(st.sampled_from(list(places(document))))
    if data.draw(st.booleans()):
        del holder[key]
    else:
        holder[key] = value

    with contextlib.suppress(DocumentError):
        decode(document)


@law
@given(JSON)
def test_what_is_no_document_is_refused_as_such(value: Any) -> None:
    with pytest.raises(DocumentError):
        decode(value)

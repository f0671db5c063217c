"""A list decoded piece by piece equals the same list decoded whole."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pod_json import pod_json

from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.podmeta import PodDecoder, PodList, PodListReader, decode_list
from podres_exporter.podmeta.liststream import MOST_ITEM_BYTES

DECODER = PodDecoder(LabelAllowlist(everything=True))
TRICKY = ['},{"metadata":{}', "}]", '} , { "metadata"', '"items":[', "\\", '"', "\u00e9\u4e16", '},{"apiVersion":"v1"']


def read(body: bytes, *cuts: int) -> PodList:
    """Return the list read in pieces that end at these places."""
    reader = PodListReader(DECODER)
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    for begin, end in pairwise(places):
        reader.feed(body[begin:end])
    return reader.finish()


def listed(*pods: object, **more: Any) -> dict[str, Any]:
    return {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}, "items": list(pods), **more}


def named(name: str, text: str = "", **more: Any) -> dict[str, Any]:
    """Return a pod with a text that may look like anything."""
    return pod_json(metadata={"name": name, "labels": {"odd": text}, "annotations": {"more": text}, **more})


def compact(value: object) -> bytes:
    """Return JSON as Go writes it."""
    return json.dumps(value, separators=(",", ":")).encode()


@given(
    st.lists(st.sampled_from(TRICKY), max_size=6),
    st.lists(st.integers(0, 100_000), max_size=12),
    st.booleans(),
)
def test_in_whatever_pieces_it_comes_the_list_is_the_same(texts: list[str], cuts: list[int], is_compact: bool) -> None:
    """Texts that look like the end of a pod, or of the list, are no such end."""
    value = listed(*(named(f"p{number}", text) for number, text in enumerate(texts)))
    body = compact(value) if is_compact else json.dumps(value, indent=1).encode()

    assert decode_list(body, DECODER) == read(body, *cuts)


@pytest.mark.parametrize("body", [b'{"metadata":{"resourceVersion":"3"},"items":null}', compact(listed())])
def test_a_list_without_pods_is_a_list(body: bytes) -> None:
    assert decode_list(body, DECODER) == read(body, *range(len(body)))


def test_what_follows_the_items_counts_too() -> None:
    """JSON objects have no order; Go writes the metadata first, others need not."""
    body = compact({"items": [named("a"), named("b")], "metadata": {"resourceVersion": "9"}, "kind": "PodList"})

    assert ("9", 2) == (read(body, 50).resource_version, len(read(body, 50).pods))


def test_a_pod_that_cannot_be_used_is_left_out_and_named() -> None:
    """Its place in the list and its name, as if the list had been read whole."""
    body = compact(listed(named("a"), {"metadata": {"namespace": "ml", "name": "b"}, "spec": 7}, named("c")))

    assert decode_list(body, DECODER) == read(body, 300, 600)
    assert 1 == len(read(body).malformed)


def test_items_may_begin_with_another_key() -> None:
    """Whatever the first one begins with, the others do."""
    pods = [{"kind": "Pod", "apiVersion": "v1", **named(f"p{number}", '},{"kind":"x"')} for number in range(3)]
    body = compact(listed(*pods))

    assert decode_list(body, DECODER) == read(body, *range(0, len(body), 11))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        compact(listed(named("a"), named("b")))[:-30],
        compact(listed(named("a")))[:-2],
        compact(listed(named("a"), named("b"))).replace(b'"b"', b'"b'),
    ],
)
def test_what_is_no_list_or_is_cut_short_is_malformed(body: bytes) -> None:
    """Never a list with fewer pods."""
    with pytest.raises(ApiServerError) as raised:
        read(body, 10, 400)

    assert Reason.MALFORMED is raised.value.reason


def test_only_one_pod_is_kept_at_a_time() -> None:
    """However many there are; one that is larger than any pod can be is refused."""
    reader = PodListReader(DECODER)
    pieces = compact(listed(*(named(f"p{number}", "x" * 2000) for number in range(200))))
    kept = 0
    for begin in range(0, len(pieces), 4096):
        reader.feed(pieces[begin : begin + 4096])
        kept = max(kept, len(reader._buffer))  # noqa: SLF001 - what is kept is the point

    assert 200 == len(reader.finish().pods)
    assert kept < 3 * 4096 + 4000
    with pytest.raises(ApiServerError) as raised:
        PodListReader(DECODER).feed(b'{"items":[{"metadata":"' + bytes(MOST_ITEM_BYTES))
    assert Reason.TOO_LARGE is raised.value.reason

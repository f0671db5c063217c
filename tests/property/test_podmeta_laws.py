"""Invariants of pod metadata, over random pods."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from decimal import ROUND_CEILING, Decimal
from typing import Any

from captures import capture
from hypothesis import given, settings
from hypothesis import strategies as st

from podres_exporter.allowlist import LabelAllowlist, parse_allowlist
from podres_exporter.errors import ApiServerError
from podres_exporter.families.pods import metric_labels
from podres_exporter.podmeta import PodDecoder, decode_event, decode_list
from podres_exporter.quantity import parse_millicores, parse_quantity

law = settings(deadline=None)
"""Speed is measured elsewhere; a busy machine breaks no law."""

BODIES = [capture(release, "pods.json") for release in ("kubelet-1.27", "kubelet-1.36")]
DECODER = PodDecoder(LabelAllowlist(everything=True))
EVERY = LabelAllowlist(everything=True)

KEYS = st.text("aAbB0_./-", min_size=1, max_size=4) | st.builds(
    "{}{}".format,
    st.sampled_from(["a-b", "a.b", "aB", "A_b"]),
    st.sampled_from(["", "-conflict1", ".conflict2", "_conflict1"]),
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.just("1Gi"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@law
@given(st.dictionaries(KEYS, st.text(max_size=2), max_size=8))
def test_label_names_are_valid_unique_and_sorted_and_no_label_is_lost(labels: dict[str, str]) -> None:
    """The data model of Prometheus allows [a-zA-Z_][a-zA-Z0-9_]* and refuses a name twice."""
    rows = metric_labels(tuple(labels.items()))
    names = [name for name, _ in rows]

    assert all(re.fullmatch(r"label_[a-z0-9_]*", name) for name in names)
    assert sorted(set(names)) == names
    assert sorted(labels.values()) == sorted(value for _, value in rows)


POWERS_OF_TEN = {"": 0, "n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "e2": 2, "E-3": -3}
SUFFIXES = {suffix: Decimal(10) ** power for suffix, power in POWERS_OF_TEN.items()} | {
    suffix: Decimal(2**bits) for suffix, bits in (("Ki", 10), ("Mi", 20), ("Gi", 30))
}


@law
@given(st.decimals(0, 1_000_000, places=9), st.sampled_from(sorted(SUFFIXES)))
def test_quantities_are_their_exact_value_rounded_up(number: Decimal, suffix: str) -> None:
    """Against decimal arithmetic, up to the most that an int64 holds (Quantity.Value and MilliValue)."""
    exact = number * SUFFIXES[suffix]
    text = f"{number:f}{suffix}"

    assert min(int(exact.to_integral_value(ROUND_CEILING)), 2**63 - 1) == parse_quantity(text)
    assert min(int((exact * 1000).to_integral_value(ROUND_CEILING)), 2**63 - 1) == parse_millicores(text)


@law
@given(st.text("0123456789.+-eEinumkKMGTP ", max_size=8) | st.text(max_size=8))
def test_a_text_is_a_quantity_or_a_value_error(text: str) -> None:
    """No text is anything else, and no amount is negative."""
    with suppress(ValueError):
        assert 0 <= parse_quantity(text) <= parse_millicores(text)


@law
@given(st.text("pods=[]*,.a/ ", max_size=12) | st.text(max_size=8))
def test_a_text_is_an_allow_list_or_a_value_error(text: str) -> None:
    """Configuration reports the error; what no label can be called is allowed only where everything is."""
    with suppress(ValueError):
        allowlist = parse_allowlist(text)
        assert allowlist.everything == allowlist.allows("\n")


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every (container, key) within a JSON value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield value, key
        yield from places(inner)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a recorded list in which some values are gone or replaced."""
    answer: dict[str, Any] = json.loads(draw(st.sampled_from(BODIES)))
    for _ in range(draw(st.integers(1, 4))):
        holder, key = draw(st.sampled_from(list(places(answer))))
        if draw(st.booleans()):
            del holder[key]
        else:
            holder[key] = draw(JSON)
        if not answer:
            break
    return answer


@law
@given(mutated())
def test_a_list_with_odd_values_is_read_as_far_as_it_goes(answer: dict[str, Any]) -> None:
    """Every item is either a pod or named; a body without items is malformed; nothing else happens."""
    items = answer.get("items", 0)
    try:
        found = decode_list(json.dumps(answer).encode(), DECODER)
    except ApiServerError:
        return

    assert len(items or ()) == len(found.pods) + len(found.malformed)
    assert all(pod.meta.namespace and pod.meta.name for pod in found.pods)
    assert all(fault.path.startswith("items[") for fault in found.malformed)
    assert all(amount > 0 for pod in found.pods for each in pod.meta.containers for _, amount in each.devices)


@law
@given(mutated(), st.sampled_from(["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR", "OTHER"]))
def test_an_event_with_odd_values_is_always_an_event(answer: dict[str, Any], kind: str) -> None:
    """Whatever the object is, the line is JSON and has a type."""
    items = answer.get("items")
    for item in items if isinstance(items, list) else [items]:
        decode_event(json.dumps({"type": kind, "object": item}).encode(), DECODER)


@law
@given(st.sampled_from(BODIES), st.integers(0), st.binary(max_size=3), st.integers(0, 3))
def test_damaged_bytes_are_read_or_malformed(body: bytes, position: int, insert: bytes, cut: int) -> None:
    """Bytes that break on their way: nothing but the named error may come of it, from lists and from lines."""
    at = position % len(body)
    damaged = body[:at] + insert + body[at + cut :]
    with suppress(ApiServerError):
        decode_list(damaged, DECODER)
    with suppress(ApiServerError):
        decode_event(b'{"type":"ADDED","object":' + damaged + b"}", DECODER)

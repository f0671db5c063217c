"""Faults are named by their place and by what belongs there."""

import re
from datetime import date
from typing import Any

import pytest
from document_samples import everything

from podres_exporter.document import decode, encode
from podres_exporter.document.reader import Reader
from podres_exporter.errors import DocumentError
from podres_exporter.model import Verdict

MISSING = object()


def put(holder: Any, path: str, value: object) -> None:
    """Write a value at a path of a document, or take it out."""
    *steps, last = [int(step) if step.isdecimal() else step for step in re.findall(r"\w+", path)]
    for step in steps:
        holder = holder[step]
    if value is MISSING:
        del holder[last]
    else:
        holder[last] = value


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("otherPods[0].name", MISSING, "is missing"),
        ("pods[0].containers[0].devices[0].id", MISSING, "is missing"),
        ("pods[0].containers[0].devices[0].id", None, "is missing"),
        ("pods[0].containers[0].devices[0].id", 7, "is 7; a text belongs here"),
        ("pods[0].containers[0].devices[0]", "x", "is a text; a mapping belongs here"),
        ("pods[0].containers[0].devices", {}, "is a mapping; a list belongs here"),
        ("pods[0].containers[0].devices[0].numaNodes[0]", -1, "is -1; a whole number of 0 or more belongs here"),
        ("pods[0].containers[0].exclusiveCpus", "3-1", "range '3-1' runs backwards"),
        ("pods[0].containers[0].memory[0].bytes", 1.5, "is 1.5; a whole number of 0 or more belongs here"),
        ("pods[0].containers[0].memory[0].bytes", True, "is true; a whole number of 0 or more belongs here"),
        (
            "pods[0].containers[0].memory[0].bytes",
            -(10**30),
            "is a number beyond all bounds; a whole number of 0 or more belongs here",
        ),
        ("pods[0].containers[0].claims[0].devices[0].cdiDevices[0]", None, "is null; a text belongs here"),
        (
            "pods[0].containers[0].alignment.verdict",
            "sideways",
            "is 'sideways'; known are aligned, misaligned, spans, unknown, unsupported, not_applicable",
        ),
        ("pods[0].containers[0].alignment.reasons[1].needs", "all", "is neither every nor any"),
        ("pods[0].metadata.labels", [], "is a list; a mapping belongs here"),
        ('pods[0].metadata.labels["label_app"]', False, "is false; a text belongs here"),
        ('skippedPods["terminal"]', "1", "is a text; a whole number of 0 or more belongs here"),
        (
            "usage.exclusiveCpus[0].cpuSeconds",
            float("inf"),
            "is a number beyond all bounds; a finite number belongs here",
        ),
        (
            "usage.exclusiveCpus[0].cpuSeconds",
            10**400,
            "is a number beyond all bounds; a finite number belongs here",
        ),
        ("usage.exclusiveCpus[0].cpuSeconds", float("nan"), "is nan; a finite number belongs here"),
        ("status.parts[0].stale", 0, "is 0; true or false belongs here"),
        ("status.sources[0].lastSuccess", date(2026, 11, 20), "is a date; a text belongs here"),
        ("status.sources[0].lastSuccess", "yesterday", "is no point in time such as 2026-11-20T08:00:00Z"),
    ],
)
def test_a_fault_is_named_by_its_path(path: str, value: object, problem: str) -> None:
    """One sentence that leads to the place, and says what belongs there."""
    document = encode(everything(), generated_at_seconds=0, version="")
    put(document, path, value)

    with pytest.raises(DocumentError) as caught:
        decode(document)

    assert (path, problem, f"{path}: {problem}") == (caught.value.path, caught.value.problem, str(caught.value))


def test_a_key_that_is_no_text_is_named_too() -> None:
    """YAML has such keys."""
    with pytest.raises(DocumentError, match=r"^a\[7\]: is 7; a text belongs here$"):
        Reader({"a": {7: 1}}).counts("a")


def test_a_long_text_is_cut_in_a_message() -> None:
    """A file of another kind must not fill the screen."""
    with pytest.raises(DocumentError) as caught:
        Reader({"verdict": "x" * 1000}).choice("verdict", Verdict)

    assert f"is '{'x' * 64}...'; known are" in str(caught.value)


def test_whole_numbers_are_amounts_too() -> None:
    """Tools that rewrite a document may write 5.0 as 5."""
    assert 5.0 == Reader({"a": 5}).amount("a")


def test_defaults_stand_in_for_what_is_absent() -> None:
    reader = Reader({})

    assert ("", 0, Verdict.UNKNOWN) == (
        reader.text("a", ""),
        reader.count("a", 0),
        reader.choice("a", Verdict, Verdict.UNKNOWN),
    )
    assert (frozenset(), frozenset(), []) == (reader.cpus("a", frozenset()), reader.nodes("a"), reader.texts("a", ()))
    assert ((), (), []) == (reader.counts("a"), reader.pairs("a"), reader.each("a", ()))
    assert reader.moment("a") is None

"""Loading YAML: accepted documents, and errors with their line."""

import json

import pytest
import yaml

from podres_exporter.yamldoc.load import load_document


def refusal(text: str) -> str:
    """Return the error for the text."""
    with pytest.raises(yaml.YAMLError) as caught:
        load_document(text)
    return " ".join(str(caught.value).split())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("{a: [1, -2.5, x, true, null, .inf]}", {"a": [1, -2.5, "x", True, None, float("inf")]}),
        ("a: &a [1]\nb: *a", {"a": [1], "b": [1]}),
        (f"a: {2**64 - 1}", {"a": 2**64 - 1}),
        ('"é"', "é"),
        (json.dumps("\U0001f680"), "\U0001f680"),
    ],
)
def test_plain_values_are_read(text: str, value: object) -> None:
    """JSON writes a character beyond 16 bits as two halves, and JSON is a part of YAML."""
    assert value == load_document(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("\n  2020-99-99", "timestamp"),
        ("\n  2026-11-21", "timestamp"),
        ("\n  !!timestamp x", "timestamp"),
        ("\n  !!int ''", "int"),
        ("\n  !!float ''", "float"),
        ("\n  !!bool x", "bool"),
        ("\n  !!binary YQ==", "binary"),
        ("\n  !!set {a}", "set"),
        ('\n  "\\ud800"', "str"),
        (f"\n  {2**64}", "int"),
        (f"\n  0x{'f' * 5000}", "int"),
        (f"\n  {'9' * 5000}", "int"),
    ],
)
def test_what_json_does_not_have_is_named_with_its_line_and_never_repeated(text: str, kind: str) -> None:
    """PyYAML raises whatever its constructors trip over; the value may be a secret."""
    said = refusal(f"a: 1\nsecret:{text}")

    assert said.startswith(f"this value cannot be read as {kind}; put a text in quotes")
    assert "line 3" in said


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, "{a: " * 100_000])
def test_what_is_nested_too_deeply_is_refused(text: str) -> None:
    assert refusal(text).startswith("it is nested too deeply")


def test_a_hundred_levels_are_enough_for_everybody() -> None:
    assert load_document("[" * 100 + "]" * 100)


def test_a_key_that_is_written_twice_is_refused() -> None:
    assert refusal("a: 1\na: 2").startswith("key 'a' is written twice")


def test_an_alias_may_not_contain_itself() -> None:
    """Nobody could write it down again."""
    assert refusal("a: &a [*a]").startswith("an alias contains itself")


def test_aliases_may_not_make_far_more_of_a_document_than_is_written() -> None:
    """Nine levels of nine aliases each would be 400 million values (go-yaml: excessive aliasing)."""
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]

    assert refusal("\n".join(levels)).startswith("aliases expand it to far too large a document")


def test_a_document_without_aliases_may_be_large() -> None:
    document = load_document(json.dumps([[0] * 40] * 600))

    assert [[0] * 40] * 600 == document

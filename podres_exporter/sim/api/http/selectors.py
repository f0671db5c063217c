"""Field and label selectors: parse them, and match objects."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from podres_exporter.sim.api.storage.objects import Object, at
from podres_exporter.sim.api.storage.resources import Resource
from podres_exporter.sim.api.storage.status import bad_request

Test = Callable[[Object], bool]

_TERM = re.compile(r"(?P<name>[^=!,]+)(?P<operator>!=|==|=)(?P<value>[^=!,]*)")

_KEY = r"(?P<key>[A-Za-z0-9][A-Za-z0-9._/-]*)"
_REQUIREMENTS = (
    re.compile(rf"{_KEY}\s*(?P<operator>!=|==|=)\s*(?P<value>[A-Za-z0-9._-]*)"),
    re.compile(rf"{_KEY}\s+(?P<operator>in|notin)\s*\((?P<values>[A-Za-z0-9._,\s-]*)\)"),
    re.compile(rf"(?P<operator>!?)\s*{_KEY}"),
)
_COMMA_OUTSIDE_BRACKETS = re.compile(r",(?![^(]*\))")


@dataclass(frozen=True, slots=True)
class Selector:
    """All tests must hold; without any, everything is selected."""

    tests: tuple[Test, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it selects everything."""
        return not self.tests

    def matches(self, item: Object) -> bool:
        """Return whether the object is selected."""
        return all(test(item) for test in self.tests)


EVERYTHING = Selector()


def parse_selectors(resource: Resource, fields: str, labels: str) -> Selector:
    """Return the selector that both texts make together. Raises StatusError 400 where one cannot be read."""
    return Selector((*parse_fields(resource, fields), *parse_labels(labels)))


def parse_fields(resource: Resource, text: str) -> tuple[Test, ...]:
    """
    Return the tests of a field selector: `=`, `==` and `!=`, joined by commas.

    A field that is not there counts as empty. Values with escaped commas are not understood: no name has one.
    Source: fields.ParseSelector; the refusal of unknown fields is the kind's FieldLabelConversionFunc.
    """
    return tuple(_field_test(resource, text, term) for term in text.split(",") if term)


def _field_test(resource: Resource, text: str, term: str) -> Test:
    """Return the test of one term."""
    match = _TERM.fullmatch(term)
    if match is None:
        raise bad_request(f"invalid selector: '{text}'; can't understand '{term}'")
    name, value, is_wanted = match["name"], match["value"], match["operator"] != "!="
    if name not in resource.fields:
        raise bad_request(f"field label not supported: {name}")
    return lambda item: ((at(item, name) or "") == value) == is_wanted


def parse_labels(text: str) -> tuple[Test, ...]:
    """
    Return the tests of a label selector: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`, joined by commas.

    `!=` and `notin` also select objects that lack the label.
    Source: labels.Parse and Requirement.Matches of apimachinery; `<` and `>` are left out.
    """
    terms = [term.strip() for term in _COMMA_OUTSIDE_BRACKETS.split(text)]
    return tuple(_label_test(text, term) for term in terms if term)


def _label_test(text: str, term: str) -> Test:
    """Return the test of one requirement."""
    for pattern in _REQUIREMENTS:
        if match := pattern.fullmatch(term):
            break
    else:
        raise bad_request(f"unable to parse requirement: cannot understand {term!r} in {text!r}")
    found = match.groupdict()
    key, operator = found["key"], found["operator"]
    if operator in {"", "!"}:
        return lambda item: (key in _labels(item)) == (operator == "")
    values = {value.strip() for value in found.get("values", found.get("value", "")).split(",")}
    if operator in {"!=", "notin"}:
        return lambda item: _labels(item).get(key) not in values
    return lambda item: _labels(item).get(key) in values


def _labels(item: Object) -> Object:
    """Return an object's labels; may be empty."""
    return at(item, "metadata.labels") or {}

"""Convert pod labels to metric labels, with the same names as kube-state-metrics so that queries can join the two."""

import re
from collections.abc import Mapping
from sys import intern

from podres_exporter.allowlist import LabelAllowlist

_NO_LABEL_CHARACTER = re.compile(r"[^a-zA-Z0-9_]")
_CAMEL = re.compile(r"([a-z0-9])([A-Z])")


def label_rows(labels: Mapping[str, str], allowlist: LabelAllowlist) -> tuple[tuple[str, str], ...]:
    """
    Return the allowed labels as pairs of metric label name and value, sorted; names are unique.

    Keys that map to the same name become `NAME_conflict1`, `NAME_conflict2` in the order of the keys; numbers whose
    name is already taken are skipped.

    Source: kube-state-metrics 2.20, mapToPrometheusLabels.
    """
    taken: dict[str, str] = {}  # key by metric label name
    last_number: dict[str, int] = {}
    for key in sorted(filter(allowlist.allows, labels)):
        base = _metric_name(key)
        if base not in last_number and base in taken:
            last_number[base] = 0
            first = taken.pop(base)
            taken[_next_free(base, last_number, taken)] = first
        name = _next_free(base, last_number, taken) if base in last_number else base
        taken[name] = key
    return tuple((intern(name), labels[key]) for name, key in sorted(taken.items()))


def _metric_name(key: str) -> str:
    """Return `label_` and the key in snake case, which is always a valid Prometheus label name."""
    return "label_" + _CAMEL.sub(r"\1_\2", _NO_LABEL_CHARACTER.sub("_", key)).lower()


def _next_free(base: str, last_number: dict[str, int], taken: Mapping[str, str]) -> str:
    """Return the next unused numbered name, and remember its number."""
    while True:
        last_number[base] += 1
        name = f"{base}_conflict{last_number[base]}"
        if name not in taken:
            return name

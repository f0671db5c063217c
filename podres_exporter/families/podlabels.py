"""Name pod labels as metric labels, with the same names as kube-state-metrics so that queries can join the two."""

import re
from collections.abc import Mapping
from functools import lru_cache

_NO_LABEL_CHARACTER = re.compile(r"[^a-zA-Z0-9_]")
_CAMEL = re.compile(r"([a-z0-9])([A-Z])")


def metric_labels(labels: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """
    Return pairs of key and value as pairs of metric label name and value, sorted by name; names are unique.

    Keys that map to the same name become `NAME_conflict1`, `NAME_conflict2` in the order of the keys; numbers whose
    name is already taken are skipped.

    Source: kube-state-metrics 2.20, mapToPrometheusLabels.
    """
    names = _names(tuple(key for key, _ in labels))
    return tuple(sorted((name, value) for name, (_, value) in zip(names, labels, strict=True)))


@lru_cache(maxsize=4096)
def _names(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Return the metric label name of each of a pod's keys; the pods of a node have few sets of keys."""
    taken: dict[str, str] = {}  # key by metric label name
    last_number: dict[str, int] = {}
    for key in sorted(keys):
        base = _metric_name(key)
        if base not in last_number and base in taken:
            last_number[base] = 0
            first = taken.pop(base)
            taken[_next_free(base, last_number, taken)] = first
        name = _next_free(base, last_number, taken) if base in last_number else base
        taken[name] = key
    names = {key: name for name, key in taken.items()}
    return tuple(names[key] for key in keys)


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

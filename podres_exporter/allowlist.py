"""Parse the allow-list of pod labels that may become metric labels, in kube-state-metrics syntax."""

import re
from dataclasses import dataclass

_GROUP = re.compile(r"\s*(?P<resource>[^\s=,\[\]]+)\s*=\s*\[(?P<keys>[^\[\]]*)\]\s*(?:,(?!\s*$)|$)")
_PATTERN = re.compile(r"[A-Za-z0-9._/*-]+")
_PODS = ("pods", "*")
"""How kube-state-metrics names our only resource: `pods`, or `*` for any."""
_SYNTAX = "write for example pods=[app,team,app.kubernetes.io/*]"


@dataclass(frozen=True, slots=True)
class LabelAllowlist:
    """Label keys by name, by (prefix, suffix) of a pattern with one `*`, or *everything*; by default none."""

    everything: bool = False
    keys: frozenset[str] = frozenset()
    patterns: tuple[tuple[str, str], ...] = ()

    def allows(self, key: str) -> bool:
        """Return whether the pod label *key* may be shown."""
        return self.everything or key in self.keys or any(_matches(key, *pattern) for pattern in self.patterns)


def _matches(key: str, prefix: str, suffix: str) -> bool:
    """Return whether the key begins and ends so, and the two do not overlap."""
    return len(key) >= len(prefix) + len(suffix) and key.startswith(prefix) and key.endswith(suffix)


def parse_allowlist(text: str) -> LabelAllowlist:
    """
    Return the labels that `pods=[app,app.kubernetes.io/*]`, or the bare list `app,team`, allows; none for no text.

    A key may have one `*`; `*` alone allows every label and stands first. kube-state-metrics ignores it in a later
    place, where it can only be a mistake: here that is an error.

    Raises ValueError saying what is wrong and what to write.

    Source: kube-state-metrics 2.20, LabelsAllowList.Set and createPrometheusLabelKeysValues.
    """
    keys = [key.strip() for key in _pod_keys(text).split(",")]
    if keys == [""]:
        return LabelAllowlist()
    for key in keys:
        if not key:
            raise ValueError(f"a label is missing beside a comma; {_SYNTAX}")
        if not _PATTERN.fullmatch(key):
            raise ValueError(f"{key!r} is not a valid label name; {_SYNTAX}")
        if key.count("*") > 1:
            raise ValueError(f"{key!r} has more than one *; use at most one per label")
    if "*" in keys[1:]:
        raise ValueError("* alone allows every label and must come first; write pods=[*]")
    if keys[0] == "*":
        return LabelAllowlist(everything=True)
    patterns = sorted({key for key in keys if "*" in key})
    return LabelAllowlist(
        keys=frozenset(key for key in keys if "*" not in key),
        patterns=tuple((prefix, suffix) for prefix, _, suffix in (pattern.partition("*") for pattern in patterns)),
    )


def _pod_keys(text: str) -> str:
    """Return what stands between the brackets, or the whole text where there are none."""
    if not re.search(r"[=\[\]]", text):
        return text
    groups: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        match = _GROUP.match(text, position)
        if match is None:
            raise ValueError(f"{text!r} is not a list of labels; {_SYNTAX}")
        groups.append((match["resource"], match["keys"]))
        position = match.end()
    others = [resource for resource, _ in groups if resource not in _PODS]
    if others:
        raise ValueError(f"only pods are exported here; leave out {', '.join(others)}")
    if len(groups) > 1:
        raise ValueError("pods is given twice; put all labels into one pair of brackets")
    return groups[0][1]

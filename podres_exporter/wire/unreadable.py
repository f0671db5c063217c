"""Of what a damaged answer does not tell how much is held."""

import re
from collections.abc import Iterable

from podres_exporter.model import Malformed, Unknown

_INDEX = re.compile(r"\[[^\]]*\]")
_STRAY_BYTES = "not UTF-8"
_LOCALITY, _CLAIMS = "topology", "dynamic_resources"
"""Damaged, these cost no device, CPU or block: where it sits, or a DRA device, which is free in no figure."""


def unreadable(faults: Iterable[Malformed]) -> Unknown:
    """Return of what the unusable items of an answer may be, so that nothing is known to be free of it."""
    found = Unknown()
    for fault in faults:
        found |= _unknown(fault, _INDEX.sub("", fault.path).split("."))
    return found


def _unknown(fault: Malformed, fields: list[str]) -> Unknown:
    """Return what is not known for one fault; *fields* is its path in the message."""
    is_mended = fault.problem.startswith(_STRAY_BYTES) and fields[-1] != "resource_name"
    if is_mended or _LOCALITY in fields or _CLAIMS in fields:
        return Unknown()
    if fault.resource:
        return Unknown(resources=frozenset({fault.resource}))
    if "devices" in fields:
        return Unknown(devices=True)
    return Unknown(resources=frozenset({"cpu"})) if fields[-1] == "cpu_ids" else Unknown(everything=True)

"""Determine which held amounts are unknown because parts of an answer were damaged."""

import re
from collections.abc import Iterable

from podres_exporter.model import Malformed, Unknown

_INDEX = re.compile(r"\[[^\]]*\]")
_STRAY_BYTES = "not UTF-8"
_LOCALITY, _CLAIMS = "topology", "dynamic_resources"
"""Damage in these fields leaves all amounts known: NUMA nodes, and DRA devices, which are in no free figure."""


def unreadable(faults: Iterable[Malformed]) -> Unknown:
    """Return which resources the unusable items may belong to, so that nothing is claimed to be free of them."""
    found = Unknown()
    for fault in faults:
        found |= _unknown(fault, _INDEX.sub("", fault.path).split("."))
    return found


def _unknown(fault: Malformed, fields: list[str]) -> Unknown:
    """Return what is unknown because of one fault; *fields* is its path in the message."""
    is_mended = fault.problem.startswith(_STRAY_BYTES) and fields[-1] != "resource_name"
    if is_mended or _LOCALITY in fields or _CLAIMS in fields:
        return Unknown()
    if fault.resource:
        return Unknown(resources=frozenset({fault.resource}))
    if "devices" in fields:
        return Unknown(devices=True)
    return Unknown(resources=frozenset({"cpu"})) if fields[-1] == "cpu_ids" else Unknown(everything=True)

"""Parse the headers that a web config file adds to every answer."""

import re
from collections.abc import Mapping

from podres_exporter.yamldoc.section import Section

ALLOWED: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""
The allowed names in their exact spelling, with the allowed values (empty: any). Source: exporter-toolkit handler.go.
"""

_VALUE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?")


def read_headers(section: Section) -> tuple[str, ...]:
    """
    Return `name: value` lines in the file's order, without those that every answer has anyway; faults are reported.
    """
    lines = []
    for name in section.names():
        if name not in ALLOWED:
            section.fault(name, f"cannot be configured; choose one of {', '.join(ALLOWED)}")
            continue
        value = section.text(name, "")
        if ALLOWED[name] and value not in ALLOWED[name]:
            section.fault(name, f"{value!r} is not allowed; write {' or '.join(ALLOWED[name])}")
        elif value and not _VALUE.fullmatch(value):
            section.fault(name, "has characters that are not allowed in a header; write printable ASCII")
        elif name != "X-Content-Type-Options":
            lines.append(f"{name}: {value}")
    return tuple(lines)

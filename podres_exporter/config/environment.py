"""Environment variables that look like ours and are not: a typo would otherwise go unnoticed."""

import re
from collections.abc import Collection, Iterable, Mapping

from podres_exporter.config.options import OPTIONS, environment_name

PREFIX = "PODRES_"
_SERVICE_LINK = re.compile(r"_SERVICE_(HOST|PORT(_.+)?)|_PORT(_[0-9]+_(TCP|UDP|SCTP)(_.+)?)?")
"""Kubernetes sets variables like PODRES_EXPORTER_SERVICE_HOST for services of such a name."""


def variables_of(collectors: Iterable[str]) -> dict[str, str]:
    """Return the flag of each environment variable of `serve`, in the order of the options."""
    flags = [option.flag for option in OPTIONS]
    flags += [*(f"--collector.{name}" for name in collectors), "--metrics.node-label"]
    return {environment_name(flag): flag for flag in flags}


def unknown_variables(environment: Mapping[str, str], known: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Return the variables with our prefix that are not *known*, sorted, each with the nearest known one or empty."""
    strangers = [
        name
        for name in sorted(environment)
        if name.startswith(PREFIX) and name not in known and not _SERVICE_LINK.search(name)
    ]
    return tuple((name, _nearest(name, known)) for name in strangers)


def _nearest(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - not loaded unless there is one

    return next(iter(get_close_matches(name, sorted(known), 1)), "")

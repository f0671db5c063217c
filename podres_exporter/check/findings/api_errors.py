"""Read the cause out of an error of the API server's client."""

import re

from podres_exporter.check.evidence import AccessAnswer, ApiServer, PodsAnswer
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.printable import printable

_STRANGE = frozenset({Reason.MALFORMED, Reason.TOO_LARGE})
_HTTP = re.compile(r"HTTP ([0-9]{3})")
_POOL = re.compile(r"^\w+\(host=[^)]*\): ")
"""How urllib3 begins its sentences."""


def http_code(error: object) -> int | None:
    """Return the HTTP status of a refusal, None for what is none."""
    found = _HTTP.search(error.detail) if isinstance(error, ApiServerError) else None
    return int(found[1]) if found else None


def said(error: ApiServerError) -> str:
    """Return the error in its own words, safe to print, without the name of the request."""
    return printable(_POOL.sub("", error.detail.removeprefix(f"{error.verb}: ")))


def is_answer(each: AccessAnswer | PodsAnswer | ApiServerError | None) -> bool:
    """Return whether a question was answered, be it with a refusal or with something that nobody understands."""
    if isinstance(each, ApiServerError):
        return http_code(each) is not None or each.reason in _STRANGE
    return each is not None


def is_reached(api: ApiServer) -> bool:
    """Return whether any question was answered."""
    return any(map(is_answer, [*api.reviews.values(), api.pods]))

"""Extract the cause from an error of the API client."""

import re

from podres_exporter.check.evidence import AccessAnswer, ApiServer, PodsAnswer
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.printable import printable

_STRANGE = frozenset({Reason.MALFORMED, Reason.TOO_LARGE})
_HTTP = re.compile(r"HTTP ([0-9]{3})")
_POOL = re.compile(r"^\w+\(host=[^)]*\): ")
"""The prefixes of urllib3's messages."""


def http_code(error: object) -> int | None:
    """Return the HTTP status of a refusal, None if it is not one."""
    found = _HTTP.search(error.detail) if isinstance(error, ApiServerError) else None
    return int(found[1]) if found else None


def said(error: ApiServerError) -> str:
    """Return the error's own text, safe to print, without the name of the request."""
    return printable(_POOL.sub("", error.detail.removeprefix(f"{error.verb}: ")))


def is_answer(each: AccessAnswer | PodsAnswer | ApiServerError | None) -> bool:
    """Return whether a request was answered, even if with a refusal or something unintelligible."""
    if isinstance(each, ApiServerError):
        return http_code(each) is not None or each.reason in _STRANGE
    return each is not None


def is_reached(api: ApiServer) -> bool:
    """Return whether any request was answered."""
    return any(map(is_answer, [*api.reviews.values(), api.pods]))

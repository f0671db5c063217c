"""Errors of requests to the API server: its refusals (HTTP codes, Status objects, Retry-After) and urllib3's errors."""

import contextlib
import json
import re
from collections.abc import Generator
from datetime import UTC
from email.utils import parsedate_to_datetime

from urllib3.exceptions import DecodeError, HTTPError, NewConnectionError, ProtocolError, ProxyError, SSLError
from urllib3.exceptions import TimeoutError as HttpTimeout

from podres_exporter.errors import ApiServerError, ConfigError, Reason

LONGEST_TEXT = 512

_BY_CODE = {
    401: Reason.DENIED,
    403: Reason.DENIED,
    404: Reason.NOT_FOUND,
    408: Reason.TIMEOUT,
    410: Reason.GONE,
    413: Reason.TOO_LARGE,
    429: Reason.THROTTLED,
    504: Reason.TIMEOUT,
}

_POOL = re.compile(r"^\w+\(host=[^)]*\): ")
"""How urllib3 begins its sentences."""

_FORBIDDEN = re.compile(r'is forbidden: User "(?P<user>[^"]+)" cannot (?P<verb>\w+) resource "pods"')


def reason_of(code: int) -> Reason:
    """Return what an HTTP code means to us; redirects and codes that a list of pods cannot have are internal."""
    return _BY_CODE.get(code) or (Reason.UNAVAILABLE if 500 <= code < 600 else Reason.INTERNAL)


def refused(verb: str, code: int, body: bytes, retry_after_seconds: float | None) -> ApiServerError:
    """Return the error for an answer other than 200; of its body only a Status' message is told, and not all of it."""
    message = _message(body)
    detail = f"HTTP {code}: {message}" if message else f"HTTP {code}"
    return ApiServerError(verb, reason_of(code), detail, retry_after_seconds)


def retry_after(header: str | None, wall_seconds: float) -> float | None:
    """
    Return how many seconds the server asks to wait; None where it does not, or in words that nobody understands.

    Source: RFC 9110 section 10.2.3 (seconds, or a date).
    """
    text = (header or "").strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    # Without a zone it is in UTC (RFC 5322, "-0000").
    return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - wall_seconds)


def may_be_loading(detail: str) -> bool:
    """
    Tell whether a refusal, soon after an outage, may be one of a server that has not loaded its roles yet.

    Such a server says `RBAC: clusterrole ... "x" not found` once it has the bindings, and before that the same as where
    a right is missing (both measured on 1.36.3).
    """
    roles = detail.partition("RBAC: ")[2]
    return " not found" in roles or missing_right(detail) is not None


def missing_right(detail: str) -> str | None:
    """
    Return the rule that RBAC lacks, as a sentence; None where the text is no refusal of RBAC's.

    Source: the text is apiserver's filters.ForbiddenMessage. RBAC ignores field selectors: there is no narrower rule.
    """
    found = _FORBIDDEN.search(detail)
    if not found:
        return None
    return (
        'a ClusterRole with apiGroups: [""], resources: [pods], verbs: [list, watch], '
        f"and a ClusterRoleBinding of it to {_subject(found['user'])}"
    )


def _subject(user: str) -> str:
    """Return how a binding names the user."""
    match user.split(":"):
        case ["system", "serviceaccount", namespace, name]:
            return f"ServiceAccount {name} in namespace {namespace}"
        case _:
            return f"User {user}"


def _message(body: bytes) -> str:
    """Return the message of a Status, shortened, empty where the body is something else."""
    try:
        status = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    message = status.get("message") if isinstance(status, dict) else None
    return message[:LONGEST_TEXT] if isinstance(message, str) else ""


@contextlib.contextmanager
def translated(verb: str) -> Generator[None]:
    """Raise ApiServerError for whatever sending a request, or reading its answer, raises in the block."""
    try:
        yield
    except ConfigError as error:
        raise ApiServerError(verb, Reason.DENIED, f"no credentials: {'; '.join(error.problems)}") from error
    except HTTPError as error:
        is_unreached = isinstance(error, NewConnectionError)
        raise ApiServerError(verb, _reason_of_error(error), _text_of_error(error), is_unreached=is_unreached) from error
    except OSError as error:  # urllib3 makes its own of those of connections: these are of files
        raise ApiServerError(verb, Reason.DENIED, f"no credentials: {error}") from error
    except ValueError:
        # Without its cause: http.client quotes the header that it does not like.
        raise ApiServerError(verb, Reason.DENIED, "the token is not a single line of ASCII") from None


def _reason_of_error(error: HTTPError) -> Reason:
    """
    Return what an error of urllib3 means.

    Refused, reset, cut short, not found by DNS: all of that is unavailable, as the server or the way to it is away.
    """
    match error:
        case HttpTimeout() if not isinstance(error, NewConnectionError):
            return Reason.TIMEOUT
        case DecodeError():
            return Reason.MALFORMED
        case SSLError() if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return Reason.DENIED
        case _:
            return Reason.UNAVAILABLE


def _text_of_error(error: HTTPError) -> str:
    """Return the error in its own words, without the address: whoever reads it knows whom was asked."""
    match error:
        case ProxyError():
            text = f"{error.args[0]} {error.original_error}"
        case ProtocolError():
            text = str(error.args[0])
        case DecodeError():
            text = "the answer says that it is compressed, and cannot be unpacked"
        case _:
            text = str(error)
    return _POOL.sub("", text)[:LONGEST_TEXT]

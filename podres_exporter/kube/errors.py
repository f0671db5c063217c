"""Translate errors of API requests: HTTP status codes, Status objects, Retry-After, and urllib3's exceptions."""

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
"""The prefixes of urllib3's messages."""

_FORBIDDEN = re.compile(r'is forbidden: User "(?P<user>[^"]+)" cannot (?P<verb>\w+) resource "pods"')


def reason_of(code: int) -> Reason:
    """Return the reason for an HTTP status; redirects and statuses that a list of pods cannot have are internal."""
    return _BY_CODE.get(code) or (Reason.UNAVAILABLE if 500 <= code < 600 else Reason.INTERNAL)


def refused(verb: str, code: int, body: bytes, retry_after_seconds: float | None) -> ApiServerError:
    """
    Return the error for an answer other than 200; of its body, only the shortened message of a Status is included.
    """
    message = _message(body)
    detail = f"HTTP {code}: {message}" if message else f"HTTP {code}"
    return ApiServerError(verb, reason_of(code), detail, retry_after_seconds)


def retry_after(header: str | None, wall_seconds: float) -> float | None:
    """
    Return how many seconds the server asks to wait; None if it does not, or in a format that cannot be parsed.

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
    Return whether a refusal soon after an outage may come from a server that has not loaded its roles yet.

    Such a server says `RBAC: clusterrole ... "x" not found` once it has the bindings, and before that the same as for a
    missing permission (both measured on 1.36.3).
    """
    roles = detail.partition("RBAC: ")[2]
    return " not found" in roles or missing_right(detail) is not None


def missing_right(detail: str) -> str | None:
    """
    Return the RBAC rule that is missing, as a sentence; None if the text is not an RBAC refusal.

    Source: the apiserver's filters.ForbiddenMessage. RBAC ignores field selectors, so there is no narrower rule.
    """
    found = _FORBIDDEN.search(detail)
    if not found:
        return None
    return (
        'a ClusterRole with apiGroups: [""], resources: [pods], verbs: [list, watch], '
        f"and a ClusterRoleBinding of it to {_subject(found['user'])}"
    )


def _subject(user: str) -> str:
    """Return the name of the user as a binding's subject."""
    match user.split(":"):
        case ["system", "serviceaccount", namespace, name]:
            return f"ServiceAccount {name} in namespace {namespace}"
        case _:
            return f"User {user}"


def _message(body: bytes) -> str:
    """Return the shortened message of a Status, empty if the body is something else."""
    try:
        status = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    message = status.get("message") if isinstance(status, dict) else None
    return message[:LONGEST_TEXT] if isinstance(message, str) else ""


@contextlib.contextmanager
def translated(verb: str) -> Generator[None]:
    """Translate every error of sending a request, or of reading its answer, in the block to ApiServerError."""
    try:
        yield
    except ConfigError as error:
        raise ApiServerError(verb, Reason.DENIED, f"no credentials: {'; '.join(error.problems)}") from error
    except HTTPError as error:
        is_unreached = isinstance(error, NewConnectionError)
        raise ApiServerError(verb, _reason_of_error(error), _text_of_error(error), is_unreached=is_unreached) from error
    except OSError as error:  # urllib3 wraps connection errors; these are file errors
        raise ApiServerError(verb, Reason.DENIED, f"no credentials: {error}") from error
    except ValueError:
        # Without its cause: http.client quotes the rejected header, which contains the token.
        raise ApiServerError(verb, Reason.DENIED, "the token is not a single line of ASCII") from None


def _reason_of_error(error: HTTPError) -> Reason:
    """
    Return the reason for an error of urllib3.

    Refused, reset, truncated, not found by DNS: all of these mean that the server or the path to it is unavailable.
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
    """Return the error's own message without the address, which the reader knows."""
    match error:
        case ProxyError():
            text = f"{error.args[0]} {error.original_error}"
        case ProtocolError():
            text = str(error.args[0])
        case DecodeError():
            text = "the answer claims to be compressed but cannot be decompressed"
        case _:
            text = str(error)
    return _POOL.sub("", text)[:LONGEST_TEXT]

"""Explain why an exporter could not be reached, or refused the request."""

import re
from collections.abc import Mapping

from msgspec import Struct
from msgspec.json import Decoder

from podres_exporter.cluster.outcome import Target, Trouble
from podres_exporter.errors import Reason
from podres_exporter.podmeta.faults import UNREADABLE
from podres_exporter.printable import printable

SNAPSHOT_PATH = "/api/v1/snapshot"
_MOST = 200
_USER = re.compile(r'User "(?P<user>[^"]+)" cannot')
_UNREACHED = "error trying to reach service: "
_TLS_MIXED = ("malformed HTTP response", "EOF", "connection reset")

_PROTECTED = (
    "its exporter requires a password (--web.config.file), which the API server's proxy does not pass on; use "
    "podres-exporter dump --url"
)
_OLD = f"its exporter has no {SNAPSHOT_PATH}: it is older than this command, or not a podres-exporter"
_OWN: Mapping[int, tuple[Reason, str]] = {
    401: (Reason.DENIED, _PROTECTED),
    403: (Reason.DENIED, "its exporter refuses"),
    404: (Reason.NOT_FOUND, _OLD),
    429: (Reason.THROTTLED, "its exporter is busy with other requests (--web.max-requests); try again"),
}


class Status(Struct):
    """What the API server answers if it does not forward an exporter's answer."""

    kind: str = ""
    message: str = ""


_STATUS = Decoder(Status)


def refused(target: Target, code: int, body: bytes) -> Trouble:
    """Return the meaning of an answer other than 200; its body shows whether the API server or the exporter sent it."""
    message = _status_message(body)
    reason, detail = _from_exporter(code) if message is None else _from_api_server(target, code, message)
    return Trouble(target.node, target.pod, reason, detail)


def _status_message(body: bytes) -> str | None:
    """Return the message of the API server's Status; None for anything else, which comes from the exporter."""
    try:
        status = _STATUS.decode(body)
    except UNREADABLE:
        return None
    return printable(status.message[:_MOST]) if status.kind == "Status" else None


def _from_exporter(code: int) -> tuple[Reason, str]:
    if code in _OWN:
        return _OWN[code]
    return (Reason.UNAVAILABLE if code >= 500 else Reason.INTERNAL), f"its exporter answers HTTP {code}"


def _from_api_server(target: Target, code: int, message: str) -> tuple[Reason, str]:
    match code:
        case 401:
            return Reason.DENIED, "the API server no longer accepts these credentials; log in again"
        case 403:
            return Reason.DENIED, _forbidden(target, message)
        case 404:
            return Reason.NOT_FOUND, "its exporter is gone; a new one may be starting"
        case 400 if "address not allowed" in message:
            return Reason.UNAVAILABLE, "its exporter has no address yet"
        case 503 if message.startswith(_UNREACHED):
            return Reason.UNAVAILABLE, _unreached(message.removeprefix(_UNREACHED))
        case _:
            reason = Reason.UNAVAILABLE if code >= 500 else Reason.INTERNAL
            return reason, f"the API server answers HTTP {code}: {message}"


def _forbidden(target: Target, message: str) -> str:
    """Return the missing permission. Source: RBAC's ForbiddenMessage; the proxy uses the verb `get`."""
    found = _USER.search(message)
    if not found:
        return f"the API server refuses: {message}"
    return (
        f"{found['user']} may not reach pods of namespace {printable(target.namespace)} through the API server: grant "
        "get on pods/proxy there"
    )


def _unreached(error: str) -> str:
    """Return why the API server cannot reach the exporter, with the likely remedy."""
    if "server gave HTTP response to HTTPS client" in error:
        remedy = "it serves plain HTTP: omit --exporter-scheme https"
    elif any(word in error for word in _TLS_MIXED):
        remedy = "if it serves TLS, give --exporter-scheme https"
    else:
        remedy = "check its port (--exporter-port), and that network policies admit the API server"
    return f"the API server cannot reach its exporter: {error}; {remedy}"

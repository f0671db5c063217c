"""Client of the HTTP API of Prometheus and compatible servers (Thanos, Mimir, VictoriaMetrics)."""

import http.client
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from podres_exporter.clock import Clock
from podres_exporter.errors import Reason, SourceError
from podres_exporter.printable import printable
from podres_exporter.remote.address import Address, ClientTls
from podres_exporter.remote.http import HttpClient, Peer

_PROMETHEUS = Peer("prometheus", "Prometheus", "--ca-file", "--cert-file", "--key-file")
_LONGEST_TEXT = 512
_REASONS = {
    400: Reason.INTERNAL,
    401: Reason.DENIED,
    403: Reason.DENIED,
    404: Reason.NOT_FOUND,
    422: Reason.TOO_LARGE,
    429: Reason.THROTTLED,
}
_REMEDIES = {
    401: "it requires --bearer-token-file, or a user and a password: http://USER@HOST:9090 and --password-file FILE",
    403: "it refuses this user",
    404: "is this the URL of a Prometheus, including its path prefix, if any?",
}

Labels = Mapping[str, str]


class PrometheusClient:
    """Client of one server. Its methods raise SourceError, with the server's own message if there is one."""

    def __init__(
        self, address: Address, timeout_seconds: float, clock: Clock, tls: ClientTls, bearer_token: str = ""
    ) -> None:
        """*address* has the prefix before `/api/v1` as its path; *tls* is for `https` URLs."""
        self._http = HttpClient(_PROMETHEUS, address, timeout_seconds, clock, tls)
        self._prefix = address.path
        self._authorization = {"Authorization": f"Bearer {bearer_token}"} if bearer_token else {}
        self._warnings: dict[str, None] = {}

    @property
    def warnings(self) -> Collection[str]:
        """The warnings in its answers so far."""
        return tuple(self._warnings)

    def series(self, selectors: Sequence[str], begin: float, end: float) -> list[Labels]:
        """Return the labels of every series with samples in that time."""
        fields = [("match[]", each) for each in selectors]
        found = self._ask("series", [*fields, ("start", f"{begin:.3f}"), ("end", f"{end:.3f}")])
        try:
            return [_labels(each) for each in found]
        except TypeError as error:
            raise self._no_prometheus() from error

    def samples(self, selector: str, begin: float, end: float) -> list[tuple[Labels, list[tuple[float, float]]]]:
        """Return the raw samples of that time, by an instant query with a range selector."""
        seconds = max(1, round(end - begin) + 1)
        query = f"{selector}[{seconds}s]"
        data = self._ask("query", [("query", query), ("time", f"{end:.3f}")])
        try:
            return [
                (_labels(each["metric"]), [(float(at), float(value)) for at, value in each["values"]])
                for each in data["result"]
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise self._no_prometheus() from error

    def _ask(self, path: str, fields: Sequence[tuple[str, str]]) -> Any:
        """Return the `data` of an answer."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", **self._authorization}
        code, reason, body = self._http.exchange(
            self._read, f"{self._prefix}/api/v1/{path}", headers, urlencode(fields)
        )
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        if isinstance(answer, dict) and answer.get("status") == "success" and code == http.client.OK:
            self._warnings.update(dict.fromkeys(str(each) for each in answer.get("warnings") or ()))
            return answer.get("data")
        if code == http.client.OK and not (isinstance(answer, dict) and answer.get("status") == "error"):
            raise self._no_prometheus()
        raise self._refused(code, reason, answer, body)

    def _read(self, response: http.client.HTTPResponse, until: float) -> tuple[int, str, bytes]:
        if 300 <= response.status < 400:
            raise self._http.redirected(response)
        return response.status, response.reason, self._http.body(response, until)

    def _refused(self, code: int, reason: str, answer: object, body: bytes) -> SourceError:
        """Return the error of a refusal: Prometheus' message, else the first line, else the HTTP status."""
        said = answer.get("error") if isinstance(answer, dict) else None
        if not said and body.lstrip()[:1] != b"<":
            said = body.decode(errors="replace").strip().partition("\n")[0]
        text = f"HTTP {code}: {printable(str(said or reason)[:_LONGEST_TEXT])}"
        remedy = "" if isinstance(answer, dict) else _REMEDIES.get(code, "")
        kind = _REASONS.get(code) or (Reason.UNAVAILABLE if code >= 500 else Reason.INTERNAL)
        return self._http.error(kind, f"{text}; {remedy}" if remedy else text)

    def _no_prometheus(self) -> SourceError:
        return self._http.error(
            Reason.MALFORMED, "the answer does not come from Prometheus' HTTP API; is this its URL?"
        )


def _labels(found: object) -> Labels:
    if not isinstance(found, dict):
        raise TypeError
    return {str(name): str(value) for name, value in found.items()}

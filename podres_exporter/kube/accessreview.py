"""What the API server says we may do, asked of itself: SelfSubjectAccessReview."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as HttpTimeout

from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.kube.errors import LONGEST_TEXT, refused
from podres_exporter.kube.sending import translated

if TYPE_CHECKING:
    from kubernetes.client.api_client import ApiClient
    from urllib3 import HTTPResponse

    from podres_exporter.clock import Clock

REVIEW_VERB = "review"
"""What errors call the request: RBAC's verb for it, `create`, would not tell of what."""

PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_PIECE_BYTES, _MOST_BYTES = 4096, 256 * 1024


@dataclass(frozen=True, slots=True)
class Review:
    """
    One answer. *said* is the authorizer's own sentence, often empty.

    *date_seconds* is the server's time in whole Unix seconds, None where it does not tell.
    """

    is_allowed: bool
    said: str
    date_seconds: float | None


class AccessReviewer:
    """Asks over an ApiClient of its own. Not for more than one thread."""

    def __init__(self, client: ApiClient, clock: Clock, connect_seconds: float, answer_seconds: float) -> None:
        """Connect at the first question; each is answered within the sum of both times, give or take one pause."""
        self._client, self._clock = client, clock
        self._connect_seconds, self._answer_seconds = connect_seconds, answer_seconds

    def review(self, verb: str) -> Review:
        """
        Return whether we may *verb* pods in all namespaces.

        Raises ApiServerError; a server without RBAC answers as well, with yes.

        Source: authorization.k8s.io/v1; the role system:basic-user lets every authenticated user ask.
        """
        until = self._clock.monotonic_seconds() + self._connect_seconds + self._answer_seconds
        response = self._ask(verb)
        with contextlib.closing(response):
            body = self._body(response, until)
        if response.status not in {200, 201}:
            raise refused(REVIEW_VERB, response.status, body, None)
        try:
            status = json.loads(body)["status"]
            is_allowed, said = status["allowed"] is True, str(status.get("reason") or "")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ApiServerError(REVIEW_VERB, Reason.MALFORMED, f"{len(body)} bytes are no access review") from error
        return Review(is_allowed, said[:LONGEST_TEXT], _date_seconds(response.headers.get("Date")))

    def _ask(self, verb: str) -> HTTPResponse:
        """Return the answer, of which the head has been read."""
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {"verb": verb, "resource": "pods"}},
        }
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "Content-Type": "application/json"}
        timeout = (self._connect_seconds, self._answer_seconds)
        with translated(REVIEW_VERB, _broken):
            request = self._client.param_serialize(
                "POST", PATH, header_params=headers, body=body, auth_settings=["BearerToken"]
            )
            response: HTTPResponse = self._client.call_api(*request, _request_timeout=timeout).response
        return response

    def _body(self, response: HTTPResponse, until: float) -> bytes:
        """Return the body, or as much of it as an access review can have."""
        body = bytearray()
        try:
            while len(body) < _MOST_BYTES and (piece := response.read1(_PIECE_BYTES, decode_content=True)):
                body += piece
                if self._clock.monotonic_seconds() > until:
                    raise ApiServerError(REVIEW_VERB, Reason.TIMEOUT, f"incomplete after {len(body)} bytes")
        except HTTPError as error:
            raise _broken(error) from error
        return bytes(body)


def _broken(error: HTTPError) -> ApiServerError:
    """Return what an error of urllib3 means: too slow, or not there."""
    is_slow = isinstance(error, HttpTimeout) and not isinstance(error, NewConnectionError)
    reason = Reason.TIMEOUT if is_slow else Reason.UNAVAILABLE
    return ApiServerError(REVIEW_VERB, reason, str(error)[:LONGEST_TEXT])


def _date_seconds(header: str | None) -> float | None:
    """Return the Date of an answer in Unix seconds (RFC 9110 section 6.6.1); None where it cannot be read."""
    try:
        return parsedate_to_datetime(header or "").timestamp()
    except (ValueError, OverflowError):
        return None

"""Enforce the web config file on a request: rate limit, then password."""

import math
from collections.abc import Callable, Collection
from dataclasses import replace
from http import HTTPStatus

from podres_exporter.token_bucket import TokenBucket
from podres_exporter.web.config.basic_auth import Login
from podres_exporter.web.config.protection import Protection
from podres_exporter.web.dispatch import Answer
from podres_exporter.web.request import Request
from podres_exporter.web.response import Response, sentence

_LOGIN_NEEDED = sentence(
    HTTPStatus.UNAUTHORIZED, "Authentication required: send a user and a password.", "WWW-Authenticate: Basic"
)
_BUSY = sentence(
    HTTPStatus.TOO_MANY_REQUESTS,
    "Too many passwords are waiting to be checked. Try again soon with the same one.",
    "Retry-After: 1",
)


def guarded(answer: Answer, current: Callable[[], Protection], open_paths: Collection[str]) -> Answer:
    """
    Wrap *answer* with the rate limit and the passwords, in this order, and add the file's headers to every answer.

    *open_paths* are the probes: a kubelet's httpGet probe cannot send a password from a Secret, and an exhausted rate
    limit would restart the exporter. Their bodies contain no secret.

    Source: exporter-toolkit handler.go, ServeHTTP.
    """

    def answer_guarded(request: Request) -> Response:
        protection = current()
        refusal = None if request.path in open_paths else _refusal(protection, request)
        response = refusal or answer(request)
        return replace(response, headers=(*response.headers, *protection.headers))

    return answer_guarded


def _refusal(protection: Protection, request: Request) -> Response | None:
    """
    Return the refusal, None if the request may be answered.

    If there are passwords, unauthenticated requests have a separate rate limit, so that guesses cannot use up a
    scraper's. A refused client must reconnect, so that guesses occupy no places.
    """
    authorization = request.headers.get("authorization", "")
    if protection.auth is None or protection.auth.knows(authorization):
        return _limited(protection.bucket)
    if too_many := _limited(protection.guess_bucket):
        return too_many
    login = protection.auth.login(authorization, request.client)
    if login is Login.RIGHT:
        return _limited(protection.bucket)
    return replace(_BUSY if login is Login.BUSY else _LOGIN_NEEDED, ends_connection=login is not Login.NONE)


def _limited(bucket: TokenBucket | None) -> Response | None:
    if bucket is None or bucket.take():
        return None
    return sentence(
        HTTPStatus.TOO_MANY_REQUESTS,
        "Requests exceed rate_limit of the web config file. Try again soon.",
        f"Retry-After: {max(1, math.ceil(bucket.interval_seconds))}",
    )

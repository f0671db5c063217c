"""What a request must pass before it is looked at, as the web config file says."""

import math
from collections.abc import Callable, Collection
from dataclasses import replace
from http import HTTPStatus

from podres_exporter.web.config.limit import TokenBucket
from podres_exporter.web.config.protection import Protection
from podres_exporter.web.request import Request
from podres_exporter.web.response import Response, sentence
from podres_exporter.web.shield import Answer

_WHO = sentence(
    HTTPStatus.UNAUTHORIZED, "Say who you are: a user and a password are needed.", "WWW-Authenticate: Basic"
)


def guarded(answer: Answer, current: Callable[[], Protection], open_paths: Collection[str]) -> Answer:
    """
    Return *answer* behind the rate limit and the passwords, in this order, with the file's headers on every answer.

    *open_paths* are the probes: a kubelet's httpGet probe has no way to send a password from a Secret, and a limit that
    others have used up would restart the exporter. Their bodies hold no secret.

    Source: exporter-toolkit handler.go, ServeHTTP.
    """

    def answer_guarded(request: Request) -> Response:
        protection = current()
        refusal = None if request.path in open_paths else _refusal(protection, request)
        response = refusal or answer(request)
        return replace(response, headers=(*response.headers, *protection.headers))

    return answer_guarded


def _refusal(protection: Protection, request: Request) -> Response | None:
    """Return why the request is not answered, None where it is."""
    if protection.bucket and not protection.bucket.take():
        return _too_many(protection.bucket)
    if protection.auth and not protection.auth.allows(request.headers.get("authorization", "")):
        return _WHO
    return None


def _too_many(bucket: TokenBucket) -> Response:
    return sentence(
        HTTPStatus.TOO_MANY_REQUESTS,
        "Requests come faster than rate_limit in the web config file allows. Try again soon.",
        f"Retry-After: {max(1, math.ceil(bucket.interval_seconds))}",
    )

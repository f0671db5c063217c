"""Responses: content negotiation, gzip, and complete bodies."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from podres_exporter.sim.api.storage.status import StatusError

JSON = "application/json"

_GZIP_FROM_BYTES = 128 * 1024
"""Smaller answers are not worth it (endpoints/handlers/responsewriters, defaultGzipThresholdBytes)."""

_HEADERS = {"Cache-Control": "no-cache, private"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: status code, body, and headers without Content-Length."""

    code: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Form:
    """How a client wants its objects: as a Table or as they are."""

    is_table: bool = False


AS_IT_IS = Form()


def negotiate(accept: str) -> Form:
    """
    Return the first form of an Accept header that this server has. Raises StatusError 406 where it has none.

    Objects come as JSON only, as themselves or as meta.k8s.io/v1 Tables; quality factors are not looked at, the real
    server sorts by them and no client of it sends any.
    """
    if not accept:
        return AS_IT_IS
    for media_type in accept.split(","):
        kind, *pairs = (part.strip() for part in media_type.split(";"))
        parameters = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        if kind not in {JSON, "application/*", "*/*"}:
            continue
        if parameters.get("as") == "Table" and parameters.get("v") == "v1":
            return Form(is_table=True)
        if "as" not in parameters:
            return AS_IT_IS
    raise StatusError(406, f"only the following media types are accepted: {JSON}")


def encode(document: Mapping[str, Any]) -> bytes:
    """Return compact JSON with a line feed, as the real server writes it."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def document_answer(document: Mapping[str, Any], code: int = 200, accept_encoding: str = "") -> Answer:
    """Return a JSON answer, compressed where the client takes gzip and the body is large."""
    body = encode(document)
    headers = {**_HEADERS, "Content-Type": JSON}
    takes_gzip = "gzip" in {part.partition(";")[0].strip() for part in accept_encoding.split(",")}
    if takes_gzip and len(body) > _GZIP_FROM_BYTES:
        # Level 1 and no time: as the real server has it, and the same bytes every time.
        body = gzip.compress(body, compresslevel=1, mtime=0)
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Answer(code, body, headers)


def text_answer(text: str, code: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return a plain text answer."""
    return Answer(code, text.encode(), {**_HEADERS, "Content-Type": "text/plain; charset=utf-8", **(headers or {})})


def refusal(error: StatusError) -> Answer:
    """
    Return the answer that a refusal makes, with Retry-After where it has one.

    A 429 is plain text, not a Status: it comes from the filter in front of everything
    (server/filters/maxinflight.go, tooManyRequests).
    """
    retry = {} if error.retry_after_seconds is None else {"Retry-After": str(error.retry_after_seconds)}
    if error.code == 429:
        return text_answer("Too many requests, please try again later.\n", 429, retry)
    answer = document_answer(error.body, error.code)
    return Answer(answer.code, answer.body, {**answer.headers, **retry})

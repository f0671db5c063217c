"""Route a request to its answer, with a concurrency limit for each kind of request."""

import logging
import socket
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Protocol

from podres_exporter.web.channel import Channel
from podres_exporter.web.request import Request
from podres_exporter.web.response import Response, sentence

log = logging.getLogger(__name__)

_MOST_DOCUMENTS = 8
_SCRAPE_WAIT_SECONDS = 1.0

Answer = Callable[[Request], Response]


class Share(Enum):
    """
    The concurrency limit that a route's answers count against; each share has its own places.

    This way pages never delay a scrape, and open browsers do not block `dump --url` or `kubectl podres`.
    """

    PROBE = (
        "answered under any load, and without a password: a probe that fails because of other clients would restart us"
    )
    SCRAPE = "metrics"
    PAGE = "the page for people"
    DOCUMENT = "the snapshot as JSON"
    FILE = "bytes that are ready"


@dataclass(frozen=True, slots=True)
class Route:
    """The handler of one path; called by many threads at once."""

    answer: Answer
    share: Share


class AccessControl(Protocol):
    """TLS, passwords, a rate limit and headers; its methods are called by many threads at once."""

    @property
    def is_tls(self) -> bool:
        """Whether clients must use TLS; never changes."""
        ...

    def open(self, sock: socket.socket) -> Channel:
        """Return the encrypted channel after the handshake; raises OSError if it fails."""
        ...

    def guard(self, answer: Answer, open_paths: Collection[str]) -> Answer:
        """Wrap *answer* with the access checks; *open_paths* need no permission."""
        ...


class Dispatcher:
    """Finds the answer to a request; every fault on the way results in an answer too."""

    def __init__(
        self, routes: Mapping[str, Route], max_requests: int, scrape_wait_seconds: float = _SCRAPE_WAIT_SECONDS
    ) -> None:
        """
        Set the routes by path; *max_requests* scrapes are answered concurrently, and at most 8 pages and 8 documents.

        A page or document is rendered once for all waiting requests, so a higher limit would only occupy threads. A
        scrape waits for its turn before it is refused, because Prometheus does not retry.
        """
        self._scrape_wait_seconds = scrape_wait_seconds
        self._routes = routes
        most = {Share.SCRAPE: max_requests} | dict.fromkeys(
            (Share.PAGE, Share.DOCUMENT), min(max_requests, _MOST_DOCUMENTS)
        )
        self._shares = {share: threading.BoundedSemaphore(count) for share, count in most.items()}
        self._busy = {share: _busy(share, count) for share, count in most.items()}
        self._not_found = sentence(HTTPStatus.NOT_FOUND, f"Not found. Known paths: {', '.join(routes)}")

    def answer(self, request: Request) -> Response:
        """
        Return the answer; never raises.

        A share limits rendering, not sending: otherwise a few slow readers would block scrapers.
        """
        if request.method not in {"GET", "HEAD"}:
            return sentence(HTTPStatus.METHOD_NOT_ALLOWED, "Only GET and HEAD are served.", "Allow: GET, HEAD")
        if request.has_body:
            return sentence(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Requests with a body are not served.")
        route = self._routes.get(request.path)
        if route is None:
            return self._not_found
        free = self._shares.get(route.share)
        if free is None:
            return _run(route, request)
        if not free.acquire(timeout=self._scrape_wait_seconds if route.share is Share.SCRAPE else 0):
            return self._busy[route.share]
        try:
            return _run(route, request)
        finally:
            free.release()


def _busy(share: Share, count: int) -> Response:
    return sentence(
        HTTPStatus.TOO_MANY_REQUESTS,
        f"{count} requests for {share.value} are being answered, which is the limit (--web.max-requests). "
        "Try again soon.",
        "Retry-After: 1",
    )


def _run(route: Route, request: Request) -> Response:
    """Return the route's answer, or a 500 whose cause is only logged."""
    try:
        return route.answer(request)
    except Exception:
        # The path is safe to log: it is one of our own.
        log.exception("web.handler_failed", extra={"path": request.path})
        return sentence(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error; see the exporter's log.")

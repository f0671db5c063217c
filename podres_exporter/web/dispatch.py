"""From a request to its answer: which route, whether there is room for it, and what is said when it fails."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from podres_exporter.web.request import Request
from podres_exporter.web.response import Response, sentence

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Route:
    """
    What answers at one path; called by many threads at once.

    *is_limited* is False for what must answer under any load: a probe that fails because the server is busy would
    restart it.
    """

    answer: Callable[[Request], Response]
    is_limited: bool = True


class Dispatcher:
    """Finds the answer to a request; every fault on the way is an answer too."""

    def __init__(self, routes: Mapping[str, Route], max_requests: int) -> None:
        """Keep the routes by path; *max_requests* handlers of limited routes run at once."""
        self._routes = routes
        self._free = threading.BoundedSemaphore(max_requests)
        self._not_found = sentence(HTTPStatus.NOT_FOUND, f"There is nothing here. Known paths: {', '.join(routes)}")
        self._busy = sentence(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"{max_requests} requests are being answered, which is the limit (--web.max-requests). Try again soon.",
            "Retry-After: 1",
        )

    def answer(self, request: Request) -> Response:
        """
        Return the answer; never raises.

        The limit counts the making of answers, not the sending: otherwise a few slow readers would lock scrapers out.
        """
        if request.method not in {"GET", "HEAD"}:
            return sentence(HTTPStatus.METHOD_NOT_ALLOWED, "Only GET and HEAD are served.", "Allow: GET, HEAD")
        if request.has_body:
            return sentence(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Requests with a body are not served.")
        route = self._routes.get(request.path)
        if route is None:
            return self._not_found
        if not route.is_limited:
            return _run(route, request)
        if not self._free.acquire(blocking=False):
            return self._busy
        try:
            return _run(route, request)
        finally:
            self._free.release()


def _run(route: Route, request: Request) -> Response:
    """Return the route's answer, or a 500 whose cause is in the log and nowhere else."""
    try:
        return route.answer(request)
    except Exception:
        # The path is safe to log: it equals one of our own.
        log.exception("web.handler_failed", extra={"path": request.path})
        return sentence(HTTPStatus.INTERNAL_SERVER_ERROR, "The exporter failed to answer; its log says why.")

"""The routes: metrics, the snapshot as JSON, the two probes, and a landing page."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Protocol

from podres_exporter import __version__
from podres_exporter.exposition.negotiation import Format, accepts_gzip, choose_format
from podres_exporter.web.dispatch import Route, Share
from podres_exporter.web.request import Request
from podres_exporter.web.response import Response, is_not_modified, sentence

SNAPSHOT_PATH = "/api/v1/snapshot"
HEALTHY_PATH = "/-/healthy"
READY_PATH = "/-/ready"

_JSON = "application/json; charset=utf-8"

_LANDING = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>podres-exporter</title></head>
<body>
<h1>podres-exporter {version}</h1>
<p>Who holds which device, exclusive CPU, memory block and DRA claim on this node.</p>
<ul>
<li><a href="{metrics}">Metrics</a></li>
<li><a href="{snapshot}">Snapshot as JSON</a></li>
<li><a href="{healthy}">Healthy</a></li>
<li><a href="{ready}">Ready</a></li>
</ul>
</body>
</html>
"""


class MetricsPage(Protocol):
    """Produces the metrics page."""

    def __call__(self, page_format: Format, gzip: bool, /) -> tuple[bytes, bytes]:
        """Return the page in a format, gzipped on request: a large part and the small one after it."""
        ...


class SnapshotBody(Protocol):
    """Produces the snapshot as JSON."""

    def __call__(self, gzip: bool, /) -> tuple[bytes, str]:
        """Return the document, gzipped on request, and its ETag."""
        ...


# Whether all is well, and a sentence that says why or why not.
Probe = Callable[[], tuple[bool, str]]


def site(
    telemetry_path: str,
    *,
    metrics: MetricsPage,
    snapshot: SnapshotBody,
    healthy: Probe,
    ready: Probe,
    page: Mapping[str, Route] | None = None,
) -> Mapping[str, Route]:
    """
    Return the routes; the metrics replace the landing page if their path is `/`.

    *page* has the routes of the HTML page, which otherwise replace the landing page.
    """
    return {
        **(page or {"/": _landing_page(telemetry_path)}),
        telemetry_path: _metrics(metrics),
        SNAPSHOT_PATH: _snapshot(snapshot),
        HEALTHY_PATH: _probe(healthy),
        READY_PATH: _probe(ready),
    }


def _metrics(page: MetricsPage) -> Route:
    """Return the route that negotiates the format and the encoding."""
    plain = ("Vary: Accept, Accept-Encoding",)
    compressed = (*plain, "Content-Encoding: gzip")

    def answer(request: Request) -> Response:
        page_format, content_type = choose_format(request.headers.get("accept", ""))
        gzip = accepts_gzip(request.headers.get("accept-encoding", ""))
        body, tail = page(page_format, gzip)
        return Response(HTTPStatus.OK, body, content_type, compressed if gzip else plain, tail=tail)

    return Route(answer, Share.SCRAPE)


def _snapshot(document: SnapshotBody) -> Route:
    """Return the route of the document; a client with the current version gets 304 and no body."""

    def answer(request: Request) -> Response:
        gzip = accepts_gzip(request.headers.get("accept-encoding", ""))
        body, etag = document(gzip)
        headers = (f"ETag: {etag}", "Cache-Control: no-cache", "Vary: Accept-Encoding")
        if is_not_modified(request.headers, etag):
            return Response(HTTPStatus.NOT_MODIFIED, b"", _JSON, headers)
        return Response(HTTPStatus.OK, body, _JSON, (*headers, "Content-Encoding: gzip") if gzip else headers)

    return Route(answer, Share.DOCUMENT)


def _probe(check: Probe) -> Route:
    """Return a route that answers 200 or 503."""

    def answer(_: Request) -> Response:
        is_well, reason = check()
        return sentence(HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE, reason)

    return Route(answer, Share.PROBE)


def _landing_page(telemetry_path: str) -> Route:
    """Return the route of the landing page, rendered once."""
    import html  # noqa: PLC0415 - its table of entities is 0.4 MiB, and the daemon has a page of its own

    page = _LANDING.format(
        version=html.escape(__version__),
        metrics=html.escape(telemetry_path),
        snapshot=SNAPSHOT_PATH,
        healthy=HEALTHY_PATH,
        ready=READY_PATH,
    )
    response = Response(HTTPStatus.OK, page.encode(), "text/html; charset=utf-8")
    return Route(lambda _: response, Share.FILE)

"""Routes of the HTML page and of its scripts and styles, with their security and cache headers."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Protocol

from podres_exporter.exposition.bodies import gzip_member
from podres_exporter.exposition.negotiation import accepts_gzip
from podres_exporter.web.dispatch import Route, Share
from podres_exporter.web.request import Request
from podres_exporter.web.response import Response, is_not_modified

HTML = "text/html; charset=utf-8"
ASSETS_PATH = "/assets/"

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""No external and no inline resources: a name that slipped through unescaped still could not execute."""
SECURITY_HEADERS = (f"Content-Security-Policy: {_POLICY}", "Referrer-Policy: no-referrer")


class HtmlBody(Protocol):
    """Produces the page."""

    def __call__(self, gzip: bool, /) -> tuple[bytes, str]:
        """Return the page, compressed with gzip if asked to, and its ETag."""
        ...


class File(Protocol):
    """A file that the page uses; its URL changes with its *digest*."""

    @property
    def name(self) -> str:
        """The file name below `/assets/`."""
        ...

    @property
    def content_type(self) -> str:
        """Its media type."""
        ...

    @property
    def data(self) -> bytes:
        """Its content."""
        ...

    @property
    def digest(self) -> str:
        """A digest of the content."""
        ...


def page_routes(html: HtmlBody, files: Iterable[File]) -> Mapping[str, Route]:
    """Return the routes of `/` and of each file."""
    return {"/": _page(html), **{f"{ASSETS_PATH}{each.name}": _file(each) for each in files}}


def _page(html: HtmlBody) -> Route:
    """Return the route of the page; a browser with the current version gets 304 and no body."""

    def answer(request: Request) -> Response:
        gzip = accepts_gzip(request.headers.get("accept-encoding", ""))
        body, etag = html(gzip)
        headers = (f"ETag: {etag}", "Cache-Control: no-cache", "Vary: Accept-Encoding", *SECURITY_HEADERS)
        if is_not_modified(request.headers, etag):
            return Response(HTTPStatus.NOT_MODIFIED, b"", HTML, headers)
        return Response(HTTPStatus.OK, body, HTML, (*headers, "Content-Encoding: gzip") if gzip else headers)

    return Route(answer, Share.PAGE)


def _file(file: File) -> Route:
    """Return the route of a file that browsers may cache for a year: other content has another URL."""
    headers = ("Cache-Control: public, max-age=31536000, immutable", "Vary: Accept-Encoding", *SECURITY_HEADERS)
    plain = Response(HTTPStatus.OK, file.data, file.content_type, (*headers, f'ETag: "{file.digest}"'))
    packed = Response(
        HTTPStatus.OK,
        gzip_member(file.data),
        file.content_type,
        (*headers, f'ETag: "{file.digest}-gzip"', "Content-Encoding: gzip"),
    )

    def answer(request: Request) -> Response:
        return packed if accepts_gzip(request.headers.get("accept-encoding", "")) else plain

    return Route(answer, Share.FILE)

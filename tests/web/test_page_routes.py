"""The HTML page over HTTP."""

import gzip
import http.client
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

import pytest

from podres_exporter.exposition.negotiation import Format
from podres_exporter.web.page_routes import page_routes
from podres_exporter.web.routes import site
from podres_exporter.web.server import WebServer

Serve = Callable[..., WebServer]
Answer = tuple[int, Mapping[str, str], bytes]
Fetch = Callable[..., Answer]


@dataclass(frozen=True)
class File:
    name: str
    content_type: str
    data: bytes
    digest: str


STYLE = File("page.css", "text/css; charset=utf-8", b"p { margin: 0 }" * 50, "abc")


def html(compressed: bool, /) -> tuple[bytes, str]:
    return (gzip.compress(b"<p>hello"), '"1-gzip"') if compressed else (b"<p>hello", '"1"')


@pytest.fixture
def fetch(serve: Serve) -> Iterator[Fetch]:
    """Return status, headers and body of a path."""
    server = serve(page_routes(html, [STYLE]))
    address = server.addresses[0]
    with closing(http.client.HTTPConnection(address.host, address.port, timeout=60)) as client:

        def get(path: str, **headers: str) -> Answer:
            client.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            response = client.getresponse()
            return response.status, dict(response.headers), response.read()

        yield get


def test_the_page_comes_plain_or_packed(fetch: Fetch) -> None:
    plain, packed = fetch("/"), fetch("/", Accept_Encoding="gzip")

    assert (200, b"<p>hello", "text/html; charset=utf-8") == (plain[0], plain[2], plain[1]["Content-Type"])
    assert b"<p>hello" == gzip.decompress(packed[2])
    assert "Accept-Encoding" == packed[1]["Vary"]


def test_a_browser_that_has_the_page_already_gets_nothing_but_that(fetch: Fetch) -> None:
    status, headers, body = fetch("/", If_None_Match='"1"')

    assert (304, '"1"', b"") == (status, headers["ETag"], body)


@pytest.mark.parametrize("path", ["/", "/assets/page.css", "/assets/page.css?abc"])
def test_the_browser_is_told_to_trust_nothing_from_elsewhere(fetch: Fetch, path: str) -> None:
    _, headers, _ = fetch(path)
    policy = dict(rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";"))

    assert "'none'" == policy["default-src"]
    assert {"'self'", "'none'"} == set(policy.values())
    assert ("nosniff", "no-referrer") == (headers["X-Content-Type-Options"], headers["Referrer-Policy"])


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_file_may_be_kept_for_ever(fetch: Fetch, encoding: str) -> None:
    """Its address has the digest of its content."""
    status, headers, body = fetch("/assets/page.css?abc", Accept_Encoding=encoding)

    assert (200, STYLE.content_type) == (status, headers["Content-Type"])
    assert STYLE.data == (gzip.decompress(body) if encoding == "gzip" else body)
    assert "public, max-age=31536000, immutable" == headers["Cache-Control"]


@pytest.mark.parametrize(("telemetry_path", "body"), [("/metrics", b"<p>hello"), ("/", b"# text")])
def test_the_page_is_at_the_root_unless_the_metrics_are(serve: Serve, telemetry_path: str, body: bytes) -> None:
    def metrics(page_format: Format, _compressed: bool, /) -> tuple[bytes, bytes]:
        return b"# ", page_format.value.encode()

    routes = site(
        telemetry_path,
        metrics=metrics,
        snapshot=html,
        healthy=lambda: (True, ""),
        ready=lambda: (True, ""),
        page=page_routes(html, [STYLE]),
    )
    server = serve(routes)
    with closing(http.client.HTTPConnection(server.addresses[0].host, server.addresses[0].port, timeout=60)) as client:
        client.request("GET", "/")

        assert body == client.getresponse().read()

"""The site, as clients see it."""

import gzip
import http.client
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing

import pytest

from podres_exporter import __version__
from podres_exporter.exposition.negotiation import Format
from podres_exporter.web.dispatch import Route
from podres_exporter.web.routes import site
from podres_exporter.web.server import WebServer

Serve = Callable[..., WebServer]
Fetch = Callable[..., tuple[int, Mapping[str, str], bytes]]


def metrics(page_format: Format, compressed: bool, /) -> bytes:
    page = f"# {page_format.value}\n".encode()
    return gzip.compress(page) if compressed else page


def make_site(telemetry_path: str = "/metrics") -> Mapping[str, Route]:
    return site(
        telemetry_path,
        metrics=metrics,
        healthy=lambda: (True, "The poll loop turns."),
        ready=lambda: (False, "The kubelet has not answered yet."),
    )


@pytest.fixture
def fetch(serve: Serve) -> Iterator[Fetch]:
    """Return status, headers and body of a path of the standard site, through the standard library's client."""
    server = serve(make_site())
    with closing(http.client.HTTPConnection(server.addresses[0].host, server.addresses[0].port, timeout=5)) as client:

        def get(path: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
            client.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            response = client.getresponse()
            return response.status, dict(response.headers), response.read()

        yield get


def test_metrics_come_as_text_unless_asked_otherwise(fetch: Fetch) -> None:
    status, headers, body = fetch("/metrics")

    assert (200, "text/plain; version=0.0.4; charset=utf-8") == (status, headers["Content-Type"])
    assert body == b"# text\n"


def test_metrics_come_in_the_format_and_encoding_asked_for(fetch: Fetch) -> None:
    _, headers, body = fetch("/metrics", Accept="application/openmetrics-text", Accept_Encoding="gzip")

    assert headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body) == b"# openmetrics\n"


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_caches_are_told_what_an_answer_depends_on(fetch: Fetch, encoding: str) -> None:
    """RFC 9110, 12.5.5: also where the answer is the default."""
    _, headers, _ = fetch("/metrics", Accept_Encoding=encoding)

    assert headers["Vary"] == "Accept, Accept-Encoding"


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/-/healthy", 200, b"The poll loop turns.\n"),
        ("/-/ready", 503, b"The kubelet has not answered yet.\n"),
    ],
)
def test_probes_say_why(fetch: Fetch, path: str, status: int, reason: bytes) -> None:
    """`kubectl describe pod` shows the body of a failed probe."""
    got, _, body = fetch(path)

    assert (status, reason) == (got, body)


def test_the_landing_page_has_name_version_and_links(fetch: Fetch) -> None:
    """Source: prometheus.io/docs/instrumenting/writing_exporters, "Landing page"."""
    _, headers, body = fetch("/")

    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert f"<h1>podres-exporter {__version__}</h1>".encode() in body
    assert [True] * 3 == [f'href="{path}"'.encode() in body for path in ("/metrics", "/-/healthy", "/-/ready")]


def test_an_unknown_path_leads_to_the_known_ones(fetch: Fetch) -> None:
    status, _, body = fetch("/healthz")

    assert (404, b"There is nothing here. Known paths: /, /metrics, /-/healthy, /-/ready\n") == (status, body)


def test_the_telemetry_path_can_be_moved() -> None:
    """--web.telemetry-path; with `/` the metrics take the landing page's place."""
    assert ["/", "/custom", "/-/healthy", "/-/ready"] == list(make_site("/custom"))
    assert ["/", "/-/healthy", "/-/ready"] == list(make_site("/"))


def test_a_telemetry_path_cannot_break_the_landing_page(serve: Serve) -> None:
    server = serve(make_site('/"><script>'))
    with closing(http.client.HTTPConnection(server.addresses[0].host, server.addresses[0].port, timeout=5)) as client:
        client.request("GET", "/")
        body = client.getresponse().read()

    assert b"<script>" not in body

"""All routes over HTTP."""

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

DOCUMENT = b'{"kind":"PodResourcesSnapshot"}'
COMPRESSED = gzip.compress(DOCUMENT, mtime=0)
Serve = Callable[..., WebServer]
Fetch = Callable[..., tuple[int, Mapping[str, str], bytes]]


def metrics(page_format: Format, compressed: bool, /) -> tuple[bytes, bytes]:
    page = f"# {page_format.value}\n".encode()
    whole = gzip.compress(page) if compressed else page
    return whole[:5], whole[5:]


def snapshot(compressed: bool, /) -> tuple[bytes, str]:
    return (COMPRESSED, '"1-gzip"') if compressed else (DOCUMENT, '"1"')


def make_site(telemetry_path: str = "/metrics") -> Mapping[str, Route]:
    return site(
        telemetry_path,
        metrics=metrics,
        snapshot=snapshot,
        healthy=lambda: (True, "The poll loop turns."),
        ready=lambda: (False, "The kubelet has not answered yet."),
    )


@pytest.fixture
def fetch(serve: Serve) -> Iterator[Fetch]:
    """Return status, headers and body of a path of the standard site, through the standard library's client."""
    server = serve(make_site())
    with closing(http.client.HTTPConnection(server.addresses[0].host, server.addresses[0].port, timeout=60)) as client:

        def get(path: str, method: str = "GET", **headers: str) -> tuple[int, Mapping[str, str], bytes]:
            client.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
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
    ("accepted", "tag", "encoding", "body"),
    [("gzip", '"1-gzip"', "gzip", COMPRESSED), ("identity", '"1"', None, DOCUMENT)],
)
def test_the_snapshot_comes_as_json_in_the_encoding_asked_for(
    fetch: Fetch, accepted: str, tag: str, encoding: str | None, body: bytes
) -> None:
    """`no-cache`: it may be kept, but must be asked for again each time."""
    status, headers, actual = fetch("/api/v1/snapshot", Accept_Encoding=accepted)

    assert (200, "application/json; charset=utf-8") == (status, headers["Content-Type"])
    assert (tag, encoding) == (headers["ETag"], headers.get("Content-Encoding"))
    assert ("no-cache", "Accept-Encoding") == (headers["Cache-Control"], headers["Vary"])
    assert body == actual


@pytest.mark.parametrize(("accepted", "tag"), [("gzip", 'W/"1-gzip"'), ("identity", '"0", "1"')])
def test_a_client_that_has_the_snapshot_is_told_so_and_gets_no_body(fetch: Fetch, accepted: str, tag: str) -> None:
    """RFC 9110, 15.4.5: 304 has the tag and what caches must know, no body and no length of one."""
    status, headers, body = fetch("/api/v1/snapshot", Accept_Encoding=accepted, If_None_Match=tag)
    again, _, _ = fetch("/api/v1/snapshot")

    assert (304, b"") == (status, body)
    assert {"Content-Length", "Content-Encoding"}.isdisjoint(headers)
    assert headers["ETag"] in tag
    assert ("no-cache", "Accept-Encoding") == (headers["Cache-Control"], headers["Vary"])
    assert again == 200


def test_a_tag_of_the_other_encoding_is_not_the_same(fetch: Fetch) -> None:
    """The client asks for bytes that it does not have."""
    status, _, body = fetch("/api/v1/snapshot", If_None_Match='"1-gzip"')

    assert (200, DOCUMENT) == (status, body)


@pytest.mark.parametrize(("tag", "status", "length"), [('"0"', 200, str(len(DOCUMENT))), ('"1"', 304, None)])
def test_head_of_the_snapshot_says_the_same_without_the_body(
    fetch: Fetch, tag: str, status: int, length: str | None
) -> None:
    actual, headers, body = fetch("/api/v1/snapshot", "HEAD", If_None_Match=tag)

    assert (status, b"", length) == (actual, body, headers.get("Content-Length"))
    assert headers["ETag"] == '"1"'


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
    linked = ("/metrics", "/api/v1/snapshot", "/-/healthy", "/-/ready")
    assert [True] * 4 == [f'href="{path}"'.encode() in body for path in linked]


def test_an_unknown_path_leads_to_the_known_ones(fetch: Fetch) -> None:
    status, _, body = fetch("/healthz")

    known = b"/, /metrics, /api/v1/snapshot, /-/healthy, /-/ready"
    assert (404, b"Not found. Known paths: " + known + b"\n") == (status, body)


def test_the_telemetry_path_can_be_moved() -> None:
    """--web.telemetry-path; with `/` the metrics take the landing page's place."""
    assert ["/", "/custom", "/api/v1/snapshot", "/-/healthy", "/-/ready"] == list(make_site("/custom"))
    assert ["/", "/api/v1/snapshot", "/-/healthy", "/-/ready"] == list(make_site("/"))


def test_a_telemetry_path_cannot_break_the_landing_page(serve: Serve) -> None:
    server = serve(make_site('/"><script>'))
    with closing(http.client.HTTPConnection(server.addresses[0].host, server.addresses[0].port, timeout=60)) as client:
        client.request("GET", "/")
        body = client.getresponse().read()

    assert b"<script>" not in body

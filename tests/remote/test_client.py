"""The client of a running exporter, against exporters and against anything else."""

import base64
import gzip
import json
import socket
from pathlib import Path

import pytest
from document_samples import everything
from fake_clock import FakeClock
from raw_server import RawServer, chunked, whole
from tls_rig import Authority

from podres_exporter.clock import SystemClock
from podres_exporter.document import encode
from podres_exporter.errors import Reason, SourceError
from podres_exporter.remote.address import ClientTls, parse_address
from podres_exporter.remote.client import ExporterClient, Fetched

SNAPSHOT = everything()
MADE_AT = 1_700_000_000.5
BODY = json.dumps(encode(SNAPSHOT, generated_at_seconds=MADE_AT, version="0.1.0")).encode()


def client(url: str, timeout_seconds: float = 60.0, *, verify: bool = True) -> ExporterClient:
    return ExporterClient(parse_address(url), timeout_seconds, SystemClock(), ClientTls(verify))


def failure(answer: bytes, timeout_seconds: float = 60.0) -> SourceError:
    """Return the error of a client that is given this answer."""
    with RawServer(answer) as server, pytest.raises(SourceError) as caught:
        client(server.url, timeout_seconds).fetch()
    assert caught.value.detail.startswith(f"{server.url}/api/v1/snapshot: ")
    return caught.value


@pytest.mark.parametrize(
    "answer",
    [
        whole(BODY),
        whole(gzip.compress(BODY, mtime=0), "200 OK", "Content-Encoding: gzip"),
        chunked(BODY[:100], BODY[100:]),
        chunked(BODY),
    ],
    ids=["plain", "gzip", "two chunks", "one chunk"],
)
def test_the_snapshot_is_the_one_that_the_exporter_has(answer: bytes) -> None:
    """Whatever the encoding; with the moment at which it was made."""
    with RawServer(answer) as server:
        assert Fetched(SNAPSHOT, MADE_AT) == client(server.url).fetch()


def test_the_request_asks_for_gzip_and_shows_the_credentials() -> None:
    """RFC 7617; the password is in the header and nowhere else."""
    with RawServer(whole(BODY)) as server:
        client(server.url.replace("://", "://me:p%40ss@")).fetch()
        (head,) = server.heads
    lines = head.decode().splitlines()

    assert "GET /api/v1/snapshot HTTP/1.1" == lines[0]
    assert "Accept-Encoding: gzip" in lines
    assert f"Authorization: Basic {base64.b64encode(b'me:p@ss').decode()}" in lines
    assert not any(line.startswith("If-None-Match") for line in lines)


def test_an_exporter_that_has_nothing_new_says_only_that() -> None:
    """The ETag of the last answer goes back; 304 has no body."""
    with RawServer(
        whole(BODY, "200 OK", 'ETag: "a"'), b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n"
    ) as server:
        asking = client(server.url)
        first, second = asking.fetch(), asking.fetch()

        assert first is not None
        assert second is None
        assert b'If-None-Match: "a"\r\n' in server.heads[1]


@pytest.mark.parametrize(
    ("status", "reason", "text"),
    [
        ("401 Unauthorized", Reason.DENIED, "HTTP 401: it requires a user and a password: http://USER@HOST"),
        ("403 Forbidden", Reason.DENIED, "HTTP 403: it refuses this user"),
        ("404 Not Found", Reason.NOT_FOUND, "this is not a podres-exporter, or one older than this command"),
        ("429 Too Many Requests", Reason.THROTTLED, "it is busy with other requests"),
        ("500 Internal Server Error", Reason.UNAVAILABLE, "HTTP 500: Internal Server Error"),
        ("418 I'm a teapot", Reason.INTERNAL, "HTTP 418: I'm a teapot"),
        ("302 Found", Reason.INTERNAL, "HTTP 302: it redirects to 'elsewhere'"),
    ],
)
def test_a_refusal_is_told_with_its_remedy(status: str, reason: Reason, text: str) -> None:
    """Redirects are not followed: credentials would go with them."""
    error = failure(whole(b"", status))

    assert reason is error.reason
    assert text in error.detail


@pytest.mark.parametrize(
    ("answer", "reason", "text"),
    [
        (whole(b"<html>"), Reason.MALFORMED, "the answer is not JSON; is this a podres-exporter?"),
        (whole(b"[" * 100_000), Reason.MALFORMED, "the answer is not JSON"),
        (whole(b"{}"), Reason.MALFORMED, "the answer is not a readable snapshot: apiVersion: is missing"),
        (
            whole(BODY.replace(b"podres/v1", b"podres/v7")),
            Reason.MALFORMED,
            "is podres/v7 and this release reads podres/v1: written by a newer podres-exporter; upgrade this one",
        ),
        (whole(BODY.replace(b'"2023-', b'"x2023-', 1)), Reason.MALFORMED, "generatedAt: is not a time such as"),
        (whole(BODY, "200 OK", "Content-Encoding: gzip"), Reason.MALFORMED, "claims to be gzip but is not"),
        (
            whole(gzip.compress(BODY, mtime=0)[:-9], "200 OK", "Content-Encoding: gzip"),
            Reason.UNAVAILABLE,
            "was cut short",
        ),
        (whole(BODY)[:-9], Reason.UNAVAILABLE, "was cut short"),
        (chunked(BODY, is_whole=False), Reason.UNAVAILABLE, "was cut short"),
        (b"SSH-2.0-OpenSSH\r\n", Reason.MALFORMED, "this is not HTTP (BadStatusLine)"),
        (b"", Reason.UNAVAILABLE, ""),
        (
            whole(gzip.compress(bytes(65 << 20), mtime=0), "200 OK", "Content-Encoding: gzip"),
            Reason.TOO_LARGE,
            "more than",
        ),
    ],
)
def test_an_answer_that_cannot_be_used_says_why(answer: bytes, reason: Reason, text: str) -> None:
    """Never a traceback, whatever is at the other end."""
    error = failure(answer)

    assert reason is error.reason
    assert text in error.detail


def test_nobody_there_is_told_with_a_question() -> None:
    """The usual reason is the wrong port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(SourceError) as caught:
        client(f"http://127.0.0.1:{port}").fetch()

    assert Reason.UNAVAILABLE is caught.value.reason
    assert "no process listens there" in caught.value.detail


def test_a_host_that_nobody_knows_is_told_as_that() -> None:
    """`.invalid` has no addresses (RFC 6761)."""
    with pytest.raises(SourceError, match="unknown host"):
        client("http://node1.invalid:10190").fetch()


def test_an_exporter_that_hangs_is_left_after_the_timeout() -> None:
    """Every question has a deadline."""
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(SourceError) as caught:
        client(f"http://127.0.0.1:{listener.getsockname()[1]}", 0.05).fetch()

    assert Reason.TIMEOUT is caught.value.reason
    assert "no complete answer within 0.05 s" in caught.value.detail


def test_an_answer_that_comes_drop_by_drop_is_left_after_the_timeout() -> None:
    """The deadline is for the whole answer, not for each piece of it."""

    class Hasty(FakeClock):
        def monotonic_seconds(self) -> float:
            self.advance(4.0)
            return super().monotonic_seconds()

    with RawServer(whole(BODY)) as server, pytest.raises(SourceError, match="no complete answer"):
        ExporterClient(parse_address(server.url), 3.0, Hasty()).fetch()


def test_a_certificate_that_nobody_has_signed_is_refused_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--insecure`, or the variable by which OpenSSL finds authorities."""
    authority = Authority()
    with RawServer(whole(BODY), tls=authority.server_context()) as server:
        with pytest.raises(SourceError) as caught:
            client(server.url).fetch()
        insecure = client(server.url, verify=False).fetch()
        (tmp_path / "ca.pem").write_bytes(authority.pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        trusted = client(server.url).fetch()

    assert Reason.DENIED is caught.value.reason
    assert "name its CA with --url-ca, or use --insecure" in caught.value.detail
    assert Fetched(SNAPSHOT, MADE_AT) == insecure == trusted


def test_a_client_certificate_is_shown_to_an_exporter_that_demands_one(tmp_path: Path) -> None:
    """RequireAndVerifyClientCert; the CA is named by a file, and the key stands in one of its own."""
    authority = Authority()
    certificate, key = authority.client_files(tmp_path)
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    with RawServer(whole(BODY), tls=authority.demanding_context()) as server:
        address = parse_address(server.url)
        shown = ClientTls(ca=tmp_path / "ca.pem", certificate=certificate, key=key)
        fetched = ExporterClient(address, 60.0, SystemClock(), shown).fetch()
        with pytest.raises(SourceError) as refused:
            ExporterClient(address, 60.0, SystemClock(), ClientTls(ca=tmp_path / "ca.pem")).fetch()

    assert Fetched(SNAPSHOT, MADE_AT) == fetched
    assert "does it require a client certificate (--url-cert)?" in refused.value.detail


def test_a_certificate_without_its_key_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    authority = Authority()
    certificate, _ = authority.client_files(tmp_path)
    with RawServer(whole(BODY), tls=authority.demanding_context()) as server, pytest.raises(SourceError) as caught:
        ExporterClient(parse_address(server.url), 60.0, SystemClock(), ClientTls(certificate=certificate)).fetch()

    assert "client.crt" in caught.value.detail


def test_https_at_a_port_that_speaks_none_is_told_as_that() -> None:
    """A frequent slip."""
    with RawServer(b"HTTP/1.1 400 Bad Request\r\n\r\n") as server, pytest.raises(SourceError, match="is it https"):
        client(server.url.replace("http:", "https:")).fetch()

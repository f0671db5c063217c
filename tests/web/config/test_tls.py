"""TLS as clients see it: accepted certificates, and incomplete handshakes."""

import contextlib
import datetime as dt
import http.client
import ipaddress
import select
import socket
import ssl
import threading
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Self

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID, NameOID
from eventually import eventually
from fake_clock import FakeClock
from web_rig import ask, client, client_context, config_file, context_with_pem, tls_folder, write_config, write_pair

from podres_exporter.clock import SystemClock
from podres_exporter.web.connections import Limits
from podres_exporter.web.dispatch import Route, Share
from podres_exporter.web.response import Response
from podres_exporter.web.server import WebServer

Serve = Callable[..., WebServer]
Connect = Callable[[WebServer], socket.socket]
ReadAnswer = Callable[..., tuple[int, dict[str, str], bytes]]

HUGE = bytes(range(256)) * 4096 * 12 + b"end"
ROUTES = {
    "/metrics": Route(lambda _: Response(HTTPStatus.OK, b"page"), Share.SCRAPE),
    "/huge": Route(lambda _: Response(HTTPStatus.OK, HUGE), Share.SCRAPE),
}
GET = b"GET /metrics HTTP/1.1\r\nHost: n\r\n\r\n"
MUTUAL = {"client_ca_file": "ca.pem", "client_auth_type": "RequireAndVerifyClientCert"}


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing that a client does may reach the log above debug; `is_quiet` looks."""
    caplog.set_level("DEBUG")


def is_quiet(caplog: pytest.LogCaptureFixture) -> bool:
    return {"DEBUG"} >= {record.levelname for record in caplog.records if record.message.startswith("web.conn")}


@pytest.fixture
def start(serve: Serve, tmp_path: Path, ca: trustme.CA) -> Callable[..., WebServer]:
    """Return what serves TLS with the given keys of tls_server_config."""

    def begin(limits: Limits | None = None, **section: object) -> WebServer:
        return serve(ROUTES, access=config_file(tls_folder(tmp_path, ca, **section), SystemClock()), limits=limits)

    return begin


def port_of(server: WebServer) -> int:
    return server.addresses[0].port


def is_let_in(server: WebServer, context: ssl.SSLContext) -> bool:
    """Whether a page comes back; with TLS 1.3 a client learns of its refusal at the first read."""
    try:
        with client(port_of(server), context) as connection:
            return ask(connection)[1] == b"page"
    except OSError:
        return False


def wait_for_threads(names: str = "web-") -> list[str]:
    """Return the threads of connections that are left, when their time is over."""

    def left() -> list[str]:
        return [each.name for each in threading.enumerate() if each.name.removeprefix(names).isdecimal()]

    eventually(lambda: not left())
    return left()


def test_a_page_comes_over_tls_and_its_url_says_so(start: Callable[..., WebServer], ca: trustme.CA) -> None:
    server = start()
    with client(port_of(server), client_context(ca)) as connection:
        answers = [ask(connection)[1] for _ in range(3)]

    assert [b"page"] * 3 == answers
    assert f"https://127.0.0.1:{port_of(server)}" == server.addresses[0].url


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_large_page_comes_whole(start: Callable[..., WebServer], ca: trustme.CA, version: ssl.TLSVersion) -> None:
    """It is encrypted in parts; HEAD has its length and nothing of it."""
    context = client_context(ca)
    context.minimum_version = context.maximum_version = version
    with client(port_of(start()), context) as connection:
        connection.request("HEAD", "/huge")
        head = connection.getresponse()
        rest = head.read()
        body = ask(connection, "/huge")[1]

    assert (str(len(HUGE)), b"") == (head.headers["Content-Length"], rest)
    assert HUGE == body


def test_pipelined_requests_are_answered_over_tls(
    start: Callable[..., WebServer], connect: Connect, read_answer: ReadAnswer, ca: trustme.CA
) -> None:
    """Several requests in one record, and one torn over several."""
    raw = connect(start())
    with client_context(ca).wrap_socket(raw, server_hostname="127.0.0.1") as sock:
        sock.sendall(GET * 5)
        for start_at in range(0, len(GET), 7):
            sock.sendall(GET[start_at : start_at + 7])
        bodies = [read_answer(sock)[2] for _ in range(6)]

    assert [b"page"] * 6 == bodies


def test_the_last_answer_ends_with_the_farewell_of_tls(
    start: Callable[..., WebServer], connect: Connect, read_answer: ReadAnswer, ca: trustme.CA
) -> None:
    """A client that is strict about truncation must not see one."""
    context = client_context(ca)
    with context.wrap_socket(connect(start()), server_hostname="127.0.0.1", suppress_ragged_eofs=False) as sock:
        sock.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        read_answer(sock)

        assert sock.recv(1) == b""


def test_a_client_that_has_said_farewell_first_still_gets_its_answer(
    start: Callable[..., WebServer], connect: Connect, read_answer: ReadAnswer, ca: trustme.CA
) -> None:
    with client_context(ca).wrap_socket(connect(start()), server_hostname="127.0.0.1") as sock:
        sock.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        socket.socket.shutdown(sock, socket.SHUT_WR)

        assert read_answer(sock)[2] == b"page"


def test_http_1_1_is_agreed_on_where_http2_is_offered(
    start: Callable[..., WebServer], connect: Connect, ca: trustme.CA
) -> None:
    """ALPN, RFC 7301: curl and Go offer both."""
    context = client_context(ca)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with context.wrap_socket(connect(start()), server_hostname="127.0.0.1") as sock:
        assert "http/1.1" == sock.selected_alpn_protocol()


def test_inline_certificates_serve_as_well(serve: Serve, tmp_path: Path, ca: trustme.CA) -> None:
    """`cert`, `key` and `client_ca` with PEM text; the client CA's comments do not matter."""
    tls_folder(tmp_path, ca)
    content = {
        "cert": (tmp_path / "cert.pem").read_text(),
        "key": (tmp_path / "key.pem").read_text(),
        "client_ca": "# é\n" + (tmp_path / "ca.pem").read_text(),
        "client_auth_type": "RequireAndVerifyClientCert",
    }
    path = write_config(tmp_path, {"tls_server_config": content})
    server = serve(ROUTES, access=config_file(path, SystemClock()))

    assert is_let_in(server, client_context(ca, ca.issue_cert("scraper")))
    assert not is_let_in(server, client_context(ca))


def issued(ca: trustme.CA, who: str) -> trustme.LeafCert | None:
    """Return the certificate that a client shows."""
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    match who:
        case "nobody":
            return None
        case "known":
            return ca.issue_cert("scraper")
        case "expired":
            return ca.issue_cert("scraper", not_before=past, not_after=past + dt.timedelta(days=1))
        case "child":
            return ca.create_child_ca().issue_cert("scraper")
        case _:
            return trustme.CA().issue_cert("scraper")


@pytest.mark.parametrize(
    ("policy", "who", "expected"),
    [
        ("RequireAndVerifyClientCert", "known", True),
        ("RequireAndVerifyClientCert", "child", True),
        ("RequireAndVerifyClientCert", "nobody", False),
        ("RequireAndVerifyClientCert", "stranger", False),
        ("RequireAndVerifyClientCert", "expired", False),
        ("VerifyClientCertIfGiven", "known", True),
        ("VerifyClientCertIfGiven", "nobody", True),
        ("VerifyClientCertIfGiven", "stranger", False),
        ("VerifyClientCertIfGiven", "expired", False),
    ],
)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_needs_the_certificate_that_the_policy_asks_for(
    start: Callable[..., WebServer],
    ca: trustme.CA,
    caplog: pytest.LogCaptureFixture,
    version: ssl.TLSVersion,
    policy: str,
    who: str,
    expected: bool,
) -> None:
    """crypto/tls.ClientAuthType, as far as it verifies."""
    context = client_context(ca, issued(ca, who))
    context.minimum_version = context.maximum_version = version

    assert expected == is_let_in(start(**MUTUAL | {"client_auth_type": policy}), context)
    assert is_quiet(caplog)


def test_an_intermediate_is_trusted_without_its_root(
    start: Callable[..., WebServer], ca: trustme.CA, tmp_path: Path
) -> None:
    """Go takes every certificate of the file for an anchor; OpenSSL would want the root by itself."""
    child = trustme.CA().create_child_ca()
    (tmp_path / "child.pem").write_bytes(child.cert_pem.bytes())
    server = start(**MUTUAL | {"client_ca_file": str(tmp_path / "child.pem")})

    assert is_let_in(server, client_context(ca, child.issue_cert("scraper")))


def test_without_a_client_ca_the_ones_of_the_system_count(start: Callable[..., WebServer], ca: trustme.CA) -> None:
    """As in Go; a private CA's client is none of theirs."""
    server = start(client_auth_type="RequireAndVerifyClientCert")

    assert not is_let_in(server, client_context(ca, ca.issue_cert("scraper")))


@pytest.mark.parametrize(
    ("name", "allowed", "expected"),
    [
        ("prometheus.monitoring.svc", "prometheus.monitoring.svc", True),
        ("prometheus.monitoring.svc", "monitoring.svc", False),
        ("prometheus.monitoring.svc", "Prometheus.monitoring.svc", False),
        ("*.monitoring.svc", "prometheus.monitoring.svc", False),
        ("10.0.0.7", "10.0.0.7", True),
        ("10.0.0.7", "10.0.0.8", False),
        ("2001:db8::1", "2001:db8::1", True),
        ("2001:db8::1", "2001:DB8:0:0:0:0:0:1", False),
        ("::ffff:10.0.0.7", "10.0.0.7", True),
        ("prometheus@example.com", "prometheus@example.com", True),
    ],
)
def test_a_client_must_have_one_of_the_allowed_names(
    start: Callable[..., WebServer],
    ca: trustme.CA,
    caplog: pytest.LogCaptureFixture,
    name: str,
    allowed: str,
    expected: bool,
) -> None:
    """Compared as Go writes them, to the letter (TLSConfig.VerifyPeerCertificate)."""
    server = start(**MUTUAL, client_allowed_sans=["somebody.else", allowed])

    assert expected == is_let_in(server, client_context(ca, ca.issue_cert(name)))
    assert is_quiet(caplog)


NO_TEXT = x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, b"\x30\x03\x82\x01\xff")
"""One DNS name of one byte that is no UTF-8."""


def uri(text: str) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.UniformResourceIdentifier(text)])


def own_certificate(names: x509.ExtensionType | None) -> tuple[bytes, bytes]:
    """Return a self-signed client certificate with names that trustme does not write, and with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client")])
    now = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    builder = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=36500))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(names, critical=False)
    cert = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return cert, cert + secret


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (uri("spiffe://cluster/ns/monitoring/sa/prometheus"), True),
        (uri("spiffe://cluster/ns/monitoring/sa/other"), False),
        (x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("10.0.0.1"))]), False),
        (x509.SubjectAlternativeName([x509.RegisteredID(x509.ObjectIdentifier("1.2.3"))]), False),
        (NO_TEXT, False),
        (None, False),
    ],
)
def test_a_uri_is_a_name_too(
    start: Callable[..., WebServer],
    ca: trustme.CA,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    names: x509.ExtensionType | None,
    expected: bool,
) -> None:
    """SPIFFE writes its ids so; a certificate without names has none that is allowed, whatever its subject."""
    cert, pem = own_certificate(names)
    (tmp_path / "own.pem").write_bytes(cert)
    allowed = ["spiffe://cluster/ns/monitoring/sa/prometheus", "client"]
    server = start(**MUTUAL | {"client_ca_file": "own.pem"}, client_allowed_sans=allowed)

    assert expected == is_let_in(server, context_with_pem(ca, pem))
    assert is_quiet(caplog)


@pytest.mark.parametrize(
    ("section", "version", "expected"),
    [
        ({}, ssl.TLSVersion.TLSv1_2, True),
        ({}, ssl.TLSVersion.TLSv1_3, True),
        ({"min_version": "TLS13"}, ssl.TLSVersion.TLSv1_2, False),
        ({"min_version": "TLS13"}, ssl.TLSVersion.TLSv1_3, True),
        ({"max_version": "TLS12"}, ssl.TLSVersion.TLSv1_2, True),
        ({"max_version": "TLS12"}, ssl.TLSVersion.TLSv1_3, False),
        ({"cipher_suites": ["TLS_AES_128_GCM_SHA256"]}, ssl.TLSVersion.TLSv1_2, False),
        ({"cipher_suites": ["TLS_AES_128_GCM_SHA256"]}, ssl.TLSVersion.TLSv1_3, True),
        ({"cipher_suites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]}, ssl.TLSVersion.TLSv1_2, False),
    ],
)
def test_the_versions_are_those_of_the_file(
    start: Callable[..., WebServer],
    ca: trustme.CA,
    caplog: pytest.LogCaptureFixture,
    section: dict[str, object],
    version: ssl.TLSVersion,
    expected: bool,
) -> None:
    """Suites of TLS 1.3 cannot be chosen; a list of them alone leaves none for 1.2, nor do RSA's fit an ECDSA key."""
    context = client_context(ca)
    context.minimum_version = context.maximum_version = version

    assert expected == is_let_in(start(**section), context)
    assert is_quiet(caplog)


@pytest.mark.parametrize(
    ("prefers_own", "expected"), [(True, "ECDHE-ECDSA-AES256-SHA"), (False, "ECDHE-ECDSA-AES128-SHA")]
)
def test_the_order_of_ciphers_is_the_servers_unless_it_says_otherwise(
    start: Callable[..., WebServer], connect: Connect, ca: trustme.CA, prefers_own: bool, expected: str
) -> None:
    """`prefer_server_cipher_suites`, with the suites in the order of the file."""
    suites = ["TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"]
    server = start(cipher_suites=suites, prefer_server_cipher_suites=prefers_own)
    context = client_context(ca)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA")
    with context.wrap_socket(connect(server), server_hostname="127.0.0.1") as sock:
        cipher = sock.cipher()

    assert cipher
    assert expected == cipher[0]


@pytest.mark.parametrize(("curve", "expected"), [("secp384r1", True), ("prime256v1", False)])
def test_the_curve_is_the_one_of_the_file(
    start: Callable[..., WebServer], ca: trustme.CA, curve: str, expected: bool
) -> None:
    """`curve_preferences` with its one entry."""
    context = client_context(ca)
    context.set_ecdh_curve(curve)

    assert expected == is_let_in(start(curve_preferences=["CurveP384"]), context)


def test_plain_http_is_told_the_scheme(
    start: Callable[..., WebServer], connect: Connect, read_answer: ReadAnswer, caplog: pytest.LogCaptureFixture
) -> None:
    """As Go's server does; a scraper's configuration is wrong, and its log shows the status."""
    sock = connect(start())
    sock.sendall(GET + b"x" * 50_000)
    status, headers, body = read_answer(sock)
    sock.shutdown(socket.SHUT_WR)

    assert (400, "close") == (status, headers["connection"])
    assert b"https://" in body
    assert sock.recv(1) == b""
    assert is_quiet(caplog)


@pytest.mark.parametrize(
    "garbage", [b"\x00" * 100, b"SSH-2.0-x\r\n", b"\x16\x03\x01\x00\x05hello", b"\x16\x03\x01\xff\xff" * 9]
)
def test_what_is_no_handshake_ends_the_connection_and_nothing_else(
    start: Callable[..., WebServer],
    connect: Connect,
    ca: trustme.CA,
    caplog: pytest.LogCaptureFixture,
    garbage: bytes,
) -> None:
    server = start()
    sock = connect(server)
    sock.sendall(garbage)
    sock.shutdown(socket.SHUT_WR)
    with contextlib.suppress(ConnectionResetError):
        while sock.recv(100):  # an alert may come first
            pass

    assert is_let_in(server, client_context(ca))
    assert is_quiet(caplog)


def hello(ca: trustme.CA) -> bytes:
    """Return the first flight of a client."""
    outgoing = ssl.MemoryBIO()
    tls = client_context(ca).wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="127.0.0.1")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("part", ["nothing", "byte", "half", "whole"])
def test_a_handshake_that_does_not_end_is_cut_like_a_request_head(
    start: Callable[..., WebServer],
    connect: Connect,
    ca: trustme.CA,
    caplog: pytest.LogCaptureFixture,
    part: str,
) -> None:
    """Its deadline is that of a head; meanwhile others are served, and afterwards no thread is left."""
    server = start(Limits(head_seconds=0.3, leave_seconds=0.3))
    first = hello(ca)
    flight = {"nothing": b"", "byte": first[:1], "half": first[: len(first) // 2], "whole": first}[part]
    slow = [connect(server) for _ in range(5)]
    for sock in slow:
        sock.sendall(flight)
    let_in = is_let_in(server, client_context(ca))
    for sock in slow:
        with contextlib.suppress(ConnectionResetError):
            while sock.recv(10_000):
                pass

    assert let_in
    assert [] == wait_for_threads()
    assert is_quiet(caplog)


def test_bytes_now_and_then_do_not_buy_a_handshake_time(
    start: Callable[..., WebServer], connect: Connect, ca: trustme.CA
) -> None:
    """The deadline is for the whole handshake."""
    sock, flight, sent = connect(start(Limits(head_seconds=0.2))), hello(ca), 0
    while sent < len(flight) - 1 and not select.select([sock], [], [], 0.01)[0]:
        with contextlib.suppress(ConnectionError):
            sent += sock.send(flight[sent : sent + 1])

    assert sent < 100


def test_a_full_server_closes_on_a_tls_client_without_a_word_in_the_clear(
    start: Callable[..., WebServer], connect: Connect, ca: trustme.CA
) -> None:
    """A plain 503 would be garbage to it."""
    server = start(Limits(connections=1, patience_seconds=60))
    context = client_context(ca)
    with context.wrap_socket(connect(server), server_hostname="127.0.0.1") as busy:
        busy.sendall(GET.replace(b"/metrics", b"/huge"))
        busy.recv(1)
        other = connect(server)
        other.sendall(hello(ca))

        assert other.recv(1) == b""


def test_sessions_of_clients_that_come_and_go_do_not_pile_up(tmp_path: Path, ca: trustme.CA) -> None:
    """TLS 1.2 without tickets: OpenSSL would keep 20,480 of them."""
    tls = config_file(tls_folder(tmp_path, ca), SystemClock()).current().tls
    assert tls is not None
    context = client_context(ca)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET

    def come_and_go(far: socket.socket) -> None:
        with context.wrap_socket(far, server_hostname="localhost") as sock, contextlib.suppress(OSError):
            sock.unwrap()

    kept = []
    for _ in range(1100):
        near, far = socket.socketpair()
        visitor = threading.Thread(target=come_and_go, args=(far,))
        visitor.start()
        with near:
            tls.open(near).finish()
            visitor.join()
        kept.append(tls.sessions)

    assert 900 < max(kept) <= 1001
    assert kept[-1] < 200


@pytest.mark.parametrize("policy", ["RequireAndVerifyClientCert", "VerifyClientCertIfGiven"])
@pytest.mark.parametrize("options", [0, ssl.OP_NO_TICKET], ids=["tickets", "session ids"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_no_session_outlives_a_clients_certificate(
    start: Callable[..., WebServer], ca: trustme.CA, policy: str, options: int, version: ssl.TLSVersion
) -> None:
    """A resumed session shows no certificate, so it would let in whose certificate has expired or was withdrawn."""
    port = port_of(start(client_ca_file="ca.pem", client_auth_type=policy))
    context = client_context(ca, ca.issue_cert("scraper"))
    context.minimum_version = context.maximum_version = version
    context.options |= options
    sessions: list[ssl.SSLSession | None] = [None]
    resumed = []
    for _ in range(3):
        with (
            socket.create_connection(("127.0.0.1", port), timeout=60) as raw,
            context.wrap_socket(raw, server_hostname="127.0.0.1", session=sessions[-1]) as sock,
        ):
            sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n")
            while sock.recv(4096):
                pass
            resumed.append(sock.session_reused)
            sessions.append(sock.session)

    assert [False] * 3 == resumed


def test_with_the_systems_cas_a_resumed_session_is_refused_and_a_full_handshake_is_not(
    start: Callable[..., WebServer], ca: trustme.CA
) -> None:
    """These take long to load, so contexts are not recreated for every client that might resume."""
    port = port_of(start(client_auth_type="VerifyClientCertIfGiven"))
    context = client_context(ca)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    session: ssl.SSLSession | None = None
    answers = []
    for _ in range(3):
        with (
            socket.create_connection(("127.0.0.1", port), timeout=60) as raw,
            context.wrap_socket(raw, server_hostname="127.0.0.1", session=session) as sock,
        ):
            session = session or sock.session
            with contextlib.suppress(OSError):
                sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n")
            try:
                answers.append(sock.recv(4096)[:12])
            except OSError:
                answers.append(b"")

    assert [b"HTTP/1.1 200", b"", b"HTTP/1.1 200"] == answers


class Scrapers:
    """Two clients that keep their connection and two that reconnect for each scrape, until one fails."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self.pages = 0
        self.certificates: set[bytes | None] = set()
        self.failures: list[Exception] = []
        self._port, self._context = port, context
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=each) for each in (self._stay, self._stay, self._anew, self._anew)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def see(self, certificates: int, pages: int) -> bool:
        """Wait until so many different certificates and so many more pages were seen; False if a scrape failed."""
        pages += self.pages
        enough = eventually(
            lambda: bool(self.failures) or (len(self.certificates) >= certificates and self.pages >= pages)
        )
        return enough and not self.failures

    def _stay(self) -> None:
        with client(self._port, self._context) as connection:
            while not self._stop.is_set():
                self._scrape(connection)

    def _anew(self) -> None:
        while not self._stop.is_set():
            with client(self._port, self._context) as connection:
                self._scrape(connection)
                if isinstance(connection.sock, ssl.SSLSocket):
                    self.certificates.add(connection.sock.getpeercert(binary_form=True))

    def _scrape(self, connection: http.client.HTTPConnection) -> None:
        try:
            assert ask(connection)[1] == b"page"
        except (OSError, http.client.HTTPException, AssertionError) as error:
            self.failures.append(error)
            self._stop.set()
        self.pages += 1


def test_a_certificate_is_renewed_under_load_without_a_failed_scrape(
    serve: Serve, tmp_path: Path, ca: trustme.CA
) -> None:
    """
    Clients that stay and clients that reconnect, while a Secret is swapped five times.

    Kubernetes writes the new files beside the old ones and swaps one link, `..data` (AtomicWriter).
    """
    clock = FakeClock()
    for number in range(6):
        write_pair(tmp_path / f"v{number}", ca)
    (tmp_path / "..data").symlink_to("v0")
    section = {"cert_file": "..data/cert.pem", "key_file": "..data/key.pem"}
    server = serve(ROUTES, access=config_file(write_config(tmp_path, {"tls_server_config": section}), clock))
    with Scrapers(port_of(server), client_context(ca)) as scrapers:
        seen = [scrapers.see(1, pages=40)]
        for number in range(1, 6):
            (tmp_path / "new").symlink_to(f"v{number}")
            (tmp_path / "new").replace(tmp_path / "..data")
            clock.advance(1)
            seen.append(scrapers.see(number + 1, pages=40))

    assert [] == scrapers.failures
    assert [True] * 6 == seen


def test_new_names_count_for_new_connections(serve: Serve, tmp_path: Path, ca: trustme.CA) -> None:
    """client_allowed_sans are read again too; who is connected stays."""
    clock = FakeClock()
    path = tls_folder(tmp_path, ca, **MUTUAL, client_allowed_sans=["alice"])
    server = serve(ROUTES, access=config_file(path, clock))
    alice = client_context(ca, ca.issue_cert("alice"))
    with client(port_of(server), alice) as connection:
        before = ask(connection)[1]
        path.write_text(path.read_text().replace("alice", "bob"))
        clock.advance(1)
        after = ask(connection)[1]

    assert [b"page", b"page"] == [before, after]
    assert not is_let_in(server, alice)
    assert is_let_in(server, client_context(ca, ca.issue_cert("bob")))

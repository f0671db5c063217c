"""Create the TLS server from the settings and the files they name."""

import os
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from podres_exporter.web.config.document import Pem, TlsSettings
from podres_exporter.web.config.files import FileReader
from podres_exporter.web.tls_channel import TlsChannel
from podres_exporter.yamldoc.section import Problems

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")

_MAX_SESSIONS = 1000
"""How many sessions OpenSSL may cache for resumption, at 1 KiB each; its default is 20,480."""


class ClientDeniedError(OSError):
    """A client's certificate is valid, but not one of the allowed ones."""


class TlsServer:
    """Performs TLS handshakes with clients; thread-safe. Handshakes in progress finish with their original context."""

    def __init__(self, settings: TlsSettings, cert: bytes, key: bytes, client_ca: bytes) -> None:
        """Take the PEM texts; *client_ca* is empty if no file names one. Raises ssl.SSLError or ValueError."""
        self._settings, self._cert, self._key, self._client_ca = settings, cert, key, client_ca
        self._context = self._make_context()

    @property
    def sessions(self) -> int:
        """The number of cached sessions."""
        return self._context.session_stats()["number"]

    def open(self, sock: socket.socket) -> TlsChannel:
        """Return the channel after the handshake; raises OSError if it fails or the client is not allowed."""
        if self.sessions > self._max_sessions:
            self._context = self._make_context()
        channel = TlsChannel(sock, self._context)
        channel.handshake()
        if channel.is_resumed and self._settings.client_auth is not ssl.CERT_NONE:
            self._context = self._make_context()  # without the session in the cache, the client's next attempt succeeds
            raise ClientDeniedError("client resumed a session instead of showing a certificate")
        if self._settings.allowed_sans is not None and not self._is_allowed(channel):
            raise ClientDeniedError("client certificate has none of client_allowed_sans")
        return channel

    @property
    def _max_sessions(self) -> int:
        """
        How many TLS 1.2 sessions may be cached before a new context drops them; Python's module has no other control.

        A resumed session skips the client certificate, so if certificates are requested, sessions are dropped at once.
        Not with the system's CAs: loading them takes tens of ms, which any client could trigger repeatedly.
        """
        asks = self._settings.client_auth is not ssl.CERT_NONE
        return 0 if asks and self._client_ca else _MAX_SESSIONS

    def _is_allowed(self, channel: TlsChannel) -> bool:
        try:
            return not channel.peer_names().isdisjoint(self._settings.allowed_sans or ())
        except ValueError:  # a name that is not UTF-8 cannot be in the allow-list
            return False

    def _make_context(self) -> ssl.SSLContext:
        """Return a new context; contexts are never modified, so that a reload cannot affect a handshake in progress."""
        settings = self._settings
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version, context.maximum_version = settings.minimum, settings.maximum
        context.options |= ssl.OP_NO_RENEGOTIATION
        if not settings.prefer_server_ciphers:
            context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
        # Scrapers keep their connections. A resumed session would skip the check of the client's certificate.
        context.num_tickets = 0
        if settings.client_auth is not ssl.CERT_NONE:
            context.options |= ssl.OP_NO_TICKET  # the same for TLS 1.2
        context.set_alpn_protocols(["http/1.1"])
        if settings.ciphers:
            context.set_ciphers(":".join(settings.ciphers))
        if settings.curve:
            context.set_ecdh_curve(settings.curve)
        with _in_memory(self._cert) as cert_path, _in_memory(self._key) as key_path:
            context.load_cert_chain(cert_path, key_path, password=_refuse_encrypted)
        context.verify_mode = settings.client_auth
        # Go trusts a configured intermediate without its root.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if self._client_ca:
            certificates = _CERTIFICATE.findall(self._client_ca)
            context.load_verify_locations(cadata=b"\n".join(certificates).decode("ascii"))
        elif settings.client_auth is not ssl.CERT_NONE:
            context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
        return context


def make_tls_server(settings: TlsSettings, reader: FileReader, problems: Problems) -> TlsServer | None:
    """Return the TLS server; None, with every fault reported under its key, if the files are unusable."""
    before = len(problems.found)
    cert = _read(settings.cert, _CERTIFICATE, "certificate", reader, problems)
    key = _read(settings.key, _KEY, "private key", reader, problems)
    client_ca = b""
    if settings.client_ca:
        client_ca = _read(settings.client_ca, _CERTIFICATE, "certificate", reader, problems)
    if len(problems.found) > before or not (cert and key):
        return None
    try:
        return TlsServer(settings, cert, key, client_ca)
    except ssl.SSLError as error:
        _explain(error, settings, problems)
    except ValueError as error:
        problems.add(settings.key.key, str(error))
    return None


def _read(pem: Pem, wanted: re.Pattern[bytes], name: str, reader: FileReader, problems: Problems) -> bytes:
    """Return PEM text with at least one block of the wanted kind; empty if the file names none."""
    if pem.path is None and not pem.text:
        return b""  # reported by document
    where = f"{pem.path}: " if pem.path else ""
    try:
        content = reader.read(pem.path) if pem.path else pem.text.encode()
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        problems.add(pem.key, f"{where}cannot be read: {getattr(error, 'strerror', None) or error}")
        return b""
    if not wanted.search(content):
        problems.add(pem.key, f"{where}contains no {name} in PEM form")
    return content


def _explain(error: ssl.SSLError, settings: TlsSettings, problems: Problems) -> None:
    """Report which of the texts OpenSSL rejects, as far as it says."""
    if error.reason == "KEY_VALUES_MISMATCH":
        problems.add(settings.key.key, f"does not belong to the certificate of {settings.cert.key}")
        return
    problems.add("tls_server_config", f"OpenSSL cannot use certificate, key or client CA: {error.reason or error}")


def _refuse_encrypted() -> str:
    """Reject an encrypted key, because OpenSSL would prompt for its password on the terminal."""
    raise ValueError("is encrypted, and its password cannot be entered; decrypt it")


@contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """
    Yield the path of an in-memory file.

    Python's ssl module loads certificates from files only. With an in-memory file, exactly the bytes read are loaded
    even if the file changes, inline keys never reach a disk, and it works with a read-only root file system.
    """
    descriptor = os.memfd_create("podres-pem")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)

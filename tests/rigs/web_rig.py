"""Certificates, web config files that name them, and clients."""

import json
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path

import bcrypt
import trustme

from podres_exporter.clock import Clock
from podres_exporter.web.config.reload import WebConfigFile

CHEAP = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
"""A hash of `secret` that is quick to check."""


class Loads:
    """Remembers what a web config file said of its loads."""

    def __init__(self) -> None:
        self.seen: list[float | str] = []

    def web_config_loaded(self, at_seconds: float) -> None:
        self.seen.append(at_seconds)

    def web_config_rejected(self) -> None:
        self.seen.append("rejected")


def write_pair(folder: Path, ca: trustme.CA, *names: str, **options: object) -> None:
    """Write cert.pem with its chain, and key.pem."""
    pair = ca.issue_cert(*(names or ("127.0.0.1", "localhost")), **options)  # type: ignore[arg-type]  # dates
    folder.mkdir(exist_ok=True)
    (folder / "cert.pem").write_bytes(b"".join(each.bytes() for each in pair.cert_chain_pems))
    (folder / "key.pem").write_bytes(pair.private_key_pem.bytes())


def write_config(folder: Path, content: object) -> Path:
    """Write web.yml; JSON is YAML."""
    path = folder / "web.yml"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def tls_folder(folder: Path, ca: trustme.CA, **section: object) -> Path:
    """Return a web config file that serves TLS with a new certificate of *ca*, and trusts *ca* for clients."""
    write_pair(folder, ca)
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    return write_config(folder, {"tls_server_config": {"cert_file": "cert.pem", "key_file": "key.pem"} | section})


def config_file(path: Path, clock: Clock, events: Loads | None = None) -> WebConfigFile:
    return WebConfigFile(path, clock, events or Loads())


def client_context(ca: trustme.CA, pair: trustme.LeafCert | None = None) -> ssl.SSLContext:
    """Return what a client that trusts *ca*, and shows *pair*, connects with."""
    context = ssl.create_default_context()
    ca.configure_trust(context)
    if pair:
        pair.configure_cert(context)
    return context


def context_with_pem(ca: trustme.CA, pem: bytes) -> ssl.SSLContext:
    """Return the same for a key and certificate in one PEM text."""
    context = client_context(ca)
    with tempfile.NamedTemporaryFile() as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name)
    return context


@contextmanager
def client(port: int, context: ssl.SSLContext | None = None) -> Iterator[HTTPConnection]:
    """Yield a client of the standard library."""
    connection = (
        HTTPSConnection("127.0.0.1", port, timeout=60, context=context)
        if context
        else HTTPConnection("127.0.0.1", port, timeout=60)
    )
    with closing(connection):
        yield connection


def ask(connection: HTTPConnection, path: str = "/metrics", **headers: str) -> tuple[HTTPResponse, bytes]:
    """Return an answer and its body."""
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    return response, response.read()

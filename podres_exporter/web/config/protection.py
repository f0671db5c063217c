"""Load a web config file into ready-to-use TLS, passwords, rate limit and headers."""

from dataclasses import dataclass
from pathlib import Path

from podres_exporter.clock import Clock
from podres_exporter.errors import ConfigError
from podres_exporter.token_bucket import TokenBucket
from podres_exporter.web.config.basic_auth import BasicAuth, PasswordCheck, load_bcrypt
from podres_exporter.web.config.document import Document, parse_document
from podres_exporter.web.config.files import FileReader
from podres_exporter.web.config.tls import TlsServer, make_tls_server
from podres_exporter.yamldoc.section import Problems


@dataclass(frozen=True, slots=True)
class Protection:
    """
    The loaded access control; each part is None if the file does not configure it.

    *headers* are lines for every answer. *document* is the parsed file. *guess_bucket* is the rate limit of requests
    without a known correct password.
    """

    document: Document
    tls: TlsServer | None
    auth: BasicAuth | None
    bucket: TokenBucket | None
    guess_bucket: TokenBucket | None = None

    @property
    def headers(self) -> tuple[str, ...]:
        """`name: value` lines for every answer."""
        return self.document.headers


def load_protection(path: Path, reader: FileReader, clock: Clock, previous: Protection | None = None) -> Protection:
    """
    Load the file at *path*; an empty file configures nothing.

    Parts unchanged since *previous* are kept with their state: cached logins and the level of the bucket.

    Raises ConfigError with every fault: `<path>: <key>: <what is wrong; what to do>`.
    """
    problems = Problems()
    try:
        content = reader.read(path)
    except OSError as error:
        raise ConfigError([f"--web.config.file: {path}: cannot be read: {error.strerror}"]) from error
    document = parse_document(content, path.parent, problems)
    tls = make_tls_server(document.tls, reader, problems) if document.tls else None
    check = _load_check(problems) if document.users else None
    if problems.found:
        raise ConfigError([f"{path}: {problem}" for problem in problems.found])
    auth = _auth(document, check, previous)
    if previous and previous.document.rate_limit == document.rate_limit:
        return Protection(document, tls, auth, previous.bucket, previous.guess_bucket)
    limit = document.rate_limit
    buckets = (limit.bucket(clock), limit.bucket(clock)) if limit else (None, None)
    return Protection(document, tls, auth, *buckets)


def _load_check(problems: Problems) -> PasswordCheck | None:
    try:
        return load_bcrypt()
    except ImportError:
        problems.add("basic_auth_users", "needs bcrypt; install it beside the exporter with `pip install bcrypt`")
        return None


def _auth(document: Document, check: PasswordCheck | None, previous: Protection | None) -> BasicAuth | None:
    if previous and previous.document.users == document.users:
        return previous.auth
    return BasicAuth(document.users, check) if check else None

"""Load a web config file: TLS, passwords, rate limit and headers, ready to use."""

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
    What stands between clients and answers; each part is None where the file does not ask for it.

    *headers* are lines for every answer. *document* is what it was made of. *guess_bucket* is the rate limit of those
    whose password is not known to be right.
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
    Return what the file at *path* asks for; an empty file asks for nothing.

    What has not changed since *previous* is kept with its memory: whose password was right, and how full the bucket is.

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

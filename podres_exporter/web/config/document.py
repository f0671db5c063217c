"""Parse the text of a web config file to records; files that it refers to are not read here."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from podres_exporter.clock import Clock
from podres_exporter.duration import parse_duration
from podres_exporter.token_bucket import TokenBucket
from podres_exporter.web.config import ciphers
from podres_exporter.web.config.basic_auth import HASH
from podres_exporter.yamldoc.load import load_document
from podres_exporter.yamldoc.section import Problems, Section

ALLOWED: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""
The allowed names in their exact spelling, with the allowed values (empty: any). Source: exporter-toolkit handler.go.
"""

_VALUE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?")


def read_headers(section: Section) -> tuple[str, ...]:
    """
    Return `name: value` lines in the file's order, without those that every answer has anyway; faults are reported.
    """
    lines = []
    for name in section.names():
        if name not in ALLOWED:
            section.fault(name, f"cannot be configured; choose one of {', '.join(ALLOWED)}")
            continue
        value = section.text(name, "")
        if ALLOWED[name] and value not in ALLOWED[name]:
            section.fault(name, f"{value!r} is not allowed; write {' or '.join(ALLOWED[name])}")
        elif value and not _VALUE.fullmatch(value):
            section.fault(name, "has characters that are not allowed in a header; write printable ASCII")
        elif name != "X-Content-Type-Options":
            lines.append(f"{name}: {value}")
    return tuple(lines)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A rate of one request per *interval_seconds*, with a burst of *burst*."""

    interval_seconds: float
    burst: int

    def bucket(self, clock: Clock) -> TokenBucket:
        """Return a full bucket of this limit."""
        return TokenBucket(self.interval_seconds, self.burst, clock.monotonic_seconds)


_VERIFIED = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_UNVERIFIED = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")

_ASKING = frozenset({"cert", "cert_file", "key", "key_file", "client_auth_type"})
"""Keys that enable TLS, besides a client CA; versions, ciphers and curves alone do not (TLSConfig.IsEnabled)."""


@dataclass(frozen=True, slots=True)
class Pem:
    """Where PEM text comes from: the file at *path*, or *text* under *key* of the web config file."""

    key: str
    path: Path | None
    text: str


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """
    The section `tls_server_config`.

    *allowed_sans*: None allows every verified client. *ciphers* are OpenSSL's names of TLS 1.2 suites (empty: OpenSSL's
    default), and *curve* is one of its curve names (empty: default).
    """

    cert: Pem
    key: Pem
    client_ca: Pem | None
    client_auth: ssl.VerifyMode
    allowed_sans: frozenset[str] | None
    minimum: ssl.TLSVersion
    maximum: ssl.TLSVersion
    ciphers: tuple[str, ...]
    prefer_server_ciphers: bool
    curve: str


@dataclass(frozen=True, slots=True)
class Document:
    """A web config file. *tls* is None without TLS, *users* are bcrypt hashes by name."""

    tls: TlsSettings | None
    users: Mapping[str, str]
    headers: tuple[str, ...]
    rate_limit: RateLimit | None
    http2: bool


def parse_document(content: bytes, directory: Path, problems: Problems) -> Document:
    """
    Parse the file; relative paths in it start at *directory*.

    Faults are added to *problems* by their key, and parsing continues; no message repeats a secret.
    """
    top = Section(_load(content, problems), "", problems)
    tls = _read_tls(top.section("tls_server_config"), directory)
    http = top.section("http_server_config")
    headers = read_headers(http.named("headers"))
    http2 = http.switch("http2") is True
    http.finish()
    users = _read_users(top.named("basic_auth_users"))
    rate_limit = _read_rate_limit(top.section("rate_limit"))
    top.finish()
    return Document(tls, users, headers, rate_limit, http2)


def _load(content: bytes, problems: Problems) -> object:
    """Return the top-level mapping; empty if the text is empty or not YAML."""
    try:
        found = load_document(content.decode(), keep_written=True)
    except yaml.MarkedYAMLError as error:
        # Without the text of the error: it quotes lines, which may contain a key.
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        problems.add("document", f"is not YAML: {line}{error.problem}")
    except (yaml.YAMLError, ValueError, RecursionError):
        problems.add("document", "is not YAML; it must be UTF-8 text of keys and values")
    else:
        return {} if found is None else found
    return {}


def _read_tls(section: Section, directory: Path) -> TlsSettings | None:
    """Return the settings, None without TLS."""
    client_ca = _read_pem(section, "client_ca", directory)
    is_on = client_ca is not None or not _ASKING.isdisjoint(section.names())
    cert, key = (_read_needed_pem(section, name, directory, is_on=is_on) for name in ("cert", "key"))
    client_auth = _read_client_auth(section)
    if client_ca and client_auth is ssl.CERT_NONE:
        section.fault("client_auth_type", "client CA's have been configured without a Client Auth Policy")
    minimum, maximum = _read_version(section, "min_version", "TLS12"), _read_version(section, "max_version", "TLS13")
    if minimum > maximum:
        section.fault("min_version", "is above max_version; no client could connect")
    suites, minimum = _read_ciphers(section, minimum, maximum)
    settings = TlsSettings(
        cert,
        key,
        client_ca,
        client_auth,
        _read_sans(section, client_auth),
        minimum,
        maximum,
        suites,
        prefer_server_ciphers=section.switch("prefer_server_cipher_suites") is not False,
        curve=_read_curve(section),
    )
    section.finish()
    return settings if is_on else None


def _read_pem(section: Section, name: str, directory: Path) -> Pem | None:
    """Return the source of the PEM text; the file wins if both are given, as in exporter-toolkit."""
    text = section.text(name, "")
    if not section.has(f"{name}_file"):
        return Pem(section.at(name), None, text) if text else None
    path = section.text(f"{name}_file")
    return Pem(section.at(f"{name}_file"), directory / path, "")


def _read_needed_pem(section: Section, name: str, directory: Path, *, is_on: bool) -> Pem:
    pem = _read_pem(section, name, directory)
    if pem is None and is_on:
        section.fault(f"{name}_file", f"missing one of {name} or {name}_file")
    return pem or Pem(section.at(name), None, "")


def _read_client_auth(section: Section) -> ssl.VerifyMode:
    chosen = section.choice("client_auth_type", (*_VERIFIED, *_UNVERIFIED), "NoClientCert")
    if chosen in _UNVERIFIED:
        section.fault(
            "client_auth_type",
            f"{chosen} is not supported: Python's ssl module never requests a certificate without verifying it; write "
            "VerifyClientCertIfGiven or RequireAndVerifyClientCert",
        )
    return _VERIFIED.get(chosen, ssl.CERT_REQUIRED)


def _read_sans(section: Section, client_auth: ssl.VerifyMode) -> frozenset[str] | None:
    """Return the allowed client names; they are compared exactly."""
    if not section.has("client_allowed_sans"):
        return None
    sans = section.texts("client_allowed_sans")
    if not sans:
        section.fault("client_allowed_sans", "is empty; name at least one client, or omit the key")
    if client_auth is not ssl.CERT_REQUIRED:
        section.fault("client_allowed_sans", "needs client_auth_type: RequireAndVerifyClientCert")
    return frozenset(sans)


def _read_version(section: Section, key: str, default: str) -> ssl.TLSVersion:
    chosen = section.choice(key, (*ciphers.VERSIONS, *ciphers.OLD_VERSIONS), default)
    if chosen in ciphers.OLD_VERSIONS:
        section.fault(key, f"{chosen} is not supported: OpenSSL 3 and RFC 8996 have abolished it; write TLS12")
    return ciphers.VERSIONS.get(chosen, ciphers.VERSIONS[default])


def _read_ciphers(
    section: Section, minimum: ssl.TLSVersion, maximum: ssl.TLSVersion
) -> tuple[tuple[str, ...], ssl.TLSVersion]:
    """
    Return OpenSSL's names of the TLS 1.2 suites, and the minimum version.

    A list of TLS 1.3 suites only leaves none for TLS 1.2, so the minimum is then 1.3.
    """
    names = section.texts("cipher_suites")
    for name in names:
        if name not in ciphers.CIPHER_SUITES and name not in ciphers.TLS13_CIPHER_SUITES:
            section.fault("cipher_suites", f"unknown cipher: {name!r}; choose from {', '.join(ciphers.CIPHER_SUITES)}")
    suites = tuple(ciphers.CIPHER_SUITES[name] for name in names if name in ciphers.CIPHER_SUITES)
    if not names or suites:
        return suites, minimum
    if maximum is ssl.TLSVersion.TLSv1_2:
        section.fault("cipher_suites", "has no suite of TLS 1.2, and max_version is TLS12; no client could connect")
    return (), ssl.TLSVersion.TLSv1_3


def _read_curve(section: Section) -> str:
    """Return OpenSSL's name of the curve, empty if none is given."""
    names = section.texts("curve_preferences")
    for name in names:
        if name not in ciphers.CURVES:
            section.fault("curve_preferences", f"unknown curve: {name!r}; choose one of {', '.join(ciphers.CURVES)}")
    if len(names) > 1:
        section.fault(
            "curve_preferences",
            "has several curves, but Python's ssl module can set only one; write one, or omit the key for X25519 and "
            "the NIST curves",
        )
    return next((ciphers.CURVES[name] for name in names if name in ciphers.CURVES), "")


def _read_users(section: Section) -> dict[str, str]:
    """Return the hashes by user; an invalid one is not repeated, because it may be a password."""
    users = {}
    for name, value in section.entries():
        if isinstance(value, str) and HASH.fullmatch(value):
            users[name] = value
        else:
            section.fault(
                name, "is not a bcrypt hash; create one with `htpasswd -nBC 10 USER`, and write the part after USER:"
            )
    return users


def _read_rate_limit(section: Section) -> RateLimit | None:
    """Return the limit, None if the interval is absent or 0."""
    interval, burst = 0.0, section.count("burst", 0)
    if section.has("interval"):
        try:
            interval = parse_duration(section.amount("interval"))
        except ValueError as error:
            section.fault("interval", str(error))
    section.finish()
    if interval and not burst:
        section.fault("burst", "is 0, so no request would ever be answered; write at least 1")
    return RateLimit(interval, burst) if interval and burst else None

"""
Valid and invalid web config files, with `promtool check web-config` as the reference.

promtool 2.42 of Debian 12 is older than some keys, and we are stricter here and there: such rows say so and have the
verdict of promtool's that is known, or none.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from fake_clock import FakeClock
from web_rig import CHEAP, write_config, write_pair

from podres_exporter.errors import ConfigError
from podres_exporter.web.config.files import FileReader
from podres_exporter.web.config.protection import load_protection

TLS = "tls_server_config: {cert_file: cert.pem, key_file: key.pem"
GOOD = {
    "empty": "",
    "comment": "# nothing yet\n",
    "null sections": "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\n",
    "tls": TLS + "}",
    "absolute": "tls_server_config: {cert_file: FOLDER/cert.pem, key_file: FOLDER/key.pem}",
    "no client certificate": TLS + ", client_auth_type: NoClientCert}",
    "client certificate": TLS + ", client_ca_file: ca.pem, client_auth_type: RequireAndVerifyClientCert}",
    "client certificate if given": TLS + ", client_ca_file: ca.pem, client_auth_type: VerifyClientCertIfGiven}",
    "client certificate of any known CA": TLS + ", client_auth_type: RequireAndVerifyClientCert}",
    "versions": TLS + ", min_version: TLS12, max_version: TLS13}",
    "ciphers": TLS + ", cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]}",
    "ciphers of 1.3": TLS + ", cipher_suites: [TLS_AES_128_GCM_SHA256]}",
    "client's preference": TLS + ", prefer_server_cipher_suites: false}",
    "a curve": TLS + ", curve_preferences: [X25519]}",
    "versions without tls": "tls_server_config: {min_version: TLS13}",
    "http2": "http_server_config: {http2: true}",
    "headers": "http_server_config: {headers: {X-Frame-Options: deny, Content-Security-Policy: default-src 'none', "
    "X-Content-Type-Options: nosniff, Strict-Transport-Security: max-age=1, X-XSS-Protection: '0'}}",
    "users": f"basic_auth_users: {{alice: {CHEAP}, 'bob:': {CHEAP.replace('$2b$', '$2y$')}, 7: {CHEAP}}}",
}
GOOD_FOR_US_ONLY = {
    "inline": "INLINE",
    "scalars are texts where a text is wanted": "http_server_config: {http2: false, headers: "
    "{X-XSS-Protection: 0, Strict-Transport-Security: 31536000, Content-Security-Policy: 2026-11-28}}",
    "users that YAML takes for something else": f"basic_auth_users: {{no: {CHEAP}, 0x10: {CHEAP}, 1.50: {CHEAP}}}",
    "a header of nothing": "http_server_config: {headers: {X-XSS-Protection: }}",
    "inline client ca": "INLINE_CA",
    "inline and file": "tls_server_config: {cert: x, cert_file: cert.pem, key_file: key.pem}",
    "sans": TLS + ", client_ca_file: ca.pem, client_auth_type: RequireAndVerifyClientCert, "
    "client_allowed_sans: [prometheus.monitoring.svc]}",
    "rate limit": "rate_limit: {interval: 1s, burst: 20}",
    "rate limit off": "rate_limit: {interval: 0, burst: 0}",
}
BAD = {
    "no yaml": ("{", ["document: is not YAML: line 1: "]),
    "no utf-8": ("\udcff", ["document: is not YAML; "]),
    "a date that is none": (
        "a: 2020-99-99",
        ["a: unknown key"],
    ),
    "a user of half a character": ('basic_auth_users: {"\\ud800": x}', ["document: is not YAML: line 1: "]),
    "deep": ("- " * 100_000, ["document: is not YAML; "]),
    "deep brackets": ("[" * 100_000, ["document: is not YAML: line 1: it is nested too deeply"]),
    "key twice": ("http_server_config: {}\nhttp_server_config: {}", ["document: is not YAML: line 2: key 'http_"]),
    "a list": ("[]", ["document: is a list; "]),
    "unknown section": ("tls_config: {}", ["tls_config: unknown key; "]),
    "unknown keys": (
        "tls_server_config: {cert_path: x}\nhttp_server_config: {http3: true}\nrate_limit: {rate: 1}",
        [
            "tls_server_config.cert_path: unknown key",
            "http_server_config.http3: unknown key",
            "rate_limit.rate: unknown key",
        ],
    ),
    "section of the wrong kind": ("tls_server_config: [a]", ["tls_server_config: is a list; write a mapping"]),
    "cert alone": ("tls_server_config: {cert_file: cert.pem}", ["tls_server_config.key_file: missing one of key"]),
    "key alone": ("tls_server_config: {key_file: key.pem}", ["tls_server_config.cert_file: missing one of cert"]),
    "auth type alone": (
        "tls_server_config: {client_auth_type: RequireAndVerifyClientCert}",
        ["tls_server_config.cert_file: missing one", "tls_server_config.key_file: missing one"],
    ),
    "missing files": (
        """tls_server_config:
            {cert_file: a.pem, key_file: b.pem, client_ca_file: c.pem, client_auth_type: VerifyClientCertIfGiven}""",
        [
            "tls_server_config.cert_file: FOLDER/a.pem: cannot be read: No such file",
            "tls_server_config.key_file: FOLDER/b.pem: cannot be read: No such file",
            "tls_server_config.client_ca_file: FOLDER/c.pem: cannot be read: No such file",
        ],
    ),
    "a directory": (
        "tls_server_config: {cert_file: ., key_file: key.pem}",
        ["cert_file: FOLDER: cannot be read: Is a"],
    ),
    "not PEM": ("tls_server_config: {cert_file: web.yml, key_file: key.pem}", ["contains no certificate in PEM form"]),
    "exchanged": (
        "tls_server_config: {cert_file: key.pem, key_file: cert.pem}",
        ["cert_file: FOLDER/key.pem: contains no certificate", "key_file: FOLDER/cert.pem: contains no private key"],
    ),
    "another's key": (
        "tls_server_config: {cert_file: cert.pem, key_file: other/key.pem}",
        ["tls_server_config.key_file: does not belong to the certificate of tls_server_config.cert_file"],
    ),
    "encrypted key": (
        "tls_server_config: {cert_file: cert.pem, key_file: encrypted.pem}",
        ["tls_server_config.key_file: is encrypted"],
    ),
    "damaged certificate": (
        "tls_server_config: {cert_file: damaged.pem, key_file: key.pem}",
        ["tls_server_config: OpenSSL cannot use certificate, key or client CA: "],
    ),
    "ca without policy": (
        TLS + ", client_ca_file: ca.pem}",
        ["tls_server_config.client_auth_type: client CA's have been configured without a Client Auth Policy"],
    ),
    "ca with policy for none": (
        TLS + ", client_ca_file: ca.pem, client_auth_type: NoClientCert}",
        ["client CA's have been configured without a Client Auth Policy"],
    ),
    "unknown policy": (TLS + ", client_auth_type: Maybe}", ["client_auth_type: 'Maybe' is unknown; write one of"]),
    "unknown version": (TLS + ", min_version: TLS14}", ["min_version: 'TLS14' is unknown"]),
    "unknown cipher": (TLS + ", cipher_suites: [AES]}", ["cipher_suites: unknown cipher: 'AES'"]),
    "unknown curve": (TLS + ", curve_preferences: [P256]}", ["curve_preferences: unknown curve: 'P256'"]),
    "unknown header": ("http_server_config: {headers: {X-Own: a}}", ['headers["X-Own"]: cannot be configured']),
    "header in lower case": ("http_server_config: {headers: {x-frame-options: deny}}", ["cannot be configured"]),
    "wrong header value": (
        "http_server_config: {headers: {X-Frame-Options: allow, X-Content-Type-Options: sniff}}",
        ["'allow' is not allowed; write deny or sameorigin", "'sniff' is not allowed; write nosniff"],
    ),
    "http2 of another kind": ("http_server_config: {http2: '1'}", ["http_server_config.http2: is the value '1'"]),
    "plain password": ("basic_auth_users: {alice: hunter2}", ['basic_auth_users["alice"]: is not a bcrypt hash']),
    "hash of another kind": ("basic_auth_users: {alice: $1$abc$def}", ['basic_auth_users["alice"]: is not a bcrypt']),
    "user written twice, once with quotes": (
        f"basic_auth_users: {{7: {CHEAP}, '7': {CHEAP}}}",
        ["document: is not YAML: line 1: key '7' is written twice"],
    ),
    "frame option that is no text": (
        "http_server_config: {headers: {X-Frame-Options: no}}",
        ["'no' is not allowed; write deny or sameorigin"],
    ),
    "burst that is a text": ("rate_limit: {interval: 1s, burst: '5'}", ["rate_limit.burst: is the value '5'", "is 0"]),
    "a directory as the key": (
        TLS.replace("key.pem", "other") + "}",
        ["key_file: FOLDER/other: cannot be read: Is a dir"],
    ),
    "hash that is too cheap": (
        f"basic_auth_users: {{alice: {CHEAP.replace('$04$', '$03$')}}}",
        ['basic_auth_users["alice"]: is not a bcrypt hash'],
    ),
}
BAD_FOR_US_ONLY = {
    "asked without looking": (TLS + ", client_auth_type: RequestClientCert}", ["RequestClientCert is not supported"]),
    "any certificate": (TLS + ", client_auth_type: RequireAnyClientCert}", ["RequireAnyClientCert is not supported"]),
    "any, old name": (TLS + ", client_auth_type: RequireClientCert}", ["RequireClientCert is not supported"]),
    "old version": (TLS + ", min_version: TLS10}", ["min_version: TLS10 is not supported"]),
    "old greatest version": (TLS + ", max_version: TLS11}", ["max_version: TLS11 is not supported"]),
    "no version between": (TLS + ", min_version: TLS13, max_version: TLS12}", ["min_version: is above max_version"]),
    "no cipher left": (
        TLS + ", max_version: TLS12, cipher_suites: [TLS_AES_128_GCM_SHA256]}",
        ["cipher_suites: has no suite of TLS 1.2"],
    ),
    "several curves": (TLS + ", curve_preferences: [X25519, CurveP256]}", ["curve_preferences: has several curves"]),
    "no ca in its file": (
        TLS + ", client_ca_file: key.pem, client_auth_type: VerifyClientCertIfGiven}",
        ["client_ca_file: FOLDER/key.pem: contains no certificate"],
    ),
    "header of several lines": (
        'http_server_config: {headers: {Content-Security-Policy: "a\\nSet-Cookie: b"}}',
        ['headers["Content-Security-Policy"]: has characters that are not allowed in a header'],
    ),
    "empty header": ('http_server_config: {headers: {X-XSS-Protection: ""}}', ["is empty"]),
    "zero byte in a path": ('tls_server_config: {cert_file: "a\\0", key_file: key.pem}', ["cert_file: FOLDER/a"]),
    "inline garbage": (
        "tls_server_config: {cert: x, key: y}",
        ["cert: contains no cert", "key: contains no private key"],
    ),
    "sans of nobody": (
        TLS + ", client_ca_file: ca.pem, client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: []}",
        ["client_allowed_sans: is empty"],
    ),
    "sans without need of a certificate": (
        TLS + ", client_ca_file: ca.pem, client_auth_type: VerifyClientCertIfGiven, client_allowed_sans: [a]}",
        ["client_allowed_sans: needs client_auth_type: RequireAndVerifyClientCert"],
    ),
    "limit without burst": ("rate_limit: {interval: 1s}", ["rate_limit.burst: is 0"]),
    "limit without unit": ("rate_limit: {interval: 1, burst: 1}", ["rate_limit.interval: '1' is not a duration"]),
    "negative limit": ("rate_limit: {interval: 1s, burst: -1}", ["burst: -1 is out of range", "burst: is 0"]),
    "sequence as interval": ("rate_limit: {interval: [], burst: 1}", ["rate_limit.interval: is a list"]),
    "password of digits": ("basic_auth_users: {alice: 12345}", ['basic_auth_users["alice"]: is not a bcrypt hash']),
}
PROMTOOL_TAKES = ("asked without looking", "any certificate", "old version", "several curves", "no ca in its file")
"""Rows of the last table that Go can serve, or does not mind."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with certificates."""
    folder, ca = tmp_path_factory.mktemp("web"), trustme.CA()
    write_pair(folder, ca)
    write_pair(folder / "other", ca)
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    key = serialization.load_pem_private_key((folder / "key.pem").read_bytes(), None)
    (folder / "encrypted.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password"),
        )
    )
    lines = (folder / "cert.pem").read_text().splitlines()
    (folder / "damaged.pem").write_text("\n".join([lines[0], *lines[2:]]))
    return folder


@pytest.fixture
def write(folder: Path) -> Callable[[str], Path]:
    """Return what writes the text of a row, its placeholders filled in."""

    def fill(text: str) -> Path:
        if text.startswith("INLINE"):
            parts = {"cert": "cert.pem", "key": "key.pem"} | ({"client_ca": "ca.pem"} if text == "INLINE_CA" else {})
            section: dict[str, str] = {name: (folder / file).read_text() for name, file in parts.items()}
            if text == "INLINE_CA":
                section["client_auth_type"] = "RequireAndVerifyClientCert"
            return write_config(folder, {"tls_server_config": section})
        path = folder / "web.yml"
        path.write_text(text.replace("FOLDER", str(folder)), errors="surrogateescape")
        return path

    return fill


@pytest.fixture(scope="session")
def promtool() -> str:
    """Return where promtool is; CI has it, elsewhere its verdict is skipped visibly."""
    found = shutil.which("promtool")
    if found is None:
        assert os.environ.get("CI") != "true", "promtool is not installed, and CI=true says that it must be"
        pytest.skip("promtool is not installed; Debian has it in the package prometheus")
    return found


def takes(promtool: str, path: Path) -> bool:
    """Return whether promtool finds nothing wrong."""
    return subprocess.run([promtool, "check", "web-config", path], capture_output=True, check=False).returncode == 0


def problems_of(path: Path) -> tuple[str, ...]:
    """Return what we find wrong."""
    try:
        load_protection(path, FileReader(), FakeClock())
    except ConfigError as error:
        return error.problems
    return ()


@pytest.mark.parametrize("row", [*GOOD, *GOOD_FOR_US_ONLY])
def test_a_good_file_is_taken(write: Callable[[str], Path], row: str) -> None:
    """Every key that the format has."""
    assert () == problems_of(write((GOOD | GOOD_FOR_US_ONLY)[row]))


@pytest.mark.parametrize("row", [*BAD, *BAD_FOR_US_ONLY])
def test_every_fault_of_a_bad_file_is_said_at_once(write: Callable[[str], Path], folder: Path, row: str) -> None:
    """Each begins with the file and names the key; none repeats what may be a secret."""
    text, faults = (BAD | BAD_FOR_US_ONLY)[row]
    path = write(text)
    problems = problems_of(path)

    assert len(faults) == len(problems), problems
    for fault, problem in zip(faults, problems, strict=True):
        assert problem.startswith(f"{path}: ")
        assert fault.replace("FOLDER", str(folder)) in problem
        assert "hunter2" not in problem
        assert "12345" not in problem


@pytest.mark.parametrize("row", GOOD)
def test_promtool_takes_what_we_take(write: Callable[[str], Path], promtool: str, row: str) -> None:
    assert takes(promtool, write(GOOD[row]))


@pytest.mark.parametrize("row", BAD)
def test_promtool_refuses_what_we_refuse(write: Callable[[str], Path], promtool: str, row: str) -> None:
    assert not takes(promtool, write(BAD[row][0]))


@pytest.mark.parametrize("row", PROMTOOL_TAKES)
def test_promtool_takes_what_python_cannot_serve(write: Callable[[str], Path], promtool: str, row: str) -> None:
    """So we are stricter here by choice, and the fault says why."""
    assert takes(promtool, write(BAD_FOR_US_ONLY[row][0]))


def test_passwords_without_bcrypt_are_a_fault_with_a_remedy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named; None in sys.modules is how Python spells a module that cannot be imported."""
    monkeypatch.setitem(sys.modules, "bcrypt", None)
    path = write_config(folder, {"basic_auth_users": {"alice": CHEAP}})

    assert (
        f"{path}: basic_auth_users: needs bcrypt; install it beside the exporter with `pip install bcrypt`",
    ) == problems_of(path)


def test_what_is_written_without_quotes_is_served_as_it_is_written(write: Callable[[str], Path]) -> None:
    """As in Go, where the field decides whether it is a text: no 0x10 becomes 16, no `no` becomes False."""
    text = f"http_server_config: {{headers: {{X-XSS-Protection: 1}}}}\nbasic_auth_users: {{no: {CHEAP}, 0x10: {CHEAP}}}"
    document = load_protection(write(text), FileReader(), FakeClock()).document

    assert (("X-XSS-Protection: 1",), ["no", "0x10"]) == (document.headers, list(document.users))


@pytest.mark.parametrize("kind", ["fifo", "device"])
def test_what_is_no_file_is_a_fault_and_is_not_waited_for(folder: Path, kind: str) -> None:
    """A FIFO without a writer would hold the start, and every later reload, forever."""
    path = folder / kind
    if kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    named = write_config(folder, {"tls_server_config": {"cert_file": kind, "key_file": "key.pem"}})

    assert [f"--web.config.file: {path}: cannot be read: is not a regular file"] == list(problems_of(path))
    assert [f"{named}: tls_server_config.cert_file: {path}: cannot be read: is not a regular file"] == list(
        problems_of(named)
    )

"""Fuzz target: web config files; an accepted one must be able to serve requests."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from random import Random

import trustme
import yaml
from fake_clock import FakeClock
from fuzz import mutators
from fuzz.engine import GOOD, PromiseError, Target
from fuzz.outputs import check_message
from fuzz.target_scenario import mutate_yaml
from web_rig import CHEAP, write_pair

from podres_exporter.errors import ConfigError
from podres_exporter.web.config.files import FileReader
from podres_exporter.web.config.guard import guarded
from podres_exporter.web.config.protection import Protection, load_protection
from podres_exporter.web.request import Request
from podres_exporter.web.response import Response, render_head

_TLS = "tls_server_config: {cert_file: cert.pem, key_file: key.pem"
_TEXTS = (
    _TLS + "}",
    _TLS + ", client_ca_file: ca.pem, client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: [a, b]}",
    _TLS + ", min_version: TLS12, max_version: TLS13, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256], "
    "curve_preferences: [X25519], prefer_server_cipher_suites: false}",
    "http_server_config: {http2: true, headers: {X-Frame-Options: deny, Strict-Transport-Security: max-age=1}}",
    "http_server_config:\n  headers:\n    Content-Security-Policy: default-src 'none'\n    X-XSS-Protection: '0'\n",
    f"basic_auth_users: {{alice: {CHEAP}, 'bob:': {CHEAP.replace('$2b$', '$2y$')}, 7: {CHEAP}}}",
    "rate_limit: {interval: 1m30s, burst: 2}",
    "rate_limit:\n  interval: 100ms\n  burst: 20\n",
    "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\n",
)
_WORDS = (
    "9" * 400 + "h",
    "0.0000000001ns",
    ".",
    "1h" * 2000,
    "9" * 400,
    '"\\ud800"',
    '"\\ud800": ' + CHEAP,
    "$2b$31$",
    "TLS10",
    "cert: |\n",
)
_REQUEST = Request("GET", "/metrics", {"authorization": "Basic " + base64.b64encode(b"alice:x").decode()}, True, False)


@contextmanager
def webconfig(folder: Path) -> Iterator[Target]:
    """Yield the target; certificates stand beside the file."""
    ca = trustme.CA()
    write_pair(folder, ca)
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    path = folder / "web.yml"
    pair = yaml.safe_dump(
        {"tls_server_config": {name: (folder / f"{name}.pem").read_text() for name in ("cert", "key")}}
    )

    def check(data: bytes, _is_thorough: bool) -> str:
        path.write_bytes(data)
        try:
            protection = load_protection(path, FileReader(), FakeClock())
        except ConfigError as error:
            if not all(problem.startswith((f"{path}: ", "--web.config.file: ")) for problem in error.problems):
                raise PromiseError(f"a problem that names no file: {error.problems!r}") from error
            return check_message(error)
        _ask(protection)
        return f"{GOOD}{protection.tls is not None}{protection.auth is not None}{protection.bucket is not None}"

    yield Target("webconfig", [*(text.encode() for text in (*_TEXTS, pair))], _mutate, check, peak_mib=48)


def _mutate(data: bytes, rng: Random) -> bytes:
    if rng.random() < 0.2:
        head, middle, tail = mutators.cut(data, rng)
        return (head + middle + rng.choice(_WORDS).encode() + tail)[: mutators.LONGEST]
    return mutate_yaml(data, rng)


def _ask(protection: Protection) -> None:
    """Ask as often as it takes for a small bucket to be empty; users with a dear hash are not asked for."""
    auth = (
        None if any(bcrypt_hash[4:6] != "04" for bcrypt_hash in protection.document.users.values()) else protection.auth
    )
    asked = Protection(protection.document, None, auth, protection.bucket)
    answer = guarded(lambda _: Response(HTTPStatus.OK, b"page"), lambda: asked, ())
    for _ in range(4):
        response = answer(_REQUEST)
        head = render_head(response, date="", keep_alive=False)
        if head.count(b"\r\n\r\n") != 1 or not head.endswith(b"\r\n\r\n"):
            raise PromiseError(f"a header that ends the head: {head!r}")

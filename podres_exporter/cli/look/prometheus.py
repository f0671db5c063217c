"""The Prometheus server that `who` queries, from its flags."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

from podres_exporter.cli.flags.who import PROMETHEUS, URL_VARIABLE
from podres_exporter.cli.look.credentials import TlsFlags, secret_of, tls_of, with_password
from podres_exporter.config.values import at_least
from podres_exporter.remote.address import Address, ClientTls, parse_prometheus

_TLS = TlsFlags(PROMETHEUS, "--ca-file", "--cert-file", "--key-file")
_AT_LEAST = at_least(0.1, "100ms")


@dataclass(frozen=True, slots=True)
class Server:
    """The server, with its TLS settings and timeout."""

    address: Address
    tls: ClientTls
    bearer_token: str
    timeout_seconds: float


def server_of(arguments: argparse.Namespace, environment: Mapping[str, str], faults: list[str]) -> Server:
    """Return the server; *faults* gets a sentence for each invalid flag."""
    url = arguments.prometheus if arguments.prometheus is not None else environment.get(URL_VARIABLE, "")
    address: Address | None = None
    if not url:
        faults.append(
            f"{PROMETHEUS}: is missing; write for example {PROMETHEUS} http://prometheus:9090, or set {URL_VARIABLE}"
        )
    else:
        try:
            address = parse_prometheus(url)
        except ValueError as error:
            faults.append(f"{PROMETHEUS}: {error}")
    tls = tls_of(arguments, address, faults, _TLS) if address is not None else ClientTls()
    if arguments.password_file is not None and address is not None:
        address = with_password(address, arguments.password_file, f"{PROMETHEUS} http://USER@HOST:9090", faults)
    token = ""
    if arguments.bearer_token_file is not None:
        token = secret_of("--bearer-token-file", arguments.bearer_token_file, "token", faults)
        if address is not None and address.credentials:
            faults.append(f"--bearer-token-file: cannot be combined with a user in {PROMETHEUS}")
        if not (token.isascii() and token.isprintable()):
            faults.append("--bearer-token-file: the token is not a single line of ASCII")
    try:
        timeout = _AT_LEAST(arguments.timeout)
    except ValueError as error:
        faults.append(f"--timeout: {error}")
        timeout = 1.0
    return Server(address or Address(False, "", 0, ""), tls, token, timeout)

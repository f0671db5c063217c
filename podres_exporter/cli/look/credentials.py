"""TLS settings and passwords of the servers behind --url and --prometheus, from flags and files."""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

from podres_exporter.remote.address import Address, ClientTls

_LONGEST_SECRET = 16384


@dataclass(frozen=True, slots=True)
class TlsFlags:
    """The names of the flags; *url* is the one that names the server."""

    url: str
    ca: str
    certificate: str
    key: str


EXPORTER_TLS = TlsFlags("--url", "--url-ca", "--url-cert", "--url-key")


def tls_of(
    arguments: argparse.Namespace, address: Address | None, faults: list[str], names: TlsFlags = EXPORTER_TLS
) -> ClientTls:
    """Return the TLS settings of an https server; *faults* gets the flags that cannot be used."""
    flags = (names.ca, names.certificate, names.key)
    files = {flag: getattr(arguments, flag.removeprefix("--").replace("-", "_")) for flag in flags}
    given = [flag for flag, text in files.items() if text is not None]
    is_secure = address is not None and address.is_secure
    if not is_secure:
        needless = [*given, *(["--insecure"] if arguments.insecure else [])]
        faults += [f"{flag}: needs an https URL: {names.url} https://..." for flag in needless]
    if arguments.insecure and names.ca in given:
        faults.append(f"--insecure and {names.ca}: contradict each other; give one of them")
    if names.key in given and names.certificate not in given:
        faults.append(f"{names.key}: belongs to a certificate; give {names.certificate} too")
    paths = {flag: Path(files[flag]) for flag in given}
    faults += [f"{flag}: there is no file {str(path)!r}" for flag, path in paths.items() if not path.is_file()]
    return ClientTls(not arguments.insecure, *(paths.get(flag) for flag in flags))


def with_password(address: Address, name: str, url: str, faults: list[str]) -> Address:
    """Return the address with the password from a file; *url* is how a URL with a user is written."""
    user, _, password = address.credentials.partition(":")
    if not user or password:
        faults.append(
            f"--password-file: {url.partition(' ')[0]} must have a user and no password: {url.partition(' ')[2]}"
        )
        return address
    line = secret_of("--password-file", name, "password", faults)
    return replace(address, credentials=f"{user}:{line}") if line else address


def secret_of(flag: str, name: str, what: str, faults: list[str]) -> str:
    """Return the first line of a file or pipe; empty, with an entry in *faults*, if that fails."""
    try:
        with Path(name).open("rb") as file:
            line = file.readline(_LONGEST_SECRET).rstrip(b"\r\n").decode()
    except (OSError, ValueError) as error:
        faults.append(f"{flag}: {name!r} cannot be read: {getattr(error, 'strerror', None) or 'no UTF-8'}")
        return ""
    if not line:
        faults.append(f"{flag}: the first line of {name!r} is empty; write the {what} there")
    return line

"""How an https exporter behind `--url` is trusted, and which client certificate it is shown."""

import argparse
from pathlib import Path

from podres_exporter.remote.address import Address, ClientTls

_HTTPS = "there is a certificate to check with --url https://... only"


def tls_of(arguments: argparse.Namespace, address: Address | None, faults: list[str]) -> ClientTls:
    """Return how an https exporter is trusted and what it is shown; *faults* says which flags cannot be used."""
    files = {
        "--url-ca": arguments.url_ca,
        "--url-cert": arguments.url_cert,
        "--url-key": arguments.url_key,
    }
    given = [flag for flag, text in files.items() if text is not None]
    is_secure = address is not None and address.is_secure
    if not is_secure:
        faults += [f"{flag}: {_HTTPS}" for flag in [*given, *(["--insecure"] if arguments.insecure else [])]]
    if arguments.insecure and "--url-ca" in given:
        faults.append("--insecure and --url-ca: contradict each other; give one of them")
    if "--url-key" in given and "--url-cert" not in given:
        faults.append("--url-key: belongs to a certificate; give --url-cert too")
    paths = {flag: Path(files[flag]) for flag in given}
    faults += [f"{flag}: there is no file {str(path)!r}" for flag, path in paths.items() if not path.is_file()]
    return ClientTls(not arguments.insecure, paths.get("--url-ca"), paths.get("--url-cert"), paths.get("--url-key"))

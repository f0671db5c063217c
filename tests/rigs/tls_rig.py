"""Certificates for servers on loopback."""

import ssl
from pathlib import Path

import trustme


class Authority:
    """Signs certificates for this machine; another instance is an authority that is not trusted yet."""

    def __init__(self) -> None:
        self._authority = trustme.CA()

    @property
    def pem(self) -> bytes:
        """What a client must trust."""
        return self._authority.cert_pem.bytes()

    def server_context(self, *names: str) -> ssl.SSLContext:
        """Return what a server for these names, 127.0.0.1 without any, needs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*(names or ("127.0.0.1",))).configure_cert(context)
        return context

    def client_context(self) -> ssl.SSLContext:
        """Return what a client needs that trusts this authority alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._authority.configure_trust(context)
        return context

    def demanding_context(self) -> ssl.SSLContext:
        """Return the context of a server that requires client certificates of this authority."""
        context = self.server_context()
        context.verify_mode = ssl.CERT_REQUIRED
        self._authority.configure_trust(context)
        return context

    def client_files(self, directory: Path) -> tuple[Path, Path]:
        """Write a client's certificate and its key; return their paths."""
        leaf = self._authority.issue_cert("client@example.com")
        chain, key = directory / "client.crt", directory / "client.key"
        chain.write_bytes(b"".join(each.bytes() for each in leaf.cert_chain_pems))
        key.write_bytes(leaf.private_key_pem.bytes())
        return chain, key

"""Find the API server and the credentials for it; in a pod, from the files of its service account."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from podres_exporter import __version__
from podres_exporter.errors import ConfigError
from podres_exporter.kube.proxy import proxy_for

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where the kubelet mounts `token`, `ca.crt` and `namespace`."""

_OTHERWISE = "or run with --metadata.source=none"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """
    How one API server is reached.

    *authority* is the CA of its certificate, as a file or PEM; None uses the system's CAs. *tls_name* is the name in
    the certificate if it differs from the URL's; *proxy* is a URL, which may contain a password.
    """

    url: str
    authority: Path | bytes | None = None
    is_verified: bool = True
    tls_name: str | None = None
    proxy: str | None = None
    takes_gzip: bool = True


@dataclass(frozen=True, slots=True)
class Certificate:
    """A client certificate with its key, as files or as PEM."""

    chain: Path | bytes
    key: Path | bytes


@dataclass(frozen=True, slots=True)
class Identity:
    """What one request is sent with: headers such as Authorization, and optionally a client certificate."""

    headers: tuple[tuple[str, str], ...] = ()
    certificate: Certificate | None = None


class Credentials(Protocol):
    """Credentials as found at one time; the client loads new ones after the server has rejected them."""

    @property
    def endpoint(self) -> Endpoint:
        """Return how to reach the API server."""
        ...

    def identity(self) -> Identity:
        """
        Return the identity for the next request. May take seconds; raises ConfigError if there are no credentials.
        """
        ...

    def close(self) -> None:
        """Abort a pending `identity` call, from any thread; later calls fail."""
        ...


MakeCredentials = Callable[[], Credentials]
"""Loads the credentials from files, without any request. Raises ConfigError if they cannot be used."""


def user_agent(node: str) -> str:
    """Return the User-Agent, which includes the node so that audit logs can distinguish the exporters."""
    return f"podres-exporter/{__version__} ({node})"


class ServiceAccount:
    """
    Credentials of the pod in which this process runs.

    The token is re-read for every request: the kubelet replaces it well before it expires.

    Source: client-go's rest.InClusterConfig.
    """

    def __init__(self, environment: Mapping[str, str], directory: Path = SERVICE_ACCOUNT) -> None:
        """Raise ConfigError if the environment or the files of a service account are missing."""
        host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT")
        if not (host and port):
            problem = "not running in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set"
            raise ConfigError([f"{problem}; give --metadata.kubeconfig, {_OTHERWISE}"])
        url = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
        authority, self._token_file = directory / "ca.crt", directory / "token"
        try:
            if not authority.read_bytes().strip():
                raise ValueError(f"{authority} is empty")  # noqa: TRY301 - told like the other faults of the files
            self._token = read_token(self._token_file)
        except (OSError, ValueError) as error:
            raise ConfigError([_unmounted(directory, error)]) from error
        self.endpoint = Endpoint(url, authority, proxy=proxy_for(url, environment))

    def identity(self) -> Identity:
        """Return the token currently in the file; the previous one if there is none."""
        with contextlib.suppress(OSError, ValueError):  # the API server decides whether the old token is still valid
            self._token = read_token(self._token_file)
        return bearer(self._token)

    def close(self) -> None:
        """Do nothing: `identity` never blocks."""


def bearer(token: str) -> Identity:
    """Return an identity with this bearer token."""
    return Identity((("Authorization", f"Bearer {token}"),))


def read_token(path: Path) -> str:
    """Return the token in a file. Raises OSError or ValueError if there is none."""
    token = path.read_text(encoding="ascii").strip()
    if not token:
        raise ValueError(f"{path} is empty")
    return token


def _unmounted(directory: Path, error: Exception) -> str:
    """Return a sentence that says what is missing of the service account, with the remedy."""
    return (
        f"no service account in {directory}: {error}; "
        f"set automountServiceAccountToken: true on the pod or its service account, {_OTHERWISE}"
    )

"""
The user section of a kubeconfig: token, token file, password, credential plugin, OpenID Connect, client certificate.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from podres_exporter.errors import ConfigError
from podres_exporter.kube.auth.credentials import Certificate, Identity, read_token
from podres_exporter.kube.auth.exec_plugin import CredentialPlugin, plugin_spec
from podres_exporter.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from podres_exporter.clock import Clock

_CLUSTER_KEYS = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")
_EXTENSION = "client.authentication.k8s.io/exec"


@dataclass(frozen=True, slots=True)
class Section:
    """A cluster, user or context of a kubeconfig, and the directory that its paths are relative to."""

    content: Mapping[str, Any]
    directory: Path

    def file_or_data(self, key: str) -> Path | bytes | None:
        """
        Return the content of `KEY-data`, else the file that `KEY` names. Raises ConfigError if neither can be used.

        Source: client-go's TLSClientConfig: data takes precedence over a file, and empty data is ignored.
        """
        data, name = self.content.get(f"{key}-data"), self.content.get(key)
        if data:
            try:
                return base64.b64decode(data, validate=True)
            except (binascii.Error, TypeError, ValueError) as error:
                raise ConfigError([f"{key}-data is not valid base64"]) from error
        if not name:
            return None
        path = self.path(str(name))
        if not path.is_file():
            raise ConfigError([f"{key}: there is no file {printable(str(path))}"])
        return path

    def path(self, name: str) -> Path:
        """Return a path, which may be relative to the kubeconfig."""
        return self.directory / name


class User:
    """
    One user. *authenticate* returns the headers of each request and optionally a certificate; it may take seconds.
    """

    def __init__(
        self,
        authenticate: Callable[[], Identity],
        certificate: Certificate | None,
        impersonation: tuple[tuple[str, str], ...],
        plugin: CredentialPlugin | None = None,
    ) -> None:
        """Keep the settings; nothing is requested yet."""
        self._authenticate, self._certificate = authenticate, certificate
        self._impersonation, self._plugin = impersonation, plugin

    def identity(self) -> Identity:
        """Return the identity for the next request. Raises ConfigError, or whatever error a broken file causes."""
        found = self._authenticate()
        return Identity((*found.headers, *self._impersonation), found.certificate or self._certificate)

    def close(self) -> None:
        """Kill a running plugin."""
        if self._plugin is not None:
            self._plugin.close()


def user_of(
    user: Section,
    cluster: Section,
    certificate: Certificate | None,
    environment: Mapping[str, str],
    clock: Clock,
    *,
    is_terminal: bool,
) -> User:
    """
    Return the user.

    A token or password takes precedence over a plugin, which is then not run; a token file over a token.

    Source: client-go's clientcmd and transport: an Authorization header that is already set is not replaced.
    """
    content, impersonation = user.content, _impersonation(user.content)
    token, token_file = content.get("token"), content.get("tokenFile")
    if token or token_file:
        path = user.directory / str(token_file) if token_file else None
        return User(_Token(path, str(token) if token else None).identity, certificate, impersonation)
    if content.get("username"):
        pair = f"{content['username']}:{content.get('password') or ''}"
        header = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return User(lambda: Identity((("Authorization", header),)), certificate, impersonation)
    if content.get("exec"):
        told = _cluster_info(cluster)
        spec = plugin_spec(content["exec"], told, user.directory, environment, is_terminal=is_terminal)
        plugin = CredentialPlugin(spec, clock)
        return User(plugin.identity, certificate, impersonation, plugin)
    if content.get("auth-provider"):
        return User(_provider(content["auth-provider"]), certificate, impersonation)
    return User(Identity, certificate, impersonation)


class _Token:
    """A token in the kubeconfig, or in a file that is re-read for every request."""

    def __init__(self, path: Path | None, token: str | None) -> None:
        self._path, self._token = path, token

    def identity(self) -> Identity:
        """Return the token; the previous one if the file can no longer be read."""
        if self._path is not None:
            try:
                self._token = read_token(self._path)
            except (OSError, ValueError) as error:
                if self._token is None:
                    raise ConfigError([f"its tokenFile cannot be read: {error}"]) from error
        return Identity((("Authorization", f"Bearer {self._token}"),))


def _impersonation(content: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """
    Return the headers of a user who impersonates another one.

    Source: client-go's transport.NewImpersonatingRoundTripper.
    """
    if not content.get("as"):
        return ()
    groups = content.get("as-groups") or ()
    extra = content.get("as-user-extra") or {}
    return (
        ("Impersonate-User", str(content["as"])),
        *((("Impersonate-Uid", str(content["as-uid"])),) if content.get("as-uid") else ()),
        *(("Impersonate-Group", str(group)) for group in groups),
        *((f"Impersonate-Extra-{key}", str(value)) for key, values in extra.items() for value in values),
    )


def _cluster_info(cluster: Section) -> dict[str, Any]:
    """Return the cluster information for a plugin that requests it (`provideClusterInfo`)."""
    content = cluster.content
    told = {key: content[key] for key in _CLUSTER_KEYS if content.get(key)}
    if not told.get("certificate-authority-data") and content.get("certificate-authority"):
        path = cluster.directory / str(content["certificate-authority"])
        told["certificate-authority-data"] = base64.b64encode(path.read_bytes()).decode()
    for each in content.get("extensions") or ():
        if each.get("name") == _EXTENSION:
            told["config"] = each.get("extension")
    return told


def _provider(section: Mapping[str, Any]) -> Callable[[], Identity]:
    """
    Return a callable for an auth-provider: OpenID Connect, by the `kubernetes` package. Raises ConfigError for others.

    Source: client-go removed `gcp` and `azure` in 1.26.
    """
    name = section.get("name")
    if name != "oidc":
        told = f"its auth-provider {printable(str(name))} is no longer supported by Kubernetes clients"
        raise ConfigError([f"{told}; use a credential plugin (exec)"])
    from kubernetes.config.kube_config import KubeConfigLoader  # noqa: PLC0415 - heavy, and only for kubeconfigs

    content = {
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {}}],
        "users": [{"name": "u", "user": {"auth-provider": dict(section)}}],
    }
    loader = KubeConfigLoader(content, "c")  # type: ignore[no-untyped-call]  # not annotated

    def authenticate() -> Identity:
        settings = SimpleNamespace(api_key={})
        try:
            loader.load_and_set(settings)  # type: ignore[no-untyped-call]  # not annotated
        except Exception as error:
            raise ConfigError([f"its auth-provider oidc fails: {printable(str(error))}"]) from error
        header = settings.api_key.get("BearerToken")
        if not header:
            raise ConfigError(["its auth-provider oidc returns no token: log in again"])
        return Identity((("Authorization", str(header)),))

    return authenticate

"""Read credentials from kubeconfigs, as client-go does."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podres_exporter.errors import ConfigError
from podres_exporter.kube.auth.credentials import Certificate, Endpoint, Identity
from podres_exporter.kube.auth.users import Section, User, user_of
from podres_exporter.kube.proxy import proxy_for
from podres_exporter.printable import printable

if TYPE_CHECKING:
    from podres_exporter.clock import Clock

DEFAULT_NAMESPACE = "default"


class Kubeconfig:
    """Credentials of one context of the merged *files*. No request is sent and no plugin is run before `identity`."""

    def __init__(
        self,
        files: Sequence[str],
        context: str | None,
        environment: Mapping[str, str],
        clock: Clock,
        *,
        remedy: str = "",
        is_terminal: bool = False,
    ) -> None:
        """
        Use *context*, or the current one if it is not given. *is_terminal*: a plugin may prompt the user.

        *remedy* is appended to every error.

        Raises ConfigError if a file, the context or anything they refer to cannot be used.
        """
        self._explained = _Explained(files, remedy)
        with self._explained:
            merged = _Merged(files)
            chosen = merged.context(context)
            cluster = merged.named("clusters", chosen.content.get("cluster"))
            self.endpoint = _endpoint(cluster, environment)
            self.namespace = str(chosen.content.get("namespace") or DEFAULT_NAMESPACE)
            name = chosen.content.get("user")
            user = merged.named("users", name) if name else Section({}, cluster.directory)
            certificate = _certificate(user)
            self._user: User = user_of(user, cluster, certificate, environment, clock, is_terminal=is_terminal)

    def identity(self) -> Identity:
        """Return the identity for the next request; this may run a plugin."""
        with self._explained:
            return self._user.identity()

    def close(self) -> None:
        """Kill a running plugin."""
        self._user.close()


class _Explained:
    """Translate errors in the block to a ConfigError that names the files."""

    def __init__(self, files: Sequence[str], remedy: str) -> None:
        self._names, self._remedy = os.pathsep.join(files), f"; {remedy}" if remedy else ""

    def __enter__(self) -> None:
        """Enter the block."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raise ConfigError instead of the various errors that a malformed file causes."""
        match error:
            case None:
                return
            case ConfigError():
                problem = "; ".join(error.problems)
            case OSError():
                problem = str(error)
            case AttributeError() | KeyError() | TypeError() | RecursionError():
                problem = "it is not a kubeconfig"
            case ValueError():
                problem = "it is not text"
            case _ if type(error).__module__.startswith("yaml"):
                problem = "it is not YAML"
            case _ if type(error).__module__.startswith("kubernetes.config"):
                problem = str(error)
            case _:
                return
        text = f"the kubeconfig {printable(self._names)} cannot be used: {problem}{self._remedy}"
        raise ConfigError([text]) from error


class _Merged:
    """The merged sections of several kubeconfigs: if two have the same name, the first one wins, as in kubectl."""

    def __init__(self, files: Sequence[str]) -> None:
        """Read all files."""
        from kubernetes.config.kube_config import KubeConfigMerger  # noqa: PLC0415 - heavy, and only for kubeconfigs

        merger = KubeConfigMerger("")  # type: ignore[no-untyped-call]  # not annotated
        for each in files:
            merger.load_config(each)  # type: ignore[no-untyped-call]  # not annotated
        self._sections: Mapping[str, Any] = merger.config.value
        # The first file with a current context wins; the kubernetes package would take the last.
        named = (each.get("current-context") for each in merger.config_files.values())
        self._current: str | None = next(filter(None, named), None)

    def context(self, name: str | None) -> Section:
        """Return the named context, or the current one."""
        chosen = name or self._current
        if not chosen:
            raise ConfigError(["it has no current context: give one, or run kubectl config use-context"])
        return self.named("contexts", chosen)

    def named(self, kind: str, name: object) -> Section:
        """Return a section by name, from the contexts, clusters or users."""
        if not name:
            raise ConfigError([f"its context names no entry of {kind}"])
        found = self._sections[kind]
        for each in found:
            if each.value["name"] == name:
                content = each.value.get(kind.removesuffix("s")) or {}
                if not isinstance(content, Mapping):
                    raise TypeError(kind)
                return Section(content, Path(each.path).absolute().parent)
        known = ", ".join(printable(str(each.value["name"])) for each in found)
        told = f"; there are {known}" if known else ""
        raise ConfigError([f"it has no {kind.removesuffix('s')} {printable(str(name))!r}{told}"])


def _endpoint(cluster: Section, environment: Mapping[str, str]) -> Endpoint:
    """
    Return how to reach the cluster.

    Source: client-go's rest.DefaultServerURL: without a scheme, https is used if any TLS setting is present.
    """
    content = cluster.content
    url, authority = content.get("server"), cluster.file_or_data("certificate-authority")
    if not (isinstance(url, str) and url):
        raise ConfigError(["its cluster has no server"])
    is_skipped = content.get("insecure-skip-tls-verify") is True
    if "://" not in url:
        url = f"https://{url}" if authority is not None or is_skipped else f"http://{url}"
    url = url.rstrip("/")
    return Endpoint(
        url,
        authority,
        is_verified=not is_skipped,
        tls_name=content.get("tls-server-name") or None,
        proxy=content.get("proxy-url") or proxy_for(url, environment),
        takes_gzip=content.get("disable-compression") is not True,
    )


def _certificate(user: Section) -> Certificate | None:
    chain, key = user.file_or_data("client-certificate"), user.file_or_data("client-key")
    if (chain is None) != (key is None):
        raise ConfigError(["its user has a client-certificate without a client-key, or a key without a certificate"])
    return None if chain is None or key is None else Certificate(chain, key)

"""Choose the API server and the user as kubectl does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from podres_exporter import __version__
from podres_exporter.cli.kubectl.api import KubeApi
from podres_exporter.errors import ConfigError
from podres_exporter.kube.auth.credentials import SERVICE_ACCOUNT, ServiceAccount
from podres_exporter.kube.client import KubeClient, Limits
from podres_exporter.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from podres_exporter.clock import Clock
    from podres_exporter.kube.auth.credentials import Credentials

USER_AGENT = f"kubectl-podres/{__version__}"
_DEFAULT_NAMESPACE = "default"


def connect(
    kubeconfig: str | None,
    context: str | None,
    environment: Mapping[str, str],
    clock: Clock,
    limits: Limits,
    *,
    connections: int,
    service_account: Path = SERVICE_ACCOUNT,
) -> KubeApi:
    """
    Return the API client for the flags, $KUBECONFIG, ~/.kube/config or the pod's service account, in this order.

    Raises ConfigError if none of them exists, or if the one found cannot be used.

    Source: kubectl's loading rules (clientcmd): the files of $KUBECONFIG are merged and may be missing.
    """
    files = _files(kubeconfig, environment)
    namespace = _DEFAULT_NAMESPACE

    def from_files() -> Credentials:
        from podres_exporter.kube.auth.kubeconfig import Kubeconfig  # noqa: PLC0415 - not before it is clear that it is used

        nonlocal namespace
        found = Kubeconfig(files, context, environment, clock, is_terminal=sys.stdin.isatty())
        namespace = found.namespace
        return found

    if files:
        client = KubeClient(from_files, USER_AGENT, clock, limits, connections=connections)
        return KubeApi(client, namespace)
    if context is not None:
        raise ConfigError([f"--context: there is no kubeconfig with a context {printable(context)!r}"])
    if not environment.get("KUBERNETES_SERVICE_HOST"):
        raise ConfigError(
            [
                (
                    "there is no kubeconfig, and this is not a pod: give --kubeconfig, set KUBECONFIG, "
                    "or create ~/.kube/config"
                )
            ]
        )
    try:
        client = KubeClient(
            lambda: ServiceAccount(environment, service_account), USER_AGENT, clock, limits, connections=connections
        )
    except ConfigError as error:
        cause = f": {error.__cause__}" if error.__cause__ else ""
        raise ConfigError([f"there is no kubeconfig, and no service account in {service_account}{cause}"]) from error
    return KubeApi(client, _namespace_of(service_account))


def _files(kubeconfig: str | None, environment: Mapping[str, str]) -> list[str]:
    """Return the kubeconfigs to read; one that is given explicitly must exist. Raises ConfigError."""
    if kubeconfig is not None:
        path = Path(kubeconfig).expanduser()
        if not path.is_file():
            raise ConfigError([f"--kubeconfig: there is no file {kubeconfig!r}"])
        return [str(path)]
    listed = environment.get("KUBECONFIG", "")
    if not listed:
        path = Path(environment.get("HOME") or Path.home()) / ".kube" / "config"
        return [str(path)] if path.is_file() else []
    found = [str(path) for each in listed.split(":") if each and (path := Path(each).expanduser()).is_file()]
    if not found:
        raise ConfigError([f"KUBECONFIG: none of {listed!r} is a file"])
    return found


def _namespace_of(service_account: Path) -> str:
    """Return the namespace of the pod that this runs in."""
    try:
        return (service_account / "namespace").read_text(encoding="utf-8").strip() or _DEFAULT_NAMESPACE
    except (OSError, ValueError):
        return _DEFAULT_NAMESPACE

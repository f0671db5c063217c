"""Which API server `kubectl podres` talks to, and as whom: what kubectl itself would take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from podres_exporter import __version__
from podres_exporter.errors import ConfigError
from podres_exporter.kube.credentials import SERVICE_ACCOUNT, in_cluster_client
from podres_exporter.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubernetes.client.api_client import ApiClient
    from kubernetes.client.configuration import Configuration
    from kubernetes.config.kube_config import KubeConfigLoader

_DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True, slots=True)
class Connection:
    """A client of the `kubernetes` package, not connected yet; *namespace* is where a user without -n is."""

    client: ApiClient
    namespace: str
    server: str


def connect(
    kubeconfig: str | None,
    context: str | None,
    environment: Mapping[str, str],
    *,
    connections: int,
    service_account: Path = SERVICE_ACCOUNT,
) -> Connection:
    """
    Return the client that the flags, $KUBECONFIG, ~/.kube/config or the pod's service account make, in this order.

    Raises ConfigError where none of them is there, or what is there cannot be used.

    Source: kubectl's loading rules (clientcmd), whose files of $KUBECONFIG are merged and may be missing.
    """
    files = _files(kubeconfig, environment)
    if files:
        return _from_files(files, context, connections)
    if context is not None:
        raise ConfigError([f"--context: there is no kubeconfig to have a context {printable(context)!r}"])
    if not environment.get("KUBERNETES_SERVICE_HOST"):
        raise ConfigError(
            ["there is no kubeconfig: give --kubeconfig, set KUBECONFIG, or write ~/.kube/config; and this is no pod"]
        )
    try:
        found = in_cluster_client("kubectl podres", environment, service_account)
    except ConfigError as error:
        cause = f": {error.__cause__}" if error.__cause__ else ""
        raise ConfigError([f"there is no kubeconfig, and no service account in {service_account}{cause}"]) from error
    return _connection(found.configuration, _namespace_of(service_account), connections)


def _files(kubeconfig: str | None, environment: Mapping[str, str]) -> list[Path]:
    """Return the kubeconfigs to read; one that is named must be there. Raises ConfigError."""
    if kubeconfig is not None:
        path = Path(kubeconfig).expanduser()
        if not path.is_file():
            raise ConfigError([f"--kubeconfig: there is no file {kubeconfig!r}"])
        return [path]
    listed = environment.get("KUBECONFIG", "")
    if not listed:
        path = Path(environment.get("HOME") or Path.home()) / ".kube" / "config"
        return [path] if path.is_file() else []
    found = [path for each in listed.split(":") if each and (path := Path(each).expanduser()).is_file()]
    if not found:
        raise ConfigError([f"KUBECONFIG: none of {listed!r} is a file"])
    return found


def _from_files(files: Sequence[Path], context: str | None, connections: int) -> Connection:
    from kubernetes.client.configuration import Configuration  # noqa: PLC0415 - not before it is clear that it is used
    from kubernetes.config import ConfigException  # noqa: PLC0415 - as above
    from yaml import YAMLError  # noqa: PLC0415 - as above

    configuration = Configuration()
    configuration.retries = False
    names = ":".join(map(str, files))
    try:
        loader = _loader(files, context)
        loader.load_and_set(configuration)  # type: ignore[no-untyped-call]  # not annotated
        namespace = loader.current_context["context"].get("namespace")
    except YAMLError as error:
        raise ConfigError([f"the kubeconfig {names} cannot be used: it is no YAML"]) from error
    except (ConfigException, OSError, ValueError) as error:
        raise ConfigError([f"the kubeconfig {names} cannot be used: {error}"]) from error
    except (AttributeError, KeyError, TypeError) as error:
        raise ConfigError([f"the kubeconfig {names} cannot be used: it is no kubeconfig"]) from error
    return _connection(configuration, namespace or _DEFAULT_NAMESPACE, connections)


def _loader(files: Sequence[Path], context: str | None) -> KubeConfigLoader:
    """Return the loader of the merged files, its context chosen. Raises what it does, and ConfigError."""
    from kubernetes.config.kube_config import (  # noqa: PLC0415 - not before it is clear that it is used
        KubeConfigLoader,
        KubeConfigMerger,
    )

    merger = KubeConfigMerger(":".join(map(str, files)))  # type: ignore[no-untyped-call]  # not annotated
    merged = merger.config
    known = [str(each["name"]) for each in merged.value.get("contexts") or ()]
    if context is not None and context not in known:
        told = f"; there are {', '.join(map(printable, known))}" if known else ""
        raise ConfigError([f"--context: the kubeconfig has no context {printable(context)!r}{told}"])
    # The first file that says it counts, as for kubectl; the package takes the last.
    said = (each.get("current-context") for each in merger.config_files.values())
    current = context or next(filter(None, said), None)
    if current is None:
        raise ConfigError(["the kubeconfig has no current context: give --context, or kubectl config use-context"])
    return KubeConfigLoader(config_dict=merged, active_context=current, config_base_path=None)  # type: ignore[no-untyped-call]  # not annotated


def _namespace_of(service_account: Path) -> str:
    """Return the namespace that a pod runs in."""
    try:
        return (service_account / "namespace").read_text(encoding="utf-8").strip() or _DEFAULT_NAMESPACE
    except (OSError, ValueError):
        return _DEFAULT_NAMESPACE


def _connection(configuration: Configuration, namespace: str, connections: int) -> Connection:
    from kubernetes.client.api_client import ApiClient  # noqa: PLC0415 - not before it is clear that it is used

    configuration.connection_pool_maxsize = connections
    if not configuration.verify_ssl:
        import urllib3  # noqa: PLC0415 - for those who want no verification

        # The user's kubeconfig says so; a warning at every request tells nobody anything.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    client = ApiClient(configuration)
    client.user_agent = f"kubectl-podres/{__version__}"
    return Connection(client, namespace, str(configuration.host))

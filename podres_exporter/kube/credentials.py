"""
Who we are to the API server, from a pod's service account or a kubeconfig, as a client of the `kubernetes` package.

The package is imported when a client is made, not before, and only its configuration and its ApiClient: its models
and its typed API are heavy, and nothing here reads objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from podres_exporter import __version__
from podres_exporter.deferred import defer
from podres_exporter.errors import ConfigError

if TYPE_CHECKING:
    from kubernetes.client.api_client import ApiClient
    from kubernetes.client.configuration import Configuration

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where the kubelet mounts `token` and `ca.crt`."""

MakeClient = Callable[[], "ApiClient"]
"""Makes a client of what the files hold now. Raises ConfigError where they do not do."""

_WITHOUT = "or run with --metadata.source=none"


def user_agent(node: str) -> str:
    """Return how we name ourselves, so that an audit log tells the nodes apart."""
    return f"podres-exporter/{__version__} ({node})"


def in_cluster_client(node: str, environ: Mapping[str, str], directory: Path = SERVICE_ACCOUNT) -> ApiClient:
    """
    Return a client for the cluster that this pod runs in.

    The token is read anew for every request: it is rotated well before it expires, and a watch may last for minutes.

    Raises ConfigError where environment or files of a service account are missing.

    Source: kubernetes.config.incluster_config, whose own refresh keeps a token for a minute.
    """
    defer("kubernetes", "kubernetes.config")
    from kubernetes.config.config_exception import ConfigException  # noqa: PLC0415 - heavy, see above
    from kubernetes.config.incluster_config import InClusterConfigLoader  # noqa: PLC0415 - heavy, see above

    token, authority = directory / "token", directory / "ca.crt"
    configuration = _configuration()
    try:
        loader = InClusterConfigLoader(  # type: ignore[no-untyped-call]  # not annotated
            str(token), str(authority), try_refresh_token=False, environ=environ
        )
        loader.load_and_set(configuration)  # type: ignore[no-untyped-call]  # not annotated
    except (ConfigException, OSError, ValueError) as error:
        raise ConfigError([_outside(environ, directory, error)]) from error
    read = _reader(token)
    read(configuration)
    configuration.refresh_api_key_hook = read  # type: ignore[assignment]  # annotated as None
    return _client(configuration, node)


def kubeconfig_client(node: str, path: str, context: str | None = None) -> ApiClient:
    """
    Return a client for a context of a kubeconfig, its current one without a name.

    Raises ConfigError where the file, the context or what they name cannot be used.
    """
    from kubernetes.config import ConfigException, load_kube_config  # noqa: PLC0415 - heavy, see above
    from yaml import YAMLError  # noqa: PLC0415 - comes with it

    configuration = _configuration()
    try:
        # Nothing is written back: the file is the user's.
        load_kube_config(path, context, configuration, persist_config=False)  # type: ignore[no-untyped-call]  # not annotated
    except YAMLError as error:
        raise ConfigError([_useless(path, "it is no YAML")]) from error
    except (ConfigException, OSError, ValueError) as error:
        raise ConfigError([_useless(path, str(error))]) from error
    except (AttributeError, KeyError, TypeError) as error:
        raise ConfigError([_useless(path, "it is no kubeconfig")]) from error
    return _client(configuration, node)


def _configuration() -> Configuration:
    """Return the settings that every client has; proxies are the environment's (HTTPS_PROXY, NO_PROXY)."""
    from kubernetes.client.configuration import Configuration  # noqa: PLC0415 - heavy, see above

    # Not the package's default configuration, which another user of it in this process could have set.
    configuration = Configuration(connection_pool_maxsize=1)
    # urllib3 would try three times by itself and wait as Retry-After says: our own backoff would be multiplied.
    configuration.retries = False
    # A network that is lost in silence is noticed by the kernel, too.
    configuration.keep_alive = True
    return configuration


def _client(configuration: Configuration, node: str) -> ApiClient:
    """Return the client; nothing is connected yet."""
    from kubernetes.client.api_client import ApiClient  # noqa: PLC0415 - heavy, see above

    client = ApiClient(configuration)
    client.user_agent = user_agent(node)
    return client


def _reader(token: Path) -> Callable[[Configuration], None]:
    """Return the hook that puts the token of the file into a configuration; the last one stays if there is none."""

    def read(configuration: Configuration) -> None:
        try:
            text = token.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            text = ""
        if text:
            configuration.api_key["BearerToken"] = f"Bearer {text}"

    return read


def _outside(environ: Mapping[str, str], directory: Path, error: Exception) -> str:
    """Return what is missing of a service account, with the remedy."""
    if not (environ.get("KUBERNETES_SERVICE_HOST") and environ.get("KUBERNETES_SERVICE_PORT")):
        return (
            "no pod's environment: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; "
            f"give --metadata.kubeconfig, {_WITHOUT}"
        )
    return (
        f"no service account in {directory}: {error}; "
        f"set automountServiceAccountToken: true on the pod or its service account, {_WITHOUT}"
    )


def _useless(path: str, problem: str) -> str:
    """Return what is wrong with a kubeconfig, with the remedy."""
    remedy = f"check --metadata.kubeconfig and --metadata.context, {_WITHOUT}"
    return f"the kubeconfig {path} cannot be used: {problem}; {remedy}"

"""Clients of a service account and of a kubeconfig."""

import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pods_rig import NODE, TOKEN, Site
from raw_server import RawServer, whole
from tls_rig import Authority
from urllib3 import PoolManager, ProxyManager

from podres_exporter import __version__
from podres_exporter.errors import ConfigError
from podres_exporter.kube.credentials import in_cluster_client, kubeconfig_client, user_agent
from podres_exporter.sim.api import ApiServer, Fail, kubeconfig

ENVIRON = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}


def ask(client: Any) -> int:
    """Return the code that a list of pods gets."""
    request = client.param_serialize("GET", "/api/v1/pods", query_params=[], auth_settings=["BearerToken"])
    response = client.call_api(*request, _request_timeout=(5, 5)).response
    code: int = response.status
    response.close()
    return code


def tokens(server: ApiServer) -> list[str | None]:
    """Return what the clients have sent."""
    return [each.headers.get("authorization") for each in server.requests.recent]


@pytest.fixture
def account(tmp_path: Path, authority: Authority) -> Path:
    """Return the directory of a service account."""
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "ca.crt").write_bytes(authority.pem)
    return tmp_path


def test_a_pod_s_client_sends_its_token_with_every_request(secured: Site) -> None:
    """Release 36.0 of the package sent none (kubernetes-client/python #2585), of whatever verb."""
    with secured.make_client() as client:
        codes = [ask(client) for _ in range(3)]

    assert [200, 200, 200] == codes
    assert [f"Bearer {TOKEN}"] * 3 == tokens(secured.server)


def test_a_rotated_token_is_sent_with_the_very_next_request(secured: Site) -> None:
    """The kubelet replaces the file at 80 % of the token's life; the package itself would read it once a minute."""
    with secured.make_client() as client:
        codes = [ask(client)]
        (secured.directory / "token").write_text("another")
        secured.server.token = "another"  # noqa: S105 - a test's own
        codes.append(ask(client))

    assert [200, 200] == codes
    assert "Bearer another" == tokens(secured.server)[-1]


@pytest.mark.parametrize("text", [f"{TOKEN}\n", f"  {TOKEN}\r\n"])
def test_white_space_around_a_token_is_not_sent(secured: Site, text: str) -> None:
    (secured.directory / "token").write_text(text)
    with secured.make_client() as client:
        assert 200 == ask(client)


@pytest.mark.parametrize("damage", ["missing", "empty", "binary"])
def test_a_token_file_that_is_damaged_later_leaves_the_last_token(secured: Site, damage: str) -> None:
    token = secured.directory / "token"
    with secured.make_client() as client:
        if damage == "missing":
            token.unlink()
        else:
            token.write_bytes({"empty": b"", "binary": b"\xff"}[damage])

        assert 200 == ask(client)


@pytest.mark.parametrize("environ", [{}, {**ENVIRON, "KUBERNETES_SERVICE_HOST": ""}, {"KUBERNETES_SERVICE_HOST": "h"}])
def test_outside_a_pod_the_remedies_are_named(account: Path, environ: Mapping[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"no pod's environment.*--metadata.kubeconfig.*--metadata.source=none"):
        in_cluster_client(NODE, environ, account)


@pytest.mark.parametrize(("name", "content"), [("token", None), ("token", ""), ("ca.crt", None), ("ca.crt", "")])
def test_a_service_account_that_is_not_mounted_is_a_configuration_error(
    account: Path, name: str, content: str | None
) -> None:
    (account / name).unlink()
    if content is not None:
        (account / name).write_text(content)

    with pytest.raises(ConfigError, match=r"no service account in .*automountServiceAccountToken: true"):
        in_cluster_client(NODE, ENVIRON, account)


def test_an_ipv6_service_is_bracketed(account: Path) -> None:
    client = in_cluster_client(NODE, {**ENVIRON, "KUBERNETES_SERVICE_HOST": "fd00::1"}, account)

    assert "https://[fd00::1]:443" == client.configuration.host


def test_the_client_names_itself_and_its_node(site: Site) -> None:
    with site.make_client() as client:
        ask(client)

    assert f"podres-exporter/{__version__} (n1)" == user_agent(NODE)
    assert user_agent(NODE) == site.server.requests.recent[0].headers["user-agent"]


@pytest.mark.parametrize("code", [429, 500, 503])
def test_nothing_is_tried_again_behind_our_back(site: Site, code: int) -> None:
    """urllib3's three retries would also obey Retry-After, and multiply what our own backoff allows."""
    site.server.faults.on_requests("list", Fail(code, retry_after_seconds=1))
    with site.make_client() as client:
        assert code == ask(client)

    assert 1 == site.server.requests.count()


def test_connections_are_kept_alive_by_the_kernel(site: Site) -> None:
    """A half-open connection is found before the read timeout, and a firewall does not forget a quiet watch."""
    with site.make_client() as client:
        options = client.rest_client.pool_manager.connection_pool_kw["socket_options"]

    assert (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1) in options


def test_a_proxy_of_the_environment_is_used(account: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(whole(b"", "502 Bad Gateway")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with in_cluster_client(NODE, ENVIRON, account) as client, pytest.raises(Exception, match="502"):
            ask(client)

        assert proxy.heads[0].startswith(b"CONNECT 10.0.0.1:443 HTTP/")
        assert TOKEN.encode() not in proxy.heads[0]


@pytest.mark.parametrize(
    ("no_proxy", "manager"), [("", ProxyManager), ("10.0.0.0/8", PoolManager), ("other", ProxyManager)]
)
def test_no_proxy_is_respected(
    account: Path, monkeypatch: pytest.MonkeyPatch, no_proxy: str, manager: type[PoolManager]
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    with in_cluster_client(NODE, ENVIRON, account) as client:
        assert manager is type(client.rest_client.pool_manager)


def test_a_kubeconfig_gives_host_token_and_trust(secured: Site) -> None:
    with kubeconfig_client(NODE, str(secured.directory / "config")) as client:
        assert 200 == ask(client)

    assert [f"Bearer {TOKEN}"] == tokens(secured.server)


def test_a_context_of_a_kubeconfig_can_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "config"
    text = kubeconfig("http://there:1").replace("current-context: simulated", "current-context: nowhere")
    path.write_text(text)
    with kubeconfig_client(NODE, str(path), "simulated") as client:
        assert "http://there:1" == client.configuration.host
    with pytest.raises(ConfigError, match="nowhere"):
        kubeconfig_client(NODE, str(path))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "No configuration found"),
        ("", "is empty"),
        ("a: [", "it is no YAML"),
        ("- a\n- b", "it is no kubeconfig"),
        ("just text", "it is no kubeconfig"),
        ("apiVersion: v1", "Expected key current-context"),
        ("contexts: [5]\ncurrent-context: a", "it is no kubeconfig"),
        (kubeconfig("https://h").replace("server:", "certificate-authority: /nowhere\n    server:"), "/nowhere"),
        (kubeconfig("https://h", None, b"x").replace("authority-data: ", "authority-data: !"), "cannot be used"),
    ],
)
def test_a_kubeconfig_that_is_of_no_use_is_a_configuration_error(
    tmp_path: Path, text: str | None, problem: str
) -> None:
    path = tmp_path / "config"
    if text is not None:
        path.write_text(text)

    with pytest.raises(ConfigError, match=problem) as caught:
        kubeconfig_client(NODE, str(path))
    assert str(path) in caught.value.problems[0]
    assert "--metadata.source=none" in caught.value.problems[0]


def test_an_unreadable_kubeconfig_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Is a directory"):
        kubeconfig_client(NODE, str(tmp_path))


def test_a_kubeconfig_is_never_written_back(secured: Site) -> None:
    """The package would save refreshed tokens into the user's file."""
    path = secured.directory / "config"
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    kubeconfig_client(NODE, str(path))

    assert before == (path.read_bytes(), path.stat().st_mtime_ns)


def run_python(script: str, *arguments: str) -> list[str]:
    """Return the lines that a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True, check=True, timeout=20
    )
    return done.stdout.splitlines()


def test_the_kubernetes_package_is_not_imported_before_it_is_needed() -> None:
    """It costs 20 MiB and 80 ms, and --metadata.source=none has no use for it."""
    script = (
        "import sys\n"
        "import podres_exporter.kube.credentials, podres_exporter.kube.reflector\n"
        "import podres_exporter.sources.nometadata, podres_exporter.kube.podfeed\n"
        "print(*sorted({'kubernetes', 'urllib3', 'pydantic', 'yaml'} & set(sys.modules)), sep='\\n')\n"
    )

    assert [] == [line for line in run_python(script) if line]


def test_models_and_typed_api_of_the_kubernetes_package_are_never_imported(secured: Site) -> None:
    """They cost another 20 MiB; the package of the models is a lazy shell, which the client itself imports."""
    script = (
        "import sys\n"
        "from podres_exporter.allowlist import LabelAllowlist\n"
        "from podres_exporter.clock import SystemClock\n"
        "from podres_exporter.podmeta import PodDecoder\n"
        "from podres_exporter.kube.client import ApiServerClient\n"
        "from podres_exporter.kube.credentials import kubeconfig_client\n"
        "from podres_exporter.kube.podfeed import read_pods\n"
        "client = ApiServerClient(lambda: kubeconfig_client('n1', sys.argv[1]), 'n1', SystemClock())\n"
        "print(read_pods(client, PodDecoder(LabelAllowlist()), SystemClock()).synced)\n"
        "heavy = ('kubernetes.client.models.', 'kubernetes.client.api.', 'kubernetes.aio', 'aiohttp')\n"
        "print([each for each in sys.modules if each.startswith(heavy)])\n"
    )

    assert ["True", "[]"] == run_python(script, str(secured.directory / "config"))


def test_a_pod_loads_nothing_that_only_a_kubeconfig_needs(secured: Site) -> None:
    """OAuth, requests and websockets are 7 MiB on every node; who asks for a kubeconfig afterwards still gets it."""
    script = (
        "import pathlib, sys\n"
        "from podres_exporter.allowlist import LabelAllowlist\n"
        "from podres_exporter.clock import SystemClock\n"
        "from podres_exporter.podmeta import PodDecoder\n"
        "from podres_exporter.kube.client import ApiServerClient\n"
        "from podres_exporter.kube.credentials import in_cluster_client\n"
        "from podres_exporter.kube.podfeed import read_pods\n"
        "directory, host, port = sys.argv[1:]\n"
        "environ = {'KUBERNETES_SERVICE_HOST': host, 'KUBERNETES_SERVICE_PORT': port}\n"
        "make = lambda: in_cluster_client('n1', environ, pathlib.Path(directory))\n"
        "client = ApiServerClient(make, 'n1', SystemClock())\n"
        "print(read_pods(client, PodDecoder(LabelAllowlist()), SystemClock()).synced)\n"
        "heavy = {'requests', 'oauthlib', 'requests_oauthlib', 'websocket', 'kubernetes.dynamic'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "from kubernetes.config import load_kube_config\n"
        "print(load_kube_config.__module__)\n"
    )
    where = urlsplit(secured.server.url)

    lines = run_python(script, str(secured.directory), str(where.hostname), str(where.port))

    assert ["True", "[]", "kubernetes.config.kube_config"] == lines

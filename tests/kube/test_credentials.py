"""Credentials of a pod's service account."""

import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pods_rig import NODE, TOKEN, Site
from raw_server import RawServer, whole
from tls_rig import Authority

from podres_exporter import __version__
from podres_exporter.clock import SystemClock
from podres_exporter.errors import ApiServerError, ConfigError, Reason
from podres_exporter.kube.auth.credentials import Endpoint, ServiceAccount, user_agent
from podres_exporter.kube.client import KubeClient
from podres_exporter.kube.transport import pool_manager
from podres_exporter.sim.api import ApiServer, Fail

ENVIRON = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}


def ask(client: KubeClient) -> int:
    """Return the code that a list of pods gets."""
    return client.get("/api/v1/pods", {}, 5).code


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
    client = secured.client()
    codes = [ask(client) for _ in range(3)]

    assert [200, 200, 200] == codes
    assert [f"Bearer {TOKEN}"] * 3 == tokens(secured.server)


def test_a_rotated_token_is_sent_with_the_very_next_request(secured: Site) -> None:
    """The kubelet replaces the file at 80 % of the token's life."""
    client = secured.client()
    codes = [ask(client)]
    (secured.directory / "token").write_text("another")
    secured.server.token = "another"  # noqa: S105 - a test's own
    codes.append(ask(client))

    assert [200, 200] == codes
    assert "Bearer another" == tokens(secured.server)[-1]


@pytest.mark.parametrize("text", [f"{TOKEN}\n", f"  {TOKEN}\r\n"])
def test_white_space_around_a_token_is_not_sent(secured: Site, text: str) -> None:
    (secured.directory / "token").write_text(text)

    assert 200 == ask(secured.client())


@pytest.mark.parametrize("damage", ["missing", "empty", "binary"])
def test_a_token_file_that_is_damaged_later_leaves_the_last_token(secured: Site, damage: str) -> None:
    token = secured.directory / "token"
    client = secured.client()
    if damage == "missing":
        token.unlink()
    else:
        token.write_bytes({"empty": b"", "binary": b"\xff"}[damage])

    assert 200 == ask(client)


@pytest.mark.parametrize("environ", [{}, {**ENVIRON, "KUBERNETES_SERVICE_HOST": ""}, {"KUBERNETES_SERVICE_HOST": "h"}])
def test_outside_a_pod_the_remedies_are_named(account: Path, environ: Mapping[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"not running in a pod.*--metadata.kubeconfig.*--metadata.source=none"):
        ServiceAccount(environ, account)


@pytest.mark.parametrize(("name", "content"), [("token", None), ("token", ""), ("ca.crt", None), ("ca.crt", "")])
def test_a_service_account_that_is_not_mounted_is_a_configuration_error(
    account: Path, name: str, content: str | None
) -> None:
    (account / name).unlink()
    if content is not None:
        (account / name).write_text(content)

    with pytest.raises(ConfigError, match=r"no service account in .*automountServiceAccountToken: true"):
        ServiceAccount(ENVIRON, account)


def test_an_authority_that_is_no_certificate_is_a_denial(secured: Site) -> None:
    (secured.directory / "ca.crt").write_text("not a certificate")
    with pytest.raises(ApiServerError, match="its certificates cannot be used") as caught:
        ask(secured.client())

    assert Reason.DENIED is caught.value.reason


def test_an_ipv6_service_is_bracketed(account: Path) -> None:
    made = ServiceAccount({**ENVIRON, "KUBERNETES_SERVICE_HOST": "fd00::1"}, account)

    assert "https://[fd00::1]:443" == made.endpoint.url


def test_the_client_names_itself_and_its_node(site: Site) -> None:
    ask(site.client())

    assert f"podres-exporter/{__version__} (n1)" == user_agent(NODE)
    assert user_agent(NODE) == site.server.requests.recent[0].headers["user-agent"]


@pytest.mark.parametrize("code", [429, 500, 503])
def test_nothing_is_tried_again_behind_our_back(site: Site, code: int) -> None:
    """urllib3's three retries would also obey Retry-After, and multiply what our own backoff allows."""
    site.server.faults.on_requests("list", Fail(code, retry_after_seconds=1))

    assert code == ask(site.client())
    assert 1 == site.server.requests.count()


def test_connections_are_kept_alive_by_the_kernel() -> None:
    """A half-open connection is found before the read timeout, and a firewall does not forget a quiet watch."""
    options = pool_manager(Endpoint("http://127.0.0.1:1"), None, 1).connection_pool_kw["socket_options"]

    assert (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1) in options


def test_a_proxy_of_the_environment_is_used_and_never_sees_the_token(account: Path) -> None:
    with RawServer(whole(b"", "502 Bad Gateway")) as proxy:
        environ = {**ENVIRON, "HTTPS_PROXY": proxy.url.replace("//", "//user:pass@")}
        client = KubeClient(lambda: ServiceAccount(environ, account), "a test", SystemClock())
        with pytest.raises(ApiServerError, match="502"):
            ask(client)

        assert proxy.heads[0].startswith(b"CONNECT 10.0.0.1:443 HTTP/")
        assert b"proxy-authorization: Basic dXNlcjpwYXNz" in proxy.heads[0].replace(b"Proxy-A", b"proxy-a")
        assert TOKEN.encode() not in proxy.heads[0]


def test_a_socks_proxy_is_refused_in_words(account: Path) -> None:
    environ = {**ENVIRON, "HTTPS_PROXY": "socks5://127.0.0.1:1"}
    client = KubeClient(lambda: ServiceAccount(environ, account), "a test", SystemClock())
    with pytest.raises(ApiServerError, match="only http and https proxies") as caught:
        ask(client)

    assert Reason.DENIED is caught.value.reason


def run_python(script: str, *arguments: str) -> list[str]:
    """Return the lines that a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True, check=True, timeout=60
    )
    return done.stdout.splitlines()


SERVE = (
    "import pathlib, sys, threading\n"
    "from podres_exporter.cli.serve.daemon import Daemon\n"
    "from podres_exporter.cli.serve import metadata\n"
    "from podres_exporter.kube.auth import credentials\n"
    "from podres_exporter.cli.serve.command import configured\n"
    "from podres_exporter.clock import SystemClock\n"
    "directory, source, *rest = sys.argv[1:]\n"
    "credentials.SERVICE_ACCOUNT = pathlib.Path(directory)\n"
    "environ = dict(zip(('KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT'), rest))\n"
    "given = {'--metadata.source': source, '--node-name': 'n1', '--web.listen-address': ['127.0.0.1:0'],\n"
    "         '--kubelet.socket': directory + '/none.sock'}\n"
    "daemon = Daemon(configured(given, environ, []), environ, SystemClock())\n"
    "daemon.start()\n"
    "while source == 'apiserver' and not daemon._metadata.metadata().synced:\n"
    "    threading.Event().wait(0.01)\n"
    "daemon.stop()\n"
    "heavy = {'kubernetes', 'requests', 'oauthlib', 'websocket', 'pydantic', 'yaml', 'dateutil'}\n"
    "print(sorted(each for each in sys.modules if each.partition('.')[0] in heavy))\n"
    "print('urllib3.connection' in sys.modules)\n"
    "print('ssl' in sys.modules)\n"
    "print(sorted({'bz2', 'lzma', 'shutil', 'tempfile', 'zipfile'} & sys.modules.keys()))\n"
    "print(sorted({'encodings.idna', 'platform', 'random', 'unicodedata'} & sys.modules.keys()))\n"
)


@pytest.mark.parametrize(("source", "asks"), [("apiserver", "True"), ("none", "False")])
def test_serve_in_a_pod_loads_nothing_of_the_kubernetes_package(secured: Site, source: str, asks: str) -> None:
    """Its client cost 10 MiB on every node; it is for kubeconfigs alone. OpenSSL, 4 MiB, is for API servers."""
    where = urlsplit(secured.server.url)

    found = run_python(SERVE, str(secured.directory), source, str(where.hostname), str(where.port))

    assert ["[]", asks, asks] == found[:3]


@pytest.mark.parametrize("first", ["podres_exporter.kube.client", "podres_exporter.kube.interfaces", "urllib3"])
def test_the_kubernetes_package_can_be_imported_after_any_part_of_the_client(first: str) -> None:
    """What is left out of urllib3 must be there for `requests`, by which the kubernetes package reads kubeconfigs."""
    script = "import sys, importlib\nimportlib.import_module(sys.argv[1])\nimport kubernetes.client\nprint('ok')"

    assert ["ok"] == run_python(script, first)


@pytest.mark.parametrize("source", ["apiserver", "none"])
def test_serve_loads_no_archives_and_compressors(secured: Site, source: str) -> None:
    """They took 1.5 MiB on every node, for the width of a help text and the version of an HTTP/2 that is off."""
    where = urlsplit(secured.server.url)

    assert "[]" == run_python(SERVE, str(secured.directory), source, str(where.hostname), str(where.port))[3]


def test_serve_without_an_api_server_loads_no_random_numbers_and_tables_of_names(secured: Site) -> None:
    """They took half a MiB on every node, for a jitter and a listener's address."""
    assert "[]" == run_python(SERVE, str(secured.directory), "none")[4]

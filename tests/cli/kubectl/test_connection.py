"""Choosing the API server: flags, $KUBECONFIG, ~/.kube/config, service account."""

import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml
from raw_server import RawServer, whole
from tls_rig import Authority

from podres_exporter import __version__
from podres_exporter.cli.kubectl.api import KubeApi
from podres_exporter.cli.kubectl.connection import connect
from podres_exporter.clock import SystemClock
from podres_exporter.errors import ConfigError
from podres_exporter.kube.client import Limits
from podres_exporter.sim.api import ApiServer, Store, kubeconfig

URL = "http://127.0.0.1:1"
IN_POD: dict[str, Any] = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}


def written(path: Path, name: str = "simulated", namespace: str | None = "default", **cluster: Any) -> Path:
    """Write a kubeconfig whose context, cluster and user bear that name."""
    content = yaml.safe_load(kubeconfig(URL).replace("simulated", name))
    content["clusters"][0]["cluster"].update(cluster)
    context = content["contexts"][0]["context"]
    context.pop("namespace")
    context.update({"namespace": namespace} if namespace else {})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content))
    return path


def connected(tmp_path: Path, file: Path | None = None, context: str | None = None, **environment: Any) -> KubeApi:
    """Return the connection of a user whose home is the directory, in a pod's with a service account in `sa`."""
    named = None if file is None else str(file)
    found = {"HOME": str(tmp_path), **environment}
    return connect(named, context, found, SystemClock(), Limits(), connections=3, service_account=tmp_path / "sa")


def problem(tmp_path: Path, file: Path | None = None, context: str | None = None, **environment: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        connected(tmp_path, file, context, **environment)
    (text,) = caught.value.problems
    return text


def test_the_flag_goes_before_the_variable_and_that_before_the_home(tmp_path: Path) -> None:
    written(tmp_path / ".kube" / "config", "home", "a")
    variable = str(written(tmp_path / "variable", "variable", "b"))
    flag = written(tmp_path / "flag", "flag", "c")

    assert "a" == connected(tmp_path).namespace
    assert "a" == connected(tmp_path, KUBECONFIG="").namespace
    assert "b" == connected(tmp_path, KUBECONFIG=variable).namespace
    assert "c" == connected(tmp_path, flag, KUBECONFIG=variable).namespace
    assert "a" == connected(tmp_path, **IN_POD).namespace


def test_the_client_is_ours(tmp_path: Path) -> None:
    with RawServer(whole(b"{}")) as server:
        path = written(tmp_path / "config", server=server.url)
        found = connected(tmp_path, path)
        found.get("/x", {}, 5)

    assert server.url == found.server
    assert f"User-Agent: kubectl-podres/{__version__}".encode() in server.heads[0]


def test_files_of_the_variable_are_merged_and_may_be_missing(tmp_path: Path) -> None:
    """The first that names a current context counts, as for kubectl (clientcmd: the first to set a value wins)."""
    first, second = written(tmp_path / "first", "one", "a"), written(tmp_path / "second", "two", "b")
    listed = f"{first}:{tmp_path / 'missing'}::{second}"

    assert "a" == connected(tmp_path, KUBECONFIG=listed).namespace
    assert "a" == connected(tmp_path, context="one", KUBECONFIG=listed).namespace
    assert "b" == connected(tmp_path, context="two", KUBECONFIG=listed).namespace


def test_a_context_without_a_namespace_means_default(tmp_path: Path) -> None:
    assert "default" == connected(tmp_path, written(tmp_path / "config", namespace=None)).namespace


def test_a_context_may_be_named_where_none_is_current(tmp_path: Path) -> None:
    path = written(tmp_path / "config", "one", "a")
    path.write_text(path.read_text().replace("current-context: one", "current-context: ''"))

    assert "a" == connected(tmp_path, path, "one").namespace
    assert "it has no current context: give one" in problem(tmp_path, path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("contexts: []\ncurrent-context: a\n", "it has no context 'x'"),
        (
            "contexts: [{name: a, context: {}}, {name: b}]\n",
            "it has no context 'x'; there are a, b",
        ),
    ],
)
def test_an_unknown_context_is_named_with_those_there_are(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)

    assert f"the kubeconfig {path} cannot be used: {expected}" == problem(tmp_path, path, "x")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "it is not YAML"),
        ("", "file is empty"),
        ("just text", "it is not a kubeconfig"),
        ("current-context: a\ncontexts: [{name: a, context: {cluster: b, user: c}}]", "it has no cluster 'b'"),
        ("current-context: a\ncontexts: [7]", "it is not a kubeconfig"),
    ],
)
def test_a_useless_file_is_named_with_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    found = problem(tmp_path, path)

    assert found.startswith(f"the kubeconfig {path} cannot be used: ")
    assert words in found


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert problem(tmp_path, tmp_path / "x") == f"--kubeconfig: there is no file '{tmp_path / 'x'}'"
    assert problem(tmp_path, KUBECONFIG="/a:/b") == "KUBECONFIG: none of '/a:/b' is a file"


def test_without_any_file_a_pod_has_its_service_account(tmp_path: Path) -> None:
    account = tmp_path / "sa"
    account.mkdir()
    (account / "token").write_text("secret")
    (account / "ca.crt").write_text("a certificate")

    assert "default" == connected(tmp_path, **IN_POD).namespace

    (account / "namespace").write_text("monitoring\n")
    found = connected(tmp_path, **IN_POD)

    assert ("monitoring", "https://10.0.0.1:443") == (found.namespace, found.server)


def test_a_pod_without_a_service_account_is_told_so(tmp_path: Path) -> None:
    assert problem(tmp_path, **IN_POD).startswith("there is no kubeconfig, and no service account in ")


def test_without_anything_it_says_where_a_kubeconfig_goes(tmp_path: Path) -> None:
    assert problem(tmp_path).startswith(
        "there is no kubeconfig, and this is not a pod: give --kubeconfig, set KUBECONFIG"
    )
    assert "--context: there is no kubeconfig with a context 'x'" == problem(tmp_path, context="x")


def test_a_user_who_wants_no_verification_is_not_warned_at_every_request(tmp_path: Path) -> None:
    clock = SystemClock()
    with ApiServer(Store(clock), clock, tls=Authority().server_context()) as server:
        insecure: dict[str, Any] = {"server": server.url, "insecure-skip-tls-verify": True}
        found = connected(tmp_path, written(tmp_path / "config", **insecure))
        with warnings.catch_warnings(record=True) as told:
            assert 200 == found.get("/api", {}, 5)[0]

    assert [] == told

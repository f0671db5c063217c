"""Kubeconfigs are read as kubectl does, and their credentials are sent."""

import base64
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from eventually import eventually
from pods_rig import NODE, PATIENT, TOKEN, Site
from raw_server import RawServer, whole
from tls_rig import Authority

from podres_exporter.clock import SystemClock
from podres_exporter.errors import ApiServerError, ConfigError, Reason
from podres_exporter.kube.auth.kubeconfig import Kubeconfig
from podres_exporter.kube.client import KubeClient
from podres_exporter.sim.api import ApiServer, Store, kubeconfig

TOKEN_T = {"token": "t"}
REMEDY = "or run with --metadata.source=none"


def written(directory: Path, url: str, user: dict[str, Any], cluster: dict[str, Any] | None = None) -> Path:
    """Write a kubeconfig with one context."""
    content = {
        "clusters": [{"name": "c", "cluster": {"server": url, **(cluster or {})}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = directory / "written"
    path.write_text(yaml.safe_dump(content))
    return path


def client_of(path: Path, environ: dict[str, str] | None = None, clock: Any = None, seconds: float = 0) -> KubeClient:
    clock = clock or SystemClock()

    def credentials() -> Kubeconfig:
        made = Kubeconfig([str(path)], None, environ or dict(os.environ), clock, remedy=REMEDY)
        plugin = made._user._plugin  # noqa: SLF001 - nobody waits for half a minute here
        if plugin is not None and seconds:
            plugin._seconds = seconds  # noqa: SLF001 - as above
        return made

    return KubeClient(credentials, "a test", clock, PATIENT)


def sent(path: Path, server: RawServer, **more: Any) -> list[bytes]:
    """Return the lines of the head that a request has."""
    client_of(path, **more).get("/x", {}, 5)
    return server.heads[-1].split(b"\r\n")


def failure(client: KubeClient) -> ApiServerError:
    with pytest.raises(ApiServerError) as caught:
        client.get("/x", {}, 5)
    return caught.value


def plugin_at(directory: Path, script: str) -> str:
    """Write a credential plugin and return its command."""
    path = directory / "plugin"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def credential(version: str = "v1", **status: str) -> str:
    """Return what a plugin prints."""
    return json.dumps(
        {"apiVersion": f"client.authentication.k8s.io/{version}", "kind": "ExecCredential", "status": status}
    )


def exec_user(command: str, **more: Any) -> dict[str, Any]:
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": command, **more}}


def test_host_token_and_trust_come_from_it(secured: Site) -> None:
    client = client_of(secured.directory / "config")

    assert 200 == client.get("/api/v1/pods", {}, 5).code
    assert f"Bearer {TOKEN}" == secured.server.requests.recent[0].headers["authorization"]


def test_a_context_can_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(kubeconfig("http://there:1").replace("current-context: simulated", "current-context: nowhere"))

    assert "http://there:1" == Kubeconfig([str(path)], "simulated", {}, SystemClock()).endpoint.url
    with pytest.raises(ConfigError, match="no context 'nowhere'; there are simulated"):
        Kubeconfig([str(path)], None, {}, SystemClock())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "No such file"),
        ("", "is empty"),
        ("a: [", "it is not YAML"),
        ("- a\n- b", "it is not a kubeconfig"),
        ("just text", "it is not a kubeconfig"),
        ("apiVersion: v1", "no current context"),
        ("contexts: [5]\ncurrent-context: a", "it is not a kubeconfig"),
        ("contexts: [{name: a, context: 5}]\ncurrent-context: a", "it is not a kubeconfig"),
        ("contexts: [{name: a, context: {}}]\ncurrent-context: a", "names no entry of clusters"),
        ("contexts: [{name: a, context: {cluster: b}}]\ncurrent-context: a", "has no cluster 'b'"),
        (
            "{clusters: [{name: b, cluster: {}}], contexts: [{name: a, context: {cluster: b}}], current-context: a}",
            "no server",
        ),
        (kubeconfig("https://h").replace("    user: simulated", "    user: nobody"), "has no user 'nobody'"),
        (kubeconfig("https://h").replace("server:", "certificate-authority: /nowhere\n    server:"), "/nowhere"),
        (kubeconfig("https://h", None, b"x").replace("authority-data: ", "authority-data: !"), "cannot be used"),
        (kubeconfig("https://h").replace("user: {}", "user: {client-certificate-data: YQ==}"), "without a client-key"),
        (kubeconfig("https://h").replace("user: {}", "user: {auth-provider: {name: gcp}}"), "use a credential plugin"),
        (kubeconfig("https://h").replace("user: {}", "user: {exec: {command: a}}"), "no apiVersion"),
        (
            kubeconfig("https://h").replace(
                "user: {}", "user: {exec: {command: a, apiVersion: b, interactiveMode: Always}}"
            ),
            "needs a terminal",
        ),
        ("\x00\x01", "it is not YAML"),
    ],
)
def test_what_is_of_no_use_is_a_configuration_error(tmp_path: Path, text: str | None, problem: str) -> None:
    path = tmp_path / "config"
    if text is not None:
        path.write_text(text)

    with pytest.raises(ConfigError, match=problem) as caught:
        Kubeconfig([str(path)], None, {}, SystemClock(), remedy=REMEDY)
    assert str(path) in caught.value.problems[0]
    assert caught.value.problems[0].endswith(REMEDY)


def test_bytes_that_are_no_text_and_a_directory_are_configuration_errors(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_bytes(b"\xff\xfe\xff")
    for each in (path, tmp_path):
        with pytest.raises(ConfigError, match="cannot be used"):
            Kubeconfig([str(each)], None, {}, SystemClock())


@pytest.mark.parametrize("text", ["s3cret\n", "\n s3cret \r\n", "s3cret"])
def test_a_token_file_is_read_without_its_white_space_and_for_every_request(tmp_path: Path, text: str) -> None:
    """As client-go does; its path is relative to the kubeconfig. What is rotated is used at once."""
    (tmp_path / "token").write_text(text)
    with RawServer(whole(b"{}")) as server:
        client = client_of(written(tmp_path, server.url, {"tokenFile": "token", "token": "older"}))
        client.get("/x", {}, 5)
        (tmp_path / "token").write_text("new\n")
        client.get("/x", {}, 5)
        (tmp_path / "token").unlink()
        client.get("/x", {}, 5)

    found = [line for head in server.heads for line in head.split(b"\r\n") if line.startswith(b"Authorization")]
    assert [b"Authorization: Bearer s3cret", *[b"Authorization: Bearer new"] * 2] == found


def test_a_token_file_that_is_missing_is_told_and_nothing_is_asked_anonymously(tmp_path: Path) -> None:
    with RawServer(whole(b"{}")) as server:
        error = failure(client_of(written(tmp_path, server.url, {"tokenFile": "token"})))

        assert [] == server.heads
    assert Reason.DENIED is error.reason
    assert "its tokenFile cannot be read" in error.detail


def test_a_password_is_basic_authorization(tmp_path: Path) -> None:
    with RawServer(whole(b"{}")) as server:
        head = sent(written(tmp_path, server.url, {"username": "u", "password": "p:w"}), server)

    assert b"Authorization: Basic " + base64.b64encode(b"u:p:w") in head


def test_one_who_acts_as_another_says_so(tmp_path: Path) -> None:
    """Without the headers the request would be made with the permissions of another user than requested."""
    user = {"token": "t", "as": "eve", "as-groups": ["a", "b"], "as-uid": "7", "as-user-extra": {"k": ["v"]}}
    with RawServer(whole(b"{}")) as server:
        head = sent(written(tmp_path, server.url, user), server)

    assert {b"Impersonate-User: eve", b"Impersonate-Uid: 7", b"Impersonate-Extra-k: v"} <= set(head)
    assert [b"a", b"b"] == [
        name.strip() for line in head if line.startswith(b"Impersonate-Group: ") for name in line[19:].split(b",")
    ]


@pytest.mark.parametrize("is_gzip", [True, False])
def test_compression_can_be_declined(tmp_path: Path, is_gzip: bool) -> None:
    with RawServer(whole(b"{}")) as server:
        head = sent(written(tmp_path, server.url, {}, {"disable-compression": not is_gzip}), server)

    assert b"Accept-Encoding: " + (b"gzip" if is_gzip else b"identity") in head


def test_a_path_below_the_server_s_is_asked(tmp_path: Path) -> None:
    """Rancher and other front ends serve several clusters."""
    with RawServer(whole(b"{}")) as server:
        head = sent(written(tmp_path, f"{server.url}/k8s/clusters/c-1/", {}), server)

    assert head[0].startswith(b"GET /k8s/clusters/c-1/x HTTP")


@pytest.mark.parametrize(
    ("cluster", "expected"),
    [({}, "http://h:1"), ({"insecure-skip-tls-verify": True}, "https://h:1")],
)
def test_a_server_without_a_scheme_has_the_usual_one(tmp_path: Path, cluster: dict[str, Any], expected: str) -> None:
    assert expected == Kubeconfig([str(written(tmp_path, "h:1", {}, cluster))], None, {}, SystemClock()).endpoint.url


def test_its_own_proxy_goes_before_the_environment_s(tmp_path: Path) -> None:
    with RawServer(whole(b"", "502 Bad Gateway")) as proxy:
        path = written(tmp_path, "https://10.0.0.1", {"token": "t"}, {"proxy-url": proxy.url})
        error = failure(client_of(path, {"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "*"}))

        assert proxy.heads[0].startswith(b"CONNECT 10.0.0.1:443")
    assert Reason.UNAVAILABLE is error.reason
    assert "Unable to connect to proxy" in error.detail
    assert "502" in error.detail


def test_a_client_certificate_is_shown_from_files_and_from_data(tmp_path: Path, authority: Authority) -> None:
    """Data goes before a file, and empty data is none."""
    clock = SystemClock()
    chain, key = authority.client_files(tmp_path)
    data = {
        "client-certificate-data": base64.b64encode(chain.read_bytes()).decode(),
        "client-key-data": base64.b64encode(key.read_bytes()).decode(),
        "client-key": "/nowhere",
    }
    files = {"client-certificate": chain.name, "client-key": key.name, "client-key-data": ""}
    trust = {"certificate-authority-data": base64.b64encode(authority.pem).decode()}
    with ApiServer(Store(clock), clock, tls=authority.demanding_context()) as server:
        shown = [client_of(written(tmp_path, server.url, user, trust)) for user in (data, files)]
        codes = [each.get("/api", {}, 5).code for each in shown]
        none = failure(client_of(written(tmp_path, server.url, {}, trust)))

    assert [200, 200] == codes
    assert Reason.UNAVAILABLE is none.reason


def test_another_name_in_the_certificate_can_be_expected(tmp_path: Path, authority: Authority) -> None:
    clock = SystemClock()
    trust = {"certificate-authority-data": base64.b64encode(authority.pem).decode()}
    with ApiServer(Store(clock), clock, tls=authority.server_context("api.example")) as server:
        url = server.url
        wrong = failure(client_of(written(tmp_path, url, {}, trust)))
        named = client_of(written(tmp_path, url, {}, {**trust, "tls-server-name": "api.example"}))
        skipped = client_of(written(tmp_path, url, {}, {"insecure-skip-tls-verify": True}))

        assert [200, 200] == [each.get("/api", {}, 5).code for each in (named, skipped)]
    assert Reason.DENIED is wrong.reason


def test_it_is_never_written_back(secured: Site) -> None:
    path = secured.directory / "config"
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    client_of(path).get("/api", {}, 5)

    assert before == (path.read_bytes(), path.stat().st_mtime_ns)


def test_a_plugin_gives_the_token_and_is_run_once_until_it_is_refused(tmp_path: Path) -> None:
    """It is told of the cluster where it asks for that, has the variables of the kubeconfig, and no terminal."""
    answer = credential(token="from-$WHO")  # noqa: S106 - a test's own
    kept = f'echo "$KUBERNETES_EXEC_INFO" >> {tmp_path}/told'
    script = f"""{kept}; cat; echo '{answer}' | sed "s/.WHO/$WHO/" """
    user = exec_user(
        "./plugin",
        args=["a"],
        env=[{"name": "WHO", "value": "me"}],
        provideClusterInfo=True,
        interactiveMode="IfAvailable",
    )
    plugin_at(tmp_path, script)
    with RawServer(whole(b"{}"), whole(b"{}"), whole(b"{}", "401 Unauthorized"), whole(b"{}")) as server:
        path = written(tmp_path, server.url, user, {"tls-server-name": "n"})
        client = client_of(path)
        codes = [client.get("/x", {}, 5).code for _ in range(4)]

        assert [200, 200, 401, 200] == codes
        assert [b"Authorization: Bearer from-me" in head for head in server.heads] == [True] * 4
        told = [json.loads(line)["spec"] for line in (tmp_path / "told").read_text().splitlines()]
        assert [{"interactive": False, "cluster": {"server": server.url, "tls-server-name": "n"}}] * 2 == told


def test_a_token_that_is_over_is_replaced_in_time(tmp_path: Path) -> None:
    """Ten seconds before its end; the clock is the test's."""

    class Watch(SystemClock):
        now = 1_700_000_000.0

        def wall_seconds(self) -> float:
            return self.now

    clock = Watch()
    script = f"echo run >> {tmp_path}/runs; echo '{credential(**TOKEN_T, expirationTimestamp='2023-11-14T22:15:20Z')}'"
    with RawServer(whole(b"{}")) as server:
        client = client_of(written(tmp_path, server.url, exec_user(plugin_at(tmp_path, script))), clock=clock)
        runs = []
        for clock.now in (1_700_000_000.0, 1_700_000_109.0, 1_700_000_110.0):  # it is over at ...120
            client.get("/x", {}, 5)
            runs.append(len((tmp_path / "runs").read_text().splitlines()))

    assert [1, 1, 2] == runs


def test_a_plugin_may_give_a_certificate(tmp_path: Path, authority: Authority) -> None:
    clock = SystemClock()
    chain, key = authority.client_files(tmp_path)
    answer = credential(clientCertificateData=chain.read_text(), clientKeyData=key.read_text())
    (tmp_path / "answer").write_text(answer)
    trust = {"certificate-authority-data": base64.b64encode(authority.pem).decode()}
    with ApiServer(Store(clock), clock, tls=authority.demanding_context()) as server:
        user = exec_user(plugin_at(tmp_path, f"cat {tmp_path}/answer"))

        assert 200 == client_of(written(tmp_path, server.url, user, trust)).get("/api", {}, 5).code


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'You must be logged in: run corp login' >&2; exit 7", "ended with code 7: You must be logged in"),
        ("kill -9 $$", "was killed by signal 9"),
        ("echo no JSON", "does not print an ExecCredential"),
        ("echo '[]'", "does not print an ExecCredential"),
        (f"echo '{credential('v1beta1', **TOKEN_T)}'", "answers in client.authentication.k8s.io/v1beta1"),
        (f"echo '{credential()}'", "prints neither a token nor a certificate"),
        (f"echo '{credential(clientCertificateData='a')}'", "prints neither a token nor a certificate"),
        (f"echo '{credential(**TOKEN_T, expirationTimestamp='soon')}'", "does not print an ExecCredential"),
        ("printf '\\377'", "prints something that is not text"),
    ],
)
def test_a_plugin_that_fails_is_told_in_its_own_words_and_nothing_is_asked_anonymously(
    tmp_path: Path, script: str, words: str
) -> None:
    """An anonymous request would be refused with a sentence about RBAC, which is not what is wrong."""
    with RawServer(whole(b"{}")) as server:
        path = written(tmp_path, server.url, exec_user(plugin_at(tmp_path, script)))
        error = failure(client_of(path))

        assert [] == server.heads
    assert (Reason.DENIED, True) == (error.reason, words in error.detail), error.detail
    assert "no credentials: " in error.detail


def test_a_plugin_that_is_not_there_is_told_with_the_hint_of_the_kubeconfig(tmp_path: Path) -> None:
    user = exec_user("no-such-plugin-anywhere", installHint="Get it from\n https://example.com")
    error = failure(client_of(written(tmp_path, "http://127.0.0.1:1", user)))

    assert "no-such-plugin-anywhere cannot be run: No such file or directory; Get it from" in error.detail


def test_a_plugin_that_never_ends_is_killed_with_its_children_at_its_deadline(tmp_path: Path) -> None:
    script = f"sleep 1000 & echo $! > {tmp_path}/child; wait"
    path = written(tmp_path, "http://127.0.0.1:1", exec_user(plugin_at(tmp_path, script)))
    error = failure(client_of(path, seconds=1.0))
    child = int((tmp_path / "child").read_text())

    assert "has not ended within 1 s" in error.detail
    assert eventually(lambda: not _is_alive(child))


def test_closing_stops_a_plugin_that_is_running(tmp_path: Path) -> None:
    plugin = plugin_at(tmp_path, f"echo $$ > {tmp_path}/pid; sleep 1000")
    path = written(tmp_path, "http://127.0.0.1:1", exec_user(plugin))
    client = client_of(path)
    errors: list[ApiServerError] = []
    waiting = threading.Thread(target=lambda: errors.append(failure(client)), daemon=True)
    waiting.start()
    assert eventually((tmp_path / "pid").exists)
    client.close()
    waiting.join(60)

    assert [True] == ["was stopped" in each.detail for each in errors]
    assert Reason.UNAVAILABLE is failure(client).reason


def test_serving_begins_and_ends_while_a_plugin_hangs(tmp_path: Path) -> None:
    """Neither listening nor SIGTERM waits for a credential."""
    user = exec_user(plugin_at(tmp_path, f"echo $$ > {tmp_path}/pid; sleep 1000"))
    path = written(tmp_path, "http://127.0.0.1:1", user)
    flags = [
        f"--metadata.kubeconfig={path}",
        f"--node-name={NODE}",
        "--web.listen-address=127.0.0.1:0",
        f"--kubelet.socket={tmp_path}/none.sock",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "podres_exporter", "serve", *flags], stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        assert any("event=started" in line for line in process.stderr)
        assert eventually((tmp_path / "pid").exists)
        process.terminate()
        process.communicate(timeout=60)
    finally:
        process.kill()

    assert 0 == process.returncode
    assert eventually(lambda: not _is_alive(int((tmp_path / "pid").read_text() or 0)))


def _is_alive(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False

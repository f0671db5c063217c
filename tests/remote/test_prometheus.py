"""The Prometheus client, against a real Prometheus and against anything else."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from blocks_rig import remembering
from observed_rig import wait_until
from promql_rig import prometheus_server
from raw_server import RawServer, whole
from web_rig import CHEAP, write_pair

from podres_exporter.cli import main
from podres_exporter.clock import SystemClock
from podres_exporter.errors import Reason, SourceError
from podres_exporter.remote.address import Address, ClientTls, parse_prometheus
from podres_exporter.remote.prometheus import PrometheusClient

NOW = SystemClock().wall_seconds() // 3600 * 3600 - 4 * 3600


def client(url: str, token: str = "", **tls: object) -> PrometheusClient:
    return PrometheusClient(parse_prometheus(url), 60.0, SystemClock(), ClientTls(**tls), token)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("prometheus", Address(False, "prometheus", 9090, "")),
        ("127.0.0.1:9090", Address(False, "127.0.0.1", 9090, "")),
        ("http://p:9090/", Address(False, "p", 9090, "")),
        ("https://p/prometheus", Address(True, "p", 443, "/prometheus")),
        ("https://me:pw@p/prometheus/graph?g0.expr=up#a", Address(True, "p", 443, "/prometheus", "me:pw")),
        ("http://p:9090/api/v1", Address(False, "p", 9090, "")),
        ("http://p:9090/query?g0.expr=up", Address(False, "p", 9090, "")),
    ],
)
def test_the_url_is_the_one_that_people_have(text: str, expected: Address) -> None:
    """That of a browser, of Grafana's data source, or a host alone."""
    assert expected == parse_prometheus(text)


@pytest.mark.parametrize("text", ["", "ftp://p", "http://", "http://p:99999", "http://[", "http://p?x=1", "http://p p"])
def test_what_is_no_url_of_a_prometheus_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not the URL of a Prometheus; write for example http://prometheus:9090"):
        parse_prometheus(text)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of a Prometheus with two series, which takes 50 samples a query."""
    samples = [("m", {"a": each, "b": 'x"\\'}, NOW + at, float(at)) for each in "12" for at in range(0, 3000, 30)]
    with remembering(samples, tmp_path_factory.mktemp("p"), "--query.max-samples=50") as port:
        yield f"http://127.0.0.1:{port}"


def test_samples_come_as_they_were_scraped(url: str) -> None:
    """No step, and none that is not of that time."""
    found = client(url).samples('m{a="1"}', NOW + 60, NOW + 150)

    assert [({"__name__": "m", "a": "1", "b": 'x"\\'}, [(NOW + at, at) for at in (60, 90, 120, 150)])] == found
    assert {"1", "2"} == {each["a"] for each in client(url).series(["m", "n"], NOW, NOW + 60)}
    assert [] == client(url).samples("n", NOW, NOW + 60)


def test_a_refusal_is_told_in_prometheus_own_words(url: str) -> None:
    with pytest.raises(SourceError) as too_many:
        client(url).samples("m", NOW, NOW + 3000)
    with pytest.raises(SourceError) as bad:
        client(url).samples("m{", NOW, NOW + 60)

    assert Reason.TOO_LARGE is too_many.value.reason
    assert "HTTP 422: query processing would load too many samples into memory" in too_many.value.detail
    assert "HTTP 400: invalid parameter" in bad.value.detail
    assert "parse error" in bad.value.detail


def test_the_command_says_it_in_one_sentence_and_fails(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Here there is nothing of podres-exporter, and elsewhere no process."""
    codes = [main(["who", "GPU", f"--prometheus={each}"]) for each in (url, "127.0.0.1:1")]
    first, second = capsys.readouterr().err.splitlines()

    assert [1, 1] == codes
    assert "does not scrape podres-exporter, or no pod holds a device" in first
    assert "http://127.0.0.1:1: no process listens there; is Prometheus running, and is this its port?" in second


@contextmanager
def guarded(folder: Path, ca: trustme.CA) -> Iterator[str]:
    """Yield the URL of a Prometheus with TLS and a user `me`, whose password is `secret`."""
    write_pair(folder, ca, "127.0.0.1")
    ca.cert_pem.write_to_path(folder / "ca.pem")
    web = {"tls_server_config": {"cert_file": "cert.pem", "key_file": "key.pem"}, "basic_auth_users": {"me": CHEAP}}
    (folder / "web.yml").write_text(json.dumps(web))
    with prometheus_server(folder, {}, f"--web.config.file={folder / 'web.yml'}") as port:
        yield f"https://me@127.0.0.1:{port}"


def test_password_and_ca_come_from_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Against a real Prometheus with a web config file; each that is missing is named with its remedy."""
    (tmp_path / "password").write_text("secret\n")
    (tmp_path / "wrong").write_text("guess\n")
    ca, password = f"--ca-file={tmp_path / 'ca.pem'}", f"--password-file={tmp_path / 'password'}"
    with guarded(tmp_path, trustme.CA()) as url:

        def said(*flags: str) -> str:
            assert 1 == main(["who", "GPU", f"--prometheus={url}", *flags])
            return capsys.readouterr().err

        assert wait_until(lambda: "no process" not in said(ca, password), 60)
        assert "does not scrape podres-exporter" in said(ca, password)
        assert "does not scrape podres-exporter" in said("--insecure", password)
        assert "name its CA with --ca-file, or use --insecure" in said(password)
        assert "HTTP 401: Unauthorized; it requires --bearer-token-file, or a user and a password" in said(
            ca, f"--password-file={tmp_path / 'wrong'}"
        )


def test_a_token_is_shown_and_the_prefix_of_the_path_is_kept() -> None:
    """Thanos, Mimir and a proxy stand behind prefixes; a token is what OpenShift wants."""
    answer = json.dumps({"status": "success", "data": [], "warnings": ["a store is away"]}).encode()
    with RawServer(whole(answer)) as server:
        asking = client(f"{server.url}/prometheus/", "abc")
        assert [] == asking.series(["up"], 1, 2)
        (head,) = server.heads

    assert head.startswith(b"POST /prometheus/api/v1/series HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Bearer abc\r\n" in head
    assert ("a store is away",) == asking.warnings


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (whole(b"{}"), "the answer does not come from Prometheus' HTTP API; is this its URL?"),
        (whole(b"hello"), "the answer does not come from Prometheus' HTTP API; is this its URL?"),
        (whole(b'{"status":"success","data":{"a":1}}'), "the answer does not come from Prometheus' HTTP API"),
        (whole(b'{"status":"success","data":["a"]}'), "the answer does not come from Prometheus' HTTP API"),
        (whole(b"<html>no</html>", "502 Bad Gateway"), "HTTP 502: Bad Gateway"),
        (whole(b"no org id\n", "401 Unauthorized"), "HTTP 401: no org id; it requires --bearer-token-file"),
        (whole(b"404 page not found\n", "404 Not Found"), "HTTP 404: 404 page not found; is this the URL of"),
        (whole(b'{"status":"error","error":"a\\u001bb"}', "503 S"), r"HTTP 503: a\x1bb"),
        (whole(b"", "302 Found", "Location: /login"), "HTTP 302: it redirects to '/login'"),
    ],
)
def test_what_is_no_prometheus_or_not_well_is_said(answer: bytes, expected: str) -> None:
    with RawServer(answer) as server, pytest.raises(SourceError) as caught:
        client(server.url).series(["up"], 1, 2)

    assert expected in caught.value.detail

"""A real Prometheus scrapes the exporter."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import trustme
from promql_rig import prometheus_server
from web_rig import CHEAP, tls_folder, write_config, write_pair

from podres_exporter.cli.serve.daemon import Daemon
from podres_exporter.clock import SystemClock
from podres_exporter.config import build_config
from podres_exporter.families.collectors import COLLECTORS, DEFAULT_COLLECTORS
from podres_exporter.sim.node import SimNode, builtin_scenario


def get(port: int, path: str, **query: str) -> tuple[int, bytes]:
    """Return status and body."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", f"{path}?{urlencode(query)}")
        response = connection.getresponse()
        return response.status, response.read()


@contextmanager
def exporter(directory: Path, **flags: str) -> Iterator[int]:
    """Yield the port of an exporter in front of the demo's node."""
    node = SimNode(builtin_scenario(), directory, SystemClock())
    given: dict[str, str | bool | list[str]] = {
        "--kubelet.socket": str(node.socket_path),
        "--topology.sysfs": str(node.sysfs),
        "--web.listen-address": ["127.0.0.1:0"],
        "--snapshot.hold-down": "0s",
        "--metadata.source": "none",
        **flags,
    }
    daemon = Daemon(build_config(given, {}, "demo-node", COLLECTORS, DEFAULT_COLLECTORS), {}, SystemClock())
    with node:
        daemon.start()
        yield daemon.addresses[0].port
        assert daemon.stop()


@contextmanager
def prometheus(directory: Path, exporter_port: int, **jobs: Mapping[str, object]) -> Iterator[int]:
    """
    Yield the port of a Prometheus that scrapes the exporter every second, once for each job, with what is given for it.

    One for all jobs: after its start, it takes five seconds until a Prometheus knows its targets.
    """
    common = {
        "honor_labels": True,
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "static_configs": [{"targets": [f"127.0.0.1:{exporter_port}"]}],
    }
    config = {"scrape_configs": [{"job_name": name, **common, **given} for name, given in jobs.items()]}
    with prometheus_server(directory, config) as port:
        yield port


def answers(port: int, query: str) -> list[dict[str, str]]:
    """Return the labels, and the value under the key `value`, of what a query finds, once it finds something."""
    deadline = SystemClock().monotonic_seconds() + 40
    while SystemClock().monotonic_seconds() < deadline:
        try:
            status, body = get(port, "/api/v1/query", query=query)
        except OSError:
            status, body = 503, b""  # it is still starting
        found = json.loads(body)["data"]["result"] if status == 200 else []
        if found:
            return [{**each["metric"], "value": each["value"][1]} for each in found]
        threading.Event().wait(0.1)
    raise AssertionError(f"Prometheus never had an answer to {query}")


def test_prometheus_stores_every_sample_of_the_page(short_dir: Path, tmp_path: Path) -> None:
    """`up` is 1, nothing is dropped, and labels arrive under their own names."""
    with exporter(short_dir) as target, prometheus(tmp_path, target, podres={}) as port:
        up = answers(port, 'up{job="podres"} == 1')
        refused = answers(port, "scrape_samples_scraped - scrape_samples_post_metric_relabeling")
        misaligned = answers(port, "podres_container_numa_aligned == 0")
        totals = answers(port, "podres_allocated_device_seconds_total > 0")

    assert ["1"] == [each["value"] for each in up]
    assert ["0"] == [each["value"] for each in refused]
    assert [("demo-node", "ml", "inference-7c9d", "server")] == [
        (each["node"], each["namespace"], each["pod"], each["container"]) for each in misaligned
    ]
    assert "nvidia.com/gpu" in {each["resource"] for each in totals}


def test_prometheus_scrapes_over_mutual_tls_and_is_named(short_dir: Path, tmp_path: Path) -> None:
    """Its certificate has an allowed name; that of another client of the same CA has none."""
    ca = trustme.CA()
    path = tls_folder(
        tmp_path,
        ca,
        client_ca_file="ca.pem",
        client_auth_type="RequireAndVerifyClientCert",
        client_allowed_sans=["prometheus.monitoring.svc"],
    )
    write_pair(tmp_path / "client", ca, "prometheus.monitoring.svc")
    write_pair(tmp_path / "other", ca, "other.monitoring.svc")
    jobs = {
        name: {
            "scheme": "https",
            "tls_config": {"ca_file": "ca.pem", "cert_file": f"{name}/cert.pem", "key_file": f"{name}/key.pem"},
        }
        for name in ("client", "other")
    }
    with (
        exporter(short_dir, **{"--web.config.file": str(path)}) as target,
        prometheus(tmp_path, target, **jobs) as port,
    ):
        assert answers(port, 'up{job="client"} == 1')
        assert answers(port, 'up{job="other"} == 0')


def test_prometheus_scrapes_with_a_password(short_dir: Path, tmp_path: Path) -> None:
    """The right one opens, a wrong one does not; TLS is independent of it."""
    path = write_config(tmp_path, {"basic_auth_users": {"prometheus": CHEAP}})
    jobs = {each: {"basic_auth": {"username": "prometheus", "password": each}} for each in ("secret", "wrong")}
    with (
        exporter(short_dir, **{"--web.config.file": str(path)}) as target,
        prometheus(tmp_path, target, **jobs) as port,
    ):
        assert answers(port, 'up{job="secret"} == 1')
        assert answers(port, 'up{job="wrong"} == 0')

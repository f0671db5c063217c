"""
A cluster for dashboards: the demo's exporter, samples of other exporters, and a Prometheus.

The other exporters are text files, replayed over HTTP. They are scraped as they usually are: without honorLabels, from
targets that have a namespace and a pod of their own, so that their labels are renamed to `exported_...`.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml
from promql_rig import RULES, prometheus_server

from podres_exporter.cli.serve.daemon import Daemon
from podres_exporter.clock import SystemClock
from podres_exporter.config import build_config
from podres_exporter.families.collectors import COLLECTORS, DEFAULT_COLLECTORS
from podres_exporter.scenario import Scenario, parse_scenario
from podres_exporter.sim.api import kubeconfig
from podres_exporter.sim.live import LiveNode

VENDOR = Path(__file__).parents[2] / "grafana" / "vendor"
HONEST = frozenset({"kube_state_metrics"})
"""Scraped with honorLabels, as their charts do."""
SICK = {"kind": "unhealthy", "at": 1, "duration": 3600, "resource": "nvidia.com/gpu"}
PODS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("mig-0", {"containers": [{"name": "main", "resources": {"limits": {"nvidia.com/mig-1g.10gb": 1}}}]}),
    ("amd-0", {"containers": [{"name": "main", "resources": {"limits": {"amd.com/gpu": 2}}}]}),
    (
        "warm-up-0",
        {
            "initContainers": [{"name": "prepare", "resources": {"limits": {"nvidia.com/gpu.shared": 1}}}],
            "containers": [{"name": "main", "resources": {"limits": {"cpu": "100m"}}}],
        },
    ),
)


def scenario() -> Scenario:
    """Return the demo's story, with devices of other makes, an init container, and a GPU sick from the start."""
    story = yaml.safe_load((files("podres_exporter.scenario") / "data" / "story.yaml").read_text(encoding="utf-8"))
    story["resources"] += [
        {
            "name": "nvidia.com/mig-1g.10gb",
            "devices": [{"id": "MIG-3f1c2b9e-0000-5000-8000-000000000001", "numa_nodes": [1]}],
        },
        {"name": "amd.com/gpu", "devices": [{"id": f"0000:{bus}:00.0", "numa_nodes": [1]} for bus in ("83", "93")]},
    ]
    story["pods"] += [{"namespace": "ml", "name": name, "spec": spec} for name, spec in PODS]
    device = next(each["device"] for each in story["faults"] if each["kind"] == "unhealthy")
    story["faults"] = [{**SICK, "device": device}]
    return parse_scenario(json.dumps(story), "observed.json")


@contextmanager
def exporter(directory: Path) -> Iterator[int]:
    """Yield the port of an exporter in front of the scenario's node, with every collector and the pods' metadata."""
    node = LiveNode(scenario(), directory, SystemClock())
    (directory / "kubeconfig").write_text(kubeconfig(node.api.url), encoding="utf-8")
    given: dict[str, str | bool | list[str]] = {
        "--kubelet.socket": str(node.socket_path),
        "--kubelet.poll-interval": "1s",
        "--topology.sysfs": str(node.sysfs),
        "--web.listen-address": ["127.0.0.1:0"],
        "--snapshot.hold-down": "0s",
        "--node-name": "demo-node",
        "--metadata.source": "apiserver",
        "--metadata.kubeconfig": str(directory / "kubeconfig"),
        "--metadata.pod-labels-allowlist": "pods=[*]",
        "--collector.cpu-info": True,
    }
    daemon = Daemon(build_config(given, {}, "demo-node", COLLECTORS, DEFAULT_COLLECTORS), {}, SystemClock())
    with node:
        daemon.start()
        yield daemon.addresses[0].port
        assert daemon.stop()


def replayed(text: str, seconds: float) -> str:
    """Return the exposition with its counters grown for so many seconds: their values are increases per second."""
    counters = re.findall(r"^# TYPE (\w+) counter$", text, re.MULTILINE)

    def grown(line: re.Match[str]) -> str:
        return f"{line[1]} {float(line[2]) * seconds}"

    for name in counters:
        text = re.sub(rf"^({name}\{{.*\}}) (\S+)$", grown, text, flags=re.MULTILINE)
    return text


@contextmanager
def vendors() -> Iterator[int]:
    """Yield the port of a server that replays the text files, each under its name."""
    clock = SystemClock()
    start = clock.monotonic_seconds()

    class Replay(BaseHTTPRequestHandler):
        """GET /NAME is NAME.prom, as it is by now."""

        def do_GET(self) -> None:
            """Answer."""
            text = (VENDOR / f"{self.path.strip('/')}.prom").read_text(encoding="utf-8")
            body = replayed(text, clock.monotonic_seconds() - start).encode()
            with suppress(ConnectionError):  # a Prometheus that ends does not wait for its scrapes
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Replay)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def scrapes(exporter_port: int, vendors_port: int) -> list[dict[str, Any]]:
    """Return the scrape configuration: podres as its chart would have it, the others with labels that collide."""
    podres = {
        "job_name": "monitoring/podres-exporter",
        "honor_labels": True,
        "static_configs": [
            {
                # Two targets of one node, as a rollout or a second job has them: everything must hold with both.
                "targets": [f"127.0.0.1:{exporter_port}", f"localhost:{exporter_port}"],
                "labels": {"node": "demo-node", "namespace": "monitoring", "pod": "podres-exporter-x"},
            }
        ],
    }
    others = [
        {
            "job_name": path.stem,
            "honor_labels": path.stem in HONEST,
            "metrics_path": f"/{path.stem}",
            "static_configs": [
                {
                    "targets": [f"127.0.0.1:{vendors_port}"],
                    "labels": {
                        "instance": "demo-node:9100",
                        "namespace": "agents",
                        "pod": f"{path.stem}-x",
                        "container": path.stem,
                    },
                }
            ],
        }
        for path in sorted(VENDOR.glob("*.prom"))
    ]
    return [podres, *others]


@contextmanager
def prometheus(directory: Path, configs: list[dict[str, Any]]) -> Iterator[int]:
    """Yield the port of a Prometheus that scrapes and evaluates the rules every second."""
    rules = directory / "podres.rules.yaml"
    # A test cannot wait two minutes for a group that is evaluated every two minutes.
    rules.write_text(re.sub(r"\n    interval: \d+m", "", RULES.read_text(encoding="utf-8")), encoding="utf-8")
    interval = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    with prometheus_server(
        directory, {"global": interval, "rule_files": [str(rules)], "scrape_configs": configs}
    ) as port:
        yield port


def asked(port: int, path: str, **query: str) -> Any:
    """Return the `data` of Prometheus' answer, None while it is not ready. A query that it refuses is an error here."""
    try:
        with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.request("GET", f"/api/v1/{path}?{urlencode(query)}")
            response = connection.getresponse()
            body = response.read()
    except OSError:
        return None
    if response.status == 503:
        return None
    answer = json.loads(body)
    assert answer["status"] == "success", f"{answer.get('error')}: {query}"
    return answer["data"]


def rows(port: int, query: str) -> list[dict[str, Any]]:
    """Return what a query finds at this moment."""
    data = asked(port, "query", query=query)
    return list(data["result"]) if data else []


def wait_until(ready: Callable[[], object], seconds: float) -> bool:
    """Return whether *ready* became true in time."""
    deadline = SystemClock().monotonic_seconds() + seconds
    while SystemClock().monotonic_seconds() < deadline:
        if ready():
            return True
        threading.Event().wait(0.2)
    return False


@contextmanager
def observed(short: Path, directory: Path) -> Iterator[int]:
    """Yield the port of the Prometheus that watches it all."""
    with exporter(short) as target, vendors() as others, prometheus(directory, scrapes(target, others)) as port:
        yield port

"""Rendering of a registry equals that of prometheus_client."""

import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from podres_exporter.errors import Reason
from podres_exporter.exposition.negotiation import Format
from podres_exporter.exposition.own import OwnMetrics, registry_text

ODD = 'quote " backslash \\ newline \n end'


@pytest.fixture
def registry() -> CollectorRegistry:
    """Return one metric of each type, with values that need care."""
    OwnMetrics(["exporter"], {"version": "0"})  # turns `_created` off for the process
    registry = CollectorRegistry(auto_describe=False)
    counter = Counter("calls_total", f"Calls. {ODD}", ("rpc", "a"), registry=registry)
    counter.labels(ODD, "1").inc(2.5)
    counter.labels("List", "2").inc(1e21)
    Counter("plain_total", "Without labels.", registry=registry)
    Gauge("level", "A level.", registry=registry).set(float("nan"))
    Gauge("low", "A level.", registry=registry).set(float("-inf"))
    Histogram("seconds", "How long.", ("rpc",), registry=registry, buckets=(0.1, 1.0)).labels("Get").observe(0.5)
    Info("build", "Versions.", registry=registry).info({"version": "1", "python": ODD})
    return registry


def test_the_text_format_is_what_prometheus_client_writes(registry: CollectorRegistry) -> None:
    assert generate_latest(registry) == registry_text(registry, Format.TEXT)


def test_openmetrics_is_what_prometheus_client_writes_without_the_end(registry: CollectorRegistry) -> None:
    whole: bytes = generate_openmetrics(registry)  # type: ignore[no-untyped-call]  # not annotated

    assert whole == registry_text(registry, Format.OPENMETRICS) + b"# EOF\n"


def test_the_metrics_of_the_process_are_written_too() -> None:
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)

    text = registry_text(registry, Format.TEXT).decode()

    assert "# TYPE process_cpu_seconds_total counter\n" in text
    assert "\nprocess_resident_memory_bytes " in text


def test_the_http_side_of_prometheus_client_is_not_loaded() -> None:
    """It costs 4 MiB on every node; another user of the package in the process still gets all of it."""
    script = (
        "import sys\n"
        "import podres_exporter.cli.serve.daemon\n"
        "print(sorted({'http.server', 'http.client', 'urllib.request', 'wsgiref', 'email'} & set(sys.modules)))\n"
        "from prometheus_client import start_http_server\n"
        "print(start_http_server.__name__)\n"
    )

    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True, timeout=60)

    assert ["[]", "start_wsgi_server"] == done.stdout.splitlines()


def test_counters_of_failures_have_their_reason() -> None:
    own = OwnMetrics(["exporter"], {"version": "0"})
    own.rpc("List", 0.1, Reason.TIMEOUT)

    text = own.text(Format.TEXT).decode()

    assert 'podres_kubelet_rpc_errors_total{reason="timeout",rpc="List"} 1.0\n' in text

"""Helpers for rules and dashboards: metric names in PromQL, promtool, Prometheus."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from socket import create_server
from typing import Any, NamedTuple

import pytest

from podres_exporter.families.catalogue import CATALOGUE
from podres_exporter.families.spec import Kind

ROOT = Path(__file__).parents[3]
RULES = ROOT / "deploy" / "rules" / "podres.rules.yaml"
COOKBOOK = ROOT / "deploy" / "rules" / "COOKBOOK.md"
BOARDS = ROOT / "grafana"

VENDOR: Mapping[str, tuple[str, ...]] = {
    "Prometheus itself": ("up", "scrape_samples_scraped"),
    "prometheus_client": ("process_resident_memory_bytes", "process_cpu_seconds_total"),
    "dcgm-exporter": (
        "DCGM_FI_DEV_GPU_UTIL",
        "DCGM_FI_DEV_FB_USED",
        "DCGM_FI_DEV_XID_ERRORS",
        "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
    ),
    "sriov-network-metrics-exporter": ("sriov_vf_rx_bytes", "sriov_vf_tx_bytes", "sriov_vf_rx_dropped"),
    "AMD device-metrics-exporter": ("gpu_gfx_activity",),
    "rdma_exporter": ("rdma_port_info", "rdma_port_rcv_data_total"),
    "node_exporter": ("node_cpu_seconds_total",),
    "kube-state-metrics": (
        "kube_pod_container_resource_requests",
        "kube_pod_status_phase",
        "kube_pod_status_unschedulable",
        "kube_node_info",
        "kube_node_labels",
        "kube_node_spec_unschedulable",
        "kube_node_status_condition",
        "kube_daemonset_status_desired_number_scheduled",
        "kube_daemonset_status_number_available",
    ),
}
"""Metrics of others that rules, dashboards and cookbook may name, by who exports them."""


def catalogue_names() -> frozenset[str]:
    """Return the names of every sample that this exporter may show."""
    suffixes = {Kind.HISTOGRAM: ("_bucket", "_sum", "_count")}
    return frozenset(family.name + suffix for family in CATALOGUE for suffix in suffixes.get(family.kind, ("",)))


_NOISE = re.compile(
    r'"(?:[^"\\]|\\.)*"|#[^\n]*|\[[^\]]*\]'
    r"|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)"
)
_WORDS = frozenset({"and", "or", "unless", "by", "on", "offset", "bool", "group_left", "group_right", "inf", "nan"})


def metric_names(query: str) -> set[str]:
    """Return the names of the metrics that a query reads; what is chosen by `__name__` alone is not seen."""
    bare = re.sub(r"\{[^}]*\}", " ", _NOISE.sub(" ", query))
    found = re.findall(r"(?<![\w:$.])[a-zA-Z_:][\w:]*(?![\w:]*\s*\()", bare)
    return {each for each in found if each not in _WORDS and not re.fullmatch(r"\d\w*", each)}


class Query(NamedTuple):
    """A query with where it stands."""

    where: str
    text: str


def cookbook_queries() -> list[Query]:
    """Return every query of the cookbook; its first comment names it."""
    return queries_of(COOKBOOK)


def queries_of(page: Path) -> list[Query]:
    """Return the queries of a page, a block each."""
    blocks = re.findall(r"```promql\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return [Query(block.splitlines()[0].removeprefix("# "), block) for block in blocks]


def panels(board: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every panel that shows something, those of collapsed rows included."""
    for each in board["panels"]:
        if each["type"] == "row":
            yield from each.get("panels") or ()
        else:
            yield each


def tool(name: str) -> str:
    """
    Return where a program of Debian's package `prometheus` is.

    CI installs it, so there its absence is a failure. Elsewhere the test is skipped and the summary says so.
    """
    found = shutil.which(name)
    if found is None and os.environ.get("CI"):
        pytest.fail(f"{name} is not installed, and CI is set, which says that it must be")
    if found is None:
        pytest.skip(f"no {name} on this machine; Debian's package prometheus has it")
    return found


@contextmanager
def prometheus_server(directory: Path, config: Mapping[str, Any], *flags: str) -> Iterator[int]:
    """Yield the port of a Prometheus with this configuration, whose files are in *directory*, and more flags."""
    (directory / "prometheus.yml").write_text(json.dumps(config))
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        tool("prometheus"),
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
        *flags,
    ]
    with subprocess.Popen(command) as process:
        try:
            yield port
        finally:
            process.terminate()

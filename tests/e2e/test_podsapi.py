"""
The Pods API and the API server as metadata sources give equal pages, with listed exceptions.

deploy/docs/faults.md says the same to users. The DRA collector is off: slices and claims are read from the API server.
"""

import re
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from eventually import eventually

from podres_exporter.cli.serve.daemon import Daemon
from podres_exporter.clock import SystemClock
from podres_exporter.config import build_config
from podres_exporter.families.collectors import COLLECTORS, DEFAULT_COLLECTORS
from podres_exporter.join.claims import template_base
from podres_exporter.scenario import Release, Scenario, parse_scenario
from podres_exporter.sim.api import kubeconfig
from podres_exporter.sim.live import LiveNode
from podres_exporter.sim.node import builtin_scenario

CLOCK = SystemClock()
DRA = Path(__file__).parent.parent / "golden" / "dra" / "scenarios"
SCENARIOS = ["story", "static", "alike", *sorted(path.stem for path in DRA.glob("*.yaml"))]
STATIC = """
node: n1
kubelet: {release: "1.36", cpu_manager: {policy: static, reserved: "0"}}
numa: [{node: 0, cpus: "0-7", memory: 8Gi}]
resources: [{name: example.com/gpu, devices: [{id: GPU-0}, {id: GPU-1}]}]
claims: [{namespace: ml, name: lane, devices: [{driver: d.example.com, pool: p, device: lane-0}]}]
pods:
  - {namespace: kube-system, name: agent, static: true, labels: {tier: node}, spec: {containers: [{name: main}]}}
  - namespace: ml
    name: train
    labels: {app: train}
    owner: {kind: Job, name: train-29387520}
    spec:
      resourceClaims: [{name: c, resourceClaimName: lane}]
      initContainers: [{name: side, restartPolicy: Always, resources: {limits: {cpu: 1, memory: 1Gi}}}]
      containers:
        - {name: main, resources: {limits: {cpu: 2, memory: 1Gi, example.com/gpu: 1}, claims: [{name: c}]}}
  - {namespace: ml, name: big, spec: {containers: [{name: main, resources: {limits: {cpu: 64, memory: 1Gi}}}]}}
  - namespace: ml
    name: done
    finish: 0.2
    spec: {containers: [{name: main, resources: {limits: {cpu: 1, memory: 1Gi}}}]}
"""
LONG = "p" * 53
ALIKE = """
node: n1
kubelet: {release: "1.36", cpu_manager: {policy: static, reserved: "0"}}
numa: [{node: 0, cpus: "0-7", memory: 8Gi}]
claims:
  - namespace: ml
    name: LONGcxs27
    devices: [{driver: d.example.com, pool: p, device: lane-0}, {driver: d.example.com, pool: p, device: lane-1}]
  - namespace: ml
    name: LONGcxs28
    devices: [{driver: d.example.com, pool: p, device: lane-2}, {driver: d.example.com, pool: p, device: lane-3}]
device_metadata: [d.example.com]
pods:
  - namespace: ml
    name: PODNAME
    spec:
      resourceClaims: [{name: gpu-a, resourceClaimTemplateName: t}, {name: gpu-b, resourceClaimTemplateName: t}]
      containers:
        - {name: one, resources: {claims: [{name: gpu-a}]}}
        - {name: two, resources: {claims: [{name: gpu-b}]}}
    status:
      resourceClaimStatuses:
        - {name: gpu-a, resourceClaimName: LONGcxs28}
        - {name: gpu-b, resourceClaimName: LONGcxs27}
"""
"""A pod with so long a name that the names of both of its claims begin with the same 58 characters."""

OWN = re.compile(
    r"(process_|podres_(kubelet|metadata|exporter|source|web|snapshot|loop)_|podres_malformed|podres_\w+_seconds_total)"
)
"""The exporter's own counters and clocks, which are about whom it asks."""

NOT_KNOWN: Mapping[str, re.Pattern[str]] = {
    "the uid of a static pod is the kubelet's, not its mirror pod's": re.compile(
        r'podres_pod_info\{.*owner_kind="Node"'
    ),
    "that a pod which has finished by itself was deleted shows with the next resync": re.compile(
        r'podres_pods_skipped\{reason="terminal"\}'
    ),
    "which container's extended resources a claim stands for": re.compile(
        r'podres_container_(claim_\w+|device_health)\{.*claim="[^"]*-extended-resources-'
    ),
}


def scenario(name: str) -> Scenario:
    """Return the scenario, on a kubelet that serves the Pods API."""
    if name == "story":
        found = builtin_scenario(name)
    else:
        written = {
            "static": STATIC,
            "alike": ALIKE.replace("PODNAME", LONG).replace("LONG", template_base(LONG, "gpu-a")),
        }
        text = written.get(name) or (DRA / f"{name}.yaml").read_text(encoding="utf-8")
        found = parse_scenario(text, name)
    release = max(found.kubelet.release, Release(36))
    return replace(found, kubelet=replace(found.kubelet, release=release, pods_api=True))


def daemon(node: LiveNode, flags: Mapping[str, str | bool]) -> Daemon:
    given: dict[str, str | bool | list[str]] = {
        "--kubelet.socket": str(node.socket_path),
        "--kubelet.poll-interval": "1s",
        "--topology.sysfs": str(node.sysfs),
        "--web.listen-address": ["127.0.0.1:0"],
        "--snapshot.hold-down": "0s",
        "--node-name": node.scenario.node,
        "--metadata.pod-labels-allowlist": "pods=[*]",
        "--collector.dra": False,
        **flags,
    }
    return Daemon(build_config(given, {}, "host", COLLECTORS, DEFAULT_COLLECTORS), {}, CLOCK)


@contextmanager
def both(name: str, directory: Path, plugins: str = "plugins") -> Iterator[tuple[LiveNode, Daemon, Daemon]]:
    with ExitStack() as stack:
        node = stack.enter_context(LiveNode(scenario(name), directory, CLOCK))
        path = directory / "kubeconfig"
        path.write_text(kubeconfig(node.api.url), encoding="utf-8")
        pair = (
            daemon(node, {"--metadata.source": "apiserver", "--metadata.kubeconfig": str(path)}),
            daemon(
                node,
                {
                    "--metadata.source": "podsapi",
                    "--metadata.podsapi-socket": str(node.pods_api.socket_path),
                    "--metadata.plugins-root": str(directory / plugins),
                },
            ),
        )
        for each in pair:
            each.start()
            stack.callback(each.stop)
        yield node, *pair


def page(exporter: Daemon) -> str:
    url = f"http://127.0.0.1:{exporter.addresses[0].port}/metrics"
    with urllib.request.urlopen(url, timeout=60) as answer:
        return str(answer.read().decode())


def series(exporter: Daemon) -> set[str]:
    """Return the lines of the page that must be equal."""
    found = {line for line in page(exporter).splitlines() if not line.startswith("#") and not OWN.match(line)}
    return {line for line in found if not any(each.match(line) for each in NOT_KNOWN.values())}


def values(rows: Iterable[str], label: str) -> list[str]:
    return sorted(found for row in rows for found in re.findall(rf'[{{,]{label}="([^"]*)"', row))


def users(exporter: Daemon) -> list[str]:
    return [line for line in page(exporter).splitlines() if line.startswith("podres_container_claim_device_info")]


def synced(exporter: Daemon) -> bool:
    return "\npodres_metadata_synced 1\n" in page(exporter)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_pages_are_equal(name: str, short_dir: Path) -> None:
    """Both are followed, and every series is the same, at one moment at least: pods come and go meanwhile."""
    seen: tuple[set[str], set[str]] = (set(), set())
    with both(name, short_dir) as (_, apiserver, podsapi):

        def are_equal() -> bool:
            nonlocal seen
            seen = series(apiserver), series(podsapi)
            has_pods = any(line.startswith("podres_pod_info") for line in seen[0])
            return has_pods and seen[0] == seen[1] and synced(apiserver) and synced(podsapi)

        eventually(are_equal, 1_500)
    assert (sorted(seen[0] - seen[1]), sorted(seen[1] - seen[0])) == ([], [])
    assert any(line.startswith("podres_pod_info") for line in seen[0])


def test_claims_of_one_base_belong_to_the_claim_where_no_driver_tells_them_apart(short_dir: Path) -> None:
    """What the drivers' files decide in `alike`; devices are the containers' with the API server, and never wrong."""
    with both("alike", short_dir, plugins="none") as (_, apiserver, podsapi):
        assert eventually(lambda: all(synced(each) and len(users(each)) == 4 for each in (apiserver, podsapi)), 20_000)
        told, untold = users(apiserver), users(podsapi)
    devices = ["lane-0", "lane-1", "lane-2", "lane-3"]
    assert (["container"] * 4, ["claim"] * 4) == (values(told, "attribution"), values(untold, "attribution"))
    assert (devices, devices) == (values(told, "device"), values(untold, "device"))


@pytest.mark.parametrize("name", ["static", "alike", "two-requests"])
def test_the_collector_of_slices_asks_nobody_and_changes_nothing(name: str, short_dir: Path) -> None:
    """On, as by default, or off: slices and claims are the API server's, which this exporter does not know."""
    with LiveNode(scenario(name), short_dir, CLOCK) as node, ExitStack() as stack:
        flags = {
            "--metadata.source": "podsapi",
            "--metadata.podsapi-socket": str(node.pods_api.socket_path),
            "--metadata.plugins-root": str(short_dir / "plugins"),
        }
        pair = [daemon(node, {**flags, "--collector.dra": is_on}) for is_on in (True, False)]
        for each in pair:
            each.start()
            stack.callback(each.stop)

        def are_equal() -> bool:
            on, off = map(series, pair)
            return any(line.startswith("podres_container_claim_") for line in on) and on == off

        assert eventually(are_equal, 20_000)
        assert not any(
            line.startswith(("podres_dra_device", "podres_dra_pool", "podres_node_dra_")) for line in series(pair[0])
        )
        assert 'source="dra"' not in page(pair[0])
        assert {} == node.api.requests.counts

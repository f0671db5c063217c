"""ResourceSlices and claims of a scenario, read as the exporter does."""

from pathlib import Path

import pytest

from podres_exporter.clock import SystemClock
from podres_exporter.errors import ConfigError
from podres_exporter.kube.auth.kubeconfig import Kubeconfig
from podres_exporter.kube.client import KubeClient
from podres_exporter.kube.dra.once import DraOnce
from podres_exporter.kube.dra.source import served_version
from podres_exporter.scenario import node_at, parse_scenario
from podres_exporter.sim.api import RESOURCE_SLICES, ApiServer, Store, kubeconfig
from podres_exporter.sim.live import LiveNode
from podres_exporter.sim.live.kubelet import Kubelet
from podres_exporter.sim.live.status_writer import StatusWriter

SCENARIO = """
node: n1
numa: [{node: 0, cpus: "0-3", memory: 8Gi}]
claims:
  - namespace: ml
    name: two
    devices: [{driver: d, pool: n1, device: a}, {driver: d, pool: n1, device: b}]
    status:
      allocation:
        devices:
          results:
            - {request: main/big, driver: d, pool: n1, device: a}
            - {request: look, driver: d, pool: n1, device: b, adminAccess: true}
slices:
  - {name: s, spec: {driver: d, devices: [{name: a, attributes: {uuid: {string: U-1}}}, {name: b}]}}
pods:
  - namespace: ml
    name: held
    containers: [{name: c, claims: [{name: stated, devices: [{driver: d, pool: n1, device: c}]}]}]
"""


def test_a_scenario_s_slices_and_claims_are_served(tmp_path: Path) -> None:
    """With whole statuses as in Kubernetes; claims that a pod is only said to hold are there, too."""
    clock = SystemClock()
    with LiveNode(parse_scenario(SCENARIO, "x"), tmp_path, clock) as node, ApiServer(node.store, clock) as server:
        path = tmp_path / "config"
        path.write_text(kubeconfig(server.url))
        once = DraOnce(KubeClient(lambda: Kubeconfig([str(path)], None, {}, clock), "a test", clock), "n1", clock)
        once.want({("ml", name): frozenset() for name in ("two", "stated")})
        dra = once.dra()
        once.stop()

    assert dra is not None
    assert [("d", "n1", ["U-1", ""])] == [
        (pool.driver, pool.name, [device.uuid for device in pool.devices]) for pool in dra.pools
    ]
    results = {key: [(r.request, r.device, r.is_admin) for r in facts.results] for key, facts in dra.claims.items()}
    assert {
        ("ml", "two"): [("main/big", "a", False), ("look", "b", True)],
        ("ml", "stated"): [("devices", "c", False)],
    } == results


TURNS = """
node: n1
numa: [{node: 0, cpus: "0-3", memory: 8Gi}]
slices:
  - {name: s, end: 10, spec: {driver: d, devices: [{name: a}]}}
  - name: s
    start: 5
    end: 10
    spec: {driver: d, pool: {name: n1, generation: 2, resourceSliceCount: 1}, devices: [{name: b}]}
  - {name: far, spec: {driver: d, allNodes: true, pool: {name: net}, devices: [{name: c}]}}
"""


def test_slices_come_change_and_go_with_the_scenario_s_time() -> None:
    scenario = parse_scenario(TURNS, "x")

    def there(seconds: float) -> list[str]:
        store = Store(SystemClock())
        pods = Kubelet(scenario, node_at(scenario, 0).topology, None)  # type: ignore[arg-type]  # it admits nobody
        writer = StatusWriter(scenario, store, pods, None, SystemClock())  # type: ignore[arg-type]
        writer.follow_slices(0.0)
        writer.follow_slices(seconds)
        items = store.read(RESOURCE_SLICES)[0]
        return [f"{item['spec'].get('nodeName', '-')} {item['spec']['devices'][0]['name']}" for item in items]

    assert [["- c", "n1 a"], ["- c", "n1 b"], ["- c"]] == [there(0.0), there(5.0), there(10.0)]


def test_what_may_not_be_said_of_slices_and_statuses_is_refused() -> None:
    wrong = TURNS.replace("start: 5", "start: 12") + (
        "pods: [{name: p, status: {phase: Running}, spec: {containers: [{name: c}]}}]\n"
    )
    with pytest.raises(ConfigError) as refused:
        parse_scenario(wrong, "x")

    assert ["x: pods[0].status", "x: slices[1].end"] == sorted(
        each.partition(": is")[0].partition(".phase")[0] for each in refused.value.problems
    )


@pytest.mark.parametrize(
    ("release", "version"), [("1.36", "v1"), ("1.33", "v1beta2"), ("1.32", "v1beta1"), ("1.31", None)]
)
def test_the_api_server_serves_the_versions_of_its_release(tmp_path: Path, release: str, version: str | None) -> None:
    """Read by the exporter, which finds the same device in each of them."""
    clock = SystemClock()
    scenario = parse_scenario(SCENARIO + f"kubelet: {{release: '{release}'}}\n", "x")
    with LiveNode(scenario, tmp_path, clock) as node:
        path = tmp_path / "config"
        path.write_text(kubeconfig(node.api.url))
        client = KubeClient(lambda: Kubeconfig([str(path)], None, {}, clock), "a test", clock)
        assert version == served_version(client)
        once = DraOnce(client, "n1", clock)
        dra = once.dra()
        once.stop()

    found = [device.uuid for pool in (dra.pools if dra else ()) for device in pool.devices]
    assert (["U-1", ""] if version else []) == found

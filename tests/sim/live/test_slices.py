"""ResourceSlices and claims of a scenario, read as the exporter reads them."""

from pathlib import Path

from podres_exporter.clock import SystemClock
from podres_exporter.kube.client import KubeClient
from podres_exporter.kube.dra_once import DraOnce
from podres_exporter.kube.kubeconfig import Kubeconfig
from podres_exporter.scenario import parse_scenario
from podres_exporter.sim.api import ApiServer, kubeconfig
from podres_exporter.sim.live import LiveNode

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

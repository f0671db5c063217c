"""`simulate` and `simulate plugin` as processes that find each other by their sockets."""

import json
import re
from pathlib import Path

from processes import Start, eventually, get

NICS = "devices:\n  - {id: nic-0, numa_nodes: [0]}\n  - {id: nic-1, numa_nodes: [1]}\n"
POD = {
    "metadata": {"namespace": "default", "name": "dpdk"},
    "spec": {"containers": [{"name": "main", "resources": {"limits": {"example.com/nic": "1"}}}]},
}


def pod_of(url: str, name: str) -> dict[str, str] | None:
    """Return the status of a pod once the kubelet has written it."""
    status, body = get(f"{url}/api/v1/namespaces/default/pods/{name}")
    found: dict[str, str] = json.loads(body)["status"] if status == 200 else {}
    return found if found.get("phase", "Pending") != "Pending" else None


def has_devices(url: str, resource: str) -> bool:
    """
    Return whether the node may hand out devices of a resource.

    A pod that asks for one that the kubelet does not know yet runs without it, as with a real kubelet
    (removeMissingExtendedResources): a registration alone is not enough to go on.
    """
    status, body = get(f"{url}/api/v1/nodes")
    nodes = json.loads(body)["items"] if status == 200 else []
    return any(int(node["status"]["allocatable"].get(resource, "0")) > 0 for node in nodes)


def test_a_plugin_registers_a_pod_gets_its_device_and_the_exporter_shows_it(start: Start, short_dir: Path) -> None:
    """The five lines of README: simulate, simulate plugin, a pod, serve; each a process of its own."""
    node, nics = short_dir / "node", short_dir / "nics.yaml"
    nics.write_text(NICS, encoding="utf-8")
    simulate = start("simulate", f"--directory={node}")
    api = simulate.url()
    plugin = start(
        "simulate",
        "plugin",
        "--resource=example.com/nic",
        f"--devices={nics}",
        f"--directory={node / 'device-plugins'}",
    )
    eventually(lambda: plugin.events("sim.plugin.registered") or None)
    eventually(lambda: has_devices(api, "example.com/nic") or None)
    simulate.type(f"create {json.dumps(POD)}")
    running = eventually(lambda: pod_of(api, "dpdk"))
    serve = start(
        "serve",
        f"--kubelet.socket={node / 'pod-resources/kubelet.sock'}",
        f"--topology.sysfs={node / 'sys'}",
        f"--metadata.kubeconfig={node / 'kubeconfig'}",
        "--node-name=demo-node",
        "--web.listen-address=127.0.0.1:0",
        "--snapshot.hold-down=0s",
    )
    url = f"{serve.url()}/metrics"
    known = 'podres_pod_info{node="demo-node",namespace="default",pod="dpdk",'
    page = eventually(lambda: text if known in (text := get(url)[1]) else None)

    assert "Running" == running["phase"]
    assert 'podres_container_devices{node="demo-node",namespace="default",pod="dpdk",container="main"' in page
    assert [0, 0, 0] == [process.end() for process in (serve, plugin, simulate)]
    assert [] == [left for left in node.rglob("*") if left.is_socket()]


def test_what_is_typed_changes_the_node_and_is_answered(start: Start, short_dir: Path) -> None:
    """Health, restarts and pods by lines of text; a wrong line is answered and changes nothing."""
    simulate = start("simulate", f"--directory={short_dir / 'node'}")
    simulate.url()
    simulate.type("jump")
    simulate.type("sick nvidia.com/gpu GPU-1f0a5c3e-7d42-4b8e-9a61-0c5d3e8f1a07")
    simulate.type("pods")

    def answered() -> str | None:
        return simulate.out if "telco/upf-0 Running" in simulate.out else None

    out = eventually(answered)

    assert "wrong: unknown command 'jump'; try help" in out
    assert "\ndone\n" in out
    assert 0 == simulate.end()


def test_the_story_of_the_demo_is_admitted_by_real_managers(start: Start) -> None:
    """The API server that demo names has the pods that the page shows, the rejected one with its reason among them."""
    demo = start("demo", "--web.listen-address=127.0.0.1:0")
    demo.url()
    kubeconfig = Path(eventually(lambda: demo.out.partition("kubectl --kubeconfig=")[2].partition(" ")[0] or None))
    api = re.findall(r"server: (\S+)", kubeconfig.read_text(encoding="utf-8"))[0].strip('"')

    def rejected() -> list[str] | None:
        pods = json.loads(get(f"{api}/api/v1/pods")[1])["items"]
        found = [pod["status"]["message"] for pod in pods if pod["status"].get("reason") == "UnexpectedAdmissionError"]
        return found or None

    (message,) = eventually(rejected)

    assert "[memorymanager]" in message
    assert 0 == demo.end()

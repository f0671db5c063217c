"""The text that the demo prints: URLs, and commands to try next."""

import sys
from pathlib import Path

from podres_exporter.scenario import Scenario
from podres_exporter.sim.live import LiveNode
from podres_exporter.sim.node import SimNode

_NAMESPACE, _NAME, _PORT = "podres", "podres-exporter", 10190


def add_exporter_pod(node: LiveNode, url: str) -> None:
    """
    Create the exporter's pod in the node's API server, as its DaemonSet would; the pod's proxy leads to *url*.

    This is how `kubectl podres` finds and queries the exporters of a cluster.
    """
    name = f"{_NAME}-{node.scenario.node}"
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": _NAME, "uid": "demo", "controller": True}
    port = {"name": "metrics", "containerPort": _PORT}
    labels = {"app.kubernetes.io/name": _NAME}
    node.api.backends.put(_NAMESPACE, name, url)
    node.create(
        {
            "metadata": {"namespace": _NAMESPACE, "name": name, "labels": labels, "ownerReferences": [owner]},
            "spec": {"containers": [{"name": "exporter", "image": _NAME, "ports": [port]}]},
        }
    )


def introduction(scenario: Scenario, node: SimNode, url: str, kubeconfig: Path) -> str:
    """Return the text: the page first, then commands that can be copied."""
    program = _program()
    lines = [
        "",
        f"  A simulated node, {scenario.node}, with {len(scenario.numa)} NUMA nodes; its pods come and go.",
        "",
        f"    {url}/          # the node at a glance, in a browser",
        f"    {url}/metrics   # the same for Prometheus",
        "",
        f"  Its kubelet listens on {node.socket_path}. Ctrl-C ends the demo.",
        "",
        "  Try in another terminal:",
        "",
        *_kubectl(node, program, kubeconfig),
        f"    {program} dump --url {url}                    # which pod holds what",
        f"    {program} explain ml/train-llm-0 --url {url}  # why it was placed where it is",
        f"    {program} fit --device nvidia.com/gpu=2 --url {url}  # would such a pod be admitted now?",
        "",
    ]
    return "\n".join(lines)


def _program() -> str:
    """Return the command with which the program was called."""
    called = Path(sys.argv[0])
    return str(called) if called.name == _NAME else f"{sys.executable} -m podres_exporter"


def _kubectl(node: SimNode, program: str, kubeconfig: Path) -> list[str]:
    """Return the commands for the API server, if the node has one."""
    if not isinstance(node, LiveNode):
        return []
    plugin = Path(program).with_name("kubectl-podres")
    lines = [f"    kubectl --kubeconfig={kubeconfig} get pods -A -w"]
    if plugin.exists():
        lines.append(f"    {plugin} dump -A --kubeconfig {kubeconfig}   # as `kubectl podres`, once it is on PATH")
    return lines

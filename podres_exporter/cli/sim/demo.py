"""
`demo`: run a simulated node with an exporter in front of it, and print the URL.

Environment variables are ignored, so that the demo is the same on every machine.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from podres_exporter.cli.flags.commands import DEMO_DEFAULTS
from podres_exporter.cli.flags.parser import given_flags
from podres_exporter.cli.serve.command import configured
from podres_exporter.cli.serve.daemon import Daemon
from podres_exporter.cli.signals import stop_signals
from podres_exporter.cli.sim.node import KUBECONFIG, directory_for_node, load_scenario, make_node, metadata_flags
from podres_exporter.clock import SystemClock
from podres_exporter.config.build import Given
from podres_exporter.errors import ConfigError
from podres_exporter.log import configure
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


_PLAIN_DEFAULTS = ("--kubelet.poll-interval", "--snapshot.hold-down", "--metadata.pod-labels-allowlist", "--log.level")
_ADDRESS, _FREE_PORT = "127.0.0.1:10190", "127.0.0.1:0"


def run(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT. Raises ConfigError with every fault of flags and scenario."""
    scenario, faults = load_scenario(arguments.scenario)
    clock = SystemClock()
    with stop_signals() as wait_for_signal, directory_for_node(None) as directory, ExitStack() as stack:
        node = make_node(scenario, directory, clock)
        stack.callback(node.stop)
        given: Given = {
            **{flag: DEMO_DEFAULTS[flag] for flag in _PLAIN_DEFAULTS},
            **given_flags(arguments),
            "--kubelet.socket": str(node.socket_path),
            "--topology.sysfs": str(node.sysfs),
            "--node-name": scenario.node,
            **metadata_flags(node, directory),
        }
        daemon = _daemon(given, faults, clock)
        node.start()
        daemon.start()
        url = daemon.addresses[0].url
        if isinstance(node, LiveNode):
            add_exporter_pod(node, url)
        print(introduction(scenario, node, url, directory / KUBECONFIG), flush=True)
        wait_for_signal()
        ended = daemon.stop()
    return 0 if ended else 1


def _daemon(given: Given, problems: Sequence[str], clock: SystemClock) -> Daemon:
    """Return the exporter on the default port of the loopback interface, or on a free one if that is taken."""
    if "--web.listen-address" in given:
        config = configured(given, {}, problems)
        configure(config.log_level, config.log_format)
        return Daemon(config, {}, clock)
    try:
        return _daemon({**given, "--web.listen-address": [_ADDRESS]}, problems, clock)
    except ConfigError:
        return _daemon({**given, "--web.listen-address": [_FREE_PORT]}, problems, clock)

"""
`demo`: run a simulated node with an exporter in front of it, and print the URL.

Environment variables are ignored, so that the demo is the same on every machine.
"""

import argparse
from collections.abc import Sequence
from contextlib import ExitStack

from podres_exporter.cli.flags.commands import DEMO_DEFAULTS
from podres_exporter.cli.flags.parser import given_flags
from podres_exporter.cli.serve.command import configured
from podres_exporter.cli.serve.daemon import Daemon
from podres_exporter.cli.signals import stop_signals
from podres_exporter.cli.sim.introduction import add_exporter_pod, introduction
from podres_exporter.cli.sim.node import KUBECONFIG, directory_for_node, load_scenario, make_node, metadata_flags
from podres_exporter.clock import SystemClock
from podres_exporter.config.build import Given
from podres_exporter.errors import ConfigError
from podres_exporter.log import configure
from podres_exporter.sim.live import LiveNode

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

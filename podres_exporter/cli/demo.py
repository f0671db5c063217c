"""
`demo`: a simulated node, the exporter in front of it, and the URL to look at.

The environment is for `serve` alone: a demo is the same on every machine.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from podres_exporter.cli.daemon import Daemon
from podres_exporter.cli.parser import DEMO_DEFAULTS, given_flags
from podres_exporter.cli.serve import configured, stop_signals
from podres_exporter.clock import SystemClock
from podres_exporter.config.build import Given
from podres_exporter.errors import ConfigError
from podres_exporter.log import configure
from podres_exporter.scenario import Scenario, parse_scenario
from podres_exporter.sim.builtin import builtin_scenario
from podres_exporter.sim.node import SimNode

_ADDRESS, _FREE_PORT = "127.0.0.1:10190", "127.0.0.1:0"


def run(arguments: argparse.Namespace, problems: Sequence[str]) -> int:
    """Play until SIGTERM or SIGINT. Raises ConfigError with every fault of flags and scenario."""
    scenario, faults = _scenario(arguments.scenario)
    clock = SystemClock()
    with stop_signals() as wait_for_signal, tempfile.TemporaryDirectory(prefix="podres-") as directory:
        try:
            node = SimNode(scenario, Path(directory), clock)
        except ValueError as error:  # a socket's path has 107 bytes at most
            raise ConfigError([f"{error}; set TMPDIR to a directory with a short path"]) from error
        given: Given = {
            "--kubelet.poll-interval": DEMO_DEFAULTS["--kubelet.poll-interval"],
            "--snapshot.hold-down": DEMO_DEFAULTS["--snapshot.hold-down"],
            **given_flags(arguments),
            "--kubelet.socket": str(node.socket_path),
            "--topology.sysfs": str(node.sysfs),
            "--node-name": scenario.node,
        }
        daemon = _daemon(given, [*problems, *faults], clock)
        with node:
            daemon.start()
            _introduce(daemon, scenario, node)
            wait_for_signal()
            ended = daemon.stop()
    return 0 if ended else 1


def _scenario(path: str | None) -> tuple[Scenario, Sequence[str]]:
    """Return the scenario and what is wrong with it; the built-in one stands in for a wrong one."""
    if path is None:
        return builtin_scenario(), ()
    try:
        return parse_scenario(Path(path).read_text(encoding="utf-8"), path), ()
    except (OSError, UnicodeDecodeError) as error:
        return builtin_scenario(), [f"--scenario: cannot read {path}: {error}"]
    except ConfigError as error:
        return builtin_scenario(), error.problems


def _daemon(given: Given, problems: Sequence[str], clock: SystemClock) -> Daemon:
    """Return the exporter on the usual port of the loopback interface, or on a free one where that is taken."""
    if "--web.listen-address" in given:
        config = configured(given, {}, problems)
        configure(config.log_level, config.log_format)
        return Daemon(config, clock)
    try:
        return _daemon({**given, "--web.listen-address": [_ADDRESS]}, problems, clock)
    except ConfigError:
        return _daemon({**given, "--web.listen-address": [_FREE_PORT]}, problems, clock)


def _introduce(daemon: Daemon, scenario: Scenario, node: SimNode) -> None:
    """Say what there is to see."""
    url = daemon.addresses[0].url
    print(
        f"\n  A simulated node, {scenario.node}, with {len(scenario.numa)} NUMA nodes; its pods come and go.\n"
        f"\n    {url}/metrics\n"
        f"\n  For example:\n"
        f"    curl -s {url}/metrics | grep podres_container_device_info      # who holds which device\n"
        f"    curl -s {url}/metrics | grep podres_node_free_devices         # what is left, by NUMA node\n"
        f"    curl -s {url}/metrics | grep 'podres_container_numa_aligned.* 0' # who sits badly\n"
        f"\n  Its kubelet listens on {node.socket_path}. Ctrl-C ends it all.\n",
        flush=True,
    )

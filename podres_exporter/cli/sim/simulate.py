"""`simulate`: run only the simulated node, for authors of device plugins and monitoring agents."""

import argparse
import contextlib
import signal
import sys
import threading
from pathlib import Path
from random import SystemRandom

from podres_exporter.cli.signals import stop_signals
from podres_exporter.cli.sim.node import directory_for_node, load_scenario, make_node, metadata_flags
from podres_exporter.clock import SystemClock
from podres_exporter.errors import ConfigError
from podres_exporter.listen import ListenAddress, parse_listen_address
from podres_exporter.log import configure
from podres_exporter.scenario import Release, parse_release
from podres_exporter.sim.live import Control, LiveNode
from podres_exporter.sim.node import SimNode

_SEEDS = 1_000_000
_LONGEST_SEED = 18


def run(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT. Raises ConfigError with every fault of flags and scenario."""
    scenario, faults = load_scenario(arguments.scenario)
    found = list(faults)
    release = _release(arguments.release, found)
    address = _address(arguments.api_listen_address, found)
    seed = _seed(arguments.seed, found)
    if found:
        raise ConfigError(found)
    with stop_signals() as wait_for_signal, directory_for_node(arguments.directory) as directory:
        listen_on = (address.host or "0.0.0.0", address.port)  # noqa: S104 - asked for
        node = make_node(scenario, directory, SystemClock(), release, listen_on, seed)
        configure("info", "logfmt")
        with node:
            _introduce(node, directory, seed)
            if isinstance(node, LiveNode):
                signal.signal(signal.SIGTTIN, signal.SIG_IGN)
                threading.Thread(target=_obey, args=(Control(node),), name="control", daemon=True).start()
            wait_for_signal()
    return 0


def _release(text: str | None, problems: list[str]) -> Release | None:
    """Return the simulated release, None for the scenario's own."""
    try:
        return None if text is None else parse_release(text)
    except ValueError as error:
        problems.append(f"--release: {error}")
        return None


def _seed(text: str | None, problems: list[str]) -> int | None:
    """Return the seed of the kubelet's choices: a new one for None, and None for `sorted`."""
    if text == "sorted":
        return None
    if text is None:
        return SystemRandom().randrange(_SEEDS)
    if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_SEED:
        return int(text)
    problems.append(f"--seed: {text!r} is no seed; write a whole number, or sorted for the lowest device first")
    return None


def _address(text: str, problems: list[str]) -> ListenAddress:
    """Return the address of the API server."""
    try:
        return parse_listen_address(text)
    except ValueError as error:
        problems.append(f"--api.listen-address: {error}")
        return ListenAddress("127.0.0.1", 0)


def _introduce(node: SimNode, directory: Path, seed: int | None) -> None:
    """Print the addresses to connect to."""
    print(f"\n  A simulated node, {node.scenario.node}, with a kubelet of {node.scenario.kubelet.release}.\n")
    print(f"    pod-resources socket   {node.socket_path}")
    print(f"    /sys                   {node.sysfs}")
    if isinstance(node, LiveNode):
        print(f"    device plugins         {node.devices.socket_path}")
        print(f"    plugin watcher         {directory / 'plugins_registry'}")
        print(f"    API server             {node.api.url}")
        print(f"\n  For example:\n    kubectl --server={node.api.url} get pods -A -w")
        flags = {
            "--kubelet.socket": node.socket_path,
            "--topology.sysfs": node.sysfs,
            "--node-name": node.scenario.node,
            **metadata_flags(node, directory),
        }
        print(f"    podres-exporter serve {' '.join(f'{flag}={value}' for flag, value in flags.items())}")
        drawn = "the lowest id first" if seed is None else f"in map order; --seed={seed} draws the same again"
        print(f"\n  Devices are chosen {drawn}.")
        print("\n  Type help to change things while it runs. Ctrl-C ends it all.\n", flush=True)
    else:
        print("\n  Its pods hold what the scenario says; nothing is admitted. Ctrl-C ends it all.\n", flush=True)


def _obey(control: Control) -> None:
    """
    Execute the commands on standard input, line by line, until its end.

    A background process cannot read from its terminal. SIGTTIN, which would stop it, is ignored, so that the read fails
    with EIO instead (POSIX, General Terminal Interface, 11.1.4).
    """
    with contextlib.suppress(OSError):
        for line in sys.stdin:
            print(control.execute(line), flush=True)

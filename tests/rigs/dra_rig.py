"""The simulated node with a DRA scenario, and the exporter in front of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from podres_exporter.cli.serve.command import configured
from podres_exporter.cli.serve.daemon import Daemon
from podres_exporter.cli.sim.node import metadata_flags
from podres_exporter.clock import SystemClock
from podres_exporter.config.build import Given
from podres_exporter.scenario import parse_scenario
from podres_exporter.sim.live import LiveNode


@dataclass(frozen=True, slots=True)
class Played:
    """A node that runs, and the exporter that follows it."""

    node: LiveNode
    port: int
    directory: Path

    @property
    def url(self) -> str:
        """Where the exporter serves."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def flags(self) -> list[str]:
        """What leads a command to the node."""
        return [
            f"--kubelet.socket={self.node.socket_path}",
            f"--topology.sysfs={self.node.sysfs}",
            f"--node-name={self.node.scenario.node}",
            *(f"{flag}={value}" for flag, value in metadata_flags(self.node, self.directory).items()),
        ]

    def page(self) -> str:
        """Return the metrics page of this moment."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()
        finally:
            connection.close()


@contextmanager
def played(scenario: str, directory: Path) -> Iterator[Played]:
    """Play a scenario; everything has ended when the block is left."""
    clock = SystemClock()
    with LiveNode(parse_scenario(scenario, "scenario"), directory, clock) as node:
        flags: Given = {
            "--kubelet.socket": str(node.socket_path),
            "--kubelet.poll-interval": "1s",
            "--topology.sysfs": str(node.sysfs),
            "--node-name": node.scenario.node,
            "--web.listen-address": ["127.0.0.1:0"],
            "--metrics.node-label": False,
            **metadata_flags(node, directory),
        }
        daemon = Daemon(configured(flags, {}), {}, clock)
        daemon.start()
        try:
            yield Played(node, daemon.addresses[0].port, directory)
        finally:
            daemon.stop()

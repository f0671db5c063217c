"""NUMA nodes, cores and sockets from sysfs, below an injectable root."""

import re
from pathlib import Path

from podres_exporter.cpuset import CpuSet, parse_cpuset
from podres_exporter.errors import Reason, TopologyError
from podres_exporter.model import Core, Topology

_NODE = re.compile(r"node([0-9]+)")


class SysfsTopology:
    """TopologySource on a sysfs tree."""

    def __init__(self, root: Path) -> None:
        """Read below *root*, `/sys` on a real machine."""
        self._nodes, self._cpus = root / "devices/system/node", root / "devices/system/cpu"
        self._last: Topology | None = None

    def read(self) -> Topology:
        """
        Return the topology; cores and sockets are read anew only when a node's list of CPUs changed.

        Raises TopologyError where the kernel shows no NUMA nodes or writes something else than CPU lists.

        Source: Documentation/ABI/stable/sysfs-devices-node and sysfs-devices-system-cpu; kubelet's own e2e test of
        alignment reads the same files.
        """
        cpus_by_node = self._cpus_by_node()
        if self._last is None or self._last.cpus_by_node != cpus_by_node:
            cpus = sorted(frozenset[int]().union(*cpus_by_node.values()))
            self._last = Topology(cpus_by_node, {cpu: self._core(cpu) for cpu in cpus})
        return self._last

    def _cpus_by_node(self) -> dict[int, CpuSet]:
        """Return each node's CPUs; a node of memory only has none."""
        try:
            found = ((int(match[1]), path) for path in self._nodes.iterdir() if (match := _NODE.fullmatch(path.name)))
            cpus_by_node = {node: parse_cpuset((path / "cpulist").read_text()) for node, path in sorted(found)}
        except PermissionError as error:
            raise TopologyError(Reason.DENIED, f"cannot read {error.filename}") from error
        except OSError as error:
            raise TopologyError(Reason.UNAVAILABLE, f"cannot read {error.filename}: {error.strerror}") from error
        except ValueError as error:
            raise TopologyError(Reason.MALFORMED, f"a cpulist below {self._nodes}: {error}") from error
        if not cpus_by_node:
            raise TopologyError(Reason.UNAVAILABLE, f"no NUMA node below {self._nodes}")
        return cpus_by_node

    def _core(self, cpu: int) -> Core:
        """Return where a CPU sits, -1 for what the kernel does not say."""
        folder = self._cpus / f"cpu{cpu}" / "topology"
        return Core(_number(folder / "core_id"), _number(folder / "physical_package_id"))


def _number(path: Path) -> int:
    """Return the number in a sysfs file; -1 if there is none (the kernel writes -1 itself where it does not know)."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return -1

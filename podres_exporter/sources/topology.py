"""Read the machine's NUMA nodes, cores and caches from sysfs."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from podres_exporter.cpuset import CpuSet, parse_cpuset
from podres_exporter.errors import Reason, TopologyError
from podres_exporter.model import Core, Topology

_NODE = re.compile(r"node([0-9]+)")
_CACHE = re.compile(r"index[0-9]+")
_LEAST_LEVEL = 3
"""Lower levels of cache belong to a core or a pair of cores, and add nothing to the core's number."""


class SysfsTopology:
    """A TopologySource on a sysfs tree."""

    def __init__(self, root: Path) -> None:
        """Read below *root*, `/sys` on a real machine."""
        self._nodes, self._cpus = root / "devices/system/node", root / "devices/system/cpu"
        self._last: Topology | None = None
        self._online: CpuSet = frozenset()

    def read(self) -> Topology:
        """
        Return the topology; cores, sockets and caches are re-read only when a list of CPUs changed.

        A kernel without NUMA nodes (many ARM boards) gets one node per physical package, as in the kubelet, or a single
        node if packages are not stated either.

        Raises TopologyError if the kernel shows no CPUs or a file is not a CPU list.

        Source: Documentation/ABI/stable/sysfs-devices-node and sysfs-devices-system-cpu; cAdvisor utils/sysinfo
        GetNodesInfo, getNodesInfoWithoutNUMA; the kubelet's own e2e test of alignment reads the same files.
        """
        cpus_by_node = self._cpus_by_node()
        if cpus_by_node is None:
            return self._without_nodes()
        if self._last is None or self._last.cpus_by_node != cpus_by_node:
            cpus = sorted(frozenset[int]().union(*cpus_by_node.values()))
            self._last = Topology(cpus_by_node, self._cores(cpus))
        return self._last

    def _cpus_by_node(self) -> dict[int, CpuSet] | None:
        """Return each node's CPUs (empty for a memory-only node); None if the kernel has no NUMA nodes."""
        with _named_faults(self._nodes):
            if not self._nodes.exists() and self._cpus.exists():
                return None
            found = ((int(match[1]), path) for path in self._nodes.iterdir() if (match := _NODE.fullmatch(path.name)))
            return {node: parse_cpuset((path / "cpulist").read_text()) for node, path in sorted(found)} or None

    def _without_nodes(self) -> Topology:
        """Return one node per physical package if the kernel states packages, else a single node."""
        with _named_faults(self._cpus):
            online = parse_cpuset((self._cpus / "online").read_text())
        if not online:
            raise TopologyError(Reason.UNAVAILABLE, f"no CPU is online below {self._cpus}")
        if self._last is None or self._online != online:
            cores = self._cores(sorted(online))
            packages: dict[int, set[int]] = {}
            for cpu, core in cores.items():
                packages.setdefault(max(core.socket, 0), set()).add(cpu)
            self._online = online
            self._last = Topology({number: frozenset(cpus) for number, cpus in sorted(packages.items())}, cores)
        return self._last

    def _cores(self, cpus: Iterable[int]) -> dict[int, Core]:
        """Return core, socket and cache of each CPU, -1 for what the kernel does not state."""
        return {cpu: self._core(cpu) for cpu in cpus}

    def _core(self, cpu: int) -> Core:
        folder = self._cpus / f"cpu{cpu}"
        topology = folder / "topology"
        return Core(_number(topology / "core_id"), _number(topology / "physical_package_id"), _last_cache(folder))


@contextmanager
def _named_faults(folder: Path) -> Iterator[None]:
    """Translate errors of reading below a folder to TopologyError."""
    try:
        yield
    except PermissionError as error:
        raise TopologyError(Reason.DENIED, f"cannot read {error.filename}") from error
    except OSError as error:
        raise TopologyError(Reason.UNAVAILABLE, f"cannot read {error.filename}: {error.strerror}") from error
    except ValueError as error:
        raise TopologyError(Reason.MALFORMED, f"a cpulist below {folder}: {error}") from error


def _last_cache(folder: Path) -> int:
    """
    Return the lowest CPU that shares the last-level cache of a CPU, which identifies the cache; -1 if not stated.

    The cache's own id is not used: not every architecture states it.

    Source: /sys/devices/system/cpu/cpu*/cache/index*/level and shared_cpu_list, as in the kubelet's UncoreCacheID.
    """
    best = (0, -1)
    for index in _caches(folder / "cache"):
        level = _number(index / "level")
        try:
            shared = parse_cpuset((index / "shared_cpu_list").read_text())
        except (OSError, ValueError):
            continue
        if shared and level >= best[0]:
            best = (level, min(shared))
    return best[1] if best[0] >= _LEAST_LEVEL else -1


def _caches(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(path for path in folder.iterdir() if _CACHE.fullmatch(path.name))
    except OSError:
        return


def _number(path: Path) -> int:
    """Return the number in a sysfs file; -1 if there is none (the kernel writes -1 itself where it does not know)."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return -1

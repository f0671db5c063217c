"""Read the CPUs on which the kernel lets containers run from their cgroups, version 1 or 2."""

import os
import re
from collections import deque
from collections.abc import Collection, Mapping
from pathlib import Path

from podres_exporter.cpuset import CpuSet, parse_cpuset
from podres_exporter.model import Unread

MAX_FOLDERS = 20_000
"""How many folders one search reads; a node of 500 pods has about 2,500."""

RETRY_READS = 6
"""After so many reads, containers that were not found are searched for again: once a minute by default."""

_MAX_BYTES = 65_536
_VERSION_2 = ("cpuset.cpus.effective",)
_VERSION_1 = ("cpuset.effective_cpus", "cpuset.cpus")


class CgroupCpusets:
    """
    A CpusetSource on a cgroup tree. A container's folder is searched for once and then read at its known path.

    It is found by the ID at the end of its name, because all else depends on the kubelet's cgroup driver and root, the
    runtime, the QoS class, and for static pods on another UID than the API server's. With the systemd driver it is
    `cri-containerd-ID.scope`, `crio-ID.scope` or `docker-ID.scope` below `kubepods.slice`, with cgroupfs `ID` or
    `crio-ID` below `kubepods`, and `SLICE:cri-containerd:ID` where runtime and kubelet use different drivers.

    Source: kubelet cm/cgroup_manager_linux.go (names), containerd and CRI-O (container folders), cgroup-v2.rst and
    cpuset(7) (files). `crio-conmon-ID.scope` is CRI-O's monitor of the container.
    """

    def __init__(self, root: Path) -> None:
        """Read below *root*, `/sys/fs/cgroup` on a real machine."""
        self._root = root
        self._found: dict[str, Path] = {}
        self._missed: dict[str, Unread] = {}
        self._reads = 0

    def read(self, ids: Collection[str]) -> Mapping[str, CpuSet | Unread]:
        """Return for each container ID the CPUs of its cgroup, or why they cannot be read; raises nothing."""
        self._reads += 1
        is_version_2 = (self._root / "cgroup.controllers").exists()
        self._found = {each: path for each, path in self._found.items() if each in ids}
        self._missed = {} if self._reads % RETRY_READS == 0 else self._missed
        wanted = set(ids) - self._found.keys() - self._missed.keys()
        if wanted:
            self._search(self._root if is_version_2 else self._root / "cpuset", wanted)
        names = _VERSION_2 if is_version_2 else _VERSION_1
        return {each: self._cpus(each, names) if each in self._found else self._missed[each] for each in sorted(ids)}

    def _search(self, top: Path, wanted: set[str]) -> None:
        """Search for the folders of the containers, below `kubepods` first; each folder is read at most once."""
        reason, folders = Unread.NOT_FOUND, deque([top])
        for _ in range(MAX_FOLDERS):
            if not folders or not wanted:
                break
            folder = folders.popleft()
            try:
                with os.scandir(folder) as entries:
                    names = sorted(each.name for each in entries if each.is_dir(follow_symlinks=False))
            except PermissionError:
                reason = Unread.DENIED
                continue
            except OSError:
                continue
            for name in names:
                container = _container_of(name)
                if container in wanted:
                    wanted.discard(container)
                    self._found[container] = folder / name
                elif "kubepods" in name or "kubepods" in str(folder):
                    folders.appendleft(folder / name)
                else:
                    folders.append(folder / name)
        self._missed.update(dict.fromkeys(wanted, reason))

    def _cpus(self, container: str, names: Collection[str]) -> CpuSet | Unread:
        """Return the CPUs of a found container; a folder that has gone is forgotten."""
        folder = self._found[container]
        for name in names:
            try:
                with (folder / name).open("rb") as file:
                    cpus = parse_cpuset(file.read(_MAX_BYTES).decode("ascii"))
            except FileNotFoundError:
                continue
            except PermissionError:
                return Unread.DENIED
            except OSError:  # the kernel's answer for a folder that is being removed
                break
            except ValueError:
                return Unread.MALFORMED
            return cpus or Unread.NO_CPUSET
        if folder.exists():
            return Unread.NO_CPUSET
        del self._found[container]
        return Unread.NOT_FOUND


def _container_of(name: str) -> str:
    """Return the container ID at the end of a folder's name; empty for a monitor's folder."""
    return "" if "-conmon-" in name else re.split("[-:]", name.removesuffix(".scope"))[-1]

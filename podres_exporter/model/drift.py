"""How far the kernel's cpusets differ from the exclusive CPUs that the kubelet lists."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from podres_exporter.cpuset import CpuSet
from podres_exporter.model.metadata import PodKey


class Unread(StrEnum):
    """
    Why a container's cpuset is not compared.

    NO_METADATA: its ID is not known. NOT_FOUND: no cgroup has its ID. NO_CPUSET: its cgroup states no CPUs. DENIED,
    MALFORMED: the file cannot be read or is no CPU list. UNKNOWN_CPUS: it holds CPUs that nobody lists one by one.
    """

    NO_METADATA = "no_metadata"
    NOT_FOUND = "not_found"
    NO_CPUSET = "no_cpuset"
    DENIED = "denied"
    MALFORMED = "malformed"
    UNKNOWN_CPUS = "unknown_cpus"


@dataclass(frozen=True, slots=True)
class PinnedContainer:
    """A running container with the exclusive CPUs that are listed for it, and its ID in the container runtime."""

    pod: PodKey
    name: str
    cpus: CpuSet
    container_id: str

    @property
    def key(self) -> tuple[PodKey, str]:
        """The pod's key and the container's name."""
        return self.pod, self.name


@dataclass(frozen=True, slots=True)
class CpusetDrift:
    """One container: *missing* are listed CPUs on which it may not run, *foreign* are those it uses beyond the list."""

    container: PinnedContainer
    missing: CpuSet
    foreign: CpuSet

    @property
    def differs(self) -> bool:
        """Whether the kernel and the kubelet disagree."""
        return bool(self.missing or self.foreign)


@dataclass(frozen=True, slots=True)
class Drift:
    """The compared containers, sorted, and how many could not be compared, by reason."""

    containers: tuple[CpusetDrift, ...] = ()
    unread: Mapping[Unread, int] = field(default_factory=dict)

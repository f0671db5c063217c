"""The Device Manager's interface to the rest of the simulator: frozen records, no protobuf."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from podres_exporter.errors import PodresError


class PluginError(PodresError):
    """A plugin was refused, did not answer or answered with an error; the text is the kubelet's."""


@dataclass(frozen=True, slots=True)
class DeviceState:
    """
    One device.

    *numa_nodes* is kept as the plugin stated it: None is no topology at all, () a topology without nodes; a node may
    be -1 or one that the machine does not have. What *healthy* means depends on the view it stands in.
    """

    numa_nodes: tuple[int, ...] | None = None
    healthy: bool = True


@dataclass(frozen=True, slots=True)
class PluginOptions:
    """Which optional calls a plugin wants (DevicePluginOptions)."""

    pre_start_required: bool = False
    get_preferred_allocation_available: bool = False


@dataclass(frozen=True, slots=True)
class Mount:
    """A directory or file of the host to mount into the container."""

    container_path: str
    host_path: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class DeviceNode:
    """A device file of the host to give to the container; *permissions* are some of r, w and m."""

    container_path: str
    host_path: str
    permissions: str


@dataclass(frozen=True, slots=True)
class AllocateResult:
    """What a container needs to use its devices (ContainerAllocateResponse); *message* is that, serialised."""

    envs: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    devices: tuple[DeviceNode, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    cdi_names: tuple[str, ...] = ()
    message: bytes = field(default=b"", compare=False, repr=False)

"""Where the facts come from: the kubelet's socket and the kernel's sysfs."""

from podres_exporter.sources.kubelet import KubeletClient
from podres_exporter.sources.ports import KubeletSource, SocketIdentity, TopologySource
from podres_exporter.sources.topology import SysfsTopology

__all__ = ["KubeletClient", "KubeletSource", "SocketIdentity", "SysfsTopology", "TopologySource"]

"""
Local sources: the kubelet's pod-resources socket, sysfs, cgroups, recordings, and the source interfaces.
"""

from podres_exporter.sources.fixed import FixedMetadata
from podres_exporter.sources.interfaces import KubeletSource, PodMetaSource, SocketIdentity, TopologySource
from podres_exporter.sources.kubelet import KubeletClient
from podres_exporter.sources.topology import SysfsTopology

__all__ = [
    "FixedMetadata",
    "KubeletClient",
    "KubeletSource",
    "PodMetaSource",
    "SocketIdentity",
    "SysfsTopology",
    "TopologySource",
]

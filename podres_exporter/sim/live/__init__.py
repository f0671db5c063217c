"""
A live simulated node: admits pods from its API server, gives them devices of real plugins, and serves one kubelet.

`LiveNode` plays a scenario whose pods say what they ask for; `Control` changes things while it runs.
"""

from podres_exporter.sim.live.control import Control
from podres_exporter.sim.live.kubelet import Kubelet
from podres_exporter.sim.live.live_pod import LivePod, Phase
from podres_exporter.sim.live.node import LiveNode

__all__ = ["Control", "Kubelet", "LiveNode", "LivePod", "Phase"]

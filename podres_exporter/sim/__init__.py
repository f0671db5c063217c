"""
The simulated node: a pod-resources endpoint and a fake /sys that play a scenario.

`SimNode` plays a whole scenario over time, `SimKubelet` is the endpoint alone, with given answers.
"""

from podres_exporter.sim.node import SimNode, builtin_scenario
from podres_exporter.sim.podresources.answers import Answers, FixedAnswers, RpcFault, StateAnswers
from podres_exporter.sim.podresources.kubelet import SimKubelet
from podres_exporter.sim.podresources.restart import answers_after_restart
from podres_exporter.sim.sysfs import write_sysfs

__all__ = [
    "Answers",
    "FixedAnswers",
    "RpcFault",
    "SimKubelet",
    "SimNode",
    "StateAnswers",
    "answers_after_restart",
    "builtin_scenario",
    "write_sysfs",
]

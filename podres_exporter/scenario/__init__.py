"""
Scenarios of the simulator: one node over time, as a YAML or JSON document and as frozen records.

`parse_scenario` parses a document, `node_at` returns the node's state at a point in time, `conditions_at` its faults.
Nothing here reads a file, a clock or a socket.
"""

from podres_exporter.scenario.conditions import Conditions, conditions_at
from podres_exporter.scenario.life import Life, life_at
from podres_exporter.scenario.parse import parse_scenario
from podres_exporter.scenario.records import (
    CLAIM_STATUSES,
    ContainerSpec,
    DeviceSpec,
    Fault,
    FaultKind,
    KubeletSettings,
    NumaNode,
    PodSpec,
    Release,
    ResourceSpec,
    Scenario,
    SliceSpec,
    parse_release,
)
from podres_exporter.scenario.state import NodeState, node_at

__all__ = [
    "CLAIM_STATUSES",
    "Conditions",
    "ContainerSpec",
    "DeviceSpec",
    "Fault",
    "FaultKind",
    "KubeletSettings",
    "Life",
    "NodeState",
    "NumaNode",
    "PodSpec",
    "Release",
    "ResourceSpec",
    "Scenario",
    "SliceSpec",
    "conditions_at",
    "life_at",
    "node_at",
    "parse_release",
    "parse_scenario",
]

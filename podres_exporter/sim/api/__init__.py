"""
The API server of the simulated node: pods, nodes and DRA objects over HTTP, for kubectl, the exporter and its tests.

The owner of the simulation fills the `Store`; `ApiServer` serves it, and its `faults` say what goes wrong.
"""

from podres_exporter.sim.api.http.answer import Answer
from podres_exporter.sim.api.serving.backends import Backend, Backends, Inquiry
from podres_exporter.sim.api.serving.fault_kinds import YOUNG, Delay, Drop, Fail, Hang, StreamFault, Trickle
from podres_exporter.sim.api.serving.faults import ANY, Faults
from podres_exporter.sim.api.serving.journal import Entry, Journal
from podres_exporter.sim.api.serving.server import ApiServer, kubeconfig
from podres_exporter.sim.api.storage.history import Event, EventType
from podres_exporter.sim.api.storage.resources import (
    DAEMON_SETS,
    DEVICE_CLASSES,
    NAMESPACES,
    NODES,
    PODS,
    RESOURCE_CLAIM_TEMPLATES,
    RESOURCE_CLAIMS,
    RESOURCE_SLICES,
    Resource,
)
from podres_exporter.sim.api.storage.status import StatusError
from podres_exporter.sim.api.storage.store import Store

__all__ = [
    "ANY",
    "DAEMON_SETS",
    "DEVICE_CLASSES",
    "NAMESPACES",
    "NODES",
    "PODS",
    "RESOURCE_CLAIMS",
    "RESOURCE_CLAIM_TEMPLATES",
    "RESOURCE_SLICES",
    "YOUNG",
    "Answer",
    "ApiServer",
    "Backend",
    "Backends",
    "Delay",
    "Drop",
    "Entry",
    "Event",
    "EventType",
    "Fail",
    "Faults",
    "Hang",
    "Inquiry",
    "Journal",
    "Resource",
    "StatusError",
    "Store",
    "StreamFault",
    "Trickle",
    "kubeconfig",
]

"""
The API server of the simulated node: pods, nodes and DRA objects over HTTP, for kubectl, the exporter and its tests.

The owner of the simulation fills the `Store`; `ApiServer` serves it, and its `faults` say what goes wrong.
"""

from podres_exporter.sim.api.answer import Answer
from podres_exporter.sim.api.backends import Backend, Backends, Inquiry
from podres_exporter.sim.api.faultkinds import YOUNG, Delay, Drop, Fail, Hang, StreamFault, Trickle
from podres_exporter.sim.api.faults import ANY, Faults
from podres_exporter.sim.api.history import Event, EventType
from podres_exporter.sim.api.journal import Entry, Journal
from podres_exporter.sim.api.kubeconfig import kubeconfig
from podres_exporter.sim.api.resources import (
    DAEMON_SETS,
    NAMESPACES,
    NODES,
    PODS,
    RESOURCE_CLAIMS,
    RESOURCE_SLICES,
    Resource,
)
from podres_exporter.sim.api.server import ApiServer
from podres_exporter.sim.api.status import StatusError
from podres_exporter.sim.api.store import Store

__all__ = [
    "ANY",
    "DAEMON_SETS",
    "NAMESPACES",
    "NODES",
    "PODS",
    "RESOURCE_CLAIMS",
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

"""State shared by the parts of the running API server."""

from dataclasses import dataclass, field

from podres_exporter.clock import Clock
from podres_exporter.sim.api.serving.backends import Backends
from podres_exporter.sim.api.serving.faults import Faults
from podres_exporter.sim.api.serving.journal import Journal
from podres_exporter.sim.api.storage.store import Store


@dataclass(slots=True)
class ServerState:
    """
    The objects, the clock, and the server's behaviour.

    *token* may be changed while the server runs, as tokens are rotated. *user* is the user name in refusals, *version*
    the server's version.
    """

    store: Store
    clock: Clock
    token: str | None
    user: str
    version: str
    faults: Faults = field(default_factory=Faults)
    journal: Journal = field(default_factory=Journal)
    backends: Backends = field(default_factory=Backends)

"""A log of the calls between kubelet and device plugins, with their responses."""

import json
import logging
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podres_exporter.sim.devices.records import AllocateResult

log = logging.getLogger(__name__)

_KEPT = 1000
_NAMED = 8
"""How many ids a line names; a list of thousands is counted."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call, or one list of ListAndWatch, with what was asked and answered, in words."""

    resource: str
    method: str
    asked: str
    answer: str

    def __str__(self) -> str:
        """Return it as one line."""
        return " ".join(filter(None, (self.resource, self.method, self.asked, "->", self.answer)))


class Calls:
    """The last calls of all plugins, oldest first; may be used from any thread."""

    def __init__(self) -> None:
        """Begin without any."""
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=_KEPT)

    def note(self, resource: str, method: str, asked: str, answer: str) -> None:
        """Remember a call, and log it."""
        with self._lock:
            self._calls.append(Call(resource, method, asked, answer))
        extra = {"resource": resource, "method": method, "asked": asked, "answer": answer}
        log.info("sim.plugin.call", extra={key: value for key, value in extra.items() if value})

    def recent(self, resource: str = "") -> Sequence[Call]:
        """Return the last calls, of one resource or of all."""
        with self._lock:
            return tuple(each for each in self._calls if resource in {"", each.resource})


def ids_text(ids: Sequence[str]) -> str:
    """Return ids in the order in which they were sent, the first few by name."""
    named = ",".join(ids[:_NAMED])
    return f"{named},... ({len(ids)})" if len(ids) > _NAMED else named or "none"


def list_text(healthy: Sequence[str], unhealthy: Sequence[str]) -> str:
    """Return what a list of ListAndWatch said."""
    sick = f" unhealthy={ids_text(unhealthy)}" if unhealthy else ""
    return f"healthy={ids_text(healthy)}{sick}"


def result_text(result: AllocateResult) -> str:
    """Return everything that a container gets; parts that are empty are left out."""
    parts: Mapping[str, object] = {
        "env": dict(sorted(result.envs.items())),
        "mounts": [f"{each.host_path}:{each.container_path}{':ro' * each.read_only}" for each in result.mounts],
        "devices": [f"{each.host_path}:{each.container_path}:{each.permissions}" for each in result.devices],
        "annotations": dict(sorted(result.annotations.items())),
        "cdi": list(result.cdi_names),
    }
    said = [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in parts.items() if value]
    return " ".join(said) or "nothing"

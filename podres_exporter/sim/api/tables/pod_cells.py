"""
Cells of kubectl's pod table: ready containers, status and restarts.

Source: printPod in pkg/printers/internalversion/printers.go of Kubernetes 1.33, whose order of rules is kept.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from podres_exporter.sim.api.storage.objects import Object, at
from podres_exporter.text.amounts import short_age


@dataclass(frozen=True, slots=True)
class PodCells:
    """READY, STATUS and RESTARTS of one pod."""

    ready: str
    status: str
    restarts: str


def pod_cells(pod: Object, now_seconds: float) -> PodCells:
    """Return the three cells; *now_seconds* is wall time."""
    init = {each["name"]: each for each in at(pod, "spec.initContainers") or ()}
    sidecars = {name for name, each in init.items() if each.get("restartPolicy") == "Always"}
    inits: Sequence[Object] = at(pod, "status.initContainerStatuses") or ()
    mains: Sequence[Object] = at(pod, "status.containerStatuses") or ()
    ready = [each for each in inits if each["name"] in sidecars and each.get("started") and each.get("ready")]
    reason, counted = _initializing(inits, sidecars, len(init)), inits
    if reason is None or _has_condition(pod, "Initialized"):
        reason = _running(pod, mains) or reason
        ready += [each for each in mains if each.get("ready") and _state(each, "running") is not None]
        counted = [*(each for each in inits if each["name"] in sidecars), *mains]
    total = len(at(pod, "spec.containers") or ()) + len(sidecars)
    return PodCells(
        ready=f"{len(ready)}/{total}",
        status=_deletion(pod) or reason or _phase(pod),
        restarts=_restarts(counted, now_seconds),
    )


def _phase(pod: Object) -> str:
    """Return the phase, or the reason that the pod as a whole has, such as `Evicted`."""
    gates = (each.get("reason") for each in at(pod, "status.conditions") or () if each["type"] == "PodScheduled")
    if "SchedulingGated" in gates:
        return "SchedulingGated"
    return at(pod, "status.reason") or at(pod, "status.phase") or ""


def _initializing(statuses: Iterable[Object], sidecars: set[str], total: int) -> str | None:
    """Return what the first init container that is not done is doing, None if all are done."""
    for index, each in enumerate(statuses):
        ended, waiting = _state(each, "terminated"), _state(each, "waiting")
        if ended is not None and ended.get("exitCode", 0) == 0:
            continue
        if each["name"] in sidecars and each.get("started"):
            continue
        if ended is not None:
            return f"Init:{_end(ended)}"
        if waiting is not None and waiting.get("reason", "PodInitializing") != "PodInitializing":
            return f"Init:{waiting['reason']}"
        return f"Init:{index}/{total}"
    return None


def _running(pod: Object, statuses: Sequence[Object]) -> str | None:
    """Return the reason of the first container that has one, None where all simply run."""
    reason, has_running = None, False
    for each in reversed(statuses):
        waiting, ended = _state(each, "waiting"), _state(each, "terminated")
        if waiting is not None and waiting.get("reason"):
            reason = waiting["reason"]
        elif ended is not None:
            reason = _end(ended)
        elif each.get("ready") and _state(each, "running") is not None:
            has_running = True
    if reason == "Completed" and has_running:
        return "Running" if _has_condition(pod, "Ready") else "NotReady"
    return reason


def _end(ended: Object) -> str:
    """Return why a container ended."""
    if ended.get("reason"):
        return str(ended["reason"])
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"


def _deletion(pod: Object) -> str | None:
    """Return the status of a pod that is being deleted, None for others."""
    if at(pod, "metadata.deletionTimestamp") is None:
        return None
    if at(pod, "status.reason") == "NodeLost":
        return "Unknown"
    return None if at(pod, "status.phase") in {"Succeeded", "Failed"} else "Terminating"


def _restarts(statuses: Iterable[Object], now_seconds: float) -> str:
    """Return the number of restarts, and how long ago the last was where that is known."""
    statuses = tuple(statuses)
    count = sum(each.get("restartCount", 0) for each in statuses)
    ends = [at(each, "lastState.terminated.finishedAt") for each in statuses]
    last = max((end for end in ends if end), default=None)
    return f"{count} ({age(last, now_seconds)} ago)" if count and last else str(count)


def age(timestamp: str | None, now_seconds: float) -> str:
    """Return the time since a timestamp of an object, as tables show it."""
    if not timestamp:
        return "<unknown>"
    seconds = now_seconds - datetime.fromisoformat(timestamp).timestamp()
    return "<invalid>" if int(seconds) < -1 else short_age(seconds)


def _state(status: Object, name: str) -> Any:
    """Return the container's state of that name, None where it is in another; an empty state counts."""
    return status.get("state", {}).get(name)


def _has_condition(pod: Object, kind: str) -> bool:
    """Return whether the pod's condition of that type is true."""
    return any(each["type"] == kind and each["status"] == "True" for each in at(pod, "status.conditions") or ())

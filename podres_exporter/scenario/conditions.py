"""What is wrong with the kubelet at one moment of a scenario."""

from dataclasses import dataclass

from podres_exporter.scenario.records import Fault, FaultKind, Scenario


@dataclass(frozen=True, slots=True)
class Conditions:
    """
    The kubelet's state by the timeline.

    *restarts* counts the restarts that have begun. *pods_incomplete* is how far the window after the last one has gone,
    from 0 (just serving again) to below 1, and None outside of it. *plugins_gone*: no plugin has registered again yet.
    *unhealthy* devices are by (resource, id), *plugins_down* by resource.
    """

    serving: bool = True
    hanging: bool = False
    throttled: bool = False
    restarts: int = 0
    pods_incomplete: float | None = None
    plugins_gone: bool = False
    unhealthy: frozenset[tuple[str, str]] = frozenset()
    plugins_down: frozenset[str] = frozenset()
    api_down: bool = False


def conditions_at(scenario: Scenario, seconds: float) -> Conditions:
    """Return the conditions at this second of the scenario's clock; a function of its arguments only."""
    faults = [fault for fault in scenario.faults if _active(fault, seconds)]
    active = {fault.kind for fault in faults}
    restarts = [fault for fault in scenario.faults if fault.kind is FaultKind.RESTART]
    windows = [_window(fault, seconds) for fault in restarts]
    return Conditions(
        serving=not active & {FaultKind.RESTART, FaultKind.DOWN},
        hanging=FaultKind.HANG in active,
        throttled=FaultKind.THROTTLE in active,
        restarts=sum(_begun(fault, seconds) for fault in restarts),
        pods_incomplete=min((share for share in windows if share is not None), default=None),
        plugins_gone=any(0 <= _since_up(fault, seconds) < fault.plugins_seconds for fault in restarts),
        unhealthy=frozenset((each.resource, each.device_id) for each in faults if each.kind is FaultKind.UNHEALTHY),
        plugins_down=frozenset(each.resource for each in faults if each.kind is FaultKind.PLUGIN_DOWN),
        api_down=FaultKind.API_DOWN in active,
    )


def _begun(fault: Fault, seconds: float) -> int:
    """Return how often the fault has begun so far."""
    age = seconds - fault.at_seconds
    if age < 0:
        return 0
    return 1 if fault.every_seconds is None else 1 + int(age // fault.every_seconds)


def _since_up(fault: Fault, seconds: float) -> float:
    """Return the seconds since the fault was last over; negative while it lasts, and before it first came."""
    begun = _begun(fault, seconds)
    if not begun:
        return -1.0
    start = fault.at_seconds + (begun - 1) * (fault.every_seconds or 0.0)
    return seconds - start - fault.duration_seconds


def _active(fault: Fault, seconds: float) -> bool:
    return _begun(fault, seconds) > 0 and _since_up(fault, seconds) < 0


def _window(fault: Fault, seconds: float) -> float | None:
    since = _since_up(fault, seconds)
    return since / fault.window_seconds if 0 <= since < fault.window_seconds else None

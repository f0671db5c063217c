"""The faults that affect the kubelet at one moment of a scenario."""

from collections.abc import Iterable
from dataclasses import dataclass

from podres_exporter.scenario.records import Fault, FaultKind, Scenario


@dataclass(frozen=True, slots=True)
class Conditions:
    """
    The kubelet's condition according to the timeline.

    *restarts* counts the restarts that have begun. *pods_incomplete* is the progress of the period after the last one
    in which pods are missing, from 0 (serving again, or still without the API server) to below 1, and None outside it.
    *plugins_gone*: no plugin has registered again yet. *unhealthy* and *doubled* devices are by (resource, id),
    *plugins_down* by resource.
    """

    serving: bool = True
    hanging: bool = False
    throttled: bool = False
    restarts: int = 0
    pods_incomplete: float | None = None
    plugins_gone: bool = False
    unhealthy: frozenset[tuple[str, str]] = frozenset()
    plugins_down: frozenset[str] = frozenset()
    doubled: frozenset[tuple[str, str]] = frozenset()
    api_down: bool = False
    api_half_open: bool = False
    api_young: bool = False
    pods_api_down: bool = False
    pods_api_refuses: bool = False
    pods_api_silent: bool = False

    @property
    def api_away(self) -> bool:
        """Whether the API server answers no requests."""
        return self.api_down or self.api_half_open


_OUTAGES = frozenset({FaultKind.API_DOWN, FaultKind.API_HALF_OPEN})


def conditions_at(scenario: Scenario, seconds: float) -> Conditions:
    """Return the conditions at this second of the scenario; a function of its arguments only."""
    faults = [fault for fault in scenario.faults if _active(fault, seconds)]
    active = {fault.kind for fault in faults}
    restarts = [fault for fault in scenario.faults if fault.kind is FaultKind.RESTART]
    outages = [fault for fault in scenario.faults if fault.kind in _OUTAGES]
    windows = [_window(fault, outages, seconds) for fault in restarts]
    return Conditions(
        serving=not active & {FaultKind.RESTART, FaultKind.DOWN},
        hanging=FaultKind.HANG in active,
        throttled=FaultKind.THROTTLE in active,
        restarts=sum(_begun(fault, seconds) for fault in restarts),
        pods_incomplete=min((share for share in windows if share is not None), default=None),
        plugins_gone=any(0 <= _since_up(fault, seconds) < fault.plugins_seconds for fault in restarts),
        unhealthy=frozenset((each.resource, each.device_id) for each in faults if each.kind is FaultKind.UNHEALTHY),
        plugins_down=frozenset(each.resource for each in faults if each.kind is FaultKind.PLUGIN_DOWN),
        doubled=frozenset((each.resource, each.device_id) for each in faults if each.kind is FaultKind.DOUBLE),
        api_down=FaultKind.API_DOWN in active,
        api_half_open=FaultKind.API_HALF_OPEN in active,
        api_young=FaultKind.API_YOUNG in active,
        pods_api_down=FaultKind.PODS_API_DOWN in active,
        pods_api_refuses=FaultKind.PODS_API_REFUSES in active,
        pods_api_silent=FaultKind.PODS_API_SILENT in active,
    )


def _begun(fault: Fault, seconds: float) -> int:
    """Return how often the fault has started so far."""
    age = seconds - fault.at_seconds
    if age < 0:
        return 0
    return 1 if fault.every_seconds is None else 1 + int(age // fault.every_seconds)


def _since_up(fault: Fault, seconds: float) -> float:
    """Return the seconds since the fault last ended; negative during the fault, and before the first one."""
    begun = _begun(fault, seconds)
    if not begun:
        return -1.0
    start = fault.at_seconds + (begun - 1) * (fault.every_seconds or 0.0)
    return seconds - start - fault.duration_seconds


def _active(fault: Fault, seconds: float) -> bool:
    return _begun(fault, seconds) > 0 and _since_up(fault, seconds) < 0


def _window(restart: Fault, outages: Iterable[Fault], seconds: float) -> float | None:
    """
    Return the progress of the period of incomplete pods after a restart, None if it is over.

    It starts when the kubelet serves again, and restarts after each outage of the API server that overlaps it.
    """
    up = seconds - _since_up(restart, seconds)
    if up > seconds:
        return None
    begin = up
    while begin <= seconds:
        ends = (_end_within(outage, begin, begin + restart.window_seconds) for outage in outages)
        later = max((end for end in ends if end is not None), default=None)
        if later is None:
            break
        begin = later
    if begin > seconds:
        return 0.0
    return (seconds - begin) / restart.window_seconds if seconds < begin + restart.window_seconds else None


def _end_within(outage: Fault, begin: float, end: float) -> float | None:
    """Return the end of an outage that overlaps the time from *begin* to *end*, None if there is none."""
    since = _since_up(outage, end)
    over = end - since
    return over if _begun(outage, end) and over > begin else None

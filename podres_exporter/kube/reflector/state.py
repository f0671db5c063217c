"""
The state machine of a reflector, as a table: state, event, next action.

    LISTING   --Listed-->                 WATCHING   watch from the list's version
    WATCHING  --Progressed-->             WATCHING   read on
    WATCHING  --Ended-->                  BACKOFF    pause: short, unless it ended at once
    either    --Disconnected(reason)-->   BACKOFF    pause; a reason that has cost events forgets the version
    BACKOFF   --Rested-->                 WATCHING   where a version is known
                                          LISTING    where none is

Pure: no socket, no clock, no random number. The driver executes the action and reports the outcome.

Source: list and watch as in "Efficient detection of changes" of the Kubernetes API concepts, and client-go's Reflector.
"""

from dataclasses import dataclass, replace
from enum import Enum

from podres_exporter.errors import Reason
from podres_exporter.kube.reflector.pacing import LOADING_PAUSE, LOADING_TRIES, Pause, pause, pause_unreached

STABLE_SECONDS = 30.0
"""A watch that lasted this long was healthy: the next failure counts as the first."""

RESUMABLE = frozenset({Reason.UNAVAILABLE, Reason.THROTTLED, Reason.DENIED})
"""
Failure reasons after which a watch can be resumed from its version.

All others mean that an event was lost or that the version is no longer usable. A timeout is one of them: a server that
is behind our version, as after etcd was restored from a backup, never sends anything, not even a bookmark.
"""


class Phase(Enum):
    """What is in progress."""

    LISTING = "listing"
    WATCHING = "watching"
    BACKOFF = "backoff"


@dataclass(frozen=True, slots=True)
class ReflectorState:
    """
    The state. *version* is the last one up to which everything is known; empty: a list is needed first.

    Each cause is counted separately: *failures* of a server that answers, *expiries* of versions, attempts that left
    the server *unreached*, and refusals by a server that *was_away* and may still be *loading* its roles.
    """

    phase: Phase = Phase.LISTING
    version: str = ""
    failures: int = 0
    expiries: int = 0
    unreached: int = 0
    loading: int = 0
    was_away: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A list has been received, at *version*."""

    version: str


@dataclass(frozen=True, slots=True)
class Progressed:
    """A watch event was received; everything up to *version* is known now (empty: not stated)."""

    version: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The watch ended regularly, for example after `timeoutSeconds`."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """A list or a watch failed; GONE is the 410 of a version that is too old, as a status or in the stream."""

    reason: Reason
    retry_after_seconds: float | None = None
    is_unreached: bool = False
    is_loading: bool = False


@dataclass(frozen=True, slots=True)
class Rested:
    """The pause is over."""


@dataclass(frozen=True, slots=True)
class List:
    """List all objects."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Watch from *version*; after Progressed the watch is already running."""

    version: str


Happening = Listed | Progressed | Ended | Disconnected | Rested
Action = List | Watch | Pause


def step(state: ReflectorState, happening: Happening, lasted_seconds: float = 0.0) -> tuple[ReflectorState, Action]:
    """Return the new state and action; *lasted_seconds* is the duration of the request that just ended."""
    match happening:
        case Listed(version):
            return replace(state, phase=Phase.WATCHING, version=version), Watch(version)
        case Progressed(version):
            latest = version or state.version
            return replace(state, phase=Phase.WATCHING, version=latest), Watch(latest)
        case Rested() if state.version:
            return replace(state, phase=Phase.WATCHING), Watch(state.version)
        case Rested():
            return replace(state, phase=Phase.LISTING), List()
        case Ended():
            failures = 0 if _was_stable(state, lasted_seconds) else state.failures + 1
            return ReflectorState(Phase.BACKOFF, state.version, failures), pause(failures)
        case _:
            return _after_failure(state, happening, lasted_seconds)


def _after_failure(
    state: ReflectorState, happening: Disconnected, lasted_seconds: float
) -> tuple[ReflectorState, Pause]:
    """Return the new state and the pause after a failed list or watch."""
    reason = happening.reason
    is_stable = _was_stable(state, lasted_seconds)
    if is_stable:
        state = replace(state, failures=0, expiries=0, unreached=0, loading=0, was_away=False)
    version = state.version if reason in RESUMABLE else ""
    was_away = state.was_away or reason in {Reason.UNAVAILABLE, Reason.TIMEOUT}
    after = replace(state, phase=Phase.BACKOFF, version=version, was_away=was_away)
    if happening.is_unreached:
        return replace(after, unreached=state.unreached + 1), pause_unreached(state.unreached + 1)
    if happening.is_loading and state.was_away and state.loading < LOADING_TRIES:
        return replace(after, loading=state.loading + 1), LOADING_PAUSE
    failures, expiries = state.failures + 1, state.expiries + (reason is Reason.GONE)
    # Versions expire in healthy clusters too, and whenever an API server was away. The first expiry shows that the
    # server is up, whatever failed before, and costs only a list.
    counted = expiries - 1 if reason is Reason.GONE else failures
    after = replace(after, failures=failures, expiries=expiries)
    return after, pause(counted, reason, happening.retry_after_seconds)


def _was_stable(state: ReflectorState, lasted_seconds: float) -> bool:
    """Return whether a watch (not a list) lasted long enough to be considered healthy."""
    return state.phase is Phase.WATCHING and lasted_seconds >= STABLE_SECONDS

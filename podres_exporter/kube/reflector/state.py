"""
The state machine of a reflector, as a table: state, event, next action.

    LISTING   --Listed-->                 WATCHING   watch from the list's version
    WATCHING  --Progressed-->             WATCHING   read on
    WATCHING  --Ended-->                  BACKOFF    pause: short, unless it ended at once
    either    --Disconnected(reason)-->   BACKOFF    pause; a reason that has cost events forgets the version
    BACKOFF   --Rested-->                 WATCHING   where a version is known
                                          LISTING    where none is

Pure: no socket, no clock, no random number. The driver does what the action says and reports how that went.

Source: list and watch as in "Efficient detection of changes" of the Kubernetes API concepts, and client-go's Reflector.
"""

from dataclasses import dataclass, replace
from enum import Enum

from podres_exporter.errors import Reason
from podres_exporter.kube.reflector.pacing import LOADING_PAUSE, LOADING_TRIES, Pause, pause, pause_unreached

STABLE_SECONDS = 30.0
"""A watch that has lasted this long has worked: what happens then is the first failure again."""

RESUMABLE = frozenset({Reason.UNAVAILABLE, Reason.THROTTLED, Reason.DENIED})
"""
Reasons for which a watch may go on from where it was.

All others mean that an event was lost or that the version is of no use any more. A timeout is one of them: a server
that is behind our version, as after etcd was restored from a backup, says nothing for ever, not even a bookmark.
"""


class Phase(Enum):
    """What is under way."""

    LISTING = "listing"
    WATCHING = "watching"
    BACKOFF = "backoff"


@dataclass(frozen=True, slots=True)
class ReflectorState:
    """
    Where we stand. *version* is the last that we know everything of, empty: a list is needed first.

    Each cause is counted by itself: *failures* of a server that answers, *expiries* of versions, attempts by which no
    server was *unreached*, and refusals of one that *was_away* and may still be *loading* its roles.
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
    """A list has come, as of *version*."""

    version: str


@dataclass(frozen=True, slots=True)
class Progressed:
    """The watch has told something; everything up to *version* is known now (empty: it did not say)."""

    version: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The watch is over in good order, as after `timeoutSeconds`."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """A list or a watch has failed; GONE is the 410 of a version that is too old, as a status or in the stream."""

    reason: Reason
    retry_after_seconds: float | None = None
    is_unreached: bool = False
    is_loading: bool = False


@dataclass(frozen=True, slots=True)
class Rested:
    """The pause is over."""


@dataclass(frozen=True, slots=True)
class List:
    """Ask for all pods."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Follow what happens after *version*; after Progressed that is under way already."""

    version: str


Happening = Listed | Progressed | Ended | Disconnected | Rested
Action = List | Watch | Pause


def step(state: ReflectorState, happening: Happening, lasted_seconds: float = 0.0) -> tuple[ReflectorState, Action]:
    """Return the new state and what to do; *lasted_seconds* is how long the request has gone on that is over now."""
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
    """Return the new state and the pause after a list or a watch has failed."""
    reason = happening.reason
    is_stable = _was_stable(state, lasted_seconds)
    if is_stable:
        state = replace(state, failures=0, expiries=0, unreached=0, loading=0, was_away=False)
    version = state.version if reason in RESUMABLE else ""
    was_away = state.was_away or reason in {Reason.UNAVAILABLE, Reason.TIMEOUT}
    after = replace(state, phase=Phase.BACKOFF, version=version, was_away=was_away)
    if happening.is_unreached:
        return replace(after, unreached=state.unreached + 1, failures=0), pause_unreached(state.unreached + 1)
    if happening.is_loading and state.was_away and state.loading < LOADING_TRIES:
        return replace(after, loading=state.loading + 1), LOADING_PAUSE
    failures, expiries = state.failures + 1, state.expiries + (reason is Reason.GONE)
    # Versions expire in the best of clusters, and whenever an API server was away: the first time the server is there,
    # whatever failed before, and costs no more than the list.
    counted = expiries - 1 if reason is Reason.GONE else failures
    after = replace(after, failures=failures, expiries=expiries)
    return after, pause(counted, reason, happening.retry_after_seconds)


def _was_stable(state: ReflectorState, lasted_seconds: float) -> bool:
    """Return whether a watch, not a list, has gone on for long enough to have worked."""
    return state.phase is Phase.WATCHING and lasted_seconds >= STABLE_SECONDS

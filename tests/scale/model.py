"""
Compute the requests of a cluster's exporters to one API server. Pure.

The pauses are not written down here: `step`, which the exporter itself goes by, is asked for them, so that this cannot
say anything else than what the exporter does.
"""

import math
from dataclasses import dataclass

from scale.density import added, after, at_zero, bins, per_second

from podres_exporter.errors import Reason
from podres_exporter.kube.reflector.pacing import LONGEST_RETRY_AFTER_SECONDS, LONGEST_SECONDS, QUICK_SECONDS, Pause
from podres_exporter.kube.reflector.reflector import FIRST_PAUSE, SHORTEST_WATCH_SECONDS, WATCH_SPREAD_SECONDS
from podres_exporter.kube.reflector.state import STABLE_SECONDS, Disconnected, Phase, ReflectorState, Rested, step

BOOKMARK_SECONDS, LAST_BOOKMARKS = 60.0, 2
"""One comes every minute, and two in the last two seconds. Source: cacheWatcher.nextBookmarkTime in storage/cacher."""

BOOKMARK = (
    b'{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"1234567890",'
    b'"creationTimestamp":null},"spec":{"containers":null},"status":{}}}\n'
)

HISTORY_SECONDS = 75.0
"""The watch cache keeps the events of so long at least (defaultBookmarkFrequency and 15 s: eventFreshDuration)."""

CONTROLLER_CALLS_PER_SECOND = 20.0
"""What kube-controller-manager allows each of its controllers, unless told otherwise: `--kube-api-qps`."""

OBJECTS_PER_SEAT, MOST_SEATS = 100, 10
"""
A list is counted as wide as all objects of its kind in the cache, whatever its selector.

Source: KEP-1040 (width of requests), seatsBasedOnObjectCount of the API server's list_work_estimator.go. By size, as
newer ones count, it is the same: a list from the cache is 1 MB at most, at 100 kB a seat.
"""

SEATS, SHARES, ALL_SHARES = 600, 100, 245
"""
Seats of an API server (both `--max-...-requests-inflight` flags), and the share of the level `workload-low`.

That is the level of service accounts outside of kube-system (bootstrap/default.go of flowcontrol).
"""

QUEUES, QUEUE_LENGTH = 6, 50
"""All exporters are one user, so one flow of that level: it has so many queues, and what does not fit gets a 429."""

WATCH_KIB = (50, 100)
"""Memory that an open watch costs an API server, a crude estimate of kubernetes #117777."""

_LONGEST_SECONDS = 2 * (LONGEST_RETRY_AFTER_SECONDS + LONGEST_SECONDS)
"""So long after the end of an outage everybody is back for certain."""

_TAIL = 1e-9
"""Less of all nodes than this is nobody."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """
    How large it is and how fast it changes; the defaults are the limits that Kubernetes states for large clusters.

    *churn_per_hour* is the share of pods that are replaced in an hour. A life of a pod is *events_per_pod* events:
    created, bound (the first that we see), initialised, started, ready, ending, not ready, gone.
    """

    nodes: int = 5000
    pods_per_node: int = 30
    pod_bytes: int = 10 * 1024
    churn_per_hour: float = 0.1
    events_per_pod: int = 8

    @property
    def pods(self) -> int:
        """All pods."""
        return self.nodes * self.pods_per_node

    @property
    def list_bytes(self) -> int:
        """The JSON of one node's list, before compression."""
        return self.pods_per_node * self.pod_bytes

    @property
    def events_per_second(self) -> float:
        """Events of all pods."""
        return self.pods * self.churn_per_hour * self.events_per_pod / 3600


@dataclass(frozen=True, slots=True)
class Steady:
    """What is asked while nothing is wrong, by all nodes together."""

    lists_per_second: float
    watches_per_second: float
    bookmarks_per_second: float
    bookmark_bytes_per_second: float
    events_per_second: float
    event_bytes_per_second: float


@dataclass(frozen=True, slots=True)
class Comeback:
    """
    Requests in each second after all watches were cut at 0.

    *refused* found nobody, or a 429; *watches* and *lists* were answered, the former perhaps with a 410.
    *all_back_seconds* is when the last watch is open again whatever the random numbers are.
    """

    refused: tuple[float, ...]
    watches: tuple[float, ...]
    lists: tuple[float, ...]
    all_back_seconds: float

    @property
    def answered(self) -> tuple[float, ...]:
        """Lists and watches that are answered, per second."""
        return tuple(watch + listed for watch, listed in zip(self.watches, self.lists, strict=True))

    @property
    def requests(self) -> tuple[float, ...]:
        """Everything that arrives, per second."""
        return tuple(sum(each) for each in zip(self.refused, self.answered, strict=True))


@dataclass(frozen=True, slots=True)
class Seats:
    """How API Priority and Fairness counts a list, an estimate: how many fit in at once in the exporter's level."""

    of_a_list: int
    of_the_level: int
    waiting: int = QUEUES * QUEUE_LENGTH

    @property
    def lists_at_once(self) -> int:
        """How many lists are carried out at once; others wait."""
        return self.of_the_level // self.of_a_list


def steady(cluster: Cluster) -> Steady:
    """Return the load without faults: no list, one watch per node in four and a half minutes, bookmarks, events."""
    mean_watch = _WATCH.seconds(0.5)
    watches = cluster.nodes / (mean_watch + QUICK_SECONDS / 2)
    bookmarks = watches * (math.floor(mean_watch / BOOKMARK_SECONDS) + LAST_BOOKMARKS)
    events = cluster.events_per_second
    return Steady(
        lists_per_second=0.0,
        watches_per_second=watches,
        bookmarks_per_second=bookmarks,
        bookmark_bytes_per_second=bookmarks * len(BOOKMARK),
        events_per_second=events,
        event_bytes_per_second=events * cluster.pod_bytes,
    )


def starts(cluster: Cluster) -> tuple[float, ...]:
    """Return the lists of each second where every node starts at 0; each is followed by a watch."""
    return per_second(cluster.nodes, after(at_zero(FIRST_PAUSE.spread_seconds + 1), FIRST_PAUSE))


def rollout_seconds(cluster: Cluster, *, calls_per_pod: int) -> float:
    """Return how long the DaemonSet controller needs: one call for a pod that is new, two for one that is replaced."""
    return cluster.nodes * calls_per_pod / CONTROLLER_CALLS_PER_SECOND


def renewals(cluster: Cluster, seconds: int) -> tuple[float, ...]:
    """Return the watches of each second that follow on others whose time is over, where all nodes start at 0."""
    begun = after(at_zero(seconds), FIRST_PAUSE)
    renewed = [0.0] * len(begun)
    while sum(begun) > _TAIL:
        begun = after(after(begun, _WATCH), Pause(0.0, QUICK_SECONDS))
        renewed = added(renewed, begun)
    return per_second(cluster.nodes, renewed)


def comeback(
    cluster: Cluster, away_seconds: float, retry_after_seconds: float | None = None, *, forgets: bool = False
) -> Comeback:
    """
    Return what comes after all watches were cut at 0, and nothing is answered until *away_seconds*.

    With *retry_after_seconds* the server is there, but answers everything with a 429 that says so. Where it *forgets*,
    as a watch cache does that has been refilled, no version is known any more: every watch ends with a 410 at once,
    and a list is needed.
    """
    state = ReflectorState(Phase.WATCHING, "1")
    state, rest = _disconnected(state, Disconnected(Reason.UNAVAILABLE), STABLE_SECONDS)
    refusal = Disconnected(Reason.UNAVAILABLE, is_unreached=True)
    if retry_after_seconds is not None:
        refusal = Disconnected(Reason.THROTTLED, retry_after_seconds)
    edge = bins(away_seconds)
    waiting = at_zero(away_seconds + _LONGEST_SECONDS)
    refused, watches, lists = ([0.0] * len(waiting) for _ in range(3))
    latest = all_back = 0.0  # the latest moment at which a node may ask, and the same of those that are answered
    while sum(waiting) > _TAIL:
        asked = after(waiting, rest)
        latest = min(latest, away_seconds) + rest.seconds(1.0)
        waiting = [mass if place < edge else 0.0 for place, mass in enumerate(asked)]
        answered = added(asked, waiting, sign=-1.0)
        refused, watches = added(refused, waiting), added(watches, answered)
        back_at = latest if sum(answered) > _TAIL else 0.0
        if forgets:
            _, expiry_rest = _disconnected(state, Disconnected(Reason.GONE), 0.0)
            listed = after(answered, expiry_rest)
            lists, watches = added(lists, listed), added(watches, listed)
            back_at += expiry_rest.seconds(1.0)
        all_back = max(all_back, back_at)
        state, rest = _disconnected(state, refusal, 0.0)
    return Comeback(
        refused=per_second(cluster.nodes, refused),
        watches=per_second(cluster.nodes, watches),
        lists=per_second(cluster.nodes, lists),
        all_back_seconds=all_back,
    )


def seats(cluster: Cluster) -> Seats:
    """Return the estimate of how the API server counts one node's list."""
    wide = max(1, min(MOST_SEATS, math.ceil(cluster.pods / OBJECTS_PER_SEAT)))
    return Seats(wide, math.ceil(SEATS * SHARES / ALL_SHARES))


def of_everything(cluster: Cluster) -> Cluster:
    """Return the cluster as each node sees it whose client has no field selector: every pod is every node's."""
    return Cluster(cluster.nodes, cluster.pods, cluster.pod_bytes, cluster.churn_per_hour, cluster.events_per_pod)


_WATCH = Pause(float(SHORTEST_WATCH_SECONDS), float(WATCH_SPREAD_SECONDS - 1))
"""How long a watch lasts. Whole seconds are asked for, so that the last one of the spread is not."""


def _disconnected(
    state: ReflectorState, happening: Disconnected, lasted_seconds: float
) -> tuple[ReflectorState, Pause]:
    """Return where the exporter stands when the pause is over that it makes after a request has failed."""
    state, action = step(state, happening, lasted_seconds)
    rested, _ = step(state, Rested())
    if not isinstance(action, Pause):
        raise TypeError(f"{action} is no pause")
    return rested, action

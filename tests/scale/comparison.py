"""Compare simulated with computed request rates, as rows of a table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scale import model
from scale.model import Cluster, Comeback
from scale.phases import STEADY_SECONDS, Phase

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Row:
    """One number: as measured, as computed for so many reflectors, and as computed for the whole cluster."""

    phase: str
    what: str
    measured: float
    computed: float
    at_scale: float

    @property
    def ratio(self) -> str:
        """Measured by computed, where there is anything to compare."""
        return f"{self.measured / self.computed:.2f}" if self.computed else "=" if not self.measured else "!"


def start_rows(phase: Phase, small: Cluster, large: Cluster) -> Iterator[Row]:
    """Yield what the start costs."""
    name, lists = phase.name, phase.answers("list", 200)
    yield Row(name, "lists", lists, small.nodes, large.nodes)
    yield Row(name, "watches", phase.answers("watch", 200), small.nodes, large.nodes)
    most = [max(model.starts(each)) for each in (small, large)]
    yield Row(name, "lists in one second", max(phase.per_second("list")), *most)
    yield Row(name, "MiB of lists", phase.totals["bytes"] / MIB, *(_mib_of_lists(each) for each in (small, large)))


def steady_rows(phase: Phase, small: Cluster, large: Cluster) -> Iterator[Row]:
    """Yield what goes on forever."""
    name, seconds = phase.name, STEADY_SECONDS - 5
    calm = [model.steady(each) for each in (small, large)]
    yield Row(name, "lists", phase.answers("list", 200), 0, 0)
    waves = [model.renewals(each, STEADY_SECONDS) for each in (small, large)]
    yield Row(name, "watches renewed", phase.answers("watch", 200), *(sum(each) for each in waves))
    yield Row(name, "watches in ten seconds", _most(phase.per_second("watch")), *(_most(each) for each in waves))
    bookmarks = [each.bookmarks_per_second for each in calm]
    yield Row(name, "bookmarks per second", phase.totals["bookmark"] / seconds, *bookmarks)
    events = [each.events_per_second for each in calm]
    yield Row(name, "events per second", phase.totals["changed"] / seconds, *events)
    kib = [(each.event_bytes_per_second + each.bookmark_bytes_per_second) / 1024 for each in calm]
    yield Row(name, "KiB per second", phase.totals["bytes"] / seconds / 1024, *kib)


def comeback_rows(phase: Phase, first: int, small: Comeback, large: Comeback) -> Iterator[Row]:
    """Yield what an outage costs that lasts until the second *first*."""
    name = phase.name
    answered = phase.answers("watch", 200) + phase.answers("list", 200)
    yield Row(name, "refused", len(phase.asked) - answered, sum(small.refused), sum(large.refused))
    yield Row(name, "watches answered", phase.answers("watch", 200), sum(small.watches), sum(large.watches))
    yield Row(name, "lists answered", phase.answers("list", 200), sum(small.lists), sum(large.lists))
    yield Row(name, "requests in one second", max(phase.per_second()), max(small.requests), max(large.requests))
    if sum(large.refused):
        later = max(phase.per_second()[first:])
        yield Row(name, "the same, once answered", later, max(small.requests[first:]), max(large.requests[first:]))
    if sum(large.lists):
        yield Row(name, "lists in one second", max(phase.per_second("list")), max(small.lists), max(large.lists))
    yield Row(name, "seconds until all are back", phase.back_seconds, small.all_back_seconds, large.all_back_seconds)


def paper_rows(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """Yield what is computed for the whole cluster, and for clients that do it otherwise."""
    calm, wide = model.steady(cluster), model.of_everything(cluster)
    wide_calm, seats = model.steady(wide), model.seats(cluster)
    yield "pods", f"{cluster.pods:,}"
    yield "JSON of one node's list", f"{cluster.list_bytes / 1024:,.0f} KiB"
    yield "JSON of all first lists", f"{_mib_of_lists(cluster):,.0f} MiB"
    yield "  without field selector", f"{_mib_of_lists(wide) / MIB:,.1f} TiB"
    yield "roll-out by the controller: new", f"{model.rollout_seconds(cluster, calls_per_pod=1):,.0f} s"
    yield "  replaced", f"{model.rollout_seconds(cluster, calls_per_pod=2):,.0f} s"
    yield "watches renewed", f"{calm.watches_per_second:,.1f}/s"
    yield "bookmarks", f"{calm.bookmarks_per_second:,.0f}/s, {calm.bookmark_bytes_per_second / 1024:,.0f} KiB/s"
    for churn in (0.01, 0.1, 1.0):
        steady = model.steady(Cluster(cluster.nodes, cluster.pods_per_node, cluster.pod_bytes, churn))
        rate = f"{steady.events_per_second:,.1f}/s, {steady.event_bytes_per_second / 1024:,.0f} KiB/s"
        yield f"events, {churn:.0%} of the pods replaced an hour", rate
    wide_rate = f"{wide_calm.events_per_second:,.0f}/s, {wide_calm.event_bytes_per_second / MIB:,.0f} MiB/s"
    yield f"  {cluster.churn_per_hour:.0%} without field selector", wide_rate
    polled = cluster.nodes / 30
    yield "  a list per scrape instead, each 30 s", f"{polled:,.0f}/s, {polled * cluster.list_bytes / MIB:,.0f} MiB/s"
    yield "seats of a list, of the exporters' level", f"{seats.of_a_list}, {seats.of_the_level}"
    yield "  so many lists at once, so many waiting", f"{seats.lists_at_once}, {seats.waiting}"
    low, high = (cluster.nodes * kib / 1024 for kib in model.WATCH_KIB)
    yield "memory of the open watches", f"{low:,.0f} to {high:,.0f} MiB"


def _most(per_second: Sequence[float], seconds: int = 10) -> float:
    """Return the largest number in so many seconds in a row: in single ones, few requests scatter too much."""
    return max(sum(per_second[first : first + seconds]) for first in range(len(per_second)))


def _mib_of_lists(cluster: Cluster) -> float:
    """Return the JSON of all nodes' lists."""
    return cluster.nodes * cluster.list_bytes / MIB

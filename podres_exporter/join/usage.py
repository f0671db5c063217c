"""Running totals of device-seconds and CPU-seconds for chargeback; they include pods shorter than a scrape interval."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from podres_exporter.model import Allocation, PodView, Usage, count_by_resource

K = TypeVar("K", bound="str | tuple[str, ...]")
H = TypeVar("H")

IDLE_SECONDS = 86_400.0
"""How long a total is kept after the last pod that added to it."""
MOST_IDLE = 1000
"""How many idle totals of one family are kept: namespaces may come and go by the thousand."""
ZERO_SECONDS = 60.0
"""How long a new total is shown as 0 if nothing scrapes it: longer than most scrape intervals."""

_Workload = tuple[str, str, str]


def accrue(usage: Usage, allocation: Allocation, elapsed_seconds: float) -> Usage:
    """
    Return the totals after *allocation* was held for *elapsed_seconds* more.

    The kubelet is polled at intervals, so what was held at the last answer counts until the next one; a pod that lives
    only between two polls is missed.
    """
    held = _Held.of(allocation)
    return Usage(
        _added(usage.device_seconds, held.devices, elapsed_seconds),
        _added(usage.cpu_seconds, held.cpus, elapsed_seconds),
        _added(usage.workload_device_seconds, held.workload_devices, elapsed_seconds),
        _added(usage.workload_cpu_seconds, held.workload_cpus, elapsed_seconds),
        usage.dropped,
    )


class RunningTotals:
    """
    The totals of a node since the exporter started, in a bounded number of series.

    A new series is 0 until it has been scraped once (or for a minute), and then jumps to its total: Prometheus'
    increase() counts from the first sample it sees, so earlier usage would be lost. An idle series is dropped after a
    day, or sooner if there are more than a thousand; when its namespace holds something again, it restarts at 0, which
    increase() treats as a counter reset.
    """

    def __init__(self, *, most_idle: int = MOST_IDLE) -> None:
        """Start without totals."""
        self._devices: _Family[tuple[str, str]] = _Family(most_idle)
        self._cpus: _Family[str] = _Family(most_idle)
        self._workload_devices: _Family[tuple[str, str, str, str]] = _Family(most_idle)
        self._workload_cpus: _Family[_Workload] = _Family(most_idle)
        self._families = (self._devices, self._cpus, self._workload_devices, self._workload_cpus)
        self._allocation: Allocation | None = None
        self._held = _Held()
        self._counted_at_seconds = 0.0

    def count(self, now: float) -> None:
        """Add what was held since the last call, up to the monotonic second *now*."""
        elapsed = now - self._counted_at_seconds if self._allocation is not None else 0.0
        self._counted_at_seconds = now
        self._devices.add(self._held.devices, elapsed, now)
        self._cpus.add(self._held.cpus, elapsed, now)
        self._workload_devices.add(self._held.workload_devices, elapsed, now)
        self._workload_cpus.add(self._held.workload_cpus, elapsed, now)

    def hold(self, allocation: Allocation | None, now: float) -> None:
        """Set what is held from *now* on; None if it is unknown, which adds nothing."""
        if allocation is not self._allocation:
            self._allocation, self._held = allocation, _Held.of(allocation) if allocation else _Held()
            self._devices.add(self._held.devices, 0.0, now)
            self._cpus.add(self._held.cpus, 0.0, now)
            self._workload_devices.add(self._held.workload_devices, 0.0, now)
            self._workload_cpus.add(self._held.workload_cpus, 0.0, now)

    def usage(self, now: float, scraped_at_seconds: float) -> Usage:
        """Return the totals to show; *scraped_at_seconds* is the monotonic second of the last scrape."""
        return Usage(
            self._devices.shown(now, scraped_at_seconds),
            self._cpus.shown(now, scraped_at_seconds),
            self._workload_devices.shown(now, scraped_at_seconds),
            self._workload_cpus.shown(now, scraped_at_seconds),
            sum(each.dropped for each in self._families),
        )

    def note_shown(self, at_seconds: float) -> None:
        """Note that the totals last returned by usage() can be scraped from now on."""
        for each in self._families:
            each.note_shown(at_seconds)


@dataclass(frozen=True, slots=True)
class _Held:
    """What each namespace and workload holds: devices by resource or DRA driver, exclusive CPUs."""

    devices: Mapping[tuple[str, str], int] = field(default_factory=dict)
    cpus: Mapping[str, int] = field(default_factory=dict)
    workload_devices: Mapping[tuple[str, str, str, str], int] = field(default_factory=dict)
    workload_cpus: Mapping[_Workload, int] = field(default_factory=dict)

    @classmethod
    def of(cls, allocation: Allocation) -> "_Held":
        """Return what the pods of an allocation hold; workloads only for pods with metadata."""
        known = [(workload, view) for view in allocation.pods if (workload := _workload(view))]
        claimed = _claimed((view.pod.namespace, view) for view in allocation.pods)
        by_workload: Counter[tuple[str, str, str, str]] = Counter()
        cpus_by_workload: Counter[_Workload] = Counter()
        for workload, view in known:
            for container in view.pod.containers:
                for resource, count in count_by_resource(container.devices):
                    by_workload[*workload, resource] += count
            if cpus := len(view.pod.all_exclusive_cpus()):
                cpus_by_workload[workload] += cpus
        for (workload, driver), count in _claimed(known).items():
            by_workload[*workload, driver] += count
        devices = Counter(allocation.devices_by_namespace)
        devices.update(claimed)
        return cls(devices, allocation.cpus_by_namespace, by_workload, cpus_by_workload)


def _workload(view: PodView) -> _Workload | None:
    meta = view.meta
    return (meta.namespace, meta.workload_kind, meta.workload_name) if meta and meta.workload_kind else None


def _claimed(holders: Iterable[tuple[H, PodView]]) -> Counter[tuple[H, str]]:
    """
    Return how many DRA devices each holder has, by the driver.

    A device counts once per holder, however many of its containers, pods and shares refer to it. Admin access holds
    nothing. Kubelets up to 1.30 name no drivers; such devices are not counted.
    """
    seen = set()
    for holder, view in holders:
        admin = {
            (use.claim, use.device.driver, use.device.pool, use.device.device)
            for each in view.containers
            for use in each.claim_uses
            if use.is_admin
        }
        seen |= {
            (holder, device.driver, device.pool, device.device)
            for container in view.pod.containers
            for claim in container.claims
            for device in claim.devices
            if device.driver and (claim.name, device.driver, device.pool, device.device) not in admin
        }
    return Counter((holder, driver) for holder, driver, _, _ in seen)


class _Family(Generic[K]):
    """The totals of one family, by label values."""

    def __init__(self, most_idle: int) -> None:
        """Start empty."""
        self._most_idle = most_idle
        self._seconds: dict[K, float] = {}
        # Since when each unscraped total can be scraped; infinite if it is not shown yet.
        self._new: dict[K, float] = {}
        # When each was last held, the longest idle first.
        self._held_at: dict[K, float] = {}
        self.dropped = 0

    def add(self, held: Mapping[K, int], elapsed: float, now: float) -> None:
        """Add held x seconds, note what is held now, and drop totals that have been idle too long."""
        for key, count in held.items():
            if key not in self._seconds:
                self._new[key] = math.inf
            self._seconds[key] = self._seconds.get(key, 0.0) + count * elapsed
            self._held_at.pop(key, None)
            self._held_at[key] = now
        for key in list(self._held_at):
            is_over = len(self._held_at) - len(held) > self._most_idle
            if key in held or not (is_over or now - self._held_at[key] > IDLE_SECONDS):
                break  # the others were held more recently
            del self._held_at[key], self._seconds[key]
            self._new.pop(key, None)
            self.dropped += 1

    def note_shown(self, at_seconds: float) -> None:
        """Note that new totals can be scraped."""
        self._new = {key: min(since, at_seconds) for key, since in self._new.items()}

    def shown(self, now: float, scraped_at: float) -> dict[K, float]:
        """Return the totals; 0 for those that have not been scraped yet."""
        for key in [key for key, since in self._new.items() if scraped_at > since or now - since >= ZERO_SECONDS]:
            del self._new[key]
        return {key: 0.0 if key in self._new else seconds for key, seconds in self._seconds.items()}


def _added(totals: Mapping[K, float], held: Mapping[K, int], seconds: float) -> dict[K, float]:
    """Return the totals with held x seconds added."""
    return {key: totals.get(key, 0.0) + held.get(key, 0) * seconds for key in {**totals, **held}}

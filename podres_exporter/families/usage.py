"""Metrics of running totals, for chargeback and for pods shorter than a scrape interval."""

from collections.abc import Collection

from podres_exporter.families.spec import Kind, Row, UsageFamily
from podres_exporter.model import Snapshot, Usage


def _device_seconds(snapshot: Snapshot) -> Collection[Row]:
    return [(*key, seconds) for key, seconds in sorted(snapshot.usage.device_seconds.items())]


def _cpu_seconds(snapshot: Snapshot) -> Collection[Row]:
    return sorted(snapshot.usage.cpu_seconds.items())


def _workload_device_seconds(snapshot: Snapshot) -> Collection[Row]:
    return [(*key, seconds) for key, seconds in sorted(snapshot.usage.workload_device_seconds.items())]


def _workload_cpu_seconds(snapshot: Snapshot) -> Collection[Row]:
    return [(*key, seconds) for key, seconds in sorted(snapshot.usage.workload_cpu_seconds.items())]


def _dropped(snapshot: Snapshot) -> Collection[Row]:
    return [(snapshot.usage.dropped,)] if snapshot.usage != Usage() else []


_BOUNDS = (
    "A new series is 0 until it was scraped once (or for a minute), so that increase() loses nothing; it is dropped "
    "when nothing was held for a day, or sooner where more than 1000 of a family are idle."
)

FAMILIES = (
    UsageFamily(
        name="podres_allocated_device_seconds_total",
        kind=Kind.COUNTER,
        help="Device-seconds held by containers of the namespace since the exporter started, added up at each"
        " poll. For DRA devices, resource is the driver. A new series is 0 until it was scraped once (or"
        " for a minute), so that increase() loses nothing; it is dropped when nothing was held for a "
        "day, or sooner if more than 1000 series of a family are idle.",
        labels=("namespace", "resource"),
        collector="usage",
        rows=_device_seconds,
    ),
    UsageFamily(
        name="podres_exclusive_cpu_seconds_total",
        kind=Kind.COUNTER,
        help="Exclusive-CPU-seconds held by pods of the namespace since the exporter started, added up at "
        "each poll. Series begin and end as those of podres_allocated_device_seconds_total.",
        labels=("namespace",),
        collector="usage",
        rows=_cpu_seconds,
    ),
    UsageFamily(
        name="podres_workload_device_seconds_total",
        kind=Kind.COUNTER,
        help="As podres_allocated_device_seconds_total, by workload (the Deployment of a ReplicaSet, the "
        "CronJob of a Job). Pods without metadata or without a controller are only in the totals of the "
        "namespace.",
        labels=("namespace", "workload_kind", "workload_name", "resource"),
        collector="usage",
        rows=_workload_device_seconds,
    ),
    UsageFamily(
        name="podres_workload_exclusive_cpu_seconds_total",
        kind=Kind.COUNTER,
        help="As podres_exclusive_cpu_seconds_total, by workload.",
        labels=("namespace", "workload_kind", "workload_name"),
        collector="usage",
        rows=_workload_cpu_seconds,
    ),
    UsageFamily(
        name="podres_usage_series_dropped_total",
        kind=Kind.COUNTER,
        help="Series of the running totals that were dropped because nothing was held for a day, or because more than "
        "1000 of a family were idle.",
        labels=(),
        collector="usage",
        rows=_dropped,
    ),
)

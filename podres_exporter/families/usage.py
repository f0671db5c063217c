"""Running totals for chargeback, and for pods that a scrape interval would hide."""

from collections.abc import Collection

from podres_exporter.families.spec import Kind, Row, UsageFamily
from podres_exporter.model import Snapshot


def _device_seconds(snapshot: Snapshot) -> Collection[Row]:
    return [(*key, seconds) for key, seconds in sorted(snapshot.usage.device_seconds.items())]


def _cpu_seconds(snapshot: Snapshot) -> Collection[Row]:
    return sorted(snapshot.usage.cpu_seconds.items())


FAMILIES = (
    UsageFamily(
        name="podres_allocated_device_seconds_total",
        kind=Kind.COUNTER,
        help="Device-seconds held by containers of the namespace since the exporter started, counted from poll "
        "to poll.",
        labels=("namespace", "resource"),
        collector="usage",
        rows=_device_seconds,
    ),
    UsageFamily(
        name="podres_exclusive_cpu_seconds_total",
        kind=Kind.COUNTER,
        help="Exclusive-CPU-seconds held by pods of the namespace since the exporter started, counted from poll "
        "to poll.",
        labels=("namespace",),
        collector="usage",
        rows=_cpu_seconds,
    ),
)

"""Device-seconds and CPU-seconds: what a pod shorter than a scrape would hide, and what chargeback adds up."""

from collections.abc import Mapping
from typing import TypeVar

from podres_exporter.model import Allocation, Usage

K = TypeVar("K")


def accrue(usage: Usage, allocation: Allocation, elapsed_seconds: float) -> Usage:
    """
    Return the totals after *allocation* was held for *elapsed_seconds* more.

    The kubelet is asked at intervals, so what was held at the last answer counts until the next one; a pod that lives
    between two polls is not seen.
    """
    return Usage(
        device_seconds=_added(usage.device_seconds, allocation.devices_by_namespace, elapsed_seconds),
        cpu_seconds=_added(usage.cpu_seconds, allocation.cpus_by_namespace, elapsed_seconds),
    )


def _added(totals: Mapping[K, float], held: Mapping[K, int], seconds: float) -> dict[K, float]:
    """Return the totals with held x seconds added; a key once seen stays, for a counter must not disappear."""
    return {key: totals.get(key, 0.0) + held.get(key, 0) * seconds for key in {**totals, **held}}

"""The catalogue of every metric family, in page order: a public contract (see CHANGELOG)."""

from collections.abc import Collection

from podres_exporter.families import (
    alignment,
    claims,
    cpus,
    devices,
    dra,
    drift,
    health,
    memory,
    own,
    pods,
    unlisted,
    usage,
)
from podres_exporter.families.spec import Family

CATALOGUE: tuple[Family, ...] = (
    *devices.FAMILIES,
    *cpus.FAMILIES,
    *drift.FAMILIES,
    *unlisted.FAMILIES,
    *alignment.NODE_FAMILIES,
    *memory.FAMILIES,
    *claims.FAMILIES,
    *dra.FAMILIES,
    *alignment.FAMILIES,
    *pods.FAMILIES,
    *usage.FAMILIES,
    *health.FAMILIES,
    *own.FAMILIES,
)


def selected(collectors: Collection[str], counts_only: Collection[str] = ()) -> tuple[Family, ...]:
    """
    Return the families of the enabled collectors, in page order.

    Extended resources in *counts-only* get no series per device.
    """
    families = tuple(family for family in CATALOGUE if family.collector in collectors)
    return devices.without_devices_of(families, frozenset(counts_only)) if counts_only else families

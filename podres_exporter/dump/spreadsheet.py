"""CSV output (RFC 4180): one row per held item, with exact numbers and full ids."""

import csv
import io
from collections.abc import Iterator, Sequence

from podres_exporter.dump.held import Held, Thing, held_things
from podres_exporter.families.spec import nodes_text
from podres_exporter.model import Snapshot
from podres_exporter.moment import write_moment

CSV_HEADER = (
    "node",
    "namespace",
    "pod",
    "container",
    "kind",
    "resource",
    "id",
    "amount",
    "unit",
    "numa_nodes",
    "device_base",
    "replica",
    "claim",
    "pool",
    "share_id",
    "cdi_devices",
    "attribution",
    "health",
    "health_message",
    "allocatable",
    "alignment",
    "uid",
    "qos_class",
    "workload_kind",
    "workload_name",
    "request",
    "admin_access",
    "uuid",
    "state",
    "started_at",
)
"""The columns, a public contract: new ones are appended. Unknown or inapplicable cells are empty."""

_UNITS = {Thing.CPU: "cpus", Thing.MEMORY: "bytes", Thing.DEVICE: "devices", Thing.CLAIM: "devices"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_GUARD = "'"


def csv_text(snapshots: Sequence[Snapshot]) -> str:
    """
    Return the header and the rows, with RFC 4180 line ends.

    Names can be chosen by anyone who may create pods or devices, and spreadsheets treat cells beginning with `=`, `+`,
    `-`, `@`, a tab or a line end as formulas: such cells are prefixed with `'`.

    Source: OWASP, "CSV Injection".
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(CSV_HEADER)
    for snapshot in snapshots:
        for held in held_things(snapshot.allocation):
            writer.writerow([_guarded(cell) for cell in (snapshot.node, *_cells(held))])
    return file.getvalue()


def _guarded(cell: str) -> str:
    return f"{_GUARD}{cell}" if cell.startswith(_FORMULA) else cell


def _cells(held: Held) -> Iterator[str]:
    """Yield the cells after the node's name."""
    meta = held.meta
    yield from (held.namespace, held.pod, held.container, held.thing.value, held.resource, held.item)
    yield from (str(held.amount), _UNITS[held.thing], nodes_text(held.numa_nodes))
    is_claim = held.thing is Thing.CLAIM
    yield from (
        "" if is_claim else held.base,
        "" if is_claim else held.share,
        held.claim,
        held.pool,
        held.share if is_claim else "",
    )
    yield " ".join(held.cdi_devices)
    yield held.attribution.value if held.attribution else ""
    yield from (held.health, held.message)
    yield "" if held.is_allocatable is None else str(held.is_allocatable).lower()
    yield held.verdict.value if held.verdict else ""
    yield from (meta.uid, meta.qos_class, meta.workload_kind, meta.workload_name) if meta else ("",) * 4
    yield held.request
    yield str(held.is_admin).lower() if held.request else ""
    yield held.base if is_claim else ""
    yield held.mark.value
    yield write_moment(meta.started_seconds) if meta and meta.started_seconds is not None else ""

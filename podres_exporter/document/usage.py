"""What each namespace holds now, and for how long it has held how much since the exporter started."""

from collections.abc import Mapping

from podres_exporter.document.reader import Reader
from podres_exporter.document.values import Fields, stated
from podres_exporter.model import Allocation, Usage

Held = tuple[dict[tuple[str, str], int], dict[str, int]]
"""Devices by (namespace, resource) and exclusive CPUs by namespace."""


def write_usage(usage: Usage, allocation: Allocation | None) -> Fields:
    """Return a row per namespace and resource, and one per namespace that holds or has held CPUs."""
    devices: Mapping[tuple[str, str], int] = allocation.devices_by_namespace if allocation else {}
    cpus: Mapping[str, int] = allocation.cpus_by_namespace if allocation else {}
    return {
        "devices": [
            stated(
                {
                    "namespace": key[0],
                    "resource": key[1],
                    "held": devices.get(key),
                    "deviceSeconds": usage.device_seconds.get(key),
                }
            )
            for key in sorted({*devices, *usage.device_seconds})
        ],
        "exclusiveCpus": [
            stated({"namespace": key, "held": cpus.get(key), "cpuSeconds": usage.cpu_seconds.get(key)})
            for key in sorted({*cpus, *usage.cpu_seconds})
        ],
    }


def read_usage(reader: Reader) -> tuple[Usage, Held]:
    """Return the running totals, and what is held now."""
    device_rows = [
        ((row.text("namespace"), row.text("resource")), row)
        for row in reader.distinct("devices", "namespace", "resource")
    ]
    cpu_rows = [(row.text("namespace"), row) for row in reader.distinct("exclusiveCpus", "namespace")]
    usage = Usage(
        {key: row.total("deviceSeconds") for key, row in device_rows if row.has("deviceSeconds")},
        {key: row.total("cpuSeconds") for key, row in cpu_rows if row.has("cpuSeconds")},
    )
    held_devices = {key: row.count("held") for key, row in device_rows if row.has("held")}
    held_cpus = {key: row.count("held") for key, row in cpu_rows if row.has("held")}
    return usage, (held_devices, held_cpus)

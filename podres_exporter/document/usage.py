"""Usage in the document: running totals of device-seconds and CPU-seconds by namespace and workload."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from podres_exporter.document.faults import distinct
from podres_exporter.document.values import (
    Count,
    Record,
    Total,
    doc,
    read_total,
)
from podres_exporter.model import Allocation, Usage

Held = tuple[dict[tuple[str, str], int], dict[str, int]]
"""Devices by (namespace, resource) and exclusive CPUs by namespace."""


class DeviceUsageRecord(Record, kw_only=True):
    """What a namespace holds, and has held, of one resource."""

    namespace: Annotated[str, doc("The namespace.")]
    resource: Annotated[str, doc("The extended resource.")]
    held: Annotated[
        Count | None,
        doc("Devices that its containers hold now. Absent if they hold none, or there is no allocation."),
    ] = None
    device_seconds: Annotated[
        Total | None,
        doc("Device-seconds held since the exporter started. Absent if nothing was counted yet."),
    ] = None

    key: ClassVar[tuple[str, ...]] = ("namespace", "resource")


class CpuUsageRecord(Record, kw_only=True):
    """What a namespace holds, and has held, of exclusive CPUs."""

    namespace: Annotated[str, doc("The namespace.")]
    held: Annotated[
        Count | None,
        doc("Exclusive CPUs that its pods hold now. Absent if they hold none, or there is no allocation."),
    ] = None
    cpu_seconds: Annotated[
        Total | None,
        doc("Exclusive-CPU-seconds held since the exporter started. Absent if nothing was counted yet."),
    ] = None

    key: ClassVar[tuple[str, ...]] = ("namespace",)


class WorkloadDeviceUsageRecord(Record, kw_only=True):
    """What a workload has held of one resource."""

    namespace: Annotated[str, doc("The namespace.")]
    workload_kind: Annotated[str, doc("The workload's kind, such as Deployment; empty where it is not known.")]
    workload_name: Annotated[str, doc("The workload's name; empty where it is not known.")]
    resource: Annotated[str, doc("The extended resource, or the driver of a DRA device.")]
    device_seconds: Annotated[Total, doc("Device-seconds held since the exporter started.")]

    key: ClassVar[tuple[str, ...]] = ("namespace", "workload_kind", "workload_name", "resource")


class WorkloadCpuUsageRecord(Record, kw_only=True):
    """What a workload has held of exclusive CPUs."""

    namespace: Annotated[str, doc("The namespace.")]
    workload_kind: Annotated[str, doc("The workload's kind, such as Deployment; empty where it is not known.")]
    workload_name: Annotated[str, doc("The workload's name; empty where it is not known.")]
    cpu_seconds: Annotated[Total, doc("Exclusive-CPU-seconds held since the exporter started.")]

    key: ClassVar[tuple[str, ...]] = ("namespace", "workload_kind", "workload_name")


class UsageRecord(Record, kw_only=True):
    """What namespaces hold, and running totals of it."""

    devices: Annotated[list[DeviceUsageRecord], doc("By namespace and resource.")]
    exclusive_cpus: Annotated[list[CpuUsageRecord], doc("By namespace.")]
    workload_devices: Annotated[
        list[WorkloadDeviceUsageRecord], doc("By workload and resource. Absent if nothing was counted yet.")
    ] = []
    workload_exclusive_cpus: Annotated[
        list[WorkloadCpuUsageRecord], doc("By workload. Absent if nothing was counted yet.")
    ] = []
    dropped_totals: Annotated[
        Count,
        doc("The number of totals removed because they had not grown for long. Absent if there are none."),
    ] = 0


def write_usage(usage: Usage, allocation: Allocation | None) -> UsageRecord:
    """Return a row per namespace and resource, and one per namespace with CPUs now or earlier."""
    devices: Mapping[tuple[str, str], int] = allocation.devices_by_namespace if allocation else {}
    cpus: Mapping[str, int] = allocation.cpus_by_namespace if allocation else {}
    return UsageRecord(
        devices=[
            DeviceUsageRecord(
                namespace=key[0],
                resource=key[1],
                held=devices.get(key),
                device_seconds=usage.device_seconds.get(key),
            )
            for key in sorted({*devices, *usage.device_seconds})
        ],
        exclusive_cpus=[
            CpuUsageRecord(namespace=key, held=cpus.get(key), cpu_seconds=usage.cpu_seconds.get(key))
            for key in sorted({*cpus, *usage.cpu_seconds})
        ],
        workload_devices=[
            WorkloadDeviceUsageRecord(
                namespace=key[0], workload_kind=key[1], workload_name=key[2], resource=key[3], device_seconds=seconds
            )
            for key, seconds in sorted(usage.workload_device_seconds.items())
        ],
        workload_exclusive_cpus=[
            WorkloadCpuUsageRecord(namespace=key[0], workload_kind=key[1], workload_name=key[2], cpu_seconds=seconds)
            for key, seconds in sorted(usage.workload_cpu_seconds.items())
        ],
        dropped_totals=usage.dropped,
    )


def read_usage(record: UsageRecord) -> tuple[Usage, Held]:
    """Return the running totals, and what is held now."""
    devices = {(row.namespace, row.resource): row for row in distinct(record.devices)}
    cpus = {row.namespace: row for row in distinct(record.exclusive_cpus)}
    usage = Usage(
        {key: read_total(row.device_seconds) for key, row in devices.items() if row.device_seconds is not None},
        {key: read_total(row.cpu_seconds) for key, row in cpus.items() if row.cpu_seconds is not None},
        {
            (row.namespace, row.workload_kind, row.workload_name, row.resource): read_total(row.device_seconds)
            for row in distinct(record.workload_devices)
        },
        {
            (row.namespace, row.workload_kind, row.workload_name): read_total(row.cpu_seconds)
            for row in distinct(record.workload_exclusive_cpus)
        },
        record.dropped_totals,
    )
    held_devices = {key: row.held for key, row in devices.items() if row.held is not None}
    held_cpus = {key: row.held for key, row in cpus.items() if row.held is not None}
    return usage, (held_devices, held_cpus)

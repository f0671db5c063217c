"""How cgroups differ from the listed exclusive CPUs, in the document."""

from typing import Annotated, ClassVar

from podres_exporter.cpuset import format_cpuset, parse_cpuset
from podres_exporter.document.faults import distinct
from podres_exporter.document.values import Count, Cpus, Record, doc
from podres_exporter.model import CpusetDrift, Drift, PinnedContainer, Unread


class DriftedRecord(Record, kw_only=True):
    """A running container with exclusive CPUs whose cgroup was read."""

    namespace: Annotated[str, doc("The pod's namespace.")]
    pod: Annotated[str, doc("The pod's name.")]
    container: Annotated[str, doc("The container's name.")]
    container_id: Annotated[str, doc("Its ID in the container runtime, by which the cgroup was found.")]
    exclusive_cpus: Annotated[Cpus, doc("The CPUs listed for it when its cgroup was read.")]
    missing_cpus: Annotated[Cpus, doc("CPUs listed on which its cgroup may not run; normally empty.")]
    foreign_cpus: Annotated[Cpus, doc("CPUs on which its cgroup may run though they are not listed; normally empty.")]

    key: ClassVar[tuple[str, ...]] = ("namespace", "pod", "container")


class DriftRecord(Record, kw_only=True):
    """What the kernel's cgroups say of the exclusive CPUs."""

    containers: Annotated[list[DriftedRecord], doc("The containers that were compared, by namespace and pod.")]
    unread: Annotated[
        dict[str, Count],
        doc(
            "How many could not be compared, by reason: no_metadata (the container's ID is not known), not_found (no "
            "cgroup has it), no_cpuset, denied, malformed, unknown_cpus (a DRA driver chose CPUs that are not listed)."
        ),
    ]


def write_drift(drift: Drift) -> DriftRecord:
    """Return the record of what was compared."""
    return DriftRecord(
        containers=[
            DriftedRecord(
                namespace=each.container.pod[0],
                pod=each.container.pod[1],
                container=each.container.name,
                container_id=each.container.container_id,
                exclusive_cpus=format_cpuset(each.container.cpus),
                missing_cpus=format_cpuset(each.missing),
                foreign_cpus=format_cpuset(each.foreign),
            )
            for each in drift.containers
        ],
        unread={reason.value: count for reason, count in sorted(drift.unread.items())},
    )


def read_drift(record: DriftRecord) -> Drift:
    """
    Return what was compared, without reasons that only a newer release knows.

    Raises ValueError if a container is listed twice.
    """
    unread = {reason: record.unread[reason.value] for reason in sorted(Unread) if reason.value in record.unread}
    return Drift(tuple(map(_read, distinct(record.containers))), unread)


def _read(record: DriftedRecord) -> CpusetDrift:
    container = PinnedContainer(
        (record.namespace, record.pod), record.container, parse_cpuset(record.exclusive_cpus), record.container_id
    )
    return CpusetDrift(container, parse_cpuset(record.missing_cpus), parse_cpuset(record.foreign_cpus))

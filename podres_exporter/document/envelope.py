"""The whole document: convert a snapshot with its version from and to JSON values."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated

import msgspec

from podres_exporter.document.doubles import DoubleHeldRecord, read_doubles, write_doubles
from podres_exporter.document.dra import DraRecord, read_dra, write_dra
from podres_exporter.document.drift import DriftRecord, read_drift, write_drift
from podres_exporter.document.faults import read, shown
from podres_exporter.document.metadata import name_labels_as_pods_do
from podres_exporter.document.pods import (
    OtherPodRecord,
    PodRecord,
    read_all_metas,
    read_pods,
    write_other_pods,
    write_pod,
)
from podres_exporter.document.status import (
    StatusRecord,
    read_metadata_source,
    read_optional,
    read_parts,
    read_rpcs,
    read_sources,
    write_status,
)
from podres_exporter.document.stock import StockRecord, read_stock, write_stock
from podres_exporter.document.topology import TopologyRecord, read_topology, write_topology
from podres_exporter.document.usage import Held, UsageRecord, read_usage, write_usage
from podres_exporter.document.values import Count, Moment, Record, doc
from podres_exporter.errors import DocumentError, DocumentVersionError
from podres_exporter.model import Allocation, PodKey, PodView, Snapshot
from podres_exporter.moment import write_moment

MAJOR = 1
API_VERSION = f"podres/v{MAJOR}"
"""Bumped only if a reader of the old version would misread the new one; adding keys is not a new version."""
KIND = "PodResourcesSnapshot"

Fields = dict[str, object]
"""One mapping of the document."""


class ExporterRecord(Record, kw_only=True):
    """The exporter that wrote the document."""

    version: Annotated[str, doc("The version of podres-exporter.")] = ""


class PodNameRecord(Record, kw_only=True):
    """The name of a pod."""

    namespace: Annotated[str, doc("The pod's namespace.")]
    name: Annotated[str, doc("The pod's name.")]


class SnapshotRecord(Record, kw_only=True):
    """
    What the pods of one node hold of its devices, exclusive CPUs, memory and DRA claims, and what is free.

    An absent key means that something is unknown, not stated, or not applicable; null is never written and reads the
    same. An empty list or text means that there is none. A later release may add keys.
    """

    api_version: Annotated[
        str,
        doc(
            "The version of this format. Another number after the v means that keys have changed their meaning or "
            "were removed."
        ),
    ]
    kind: Annotated[str, doc("What this document is.")]
    generated_at: Annotated[Moment | None, doc("When the exporter published this snapshot.")] = None
    exporter: Annotated[ExporterRecord | None, doc("Who wrote the document.")] = None
    node: Annotated[str, doc("The node's name.")]
    status: Annotated[StatusRecord, doc("The freshness and completeness of the data.")]
    topology: Annotated[
        TopologyRecord | None, doc("The machine's topology as reported by the kernel. Absent if it could not be read.")
    ] = None
    pods: Annotated[
        list[PodRecord] | None,
        doc(
            "The pods that the kubelet lists, by namespace and name. Absent while there is no allocation to show: "
            "unavailable is never empty."
        ),
    ] = None
    unlisted_pods: Annotated[
        list[PodNameRecord],
        doc(
            "Pods that run here according to the API server but were not listed by the kubelet: they hold an unknown "
            "part of what they request. Absent if there are none."
        ),
    ] = []
    given_up_pods: Annotated[
        list[PodNameRecord],
        doc(
            "Pods that the API server says run here and that the kubelet does not have, or has not listed for ten "
            "times the hold-down: nothing is held for them. Absent if there are none."
        ),
    ] = []
    stock: Annotated[
        StockRecord | None,
        doc("What the node has, what is held and what is free. Absent while there is no allocation."),
    ] = None
    dra: Annotated[
        DraRecord | None,
        doc("The DRA devices of the node. Absent while there is no allocation or no ResourceSlice is known."),
    ] = None
    usage: Annotated[UsageRecord, doc("What namespaces hold, and running totals of it for chargeback.")]
    skipped_pods: Annotated[
        dict[str, Count] | None,
        doc(
            "Entries of the kubelet's answer that are not shown under an identity of their own, by reason: "
            "duplicate_name, terminal. Absent while there is no allocation."
        ),
    ] = None
    held_twice: Annotated[
        list[DoubleHeldRecord] | None,
        doc(
            "Items held by two running pods, though only one may; normally empty. Absent if it is not known which "
            "pods are running, and while there is no allocation."
        ),
    ] = None
    cpuset_drift: Annotated[
        DriftRecord | None,
        doc(
            "How the cgroups of containers with exclusive CPUs differ from the list. Absent unless the collector "
            "cpuset-drift is on, and while there is no allocation."
        ),
    ] = None
    other_pods: Annotated[
        list[OtherPodRecord] | None,
        doc(
            "Pods of this node that the API server knows and the kubelet does not list: rejected, finished, or not "
            "admitted yet. Absent if metadata is off."
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class Decoded:
    """A document's snapshot, its time (Unix seconds; None if not stated), and the version that wrote it."""

    snapshot: Snapshot
    generated_at_seconds: float | None
    version: str


def write_document(snapshot: Snapshot, *, generated_at_seconds: float, version: str) -> SnapshotRecord:
    """
    Return the document of a snapshot.

    *generated_at_seconds* are Unix seconds, *version* is that of the exporter; both are informational. Parts that need
    an allocation (`topology`, `pods`, `stock`, `skippedPods`) are absent while there is none.
    """
    allocation = snapshot.allocation
    return SnapshotRecord(
        api_version=API_VERSION,
        kind=KIND,
        generated_at=write_moment(generated_at_seconds),
        exporter=ExporterRecord(version=version),
        node=snapshot.node,
        status=write_status(snapshot),
        topology=write_topology(allocation.topology) if allocation and allocation.topology else None,
        pods=[write_pod(view) for view in allocation.pods] if allocation else None,
        unlisted_pods=_write_names(allocation.unlisted_pods if allocation else ()),
        given_up_pods=_write_names(allocation.given_up_pods if allocation else ()),
        stock=write_stock(allocation) if allocation else None,
        dra=write_dra(allocation.dra) if allocation and allocation.dra else None,
        usage=write_usage(snapshot.usage, allocation),
        skipped_pods=dict(sorted(allocation.skipped_pods.items())) if allocation else None,
        held_twice=None if allocation is None or allocation.doubles is None else write_doubles(allocation.doubles),
        cpuset_drift=write_drift(allocation.drift) if allocation and allocation.drift else None,
        other_pods=write_other_pods(snapshot),
    )


def _write_names(keys: Iterable[PodKey]) -> list[PodNameRecord]:
    return [PodNameRecord(namespace=namespace, name=name) for namespace, name in keys]


def _read_names(records: Iterable[PodNameRecord]) -> tuple[PodKey, ...]:
    return tuple((each.namespace, each.name) for each in records)


def encode(snapshot: Snapshot, *, generated_at_seconds: float, version: str) -> Fields:
    """
    Return the document as mappings, lists, texts and numbers, for JSON and YAML.

    No list or mapping object occurs in it twice, because YAML would write the second one as an alias.
    """
    record = write_document(snapshot, generated_at_seconds=generated_at_seconds, version=version)
    fields: Fields = msgspec.to_builtins(record)
    return fields


def encode_json(snapshot: Snapshot, *, generated_at_seconds: float, version: str) -> bytes:
    """Return the document as JSON."""
    record = write_document(snapshot, generated_at_seconds=generated_at_seconds, version=version)
    return msgspec.json.encode(record)


def decode(document: object) -> Snapshot:
    """Return the snapshot of a document; see `decode_dated`, which returns more."""
    return decode_dated(document).snapshot


def decode_dated(document: object) -> Decoded:
    """
    Return the content of a document given as JSON or YAML values; its snapshot equals the encoded one.

    Derived keys (`missing`, `free`, `sharedPool`, `base`, the status of the allocation in words) are not read. Raises
    DocumentVersionError for another major version, DocumentError with the path of the malformed value.
    """
    check_version(document, API_VERSION, KIND, "a snapshot")
    return read(document, SnapshotRecord, _decoded)


def prepare() -> None:
    """
    Build now what decoding needs. Call it before several threads decode.

    msgspec builds the description of a record at its first use, and crashes the process where two threads do that at
    the same time (0.22; a segmentation fault in four of six trials with 16 threads).
    """
    for record in (SnapshotRecord, _VersionRecord):
        msgspec.json.Decoder(record)


def decode_json(body: bytes) -> Decoded:
    """Like `decode_dated` for a JSON text, but faster. Also raises ValueError if it is not JSON."""
    try:
        record = msgspec.json.decode(body, type=SnapshotRecord)
        if (record.api_version, record.kind) == (API_VERSION, KIND):
            return _decoded(record)
    except (ValueError, msgspec.MsgspecError):
        pass  # reported below, with its path
    return decode_dated(json.loads(body))


def check_version(document: object, api_version: str, kind: str, what: str) -> None:
    """Check that the document is of this kind and of this major version."""
    stated = read(document, _VersionRecord, lambda record: record)
    prefix, _, major = api_version.rpartition("/v")
    match = re.fullmatch(rf"{re.escape(prefix)}/v([0-9]{{1,9}})", stated.api_version)
    if not match:
        raise DocumentError("apiVersion", f"is {shown(stated.api_version)}; {what} has {api_version}")
    if match[1] != major:
        raise DocumentVersionError(stated.api_version, api_version, newer=int(match[1]) > int(major))
    if stated.kind != kind:
        raise DocumentError("kind", f"is {shown(stated.kind)}; {what} has {kind}")


class _VersionRecord(Record, kw_only=True):
    api_version: str
    kind: str


def _decoded(record: SnapshotRecord) -> Decoded:
    version = record.exporter.version if record.exporter else ""
    if version.startswith("0.1."):
        for row in (*(record.pods or ()), *(record.other_pods or ())):
            if row.metadata is not None:
                name_labels_as_pods_do(row.metadata)
    usage, held = read_usage(record.usage)
    pods = None if record.pods is None else read_pods(record.pods)
    metadata = read_metadata_source(record.status.metadata) if record.status.metadata else None
    snapshot = Snapshot(
        node=record.node,
        allocation=None if pods is None else _read_allocation(record, pods, held),
        metadata=metadata and replace(metadata, pods=read_all_metas(record.other_pods or (), pods or ())),
        sources=read_sources(record.status),
        rpcs=read_rpcs(record.status),
        parts=read_parts(record.status),
        usage=usage,
    )
    return Decoded(snapshot, read_optional(record.generated_at), version)


def _read_allocation(record: SnapshotRecord, pods: tuple[PodView, ...], held: Held) -> Allocation:
    if record.stock is None:
        raise DocumentError("stock", "is missing")
    devices, cpus, memory = read_stock(record.stock)
    held_devices, held_cpus = held
    return Allocation(
        pods=pods,
        devices=devices,
        cpus=cpus,
        memory=memory,
        topology=read_topology(record.topology) if record.topology else None,
        skipped_pods=dict(sorted((record.skipped_pods or {}).items())),
        devices_by_namespace=held_devices,
        cpus_by_namespace=held_cpus,
        unlisted_pods=_read_names(record.unlisted_pods),
        given_up_pods=_read_names(record.given_up_pods),
        doubles=None if record.held_twice is None else read_doubles(record.held_twice),
        dra=read_dra(record.dra) if record.dra else None,
        drift=read_drift(record.cpuset_drift) if record.cpuset_drift else None,
    )

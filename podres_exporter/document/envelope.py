"""The whole document: a snapshot with its version, and back."""

import re
from dataclasses import replace

from podres_exporter.document.moment import write_moment
from podres_exporter.document.plain import shown
from podres_exporter.document.pods import read_metas, read_pod, write_other_pods, write_pod
from podres_exporter.document.reader import Reader
from podres_exporter.document.status import read_metadata, read_parts, read_rpcs, read_sources, write_status
from podres_exporter.document.stock import read_stock, write_stock
from podres_exporter.document.topology import read_topology, write_topology
from podres_exporter.document.usage import Held, read_usage, write_usage
from podres_exporter.document.values import Fields, stated
from podres_exporter.errors import DocumentVersionError
from podres_exporter.model import Allocation, PodView, Snapshot

MAJOR = 1
API_VERSION = f"podres/v{MAJOR}"
"""Changes only when a reader of the old version would be wrong about the new one; keys may be added without."""
KIND = "PodResourcesSnapshot"

_VERSION = re.compile(r"podres/v([0-9]{1,9})")


def encode(snapshot: Snapshot, *, generated_at_seconds: float, version: str) -> Fields:
    """
    Return the document of a snapshot, of values that JSON and YAML have.

    *generated_at_seconds* are Unix seconds, *version* is that of the exporter; both are for people. What needs an
    allocation (`topology`, `pods`, `stock`, `skippedPods`) is absent while there is none.
    """
    allocation = snapshot.allocation
    return stated(
        {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "generatedAt": write_moment(generated_at_seconds),
            "exporter": {"version": version},
            "node": snapshot.node,
            "status": write_status(snapshot),
            "topology": allocation and allocation.topology and write_topology(allocation.topology),
            "pods": allocation and [write_pod(view) for view in allocation.pods],
            "stock": allocation and write_stock(allocation),
            "usage": write_usage(snapshot.usage, allocation),
            "skippedPods": allocation and dict(sorted(allocation.skipped_pods.items())),
            "otherPods": write_other_pods(snapshot),
        }
    )


def decode(document: object) -> Snapshot:
    """
    Return the snapshot of a document as JSON or YAML gives it, equal to the one that was encoded.

    What is there for readers only (`missing`, `free`, `sharedPool`, `base`, the status of the allocation in words) is
    not read. Raises DocumentVersionError where it is of another major version, DocumentError naming the place where it
    is malformed.
    """
    reader = Reader(document)
    _check(reader)
    status = reader.below("status")
    usage, held = read_usage(reader.below("usage"))
    pods = tuple(read_pod(row) for row in reader.distinct("pods", "namespace", "name")) if reader.has("pods") else None
    metadata = read_metadata(status)
    return Snapshot(
        node=reader.text("node"),
        allocation=None if pods is None else _read_allocation(reader, pods, held),
        metadata=metadata and replace(metadata, pods=read_metas(reader, pods or ())),
        sources=read_sources(status),
        rpcs=read_rpcs(status),
        parts=read_parts(status),
        usage=usage,
    )


def _check(reader: Reader) -> None:
    """Return if the document is one of ours and can be read."""
    stated_version, kind = reader.text("apiVersion"), reader.text("kind")
    match = _VERSION.fullmatch(stated_version)
    if not match:
        raise reader.fault("apiVersion", f"is {shown(stated_version)}; a snapshot has {API_VERSION}")
    major = int(match[1])
    if major != MAJOR:
        raise DocumentVersionError(stated_version, API_VERSION, newer=major > MAJOR)
    if kind != KIND:
        raise reader.fault("kind", f"is {shown(kind)}; a snapshot has {KIND}")


def _read_allocation(reader: Reader, pods: tuple[PodView, ...], held: Held) -> Allocation:
    devices, cpus, memory = read_stock(reader.below("stock"))
    held_devices, held_cpus = held
    return Allocation(
        pods=pods,
        devices=devices,
        cpus=cpus,
        memory=memory,
        topology=read_topology(reader.below("topology")) if reader.has("topology") else None,
        skipped_pods=dict(reader.counts("skippedPods")),
        devices_by_namespace=held_devices,
        cpus_by_namespace=held_cpus,
    )

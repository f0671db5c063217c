"""The pods: those that the kubelet lists, and those that only the API server knows."""

from collections.abc import Mapping

from podres_exporter.cpuset import format_cpuset
from podres_exporter.document.containers import read_container, write_container
from podres_exporter.document.metadata import read_meta, write_meta
from podres_exporter.document.plain import shown
from podres_exporter.document.reader import Reader
from podres_exporter.document.values import Fields, stated, write_block
from podres_exporter.model import (
    Explanation,
    Pod,
    PodKey,
    PodMeta,
    PodView,
    Request,
    Snapshot,
    Unlisted,
    UnlistedReason,
)


def write_pod(view: PodView) -> Fields:
    """Return a pod that the kubelet lists; `metadata` and `requests` are absent where the API server says nothing."""
    requests = [_write_request(each) for each in view.requests]
    return stated(
        {
            "namespace": view.pod.namespace,
            "name": view.pod.name,
            "metadata": view.meta and write_meta(view.meta),
            "containers": [write_container(each) for each in view.containers],
            "podLevel": _write_pod_level(view.pod),
            "requests": requests if requests or view.meta else None,
            "heldUnlisted": [_write_unlisted(row) for row in view.unlisted] or None,
        }
    )


def read_pod(reader: Reader) -> PodView:
    """Return the pod that `write_pod` wrote."""
    key = _read_key(reader)
    meta = read_meta(reader.below("metadata"), key) if reader.has("metadata") else None
    chosen = meta.chosen_devices if meta else ()
    views = tuple(read_container(row, chosen) for row in reader.distinct("containers", "name"))
    level = reader.below("podLevel")
    pod = Pod(
        *key,
        containers=tuple(view.container for view in views),
        exclusive_cpus=level.cpus("exclusiveCpus", frozenset()),
        memory=level.blocks("memory", ()),
    )
    return PodView(
        pod,
        views,
        meta,
        tuple(_read_request(row) for row in reader.distinct("requests", "container", "resource", default=())),
        tuple(_read_unlisted(row) for row in reader.each("heldUnlisted", ())),
    )


def write_other_pods(snapshot: Snapshot) -> list[Fields] | None:
    """
    Return the pods that the API server knows and `pods` does not have, by namespace and name; None where it is not
    asked.
    """
    if snapshot.metadata is None:
        return None
    listed = {view.pod.key for view in snapshot.allocation.pods} if snapshot.allocation else set()
    return [
        {"namespace": key[0], "name": key[1], "metadata": write_meta(meta)}
        for key, meta in sorted(snapshot.metadata.pods.items(), key=lambda row: row[0])
        if key not in listed
    ]


def read_metas(reader: Reader, listed: tuple[PodView, ...]) -> Mapping[PodKey, PodMeta]:
    """Return everything that the API server knows of pods: beside those in `otherPods`, those on listed ones."""
    listed_keys = {view.pod.key for view in listed}
    metas = {view.pod.key: view.meta for view in listed if view.meta}
    for row in reader.distinct("otherPods", "namespace", "name", default=()):
        key = _read_key(row)
        if key in listed_keys:
            raise row.fault(
                "name", f"is {shown(key[1])}, a pod of {shown(key[0])} that stands in pods too; one is wrong"
            )
        metas[key] = read_meta(row.below("metadata"), key)
    return metas


def _read_key(reader: Reader) -> PodKey:
    return (reader.text("namespace"), reader.text("name"))


def _write_pod_level(pod: Pod) -> Fields | None:
    """Return the pod-level lists of 1.37; None where both are empty, as on every older kubelet."""
    if not (pod.exclusive_cpus or pod.memory):
        return None
    return {"exclusiveCpus": format_cpuset(pod.exclusive_cpus), "memory": [write_block(each) for each in pod.memory]}


def _write_request(request: Request) -> Fields:
    """Return the request; where nothing is missing there is nothing to explain."""
    explained = request.missing or request.explanation is not Explanation.UNEXPLAINED
    return stated(
        {
            "container": request.container,
            "resource": request.resource,
            "requested": request.requested,
            "held": request.held,
            "missing": request.missing,
            "explanation": request.explanation.value if explained else None,
        }
    )


def _read_request(reader: Reader) -> Request:
    return Request(
        reader.text("container"),
        reader.text("resource"),
        reader.count("requested"),
        reader.count("held"),
        reader.choice("explanation", Explanation, Explanation.UNEXPLAINED),
    )


def _write_unlisted(row: Unlisted) -> Fields:
    return {"container": row.container, "resource": row.resource, "amount": row.amount, "reason": row.reason.value}


def _read_unlisted(reader: Reader) -> Unlisted:
    return Unlisted(
        reader.text("container"),
        reader.text("resource"),
        reader.count("amount"),
        reader.choice("reason", UnlistedReason),
    )

"""Metrics from pod metadata: identity, owners, labels, and what containers requested."""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache

from podres_exporter.families.spec import Concern, Kind, PodFamily, PodLabelsFamily, Row
from podres_exporter.model import PodView, Topology

CPU = "cpu"


def _info(view: PodView, _topology: Topology | None) -> Collection[Row]:
    """Return the pod's one row; none without metadata, because empty labels would look like knowledge."""
    meta = view.meta
    if meta is None:
        return ()
    owner = (meta.owner_kind, meta.owner_name, meta.workload_kind, meta.workload_name)
    return [(meta.uid, meta.qos_class, meta.priority_class, *owner, 1)]


def _started(view: PodView, _topology: Topology | None) -> Collection[Row]:
    started = view.meta.started_seconds if view.meta else None
    return [] if started is None else [(started,)]


def _labels(view: PodView) -> Collection[tuple[str, str]]:
    return metric_labels(view.meta.labels) if view.meta else ()


def _requested_devices(view: PodView, _topology: Topology | None) -> Collection[Row]:
    return [(each.container, each.resource, each.requested) for each in view.requests if each.resource != CPU]


def _missing_devices(view: PodView, _topology: Topology | None) -> Collection[Row]:
    return [
        (each.container, each.resource, each.explanation.value, each.missing)
        for each in view.requests
        if each.resource != CPU and each.missing
    ]


def _requested_cpus(view: PodView, _topology: Topology | None) -> Collection[Row]:
    return [(each.container, each.requested) for each in view.requests if each.resource == CPU]


def _missing_cpus(view: PodView, _topology: Topology | None) -> Collection[Row]:
    return [
        (each.container, each.explanation.value, each.missing)
        for each in view.requests
        if each.resource == CPU and each.missing
    ]


_EXPLANATIONS = (
    "explanation says why that may be right: init_container (never listed), claim (a DRA driver serves the resource), "
    "not_listed (kubelets up to 1.29 list no sidecars), no_plugin (no device plugin has it, a scheduler alone counts "
    "it); unexplained is worth a look."
)
FAMILIES = (
    PodFamily(
        name="podres_pod_info",
        kind=Kind.INFO,
        help="One per pod that the kubelet lists and the API server knows. workload is the owner that stays the same "
        "across revisions and runs: the Deployment or Argo Rollout of a ReplicaSet, the CronJob of a Job, "
        "derived from labels and names, else the owner.",
        labels=("uid", "qos_class", "priority_class", "owner_kind", "owner_name", "workload_kind", "workload_name"),
        collector="pods",
        rows=_info,
        concern=Concern.METADATA,
    ),
    PodFamily(
        name="podres_pod_start_timestamp_seconds",
        kind=Kind.GAUGE,
        help="When the kubelet accepted the pod (status.startTime), in Unix seconds; absent if that is not known.",
        labels=(),
        collector="pods",
        rows=_started,
        concern=Concern.METADATA,
    ),
    PodLabelsFamily(
        name="podres_pod_labels",
        kind=Kind.GAUGE,
        help="The pod's labels that --metadata.pod-labels-allowlist allows, named as kube-state-metrics names them.",
        labels=("label_*",),
        collector="pods",
        pairs=_labels,
    ),
    PodFamily(
        name="podres_container_requested_devices",
        kind=Kind.GAUGE,
        help="Devices of an extended resource that the container's spec requests, init containers included.",
        labels=("container", "resource"),
        collector="requests",
        rows=_requested_devices,
        concern=Concern.REQUESTS,
    ),
    PodFamily(
        name="podres_container_missing_devices",
        kind=Kind.GAUGE,
        help="Devices that the container's spec requests and the kubelet does not list for it; absent if none"
        " is missing. Computed. explanation says why that may be right: init_container (never listed), "
        "claim (a DRA driver serves the resource), not_listed (kubelets up to 1.29 list no sidecars), "
        "no_plugin (no device plugin serves it, only a scheduler counts it); unexplained needs a look.",
        labels=("container", "resource", "explanation"),
        collector="requests",
        rows=_missing_devices,
        concern=Concern.REQUESTS,
    ),
    PodFamily(
        name="podres_container_requested_exclusive_cpus",
        kind=Kind.GAUGE,
        help="Exclusive CPUs that the container should have: the whole CPUs it requests in a Guaranteed pod "
        "without pod-level resources. Absent unless the CPU manager's policy is static.",
        labels=("container",),
        collector="requests",
        rows=_requested_cpus,
        concern=Concern.REQUESTS,
    ),
    PodFamily(
        name="podres_container_missing_exclusive_cpus",
        kind=Kind.GAUGE,
        help="Exclusive CPUs that the container should have and that the kubelet does not list for it; absent"
        " if none is missing. Computed. explanation says why that may be right: init_container (never "
        "listed), claim (a DRA driver serves the resource), not_listed (kubelets up to 1.29 list no "
        "sidecars), no_plugin (no device plugin serves it, only a scheduler counts it); unexplained "
        "needs a look.",
        labels=("container", "explanation"),
        collector="requests",
        rows=_missing_cpus,
        concern=Concern.REQUESTS,
    ),
)


_NO_LABEL_CHARACTER = re.compile(r"[^a-zA-Z0-9_]")
_CAMEL = re.compile(r"([a-z0-9])([A-Z])")


def metric_labels(labels: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """
    Return pairs of key and value as pairs of metric label name and value, sorted by name; names are unique.

    Keys that map to the same name become `NAME_conflict1`, `NAME_conflict2` in the order of the keys; numbers whose
    name is already taken are skipped.

    Source: kube-state-metrics 2.20, mapToPrometheusLabels.
    """
    names = _names(tuple(key for key, _ in labels))
    return tuple(sorted((name, value) for name, (_, value) in zip(names, labels, strict=True)))


@lru_cache(maxsize=4096)
def _names(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Return the metric label name of each of a pod's keys; the pods of a node have few sets of keys."""
    taken: dict[str, str] = {}  # key by metric label name
    last_number: dict[str, int] = {}
    for key in sorted(keys):
        base = _metric_name(key)
        if base not in last_number and base in taken:
            last_number[base] = 0
            first = taken.pop(base)
            taken[_next_free(base, last_number, taken)] = first
        name = _next_free(base, last_number, taken) if base in last_number else base
        taken[name] = key
    names = {key: name for name, key in taken.items()}
    return tuple(names[key] for key in keys)


def _metric_name(key: str) -> str:
    """Return `label_` and the key in snake case, which is always a valid Prometheus label name."""
    return "label_" + _CAMEL.sub(r"\1_\2", _NO_LABEL_CHARACTER.sub("_", key)).lower()


def _next_free(base: str, last_number: dict[str, int], taken: Mapping[str, str]) -> str:
    """Return the next unused numbered name, and remember its number."""
    while True:
        last_number[base] += 1
        name = f"{base}_conflict{last_number[base]}"
        if name not in taken:
            return name

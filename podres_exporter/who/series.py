"""Read the labels of a series (node, target), and build PromQL selectors."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

Labels = Mapping[str, str]

DEVICE_INFO = "podres_container_device_info"
CLAIM_DEVICE_INFO = "podres_container_claim_device_info"
DRA_DEVICE_INFO = "podres_dra_device_info"
POD_FAMILIES = ("podres_pod_info", "podres_pod_start_timestamp_seconds")
ALLOCATED_DEVICES = "podres_node_allocated_devices"
DRA_DEVICES = "podres_node_dra_devices"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A node of a cluster; *cluster* is empty if Prometheus has only one cluster and no such label."""

    cluster: str
    node: str


@dataclass(frozen=True, slots=True, order=True)
class TargetKey:
    """A scrape target: one exporter in one job."""

    cluster: str
    job: str
    instance: str


def own(labels: Labels, name: str) -> str:
    """
    Return a label set by the exporter; Prometheus renames it to `exported_...` if the target has the same label and
    honor_labels is off.
    """
    return labels.get(f"exported_{name}") or labels.get(name, "")


def own_name(labels: Labels, name: str) -> str:
    """Return the name under which `own` finds it."""
    return f"exported_{name}" if labels.get(f"exported_{name}") else name


def place(labels: Labels) -> Place:
    """Return the node of a series; without a label `node`, its target."""
    return Place(labels.get("cluster", ""), own(labels, "node") or labels.get("instance", ""))


def target(labels: Labels) -> TargetKey:
    """Return the scrape target of a series."""
    return TargetKey(labels.get("cluster", ""), labels.get("job", ""), labels.get("instance", ""))


def selector(names: str | Collection[str], matchers: Mapping[str, str | Collection[str]]) -> str:
    """
    Return a PromQL selector for metric names and for labels that equal one of several texts.

    Labels without texts are not restricted.
    """
    metrics = [names] if isinstance(names, str) else sorted(names)
    parts = [] if len(metrics) == 1 else [f'__name__=~"{"|".join(metrics)}"']
    for label, wanted in matchers.items():
        values = [wanted] if isinstance(wanted, str) else sorted(wanted)
        if len(values) == 1:
            parts.append(f"{label}={_quoted(values[0])}")
        elif values:
            parts.append(f"{label}=~{_quoted('|'.join(map(_escaped, values)))}")
    return f"{metrics[0] if len(metrics) == 1 else ''}{{{','.join(parts)}}}"


def beginning(name: str, label: str, beginnings: Collection[str]) -> str:
    """Return a PromQL selector for a metric's series whose label begins with one of these texts."""
    pattern = f"(?:{'|'.join(map(_escaped, beginnings))}).*"
    return f"{name}{{{label}=~{_quoted(pattern)}}}"


def _escaped(text: str) -> str:
    """Return an RE2 regular expression that matches only this text."""
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

"""What labels of a series say: whose it is, and which target it was scraped from; and PromQL that selects series."""

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
    """A node of a cluster; *cluster* is empty where Prometheus has one cluster and no such label."""

    cluster: str
    node: str


@dataclass(frozen=True, slots=True, order=True)
class TargetKey:
    """What Prometheus scrapes: one exporter as one job sees it."""

    cluster: str
    job: str
    instance: str


def own(labels: Labels, name: str) -> str:
    """
    Return a label that the exporter gave; Prometheus calls it `exported_...` where the target has one of that name and
    is scraped without honor_labels.
    """
    return labels.get(f"exported_{name}") or labels.get(name, "")


def own_name(labels: Labels, name: str) -> str:
    """Return under which name `own` has found it."""
    return f"exported_{name}" if labels.get(f"exported_{name}") else name


def place(labels: Labels) -> Place:
    """Return the node that a series is about; without a label `node`, the target stands for it."""
    return Place(labels.get("cluster", ""), own(labels, "node") or labels.get("instance", ""))


def target(labels: Labels) -> TargetKey:
    """Return where it was scraped from."""
    return TargetKey(labels.get("cluster", ""), labels.get("job", ""), labels.get("instance", ""))


def selector(names: str | Collection[str], matchers: Mapping[str, str | Collection[str]]) -> str:
    """
    Return PromQL that selects series by metric names and by labels that equal one of some texts.

    Labels that nothing is given for do not matter.
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
    """Return PromQL that selects the series of a metric whose label begins with one of these texts."""
    pattern = f"(?:{'|'.join(map(_escaped, beginnings))}).*"
    return f"{name}{{{label}=~{_quoted(pattern)}}}"


def _escaped(text: str) -> str:
    """Return a regular expression of RE2 that only the text itself matches."""
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

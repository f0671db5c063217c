"""Format amounts for people: bytes, CPUs, durations, ages, NUMA nodes, and placeholders for missing values."""

from collections.abc import Iterable

from podres_exporter.cpuset import format_cpuset
from podres_exporter.families.spec import nodes_text
from podres_exporter.model import Mark, PodMeta, Verdict
from podres_exporter.model.allocation import NumaNodes
from podres_exporter.printable import printable
from podres_exporter.quantity import bytes_text

NONE = "-"
"""Shown where a value does not exist or does not apply."""
UNKNOWN = "?"
"""Shown where no source reports the value."""
CPU, MEMORY = "cpu", "memory"
WHOLE_POD = "(pod)"
"""Shown instead of a container name for what the kubelet lists for the pod itself; real names have no parentheses."""

ALIGNED = {
    Verdict.ALIGNED: "yes",
    Verdict.MISALIGNED: "no",
    Verdict.SPANS: "spans",
    Verdict.UNKNOWN: UNKNOWN,
    Verdict.UNSUPPORTED: UNKNOWN,
    Verdict.NOT_APPLICABLE: NONE,
}
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def amount_text(amount: int | None, *, is_bytes: bool) -> str:
    """Return bytes or a number as text; `?` if it is not known."""
    if amount is None:
        return UNKNOWN
    return bytes_text(amount) if is_bytes else str(amount)


def resource_amount(resource: str, amount: int) -> str:
    """Return an amount of a resource: bytes for memory, millicores for CPU requests, else a number."""
    if resource == "requests.cpu":
        return cpus_text(amount)
    return amount_text(amount, is_bytes=resource in {MEMORY, "requests.memory"} or resource.startswith("hugepages-"))


def cpus_text(millicores: int) -> str:
    """Return CPUs in Kubernetes' notation: `4`, `500m`."""
    return f"{millicores}m" if millicores % 1000 else str(millicores // 1000)


def size_text(size: float) -> str:
    """Return bytes with a unit and at most one decimal: `562 B`, `1.2 MiB`."""
    power = 0
    while size >= 1024 and power < len(_UNITS) - 1:
        size, power = size / 1024, power + 1
    return f"{size:.1f}".removesuffix(".0") + f" {_UNITS[power]}"


def seconds_text(seconds: float) -> str:
    """Return a duration: `3 ms`, `1.2 s`."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{max(seconds, 0.0) * 1000:.0f} ms"


def age_text(seconds: float) -> str:
    """Return an age in its largest unit."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def nodes_cell(nodes: NumaNodes) -> str:
    """Return the NUMA nodes as a list such as `0-1`; `?` where none is stated."""
    return nodes_text(nodes) or UNKNOWN


def nodes_phrase(numa_nodes: Iterable[int]) -> str:
    """Return `node 1` or `nodes 0-1`; `no node` for an empty set."""
    nodes = sorted(numa_nodes)
    if not nodes:
        return "no node"
    return f"{'node' if len(nodes) == 1 else 'nodes'} {format_cpuset(nodes)}"


def on_nodes(nodes: NumaNodes) -> str:
    """Return `(NUMA node 1)`, `(NUMA nodes 0-1)`, or `(NUMA node not stated)`."""
    return f"(NUMA {nodes_phrase(nodes)})" if nodes else "(NUMA node not stated)"


_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "y": 365 * 86400}
_AGES = (
    (2 * 60, "s", ""),
    (10 * 60, "m", "s"),
    (3 * 3600, "m", ""),
    (8 * 3600, "h", "m"),
    (2 * 86400, "h", ""),
    (8 * 86400, "d", "h"),
    (2 * 365 * 86400, "d", ""),
    (8 * 365 * 86400, "y", "d"),
)
"""Ages below this many seconds are shown in this unit, and the remainder in that one."""


def workload_cell(meta: PodMeta | None) -> str:
    """Return `Deployment/web`; `-` for a pod without an owner, `?` if the owner is not known."""
    if meta is None:
        return UNKNOWN
    return printable(f"{meta.workload_kind}/{meta.workload_name}") if meta.workload_kind else NONE


def age_cell(meta: PodMeta | None, now_seconds: float | None) -> str:
    """Return the pod's age in kubectl's notation; `?` if it is not known."""
    started = meta.started_seconds if meta else None
    if started is None or now_seconds is None:
        return UNKNOWN
    return short_age(now_seconds - started)


def short_age(age_seconds: float) -> str:
    """
    Return an age as kubectl writes it: `45s`, `12m`, `5h12m`, `3d4h`.

    Source: k8s.io/apimachinery/pkg/util/duration HumanDuration.
    """
    seconds = max(0, int(age_seconds))
    for limit, unit, part in _AGES:
        if seconds < limit:
            whole, rest = divmod(seconds, _SECONDS[unit])
            rest = rest // _SECONDS[part] if part else 0
            return f"{whole}{unit}{rest}{part}" if rest else f"{whole}{unit}"
    return f"{seconds // _SECONDS['y']}y"


def state_cell(mark: Mark) -> str:
    """Return `retained` or `unconfirmed` if the running kubelet has not reported the rows, else `-`."""
    return NONE if mark is Mark.CURRENT else mark.value


def memory_order(memory_type: str) -> tuple[bool, str]:
    """Return the sort key that puts memory before huge pages."""
    return (memory_type != MEMORY, memory_type)


def thing(resource: str) -> str:
    """Return the resource as it is named within a sentence."""
    return "exclusive CPUs" if resource == CPU else printable(resource)

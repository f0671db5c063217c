"""Judge the health of a cluster's exporters: findings on each node, from its snapshot."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from podres_exporter.check.finding import Finding, Verdict, failed, note, warning
from podres_exporter.check.findings.conflicts import DUAL_MODE_REMEDY, doubles_finding
from podres_exporter.cluster.outcome import Answered, Trouble
from podres_exporter.model import Allocation, Drift, Explanation, PodKey, Snapshot, Support, Unread
from podres_exporter.printable import printable
from podres_exporter.text.amounts import age_text
from podres_exporter.text.availability import what_is_retained, why_down, why_nothing
from podres_exporter.text.words import counted, drift_text, folded, joined, pods_text, some

OLD_SECONDS = 120.0
"""An exporter updates its document at every poll; the longest usual interval is a fraction of this."""
AHEAD_SECONDS = 30.0
"""If a node's clock differs from ours by more than this, one of the two is wrong."""

_REMEDIES = {
    "kubelet": "run podres-exporter check on the node",
    "metadata": "check that the exporter may list and watch pods, and that it can reach the API server",
    "dra": "check that the exporter may list and watch resourceslices and get resourceclaims (chart: rbac.dra)",
    "topology": "mount the node's /sys where --topology.sysfs says",
}
_GIVEN_UP = (
    "what they hold may be shown as free: search the kubelet's log for their names, and delete those that no longer run"
)
_DRIFTED = (
    "normal for some 10 s after a start or resize. If it lasts, something else writes cpusets (the runtime, a tool "
    "such as tuned, a privileged container): find it, and recreate the pod"
)
_UNREAD = {
    Unread.NO_METADATA: "without metadata",
    Unread.NOT_FOUND: "without a cgroup",
    Unread.NO_CPUSET: "without a cpuset",
    Unread.DENIED: "that may not be read",
    Unread.MALFORMED: "with an unreadable cpuset",
    Unread.UNKNOWN_CPUS: "with CPUs that a DRA driver chose",
}
_MOST_DRIFTS = 5
_ALLOCATABLE_RPC, _GET_RPC = "GetAllocatableResources", "Get"


@dataclass(frozen=True, slots=True)
class NodeHealth:
    """The findings on one node (only those worth reporting). *age_seconds* is its document's age by our clock."""

    told: Answered
    age_seconds: float
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst verdict; notes do not count."""
        return _worst(self.findings)


@dataclass(frozen=True, slots=True)
class Health:
    """The nodes that answered, those that did not, and findings about all of them together."""

    nodes: tuple[NodeHealth, ...]
    troubles: tuple[Trouble, ...] = ()
    findings: tuple[Finding, ...] = ()
    versions: Mapping[str, int] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """Failed if no node answered, a warning if something is missing on any node."""
        if not self.nodes:
            return Verdict.FAILED
        found = {_worst(self.findings), *(each.verdict for each in self.nodes)}
        return Verdict.OK if found == {Verdict.OK} and not self.troubles else Verdict.WARNING


def _worst(findings: Collection[Finding]) -> Verdict:
    verdicts = {each.verdict for each in findings}
    return next((each for each in (Verdict.FAILED, Verdict.WARNING) if each in verdicts), Verdict.OK)


def judge(
    nodes: Sequence[Answered],
    found: Sequence[Trouble],
    now_seconds: float,
    cluster_nodes: Collection[str] | None = None,
) -> Health:
    """
    Judge the health at *now_seconds* (Unix).

    *cluster_nodes* are the names of all nodes, None without permission to list them.
    """
    versions = Counter(each.version or "unknown" for each in nodes)
    seen = {each.node for each in nodes} | {each.node for each in found}
    without = sorted(set(cluster_nodes or ()) - seen)
    return Health(
        tuple(
            NodeHealth(each, now_seconds - each.generated_at_seconds, exporter_findings(each, now_seconds))
            for each in nodes
        ),
        tuple(found),
        (*_skew(versions), *_bare(without), *_unlisted(cluster_nodes)),
        dict(sorted(versions.items())),
    )


def _skew(versions: Mapping[str, int]) -> Iterator[Finding]:
    if len(versions) > 1:
        told = joined([f"{printable(version)} on {count}" for version, count in sorted(versions.items())])
        yield warning(
            "exporter.version", f"exporters of several versions: {told}", "let the DaemonSet finish its rollout"
        )


def _bare(nodes: Sequence[str]) -> Iterator[Finding]:
    if nodes:
        seen = f"{counted(len(nodes), 'node')} without an exporter: {some(nodes, 8)}"
        yield note(
            "exporter.missing",
            seen,
            "if they have devices, give the DaemonSet tolerations for their taints",
            nodes=[*nodes],
        )


def _unlisted(cluster_nodes: Collection[str] | None) -> Iterator[Finding]:
    if cluster_nodes is None:
        seen = "cannot tell whether nodes lack an exporter: listing nodes is not permitted"
        yield note("exporter.missing", seen, "grant list on nodes to find out")


def exporter_findings(told: Answered, now_seconds: float) -> tuple[Finding, ...]:
    """Return the findings worth reporting on one exporter and its node; none if all is well."""
    snapshot = told.snapshot
    found = [*_of_exporter(told, now_seconds), *_of_sources(snapshot), *_of_calls(snapshot)]
    if snapshot.allocation is not None:
        found += [*_of_pods(snapshot, snapshot.allocation), *_of_devices(snapshot.allocation)]
        found += _of_cpusets(snapshot.allocation.drift or Drift())
    return tuple(found)


def _of_exporter(told: Answered, now_seconds: float) -> Iterator[Finding]:
    if not told.target.is_ready:
        yield warning("exporter.ready", "the exporter is not ready", "see its log, and the other findings")
    if told.said_node != told.node:
        seen = f"the exporter reports the node name {printable(told.said_node)}"
        yield warning(
            "exporter.node-name", seen, "set NODE_NAME from spec.nodeName, and remove --node-name", said=told.said_node
        )
    age = now_seconds - told.generated_at_seconds
    if age > OLD_SECONDS:
        seen = f"the snapshot is {age_text(age)} old"
        yield warning("snapshot.age", seen, "see the exporter's log, and the node's clock", age_seconds=round(age))
    elif age < -AHEAD_SECONDS:
        seen = f"the node's clock is {age_text(-age)} ahead of this machine's"
        yield warning("snapshot.age", seen, "check the time synchronisation of both", age_seconds=round(age))


def _of_sources(snapshot: Snapshot) -> Iterator[Finding]:
    held = [each.part for each in snapshot.parts if each.held]
    stale = [each.part for each in snapshot.parts if each.stale and not each.held]
    if snapshot.allocation is None:
        yield failed("snapshot.allocation", f"nothing to show: {why_nothing(snapshot)}", _REMEDIES["kubelet"])
    elif held:
        seen = what_is_retained(snapshot) or f"{joined(held)} as known before the kubelet's restart"
        yield warning(
            "snapshot.held", seen, "wait until the kubelet lists its pods; check whether it can reach its API server"
        )
    elif stale:
        yield warning("snapshot.stale", f"{joined(stale)} as the kubelet last reported", _REMEDIES["kubelet"])
    for each in snapshot.sources:
        is_told = each.source == "kubelet" and (snapshot.allocation is None or held or stale)
        if not (each.up or is_told):
            remedy = _REMEDIES.get(each.source, "see the exporter's log")
            yield warning(f"source.{each.source}", why_down(each, printable(each.source)), remedy)
    if snapshot.metadata is None:
        yield note("metadata", "metadata is off (--metadata.source=none)", "labels and owners are missing")
    elif not snapshot.metadata.synced:
        yield warning("metadata.synced", "the API server's pods are not up to date", _REMEDIES["metadata"])


def _of_calls(snapshot: Snapshot) -> Iterator[Finding]:
    lacking = {each.rpc for each in snapshot.rpcs if each.support is Support.UNSUPPORTED}
    if _ALLOCATABLE_RPC in lacking:
        seen = f"the kubelet does not serve {_ALLOCATABLE_RPC}: what is free is not known"
        yield warning(
            "kubelet.allocatable", seen, "it needs 1.23, or the feature gate KubeletPodResourcesGetAllocatable"
        )
    if _GET_RPC in lacking:
        seen = "the kubelet does not serve Get: changes are only seen at the next poll"
        yield note("kubelet.get", seen, "it needs 1.34, or the feature gate KubeletPodResourcesGet")


def _of_pods(snapshot: Snapshot, allocation: Allocation) -> Iterator[Finding]:
    """
    Yield differences between kubelet and API server; pods that have just started or ended are known to one side only.
    """
    young = "try again in a moment: a pod that has just started or ended is known to one side only"
    metadata = snapshot.metadata
    if metadata is not None and metadata.synced:
        listed = {view.pod.key for view in allocation.pods} | {*allocation.given_up_pods}
        running = (meta for meta in metadata.pods.values() if not (meta.is_terminal or meta.is_deleting))
        missing = sorted(meta.key for meta in running if meta.has_started and meta.key not in listed)
        unknown = sorted(listed - metadata.pods.keys())
        yield from _disagreement(
            "pods.missing", "not listed by the kubelet, although the API server has", missing, young
        )
        yield from _disagreement(
            "pods.unknown", "listed by the kubelet, although the API server does not have", unknown, young
        )
    what = "running according to the API server, but no longer shown: the kubelet does not have them"
    yield from _disagreement("pods.given-up", what, allocation.given_up_pods, _GIVEN_UP)
    short = sorted(
        {
            view.pod.key
            for view in allocation.pods
            for each in view.requests
            if _is_unexplained(each.missing, each.explanation)
        }
    )
    yield from _disagreement("pods.requests", "hold less than they requested", short, "see kubectl podres explain POD")


def _is_unexplained(missing: int, explanation: Explanation) -> bool:
    return bool(missing) and explanation is Explanation.UNEXPLAINED


def _disagreement(name: str, what: str, pods: Sequence[PodKey], remedy: str) -> Iterator[Finding]:
    if pods:
        names = ["/".join(key) for key in pods]
        yield warning(name, f"{what}: {pods_text(pods)}", remedy, pods=names)


def _of_devices(allocation: Allocation) -> Iterator[Finding]:
    if allocation.doubles:
        yield doubles_finding(allocation.doubles)
    for stock in allocation.devices:
        if claimed := sorted(stock.held_by_dra):
            seen = f"{printable(stock.resource)} offered as free though a claim has the hardware: {some(claimed)}"
            yield warning("devices.dual-mode", seen, DUAL_MODE_REMEDY, devices=claimed)
        gone = stock.unallocatable_held
        if gone:
            seen = f"{len(gone)} {printable(stock.resource)} held, but not reported as allocatable"
            yield warning(
                "devices.unallocatable", seen, "see the plugin's log: unhealthy, or the plugin is gone", held=len(gone)
            )


def _of_cpusets(drift: Drift) -> Iterator[Finding]:
    """Yield where the kernel and the kubelet disagree; nothing unless the collector cpuset-drift is on."""
    differing = [each for each in drift.containers if each.differs]
    if differing:
        names = [f"{'/'.join(each.container.pod)} {each.container.name}" for each in differing]
        told = [f"{printable(name)} {drift_text(each)}" for name, each in zip(names, differing, strict=True)]
        seen = f"{counted(len(told), 'cgroup')} not as the kubelet lists: {'; '.join(folded(told, _MOST_DRIFTS))}"
        yield warning("cpuset.drift", seen, _DRIFTED, containers=names)
    if drift.unread:
        told = [f"{count} {_UNREAD[reason]}" for reason, count in sorted(drift.unread.items())]
        seen = f"{counted(sum(drift.unread.values()), 'container')} with exclusive CPUs not compared: {joined(told)}"
        yield note(
            "cpuset.unread",
            seen,
            "--cgroup.root is the node's cgroup tree, mounted read-only",
            **{reason.value: count for reason, count in drift.unread.items()},
        )

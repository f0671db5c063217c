"""The notes below a table: freshness of the data, and what could not be known."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from podres_exporter.join.hardware import twins
from podres_exporter.model import (
    Allocation,
    Attribution,
    Certainty,
    Explanation,
    PodView,
    Request,
    RpcSupport,
    Snapshot,
    Support,
    UnlistedReason,
    Verdict,
)
from podres_exporter.printable import printable
from podres_exporter.text.amounts import CPU, on_nodes, resource_amount, thing
from podres_exporter.text.availability import (
    last_answer,
    origin_name,
    what_is_given_up,
    what_is_retained,
    what_is_unknown,
    why_down,
    why_nothing,
)
from podres_exporter.text.words import counted, double_text, folded, ids_in_order, joined

Note = str
Notes = Callable[[Snapshot], Iterable[Note]]

_MOST_NODES = 4
_MOST_NAMES = 6
_ALLOCATABLE_RPC = "GetAllocatableResources"


@dataclass(frozen=True, slots=True)
class About:
    """The notes for one kind of table: those *of_node* name the node if there are several, the *legend* does not."""

    of_node: tuple[Notes, ...]
    legend: tuple[Notes, ...] = ()


def merged(snapshots: Sequence[Snapshot], about: About) -> list[Note]:
    """Return the notes on all snapshots without duplicates, and the legend."""
    said = [f"{nodes}{note}" for notes in about.of_node for note, nodes in _by_note(snapshots, notes).items()]
    return said + [note for notes in about.legend for note in _by_note(snapshots, notes)]


def _by_note(snapshots: Sequence[Snapshot], notes: Notes) -> dict[Note, str]:
    """Return the prefix naming the nodes with the note; empty if there is only one node."""
    nodes_by_note: dict[Note, list[str]] = {}
    for snapshot in snapshots:
        for note in notes(snapshot):
            nodes_by_note.setdefault(note, []).append(printable(snapshot.node))
    if len(snapshots) < 2:
        return dict.fromkeys(nodes_by_note, "")
    return {note: f"{', '.join(folded(nodes, _MOST_NODES))}: " for note, nodes in nodes_by_note.items()}


def trust(snapshot: Snapshot) -> Iterator[Note]:
    """Yield why there is nothing to show, or why the data is not current; goes below every table."""
    held = [printable(each.part) for each in snapshot.parts if each.held]
    stale = [printable(each.part) for each in snapshot.parts if each.stale and not each.held]
    since = last_answer(snapshot)
    if snapshot.allocation is None:
        yield f"nothing to show: {why_nothing(snapshot)}"
        return
    if retained := what_is_retained(snapshot):
        yield f"retained: {retained}"
    if unknown := what_is_unknown(snapshot):
        yield f"not known: {unknown}"
    if given_up := what_is_given_up(snapshot):
        yield f"not listed: {given_up}"
    if stale:
        yield f"stale: {joined(stale)} as the kubelet last reported{f', {since}' if since else ''}"
    for each in snapshot.sources:
        if not each.up and not (each.source == "kubelet" and (stale or held)):
            names = {**_SOURCES, "metadata": origin_name(snapshot.metadata)}
            yield f"down: {why_down(each, names.get(each.source, printable(each.source)))}"


_SOURCES = {
    "kubelet": "the kubelet",
    "topology": "/sys, which has the NUMA topology,",
    "dra": "the API server, for ResourceSlices and claims,",
}


def metadata(snapshot: Snapshot) -> Iterator[Note]:
    """Yield what is unknown without metadata."""
    if snapshot.allocation is None:
        return
    if snapshot.metadata is None:
        yield "no metadata: metadata is off, so workloads, requests and health are not known"
    elif not snapshot.metadata.synced:
        yield "metadata not synced: workloads, requests and health may be missing or outdated"


def places(snapshot: Snapshot) -> Iterator[Note]:
    """Yield why the NUMA nodes or the alignment of some containers are unknown."""
    allocation = snapshot.allocation
    if allocation is None:
        return
    if allocation.topology is None and (allocation.cpus.allocatable or allocation.cpus.exclusive):
        yield "no topology: the NUMA nodes of CPUs are not known"
    verdicts = [each.alignment for view in allocation.pods for each in view.containers]
    if any(each.verdict is Verdict.UNSUPPORTED for each in verdicts):
        yield "alignment not judged: kubelets before 1.23 report unknown NUMA nodes as node 0"
    unplaced = sum(each.unplaced for each in verdicts if each.verdict is not Verdict.UNSUPPORTED)
    if unplaced and allocation.topology is not None:
        one = unplaced == 1
        held = "1 held device or CPU has" if one else f"{unplaced} held devices or CPUs have"
        yield f"{held} no known NUMA node, and {'is' if one else 'are'} ignored in NUMA and ALIGNED"


def claims(snapshot: Snapshot) -> Iterator[Note]:
    """Yield what is unknown about the devices of claims."""
    uses = [use for view in _pods(snapshot.allocation) for each in view.containers for use in each.claim_uses]
    if any(use.attribution is Attribution.CLAIM for use in uses):
        yield "(DRA?): the device belongs to a claim of the container; whether the container uses it is unknown"


def claim_cells(snapshot: Snapshot) -> Iterator[Note]:
    """Yield the meaning of `?` in the row of a claim device."""
    known = snapshot.allocation.dra.devices() if snapshot.allocation and snapshot.allocation.dra else {}
    uses = [use for view in _pods(snapshot.allocation) for each in view.containers for use in each.claim_uses]
    unplaced = [use for use in uses if (use.device.driver, use.device.pool, use.device.device) not in known]
    if unplaced or any(use.attribution is Attribution.CLAIM for use in uses):
        yield (
            "the kubelet does not report the NUMA node of claim devices; USES ? is a device of a claim of the "
            "container, of which it is unknown whether the container uses it"
        )


def skipped(snapshot: Snapshot) -> Iterator[Note]:
    """Yield which pods of the kubelet's answer are not shown."""
    counts = snapshot.allocation.skipped_pods if snapshot.allocation else {}
    if counts.get("terminal"):
        count = counts["terminal"]
        yield f"left out: {counted(count, 'pod')} that the kubelet still lists and that {_has(count)} finished"
    if counts.get("duplicate_name"):
        yield f"{counted(counts['duplicate_name'], 'pod')} merged with another of the same namespace and name"


def _has(count: int) -> str:
    return "has" if count == 1 else "have"


def pod_lists(snapshot: Snapshot) -> Iterator[Note]:
    """Yield the meaning of a pod-level row."""
    if any(view.pod.exclusive_cpus or view.pod.memory for view in _pods(snapshot.allocation)):
        yield "(pod): listed by the kubelet for the pod as a whole; its containers repeat some of it"


def unallocatable(snapshot: Snapshot) -> Iterator[Note]:
    """Yield the held devices of the node that the kubelet does not report as allocatable."""
    yield from _unallocatable(snapshot, lambda _key: True)


def unallocatable_of_pods(snapshot: Snapshot) -> Iterator[Note]:
    """Yield the held devices of the pods in the table that the kubelet does not report as allocatable."""
    shown = {
        (device.resource, device.device_id)
        for view in _pods(snapshot.allocation)
        for each in view.containers
        for device in each.container.devices
    }
    yield from _unallocatable(snapshot, shown.__contains__)


def _unallocatable(snapshot: Snapshot, is_wanted: Callable[[tuple[str, str]], bool]) -> Iterator[Note]:
    found = [
        f"{printable(stock.resource)} {printable(device)} {on_nodes(stock.numa_nodes)}"
        for stock in (snapshot.allocation.devices if snapshot.allocation else ())
        for device in ids_in_order(stock.unallocatable_held or ())
        if is_wanted((stock.resource, device))
    ]
    if found:
        yield (
            f"held, but not reported as allocatable (unhealthy, plugin gone, or an empty topology): "
            f"{', '.join(folded(found, _MOST_NAMES))}"
        )


def free_unknown(snapshot: Snapshot) -> Iterator[Note]:
    """Yield why free amounts are unknown."""
    allocation = snapshot.allocation
    if allocation is None or not is_stock_unknown(allocation):
        return
    if RpcSupport(_ALLOCATABLE_RPC, Support.UNSUPPORTED) in snapshot.rpcs:
        yield f"free not known: this kubelet does not serve {_ALLOCATABLE_RPC}"
    else:
        yield f"free not known: the kubelet has not answered {_ALLOCATABLE_RPC}"


def is_stock_unknown(allocation: Allocation) -> bool:
    """Return whether the kubelet has not reported what is allocatable."""
    return allocation.cpus.allocatable is None or any(stock.reported is None for stock in allocation.devices)


def double_held(snapshot: Snapshot) -> Iterator[Note]:
    """Yield what two pods hold although only one may: a bug of the kubelet or a driver."""
    doubles = (snapshot.allocation and snapshot.allocation.doubles) or ()
    for is_certain, words in ((True, "held twice"), (False, "possibly held twice, unless for admin access")):
        found = [double_text(each) for each in doubles if (each.certainty is Certainty.CERTAIN) is is_certain]
        if found:
            yield f"{words}: {', '.join(folded(found, _MOST_NAMES))}"


def misaligned(snapshot: Snapshot) -> Iterator[Note]:
    """Yield the containers that are misaligned: one NUMA node could have served them."""
    names = [
        f"{pod_name(view)} {printable(each.container.name)}"
        for view in _pods(snapshot.allocation)
        for each in view.containers
        if each.alignment.verdict is Verdict.MISALIGNED
    ]
    if names:
        yield f"misaligned: {', '.join(folded(names, _MOST_NAMES))}"


def missing(snapshot: Snapshot) -> Iterator[Note]:
    """Yield what containers lack without explanation."""
    found = [
        f"{pod_name(view)} {printable(each.container)} {each.missing} of {each.requested} {resource_name(each)}"
        for view in _pods(snapshot.allocation)
        for each in view.requests
        if each.missing and each.explanation is Explanation.UNEXPLAINED
    ]
    if found:
        yield f"missing, requested but not held: {', '.join(folded(found, _MOST_NAMES))}"


def resource_name(request: Request) -> str:
    """Return the resource of a request as text."""
    return "exclusive CPUs" if request.resource == CPU else printable(request.resource)


def pod_name(view: PodView) -> str:
    """Return `namespace/name`."""
    return printable("/".join(view.pod.key))


def _pods(allocation: Allocation | None) -> Sequence[PodView]:
    return allocation.pods if allocation else ()


def ending(snapshot: Snapshot) -> Iterator[Note]:
    """Yield the pods that are being deleted or have finished, because what they hold is about to be free."""
    for words, pods in _ending(snapshot.allocation).items():
        yield f"{words}: {', '.join(folded(pods, _MOST_NAMES))}"


def _ending(allocation: Allocation | None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for view in allocation.pods if allocation else ():
        meta = view.meta
        if meta is None or all(each.container.holds_nothing for each in view.containers):
            continue
        if meta.is_deleting:
            found.setdefault("being deleted", []).append(printable("/".join(view.pod.key)))
        elif meta.phase in {"Succeeded", "Failed"}:
            found.setdefault("finished, and still listed", []).append(printable("/".join(view.pod.key)))
    return found


def unlisted(snapshot: Snapshot) -> Iterator[Note]:
    """Yield which pods are known to hold something that the kubelet does not list."""
    for view in snapshot.allocation.pods if snapshot.allocation else ():
        for row in view.unlisted:
            who = printable("/".join((*view.pod.key, row.container)))
            amount = f"{resource_amount(row.resource, row.amount)} {thing(row.resource)}"
            yield f"not all of these are free: {who} holds {amount} that the kubelet does not list ({_WHY[row.reason]})"


_WHY = {
    UnlistedReason.INIT_CONTAINER: "left over from an init container",
    UnlistedReason.NOT_LISTED: "kubelets up to 1.29 list no sidecars",
    UnlistedReason.UNREADABLE: "an item of its answer could not be read",
    UnlistedReason.CLAIM: "a DRA driver chose them for its claim and does not report which",
}


def two_names(snapshot: Snapshot) -> Iterator[Note]:
    """Yield the free devices that are held under another resource name."""
    for each in twins(snapshot.allocation) if snapshot.allocation else ():
        holder = printable(f"{each.namespace}/{each.pod}")
        yield (
            f"{printable(each.resource)} {printable(each.device_id)} counts as free, but is held as "
            f"{printable(each.held_as)} {printable(each.held_id)} by {holder}; the kubelet would allocate it again"
        )

"""The facts of a snapshot that `dump --watch` compares, as texts by subject."""

from collections import defaultdict
from collections.abc import Iterator

from podres_exporter.cpuset import format_cpuset
from podres_exporter.dump.held import Held, Thing, held_things
from podres_exporter.families.spec import by_node
from podres_exporter.model import Allocation, Explanation, Snapshot
from podres_exporter.printable import printable
from podres_exporter.quantity import bytes_text
from podres_exporter.text.amounts import ALIGNED, CPU, WHOLE_POD, memory_order, on_nodes

Subject = tuple[str, ...]
"""What a fact is about; joined by spaces it begins the line, and facts are sorted by it."""
Facts = dict[Subject, str]

ALLOCATABLE = "allocatable"


def holdings(allocation: Allocation) -> Facts:
    """Return what every container holds: devices one by one, CPUs as one set, memory by type."""
    facts: Facts = {}
    sets: defaultdict[Subject, list[str]] = defaultdict(list)
    for held in held_things(allocation):
        owner = _owner(held)
        match held.thing:
            case Thing.DEVICE:
                facts[*owner, printable(held.resource), printable(held.item)] = on_nodes(held.numa_nodes)
            case Thing.CLAIM:
                facts[*owner, *_claim_device(held)] = _claim_words(held)
            case Thing.CPU:
                sets[*owner, CPU].append(f"{held.item} {on_nodes(held.numa_nodes)}")
            case _:
                sets[*owner, printable(held.resource)].append(f"{bytes_text(held.amount)} {on_nodes(held.numa_nodes)}")
    return facts | {subject: ", ".join(texts) for subject, texts in sets.items()}


def _owner(held: Held) -> Subject:
    return (printable(f"{held.namespace}/{held.pod}"), printable(held.container) or WHOLE_POD)


def _claim_device(held: Held) -> Subject:
    """Return the driver, and the device with pool and share; the claim if there is no driver."""
    name = "/".join(part for part in (held.pool, held.item) if part) or "no device yet"
    words = (held.resource or f"claim {held.claim}", f"{name} share {held.share}" if held.share else name)
    return tuple(printable(word) for word in words)


def _claim_words(held: Held) -> str:
    """Return the claim, and what claim and slice state beyond the kubelet's list."""
    words = [f"claim {held.claim}"]
    words += [f"request {held.request}"] if held.request else []
    words += [f"uuid {held.base}"] if held.base else []
    words += ["admin access"] if held.is_admin else []
    words += [on_nodes(held.numa_nodes).strip("()")] if held.numa_nodes else []
    return f"({', '.join(printable(word) for word in words)})"


def verdicts(allocation: Allocation) -> Facts:
    """Return the alignment of every container that holds something."""
    return {
        (printable("/".join(view.pod.key)), printable(each.container.name), "aligned"): ALIGNED[each.alignment.verdict]
        for view in allocation.pods
        for each in view.containers
        if not each.container.holds_nothing
    }


def health(allocation: Allocation) -> Facts:
    """Return the health of every device with known health."""
    facts: Facts = {}
    for held in held_things(allocation):
        if held.health:
            name = (
                _claim_device(held) if held.thing is Thing.CLAIM else (printable(held.resource), printable(held.item))
            )
            message = printable(" ".join(held.message.split()))
            facts[*_owner(held), *name, "health"] = printable(held.health) + (f" ({message})" if message else "")
    return facts


def missing(allocation: Allocation) -> Facts:
    """Return how many items of each resource a container lacks without explanation."""
    return {
        (printable("/".join(view.pod.key)), printable(each.container), "missing", printable(each.resource)): str(
            each.missing
        )
        for view in allocation.pods
        for each in view.requests
        if each.missing and each.explanation is Explanation.UNEXPLAINED
    }


def reported_devices(allocation: Allocation) -> Facts | None:
    """Return the devices that the kubelet reports as allocatable; None if it does not report them."""
    facts: Facts = {}
    for stock in allocation.devices:
        if stock.reported is None:
            return None
        for device in stock.reported:
            facts[ALLOCATABLE, printable(stock.resource), printable(device)] = on_nodes(stock.numa_nodes)
    return facts


def reported_amounts(allocation: Allocation) -> Facts:
    """Return the allocatable CPUs as one list, and the allocatable memory by type and NUMA nodes."""
    facts: Facts = {}
    if allocation.cpus.allocatable:
        facts[ALLOCATABLE, CPU] = ", ".join(
            f"{format_cpuset(cpus)} {on_nodes(frozenset([int(node)]) if node else frozenset())}"
            for node, cpus in by_node(allocation.cpus.allocatable, allocation.topology)
        )
    for stock in sorted(allocation.memory, key=lambda each: memory_order(each.memory_type)):
        if stock.reported_bytes is not None:
            subject = (ALLOCATABLE, printable(stock.memory_type), on_nodes(stock.numa_nodes))
            facts[subject] = bytes_text(stock.reported_bytes)
    return facts


def states(snapshot: Snapshot) -> Facts:
    """Return the state of the sources and of both parts of the kubelet's data."""
    return dict(_states(snapshot))


def _states(snapshot: Snapshot) -> Iterator[tuple[Subject, str]]:
    for source in snapshot.sources:
        yield (printable(source.source),), "up" if source.up else "down"
    for part in snapshot.parts:
        yield (printable(part.part),), "held" if part.held else "stale" if part.stale else "fresh"
    if snapshot.metadata is not None:
        yield ("metadata",), "synced" if snapshot.metadata.synced else "not synced"
    yield ("allocation",), "known" if snapshot.allocation is not None else "not known"

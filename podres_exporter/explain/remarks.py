"""Remarks on a container: its CPUs, missing items, health and neighbours."""

from collections.abc import Iterable, Iterator, Sequence

from podres_exporter.cpuset import format_cpuset
from podres_exporter.explain.account import Account, ContainerAccount, Neighbour, Relation
from podres_exporter.model import Certainty, DeviceHealth, Explanation, Request, Thing, UnlistedReason
from podres_exporter.model.shares import split_replica
from podres_exporter.printable import printable
from podres_exporter.text.amounts import resource_amount, thing
from podres_exporter.text.words import double_name, drift_text, folded, shortened

_MOST_NEIGHBOURS = 6
_MOST_SHARES = 6
_LONGEST_ID = 48
_HEALTHY = "Healthy"
_ANY_CPUS = "any: the CPU manager's policy is not static, or unknown"
_GONE = "held but not reported as allocatable: unhealthy, plugin gone, or an empty topology"
_DRIFTED = (
    "normal for some 10 s after a start or resize; if it lasts, the kernel does not enforce what the kubelet lists"
)
_CHOSEN = "the plugin provides these, whatever id the kubelet lists"
_UNLISTED = {
    UnlistedReason.INIT_CONTAINER: "left over from an init container; they stay with the pod until it ends",
    UnlistedReason.NOT_LISTED: "kubelets up to 1.29 list no sidecars",
    UnlistedReason.UNREADABLE: "an item of the kubelet's answer could not be read",
    UnlistedReason.CLAIM: "a DRA driver chose them for its claim and does not report which",
}
_BESIDE = {
    Relation.ADMIN: "is also in another claim, and one of the two has admin access:",
    Relation.TWO_CLAIMS: "is also in another claim, one of them with admin access unless it was allocated twice:",
}
_WHY = {
    Explanation.UNEXPLAINED: "unexplained",
    Explanation.INIT_CONTAINER: "the kubelet never lists plain init containers",
    Explanation.CLAIM: "a DRA driver serves it, so it is listed as a claim",
    Explanation.NOT_LISTED: "kubelets up to 1.29 list no sidecars",
    Explanation.NO_PLUGIN: "no device plugin serves it, so the kubelet has nothing to list; only a scheduler counts it",
}

Remark = tuple[str, list[str]]
"""A label, and words between which lines may be broken."""


def remarks(account: Account, container: ContainerAccount) -> Iterator[Remark]:
    """Yield the remarks, most urgent first."""
    for label, is_explained in (("missing", False), ("not shown", True)):
        rows = [row for row in container.missing if (row.explanation is not Explanation.UNEXPLAINED) is is_explained]
        if rows:
            yield label, "; ".join(_missing(row) for row in rows).split()
    yield from _doubles(account, container)
    if container.drift is not None:
        yield "kernel", f"its cgroup {drift_text(container.drift)}; {_DRIFTED}".split()
    yield from _health(container.health)
    if container.unallocatable:
        ids = folded(
            [shortened(device_id, _LONGEST_ID) for device_id in container.unallocatable], _MOST_NEIGHBOURS, "(+{})"
        )
        yield "note", [*enumerated(ids), *_GONE.split()]
    for sentence in container.claim_faults:
        yield "note", printable(sentence).split()
    for row in container.unlisted:
        amount = resource_amount(row.resource, row.amount)
        yield (
            "holds",
            f"{amount} {thing(row.resource)} more that the kubelet does not list ({_UNLISTED[row.reason]})".split(),
        )
    if container.chosen_by:
        names = folded([shortened(each, _LONGEST_ID) for each in container.chosen_devices], _MOST_NEIGHBOURS)
        yield "chosen", [*enumerated(names), *f"by annotation {container.chosen_by}: {_CHOSEN}".split()]
    if container.runs_in_pool:
        yield "CPUs", _pool(container).split()
    for node, parts in container.caches:
        held = " and ".join(format_cpuset(part) for part in parts)
        yield "caches", f"on node {node} its CPUs are on {len(parts)} last-level caches: {held}".split()
    yield from _neighbours(account, [each for each in container.neighbours if not _is_double(container, each)])


def _pool(container: ContainerAccount) -> str:
    """
    Return where a container without exclusive CPUs runs.

    Source: kubelet cpumanager static policy; with strict-cpu-reservation the reserved CPUs are not part of the pool,
    and containers in an empty pool stay where they were (kubernetes #141196).
    """
    reserved = f"the reserved CPUs {format_cpuset(container.reserved)}" if container.reserved else "the reserved CPUs"
    if container.pool is None:
        return _ANY_CPUS
    if container.pool:
        beside = f", and {reserved} unless strict-cpu-reservation is set" if container.reserved else ""
        return f"shared pool ({len(container.pool)} allocatable CPUs{beside})"
    return (
        f"shared pool without any allocatable CPU left: it runs on {reserved}, or, with strict-cpu-reservation, where "
        "it ran before, on CPUs that others now hold exclusively; the kubelet does not report which"
    )


def _missing(request: Request) -> str:
    return f"{request.missing} of {request.requested} {thing(request.resource)} ({_WHY[request.explanation]})"


def _doubles(account: Account, container: ContainerAccount) -> Iterator[Remark]:
    """Yield one remark for each doubly held item: the item itself, not shares of it."""
    for double in container.doubles:
        ours = (account.namespace, account.name)
        others = [printable("/".join(pod)) for pod in double.pods if pod != ours]
        is_certain = double.certainty is Certainty.CERTAIN
        why = "only one pod may: delete one of them" if is_certain else "unless a claim has it for admin access"
        words = [shortened(double_name(double), _LONGEST_ID), *["is", "itself", "held", "by"], *enumerated(others)]
        yield "twice", [*words, "too;", *why.split()]


def _is_double(container: ContainerAccount, neighbour: Neighbour) -> bool:
    """Return whether everything shared with the neighbour is held twice, which is already reported."""
    twice = container.doubles
    doubles = {each.item if each.thing is Thing.DEVICE else f"{each.resource}/{each.item}" for each in twice}
    is_shared = neighbour.relation in {Relation.DEVICE, Relation.CLAIM, Relation.TWO_CLAIMS}
    return is_shared and neighbour.ours == neighbour.theirs and doubles.issuperset(neighbour.ours)


def _health(rows: tuple[DeviceHealth, ...]) -> Iterator[Remark]:
    """Yield one remark for all healthy devices, and one for each other device with its plugin's message."""
    healthy = [row for row in rows if row.health == _HEALTHY]
    if healthy:
        yield "health", f"{len(healthy)} of {len(rows)} devices {_HEALTHY}".split()
    for row in rows:
        if row not in healthy:
            name = "/".join(part for part in (row.pool, row.device) if part)
            words = [shortened(name, _LONGEST_ID), *f"of {printable(row.resource)}: {printable(row.health)}".split()]
            yield "health", words + printable(f"({' '.join(row.message.split())})" if row.message else "").split()


def _neighbours(account: Account, neighbours: Iterable[Neighbour]) -> Iterator[Remark]:
    """Yield a remark for each shared item, with those who share it."""
    groups: dict[tuple[Relation, tuple[str, ...]], list[Neighbour]] = {}
    for each in neighbours:
        groups.setdefault((each.relation, each.ours), []).append(each)
    for (relation, ours), others in groups.items():
        names = folded([_name(account, each) for each in others], _MOST_NEIGHBOURS, "(+{})")
        match relation:
            case Relation.DEVICE | Relation.CLAIM:
                mine = folded([shortened(text, _LONGEST_ID) for text in ours], _MOST_NEIGHBOURS)
                yield "shares", [*enumerated(mine), "with", *enumerated(names)]
            case Relation.ADMIN | Relation.TWO_CLAIMS:
                mine = folded([shortened(text, _LONGEST_ID) for text in ours], _MOST_NEIGHBOURS)
                yield "beside", [*enumerated(mine), *_BESIDE[relation].split(), *enumerated(names)]
            case Relation.CPUS:
                yield "shares", [_cpus(ours), "with", *enumerated(names)]
            case Relation.CORES:
                yield "cores", [*_share_cores(ours), *enumerated(names)]
            case _:
                theirs = _cpus(others[0].theirs)
                yield "cores", [*_share_cores(ours), f"{theirs},", "listed", "for", "no", "container"]


def _share_cores(cpus: Sequence[str]) -> list[str]:
    text = _cpus(cpus)
    return [text, *("shares its core with" if text.startswith("CPU ") else "share their cores with").split()]


def enumerated(words: list[str]) -> list[str]:
    """Return the words joined by commas."""
    return [*(f"{word}," for word in words[:-1]), *words[-1:]]


def _cpus(lists: Sequence[str]) -> str:
    """Return `CPU 5`, or `CPUs 4-7`."""
    text = ",".join(lists)
    return f"CPU {text}" if text.isdecimal() else f"CPUs {text}"


def _name(account: Account, other: Neighbour) -> str:
    """Return the neighbour's name and share; containers of the same pod by their own name."""
    pod = f"{printable(other.namespace)}/{printable(other.pod)}"
    same = (other.namespace, other.pod) == (account.namespace, account.name)
    name = f"container {printable(other.container)}" if same else f"{pod} {printable(other.container)}"
    shares = [_share(other, text) for text in other.theirs[:_MOST_SHARES]]
    more = len(other.theirs) - _MOST_SHARES
    return f"{name} ({', '.join(shares)}{f', and {more} more' if more > 0 else ''})"


def _share(other: Neighbour, text: str) -> str:
    """Return only the number of a device's share, because the device is already named."""
    relation = other.relation
    if relation is Relation.DEVICE:
        base, replica = split_replica(text, other.resource)
        return f"share {printable(replica)}" if replica else shortened(base, _LONGEST_ID)
    if relation is Relation.CLAIM and " share " in text:
        return f"share {printable(text.rpartition(' share ')[2])}"
    claims = {Relation.CLAIM, Relation.ADMIN, Relation.TWO_CLAIMS}
    return "the same device" if relation in claims else _cpus([text])

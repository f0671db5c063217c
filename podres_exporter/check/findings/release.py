"""
Infer the kubelet's release from its answers.

The pod-resources API does not state it, and reading the node object would need an additional permission.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from podres_exporter.check.evidence import Evidence, Look
from podres_exporter.check.finding import Finding, ok, skipped
from podres_exporter.check.findings.pods import finished_pods
from podres_exporter.check.findings.rpcs import ALLOCATABLE, GET, LIST, NOT_CONNECTED
from podres_exporter.errors import Reason
from podres_exporter.join import blank_shared_pool
from podres_exporter.model import ContainerKind, Listing, Topology
from podres_exporter.text.words import joined

FIRST, OPEN = 20, 1000
"""Minor numbers: v1 of the API came with 1.20; there is no last one."""


@dataclass(frozen=True, slots=True)
class Clue:
    """
    A clue that narrows the release to minors *first* to *last*, and why.

    *is_certain*: no setting of another release gives this answer. Other clues assume that defaults were not changed.
    """

    seen: str
    first: int = FIRST
    last: int = OPEN
    is_certain: bool = True


def release_finding(evidence: Evidence) -> Finding:
    """Return the range of releases, with the clues."""
    call = evidence.calls.get(LIST)
    if call is None or call.reason is not None:
        return skipped("kubelet.release", NOT_CONNECTED if call is None else "no answer (kubelet.list)")
    clues = list(_clues(evidence))
    first, last = narrowed(clues)
    reasons = [clue.seen for clue in clues if _tells(clue, first, last)]
    seen = f"{range_text(first, last)}: {joined(reasons)}" if reasons else "1.20 or newer: no further clues"
    return ok("kubelet.release", seen, first=f"1.{first}", last=None if last == OPEN else f"1.{last}")


def _tells(clue: Clue, first: int, last: int) -> bool:
    """Return whether the range would be wider without the clue, as far as one clue can tell."""
    return (clue.first == first and first > FIRST) or (clue.last == last and last < OPEN)


def narrowed(clues: Iterable[Clue]) -> tuple[int, int]:
    """
    Return the first and the last minor that all clues allow.

    Uncertain ones that contradict each other or a certain one are dropped: a default has been changed.
    """
    known = list(clues)
    certain = _common([clue for clue in known if clue.is_certain])
    likely = _common(known)
    return likely if likely[0] <= likely[1] else certain


def _common(clues: Iterable[Clue]) -> tuple[int, int]:
    first, last = FIRST, OPEN
    for clue in clues:
        first, last = max(first, clue.first), min(last, clue.last)
    return first, last


def range_text(first: int, last: int) -> str:
    """Return `1.27 to 1.33`, `1.34 or newer`, `1.20`."""
    if first == last:
        return f"1.{first}"
    return f"1.{first} or newer" if last == OPEN else f"1.{first} to 1.{last}"


def _clues(evidence: Evidence) -> Iterator[Clue]:
    """
    Yield the clues in the answers.

    Source: kubelet kube_features.go, server_v1.go, podresources api.proto and grpc/ratelimit.go of 1.20 to 1.37.
    """
    yield from _clues_of_get(evidence)
    yield from _clues_of_allocatable(evidence)
    if any(call.rejected for call in evidence.calls.values()):
        yield Clue("calls are limited", 27)
    if evidence.allocatable and evidence.allocatable.memory:
        yield Clue("memory is reported", 22)
    if evidence.listing is not None:
        yield from _clues_of_pods(evidence.listing)
        topology = evidence.topology if isinstance(evidence.topology, Topology) else None
        if _lists_shared_pool(evidence, evidence.listing, topology):
            yield Clue("containers list the shared pool as exclusive CPUs", FIRST, 22)
        yield from _clues_of_sidecars(evidence.looks[-1])
    finished = finished_pods(evidence.looks)
    if finished:
        yield Clue("finished pods are listed", FIRST, 33, is_certain=False)


def _clues_of_get(evidence: Evidence) -> Iterator[Clue]:
    call = evidence.calls.get(GET)
    if call is None:
        return
    match call.reason:
        case Reason.UNIMPLEMENTED:
            yield Clue("Get does not exist", FIRST, 26)
        case Reason.DISABLED:
            yield Clue("Get exists but is disabled", 27, 35)
            yield Clue("Get is off by default", 27, 33, is_certain=False)
        case None | Reason.NOT_FOUND:
            yield Clue("Get exists", 27)
            yield Clue("Get is enabled, by default from 1.34", 34, is_certain=False)


def _clues_of_allocatable(evidence: Evidence) -> Iterator[Clue]:
    call = evidence.calls.get(ALLOCATABLE)
    if call is None:
        return
    match call.reason:
        case Reason.UNIMPLEMENTED:
            yield Clue(f"{ALLOCATABLE} does not exist", FIRST, FIRST)
        case Reason.DISABLED if "Pod Resources API" in call.detail:
            yield Clue(f"{ALLOCATABLE} is disabled, with the error text of 1.21 to 1.26", 21, 26)
            yield Clue(f"{ALLOCATABLE} is off by default", 21, 22, is_certain=False)
        case Reason.DISABLED:
            yield Clue(f"{ALLOCATABLE} is disabled", 21, 27)
        case None:
            yield Clue(f"{ALLOCATABLE} exists", 21)
            yield Clue(f"{ALLOCATABLE} is enabled, by default from 1.23", 23, is_certain=False)


def _clues_of_pods(listing: Listing) -> Iterator[Clue]:
    """Yield clues from fields that earlier releases do not have."""
    claims = [claim for pod in listing.pods for container in pod.containers for claim in container.claims]
    devices = [device for claim in claims for device in claim.devices]
    if any(pod.exclusive_cpus or pod.memory for pod in listing.pods):
        yield Clue("pods have pod-level CPUs or memory", 37)
    if any(device.share_id for device in devices):
        yield Clue("claims have share ids", 35)
    if any(device.driver for device in devices):
        yield Clue("claims name their devices", 31)
    elif devices:
        yield Clue("claims name CDI devices only", 27, 30)
    elif claims:
        yield Clue("claims are listed", 27)


def _lists_shared_pool(evidence: Evidence, listing: Listing, topology: Topology | None) -> bool:
    """Return whether the answer shows the shared pool as exclusive CPUs, which only kubelets without Get do."""
    call = evidence.calls.get(GET)
    if call is None or call.reason is not Reason.UNIMPLEMENTED:
        return False
    cpus = evidence.allocatable.cpus if evidence.allocatable else None
    return blank_shared_pool(listing, topology.online if topology else None, cpus).shared_pool_reported


def _clues_of_sidecars(look: Look) -> Iterator[Clue]:
    """Yield the clue whether running sidecars are listed."""
    if look.listing is None or look.metadata is None:
        return
    listed = {pod.key: {container.name for container in pod.containers} for pod in look.listing.pods}
    sidecars = [
        (key, spec.name)
        for key, meta in look.metadata.pods.items()
        for spec in meta.containers
        if spec.kind is ContainerKind.SIDECAR and key in listed
    ]
    if any(name in listed[key] for key, name in sidecars):
        yield Clue("sidecars are listed", 30)
    elif sidecars:
        yield Clue("sidecars are not listed", FIRST, 29)

"""Findings on the kubelet's answers: whether they arrive, how large they are, and which items can be used."""

import re

from podres_exporter.check.evidence import Call, Evidence
from podres_exporter.check.finding import Finding, failed, note, ok, skipped, warning
from podres_exporter.check.findings.rpcs import LIST, NOT_CONNECTED
from podres_exporter.errors import Reason
from podres_exporter.printable import printable
from podres_exporter.text.amounts import size_text
from podres_exporter.text.words import counted, some

MIB = 1 << 20
_MANY_DEVICES = "the node has very many devices, or devices with very long ids: see its device plugins"
USUAL_LIMIT_BYTES = 4 * MIB
"""gRPC's default for what a client receives."""

_NEARLY = 0.75
_LARGER = re.compile(r"larger than max \(([0-9]{1,12}) vs")


def answer_findings(evidence: Evidence) -> list[Finding]:
    """Return the findings on the rate limit, the size of the answers, and on items that are unusable."""
    return [_rate_limit(evidence), _size(evidence), _items(evidence)]


def _rate_limit(evidence: Evidence) -> Finding:
    """
    Return whether other clients use up the kubelet's calls.

    Source: kubelet apis/grpc/ratelimit.go: 100 a second, burst 10, one bucket for all clients and methods.
    """
    name, calls = "kubelet.rate-limit", evidence.calls.values()
    if not calls:
        return skipped(name, NOT_CONNECTED)
    attempts, rejected = sum(call.attempts for call in calls), sum(call.rejected for call in calls)
    facts = {"calls": attempts, "rejected": rejected}
    if not rejected:
        return ok(name, f"none of {counted(attempts, 'call')} was rejected", **facts)
    seen = f"{rejected} of {counted(attempts, 'call')} rejected: another client uses up the kubelet's 100 a second"
    remedy = (
        "find it among what mounts the socket's directory (ss -xp | grep pod-resources shows the processes) and let it "
        "ask less often; the limit is for all clients together and cannot be raised"
    )
    lost = any(call.reason is Reason.THROTTLED for call in calls)
    return failed(name, seen, remedy, **facts) if lost else warning(name, seen, remedy, **facts)


def _size(evidence: Evidence) -> Finding:
    """Return how large the largest answer is, against the limit that is set, and what fills it."""
    name, calls, limit = "kubelet.size", evidence.calls, evidence.settings.max_message_bytes
    sizes = {rpc: size for rpc, call in calls.items() if (size := _size_of(call)) is not None}
    if not sizes:
        return skipped(name, "there is no answer to measure" if calls else NOT_CONNECTED)
    largest = max(sizes, key=lambda rpc: sizes[rpc])
    size = sizes[largest]
    seen = f"{size_text(size)} at most, of {largest}"
    fits = f"the {size_text(limit)} of --kubelet.max-message-size"
    filler, remedy = _filler(evidence, size) if largest == LIST else ("", _MANY_DEVICES)
    remedy = f"raise --kubelet.max-message-size meanwhile; {remedy}"
    if size > limit:
        return failed(name, f"{seen}: more than {fits}{filler}", remedy, size_bytes=size)
    if size > _NEARLY * limit:
        return warning(name, f"{seen}: close to {fits}{filler}", remedy, size_bytes=size)
    if size > USUAL_LIMIT_BYTES:
        seen = f"{seen}: within {fits}, beyond gRPC's usual 4 MiB{filler}"
        return note(
            name, seen, "nothing to do here; other clients need grpc.max_receive_message_length", size_bytes=size
        )
    return ok(name, f"{seen}; {size_text(limit)} fit here, 4 MiB in most other clients", size_bytes=size)


def _filler(evidence: Evidence, size: int) -> tuple[str, str]:
    """
    Return which pod fills the answer to List, and what to do about it.

    Source: kubernetes #141335: each failed NodePrepareResources makes the kubelet list a claim's devices once more.
    """
    largest = evidence.listing.largest_pod if evidence.listing else None
    if largest is None or largest.size_bytes < size / 4:
        return "", _MANY_DEVICES
    pod = printable(f"{largest.namespace}/{largest.name}")
    claims = any(
        each.claims
        for each_pod in (evidence.listing.pods if evidence.listing else ())
        if each_pod.key == (largest.namespace, largest.name)
        for each in each_pod.containers
    )
    why = (
        f"see why the DRA driver cannot prepare the claims of {pod} (kubectl describe pod): each try makes the "
        "kubelet's answer longer (kubernetes #141335)"
        if claims
        else f"see what {pod} asks for: its devices make most of the answer"
    )
    return f"; {size_text(largest.size_bytes)} of it are pod {pod}", why


def _size_of(call: Call) -> int | None:
    """Return the length of an answer; of one that was refused for it, gRPC's text has it."""
    found = _LARGER.search(call.detail) if call.reason is Reason.TOO_LARGE else None
    return int(found[1]) if found else call.size_bytes


def _items(evidence: Evidence) -> Finding:
    """Return what of good answers could not be used, or shared its name with something else."""
    name, listing = "kubelet.items", evidence.listing
    answers = [answer for answer in (listing, evidence.allocatable) if answer is not None]
    if not answers:
        return skipped(name, "there is no answer to look into" if evidence.calls else NOT_CONNECTED)
    items = [item for answer in answers for item in answer.malformed]
    merged = listing.merged_pods if listing else 0
    facts = {"malformed": len(items), "merged_pods": merged}
    if items:
        named = some([f"{item.path}: {item.problem}" for item in items])
        remedy = "a device plugin or DRA driver sends what it must not: find it by the resource's name and mend it"
        return warning(name, f"{counted(len(items), 'item')} cannot be used as sent: {named}", remedy, **facts)
    if merged:
        seen = f"{counted(merged, 'entry', 'entries')} shared namespace and name with another and were united with it"
        return note(name, seen, "a pod was recreated under its name; this passes when the old one is gone", **facts)
    return ok(name, "all are usable", **facts)

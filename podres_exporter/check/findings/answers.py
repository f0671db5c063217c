"""Findings on the kubelet's answers: rate limit, message size, and unusable items."""

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
    """Return the findings on the rate limit, the size of the answers, and unusable items."""
    return [_rate_limit(evidence), _size(evidence), _items(evidence)]


def _rate_limit(evidence: Evidence) -> Finding:
    """
    Return whether other clients use up the kubelet's rate limit.

    Source: kubelet apis/grpc/ratelimit.go: 100 a second, burst 10, one bucket for all clients and methods.
    """
    name, calls = "kubelet.rate-limit", evidence.calls.values()
    if not calls:
        return skipped(name, NOT_CONNECTED)
    attempts, rejected = sum(call.attempts for call in calls), sum(call.rejected for call in calls)
    facts = {"calls": attempts, "rejected": rejected}
    if not rejected:
        return ok(name, f"none of {counted(attempts, 'call')} was rejected", **facts)
    seen = (
        f"{rejected} of {counted(attempts, 'call')} rejected: another client uses up the kubelet's limit of 100 calls/s"
    )
    remedy = (
        "find it among the pods that mount the socket's directory (ss -xp | grep pod-resources shows the processes) "
        "and make it poll less often; the limit is shared by all clients and cannot be raised"
    )
    lost = any(call.reason is Reason.THROTTLED for call in calls)
    return failed(name, seen, remedy, **facts) if lost else warning(name, seen, remedy, **facts)


def _size(evidence: Evidence) -> Finding:
    """Return the size of the largest answer, the configured limit, and which pod fills it."""
    name, calls, limit = "kubelet.size", evidence.calls, evidence.settings.max_message_bytes
    sizes = {rpc: size for rpc, call in calls.items() if (size := _size_of(call)) is not None}
    if not sizes:
        return skipped(name, "there is no answer to measure" if calls else NOT_CONNECTED)
    largest = max(sizes, key=lambda rpc: sizes[rpc])
    size = sizes[largest]
    seen = f"{size_text(size)} at most, of {largest}"
    fits = f"the {size_text(limit)} of --kubelet.max-message-size"
    filler, remedy = _filler(evidence, size) if largest == LIST else ("", _MANY_DEVICES)
    remedy = f"until then raise --kubelet.max-message-size; {remedy}"
    if size > limit:
        return failed(name, f"{seen}: more than {fits}{filler}", remedy, size_bytes=size)
    if size > _NEARLY * limit:
        return warning(name, f"{seen}: close to {fits}{filler}", remedy, size_bytes=size)
    if size > USUAL_LIMIT_BYTES:
        seen = f"{seen}: within {fits}, beyond gRPC's usual 4 MiB{filler}"
        return note(
            name, seen, "no action needed here; other clients need grpc.max_receive_message_length", size_bytes=size
        )
    return ok(name, f"{seen}; {size_text(limit)} fit here, 4 MiB in most other clients", size_bytes=size)


def _filler(evidence: Evidence, size: int) -> tuple[str, str]:
    """
    Return which pod dominates the List answer, and what to do about it.

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
        f"see why the DRA driver cannot prepare the claims of {pod} (kubectl describe pod): each retry makes the "
        "kubelet's answer longer (kubernetes #141335)"
        if claims
        else f"check what {pod} requests: its devices are most of the answer"
    )
    return f"; {size_text(largest.size_bytes)} of it are pod {pod}", why


def _size_of(call: Call) -> int | None:
    """Return the size of an answer; if it was rejected for its size, taken from gRPC's text."""
    found = _LARGER.search(call.detail) if call.reason is Reason.TOO_LARGE else None
    return int(found[1]) if found else call.size_bytes


def _items(evidence: Evidence) -> Finding:
    """Return which items of good answers were unusable, or shared a name."""
    name, listing = "kubelet.items", evidence.listing
    answers = [answer for answer in (listing, evidence.allocatable) if answer is not None]
    if not answers:
        return skipped(name, "there is no answer to examine" if evidence.calls else NOT_CONNECTED)
    items = [item for answer in answers for item in answer.malformed]
    merged = listing.merged_pods if listing else 0
    facts = {"malformed": len(items), "merged_pods": merged}
    if items:
        named = some([f"{item.path}: {item.problem}" for item in items])
        remedy = "a device plugin or DRA driver sends invalid data: find it by the resource's name and fix it"
        return warning(name, f"{counted(len(items), 'item')} unusable: {named}", remedy, **facts)
    if merged:
        seen = f"{counted(merged, 'entry', 'entries')} had the namespace and name of another and were merged with it"
        return note(name, seen, "a pod was recreated under the same name; this ends when the old one is gone", **facts)
    return ok(name, "all are usable", **facts)

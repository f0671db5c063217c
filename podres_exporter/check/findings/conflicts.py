"""Findings on conflicts: what two pods hold at the same time, and hardware that is offered under two names."""

from collections.abc import Collection, Mapping, Sequence

from podres_exporter.check.evidence import Evidence
from podres_exporter.check.finding import Facts, Finding, note, ok, skipped, warning
from podres_exporter.join.hardware import claimed_by_dra, dual_devices, hardware_of, twins
from podres_exporter.model import Allocation, Certainty, DoubleHeld
from podres_exporter.printable import printable
from podres_exporter.text.words import counted, double_text, some

DOUBLE_NAME = "node.double-held"
_MOST = 5
_DOUBLE_REMEDY = (
    "delete one of the pods, so that its controller recreates it: two programs use one device or CPU. Kubelets before "
    "1.38 do this when a client calls List during an allocation: find agents that poll the pod-resources API often "
    "(kubelet_pod_resources_endpoint_requests_list), and see PodresDeviceHeldTwice in deploy/rules/RUNBOOKS.md"
)
_POSSIBLE_REMEDY = (
    "harmless if one of the claims has the device for admin access (adminAccess in its request), which was not read"
)


def double_finding(evidence: Evidence) -> Finding:
    """Return what two running pods hold together in two observations, two seconds apart."""
    doubles = evidence.doubles
    if evidence.listing is None:
        return skipped(DOUBLE_NAME, "the kubelet's pods are not known (kubelet.list)")
    if doubles is None:
        return skipped(
            DOUBLE_NAME, "this kubelet lists finished pods too, and the API server's pods are not known (api.list)"
        )
    return doubles_finding(doubles)


def doubles_finding(doubles: Sequence[DoubleHeld]) -> Finding:
    """Return the finding on items that two pods have been seen to hold twice in a row."""
    certain = [each for each in doubles if each.certainty is Certainty.CERTAIN]
    facts: Facts = {
        "certain": len(certain),
        "possible": len(doubles) - len(certain),
        "held": [*map(double_text, doubles)],
    }
    if certain:
        return warning(
            DOUBLE_NAME,
            f"{counted(len(certain), 'thing')} held by two pods: {_named(certain)}",
            _DOUBLE_REMEDY,
            **facts,
        )
    if doubles:
        seen = f"{counted(len(doubles), 'DRA device')} in two claims: {_named(doubles)}"
        return note(DOUBLE_NAME, seen, _POSSIBLE_REMEDY, **facts)
    return ok(DOUBLE_NAME, "nothing is held by two pods", **facts)


def _named(doubles: Sequence[DoubleHeld]) -> str:
    texts = [double_text(each) for each in doubles[:_MOST]]
    more = len(doubles) - len(texts)
    return "; ".join(texts) + (f" and {more} more" if more else "")


NAME = "node.two-names"
_REMEDY = (
    "make the selectors of the device plugins' resources disjoint: the kubelet counts each resource separately, and "
    "allocates under one name what a pod holds under the other"
)


def twins_finding(allocation: Allocation | None) -> Finding:
    """Return the free devices that a pod holds under another resource name."""
    if allocation is None:
        return skipped(NAME, "the kubelet's pods are not known (kubelet.list)")
    found = twins(allocation)
    if not found:
        return ok(NAME, "no free device is held under another resource name")
    texts = [
        printable(f"{each.resource} {each.device_id} is held as {each.held_as} by {each.namespace}/{each.pod}")
        for each in found
    ]
    seen = f"free under one name and held under another: {some(texts)}"
    return warning(NAME, seen, _REMEDY, devices=[*texts])


DUAL_NAME = "node.dual-mode"
DUAL_MODE_REMEDY = (
    "let either the device plugin or the DRA driver offer this hardware on a node: neither knows what the other has "
    "given out, and the kubelet may give the device to another pod. See PodresDeviceOfferedTwice in "
    "deploy/rules/RUNBOOKS.md"
)


def dual_finding(allocation: Allocation | None) -> Finding:
    """Return the hardware that a device plugin and a DRA driver both offer, and whether a claim has it already."""
    if allocation is None:
        return skipped(DUAL_NAME, "the kubelet's pods are not known (kubelet.list)")
    if allocation.dra is None:
        return skipped(DUAL_NAME, "ResourceSlices are not known (api.dra)")
    hardware = hardware_of(allocation.dra.pools)
    offered = dual_devices(allocation.devices, hardware)
    claimed = claimed_by_dra(allocation.devices, hardware)
    facts: Facts = {"offered": _ids(offered), "claimed": _ids(claimed)}
    if claimed:
        return warning(
            DUAL_NAME,
            f"a claim has what a device plugin offers as free: {some(_ids(claimed))}",
            DUAL_MODE_REMEDY,
            **facts,
        )
    if offered:
        return note(
            DUAL_NAME,
            f"offered by a device plugin and by a DRA driver: {some(_ids(offered))}",
            DUAL_MODE_REMEDY,
            **facts,
        )
    return ok(DUAL_NAME, "no hardware is offered by both a device plugin and a DRA driver", **facts)


def _ids(found: Mapping[tuple[str, str], Collection[str]]) -> list[str]:
    return [printable(f"{resource} {each}") for (resource, _), ids in sorted(found.items()) for each in sorted(ids)]

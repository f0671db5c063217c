"""Findings on hardware that is advertised under two resource names, or by a device plugin and a DRA driver."""

from collections.abc import Collection, Mapping

from podres_exporter.check.finding import Facts, Finding, note, ok, skipped, warning
from podres_exporter.join.dual import claimed_by_dra, dual_devices, hardware_of, twins
from podres_exporter.model import Allocation
from podres_exporter.printable import printable
from podres_exporter.text.words import some

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

"""The finding on hardware that is advertised under two resource names."""

from podres_exporter.check.finding import Finding, ok, skipped, warning
from podres_exporter.join.twins import twins
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

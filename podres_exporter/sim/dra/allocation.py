"""Allocate devices of published ResourceSlices to a claim: first fit, by driver and device number."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Object = Mapping[str, Any]
DeviceId = tuple[str, str, str]
"""Driver, pool and device."""

_DRIVER = re.compile(r"""device\.driver\s*==\s*["']([^"']+)["']""")
_EFFECTS = {"NoSchedule", "NoExecute"}


class CannotAllocate(Exception):  # noqa: N818 - an outcome, not a fault
    """There is no device, or the claim asks in a way that is not played."""


def allocate(
    claim: Object, slices: Iterable[Object], classes: Iterable[Object], taken: Iterable[DeviceId], node: str
) -> list[dict[str, Any]]:
    """
    Return the results of a claim's allocation on a node. Raises CannotAllocate.

    A device class is one driver's: its selector is `device.driver == "NAME"`, or its name is the driver's. Selectors in
    claims, other CEL, constraints, shares and partitions are refused.
    """
    spec = claim.get("spec", {}).get("devices", {})
    if spec.get("constraints"):
        raise CannotAllocate("constraints of claims are not simulated")
    known = {each["metadata"]["name"]: each for each in classes}
    devices = list(_devices(slices, node))
    used = set(taken)
    results: list[dict[str, Any]] = []
    for request in spec.get("requests") or ():
        tried = (
            (name, exact, _fitting(exact, _driver_of(exact, known), devices, used))
            for name, exact in _alternatives(request)
        )
        chosen = next((each for each in tried if each[2] is not None), None)
        if chosen is None:
            raise CannotAllocate("cannot allocate all claims")
        name, exact, found = chosen
        admin = {"adminAccess": True} if exact.get("adminAccess") else {}
        results += [{"request": name, "driver": d, "pool": p, "device": n, **admin} for d, p, n in found or ()]
        used |= set() if admin else set(found or ())
    return results


def devices_of(claim: Object) -> list[DeviceId]:
    """Return the devices that a claim has to itself."""
    results = (((claim.get("status") or {}).get("allocation") or {}).get("devices") or {}).get("results") or ()
    return [(each["driver"], each["pool"], each["device"]) for each in results if not each.get("adminAccess")]


def _alternatives(request: Object) -> list[tuple[str, Object]]:
    """Return what a request would take, the best first, each with the name that its devices are known by."""
    if request.get("firstAvailable"):
        return [(f"{request['name']}/{each['name']}", each) for each in request["firstAvailable"]]
    return [(request["name"], request.get("exactly") or request)]


def _driver_of(request: Object, classes: Mapping[str, Object]) -> str:
    if request.get("selectors"):
        raise CannotAllocate("selectors of claims are not simulated")
    name = request.get("deviceClassName", "")
    if name not in classes:
        return str(name)
    selectors = classes[name].get("spec", {}).get("selectors") or ()
    matches = [_DRIVER.fullmatch(str(each.get("cel", {}).get("expression", "")).strip()) for each in selectors]
    if len(matches) != 1 or matches[0] is None:
        raise CannotAllocate(f'device class {name} has selectors other than device.driver == "NAME": not simulated')
    return matches[0][1]


def _fitting(request: Object, driver: str, devices: Sequence[DeviceId], used: set[DeviceId]) -> list[DeviceId] | None:
    own = [each for each in devices if each[0] == driver]
    free = own if request.get("adminAccess") else [each for each in own if each not in used]
    if request.get("allocationMode") == "All":
        return own if own and len(free) == len(own) else None
    count = request.get("count") or 1
    return free[:count] if len(free) >= count else None


def _devices(slices: Iterable[Object], node: str) -> Iterator[DeviceId]:
    """Yield the devices of the node's pools, of each pool's newest generation, without tainted ones."""
    found = [each["spec"] for each in slices]
    newest: dict[tuple[str, str], int] = {}
    for spec in found:
        key = spec["driver"], spec["pool"]["name"]
        newest[key] = max(newest.get(key, 0), spec["pool"].get("generation", 0))
    for spec in found:
        pool = spec["pool"]
        is_current = pool.get("generation", 0) == newest[spec["driver"], pool["name"]]
        if is_current and (spec.get("nodeName") == node or spec.get("allNodes")):
            for device in spec.get("devices") or ():
                if not any(taint.get("effect") in _EFFECTS for taint in device.get("taints") or ()):
                    yield spec["driver"], pool["name"], device["name"]

"""Nothing may be given away twice at the same moment."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from podres_exporter.scenario.life import meet
from podres_exporter.scenario.records import ContainerSpec, PodSpec, Scenario
from podres_exporter.yamldoc.section import Problems


@dataclass(frozen=True, slots=True)
class _Holding:
    """One thing in one container's hands, which may also be in the hands of those who hold it for the same *reason*."""

    thing: str
    path: str
    pod: PodSpec
    reason: tuple[str, ...] = ()


def check_conflicts(scenario: Scenario, problems: Problems) -> None:
    """
    Note every device, exclusive CPU and claim device that two containers hold at one moment.

    Source: kubelet devicemanager devicesToAllocate and cpumanager policy_static.go, which never give away what is in
    use; a claim device belongs to one claim, whoever refers to the claim (ResourceClaim status.reservedFor).
    """
    by_thing: dict[str, list[_Holding]] = defaultdict(list)
    for holding in _holdings(scenario):
        by_thing[holding.thing].append(holding)
    for holdings in by_thing.values():
        for one, other in combinations(holdings, 2):
            if _collide(one, other):
                problems.add(other.path, f"{one.thing} is also held by {one.path}; take another or end one before")
            if problems.is_full:
                return


def _collide(one: _Holding, other: _Holding) -> bool:
    if one.reason and one.reason == other.reason:
        return False
    return one.pod is other.pod or meet(one.pod, other.pod)


def _holdings(scenario: Scenario) -> Iterator[_Holding]:
    shared = {resource.name for resource in scenario.resources if resource.shared}
    for index, pod in enumerate(scenario.pods):
        path = f"pods[{index}]"
        for cpu in sorted(pod.cpus):
            yield _Holding(f"CPU {cpu}", f"{path}.cpus", pod, reason=(path,))
        for place, container in enumerate(pod.containers):
            yield from _cpus(pod, container, path, place)
            yield from _devices(pod, container, f"{path}.containers[{place}].devices", shared)
            yield from _claim_devices(pod, container, f"{path}.containers[{place}].claims")


def _cpus(pod: PodSpec, container: ContainerSpec, path: str, place: int) -> Iterator[_Holding]:
    """CPUs of the pod's own list may be on several of its containers (PodLevelResourceManagers, 1.36)."""
    for cpu in sorted(container.cpus):
        reason = (path,) if cpu in pod.cpus else ()
        yield _Holding(f"CPU {cpu}", f"{path}.containers[{place}].cpus", pod, reason)


def _devices(pod: PodSpec, container: ContainerSpec, path: str, shared: set[str]) -> Iterator[_Holding]:
    for resource, ids in container.devices.items():
        for device_id in () if resource in shared else ids:
            yield _Holding(f"{resource} {json.dumps(device_id)}", f"{path}[{json.dumps(resource)}]", pod)


def _claim_devices(pod: PodSpec, container: ContainerSpec, path: str) -> Iterator[_Holding]:
    """Two shares of one device are two things (KEP-5075)."""
    for index, claim in enumerate(container.claims):
        for place, device in enumerate(claim.devices):
            parts = (device.driver, device.pool, device.device, device.share_id)
            thing = f"claim device {'/'.join(part for part in parts if part)}"
            reason = (claim.namespace, claim.name)
            yield _Holding(thing, f"{path}[{index}].devices[{place}]", pod, reason)

"""One pod does not hold a thing twice."""

import json
from collections.abc import Iterator

from podres_exporter.scenario.records import ContainerSpec, PodSpec, Scenario
from podres_exporter.yamldoc.section import Problems


def check_conflicts(scenario: Scenario, problems: Problems) -> None:
    """
    Note every device and exclusive CPU that two containers of one pod hold.

    Two pods may hold one thing: kubelets have given one device to two pods (kubernetes #137534), and a scenario must
    be able to say so. Within a pod it is a slip: only a plain init container, which no answer names, passes devices on.
    A device may also be in two claims, for admin access or by shares.
    """
    shared = {resource.name for resource in scenario.resources if resource.shared}
    for index, pod in enumerate(scenario.pods):
        holders: dict[str, str] = {}
        for thing, path in _holdings(pod, f"pods[{index}]", shared):
            holder = holders.setdefault(thing, path)
            if holder != path:
                problems.add(path, f"{thing} is also held by {holder}; take another")
        if problems.is_full:
            return


def _holdings(pod: PodSpec, path: str, shared: set[str]) -> Iterator[tuple[str, str]]:
    """Yield each thing that only one container may hold, with the path of the entry that says so."""
    for place, container in enumerate(pod.containers):
        yield from _cpus(pod, container, f"{path}.containers[{place}].cpus")
        yield from _devices(container, f"{path}.containers[{place}].devices", shared)


def _cpus(pod: PodSpec, container: ContainerSpec, path: str) -> Iterator[tuple[str, str]]:
    """CPUs of the pod's own list may be on several of its containers (PodLevelResourceManagers, 1.36)."""
    for cpu in sorted(container.cpus - pod.cpus):
        yield f"CPU {cpu}", path


def _devices(container: ContainerSpec, path: str, shared: set[str]) -> Iterator[tuple[str, str]]:
    for resource, ids in container.devices.items():
        for device_id in () if resource in shared else ids:
            yield f"{resource} {json.dumps(device_id)}", f"{path}[{json.dumps(resource)}]"

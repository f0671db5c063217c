"""Validate a parsed scenario: find contradictions between its values."""

from collections import defaultdict
from itertools import chain, combinations

from podres_exporter.scenario.existence import check_conflicts, check_existence
from podres_exporter.scenario.life import meet
from podres_exporter.scenario.machine import check_machine
from podres_exporter.scenario.records import Fault, FaultKind, Scenario
from podres_exporter.yamldoc.section import Problems


def check(scenario: Scenario, problems: Problems) -> None:
    """Add every contradiction within *scenario* to *problems*; each names the path of the entry to change."""
    check_machine(scenario, problems)
    _check_ways(scenario, problems)
    _check_names(scenario, problems)
    check_existence(scenario, problems)
    check_conflicts(scenario, problems)


def _check_ways(scenario: Scenario, problems: Problems) -> None:
    """Check that either the document states what every pod holds, or the managers decide for every pod."""
    if not scenario.is_admitted:
        for index, fault in enumerate(scenario.faults):
            if fault.kind is FaultKind.DOUBLE:
                sentence = "is only for pods with a spec; to hold a device twice, list it in two pods"
                problems.add(f"faults[{index}].kind", sentence)
        return
    for index, pod in enumerate(scenario.pods):
        if pod.manifest is None:
            sentence = "states what it holds, but other pods or plugins of the scenario have a spec; give it a spec too"
            problems.add(f"pods[{index}]", sentence)
    for index, fault in enumerate(scenario.faults):
        if fault.resource:
            _check_device_fault(scenario, fault, f"faults[{index}]", problems)


def _check_device_fault(scenario: Scenario, fault: Fault, path: str, problems: Problems) -> None:
    """Check that a fault of a device or plugin refers to a simulated one."""
    resource = next((each for each in scenario.resources if each.name == fault.resource), None)
    if resource is None:
        problems.add(f"{path}.resource", f"unknown resource {fault.resource!r}; choose one of resources")
    elif resource.external:
        problems.add(
            f"{path}.resource", f"{fault.resource!r} is provided by a real plugin; choose one that is not external"
        )
    elif fault.device_id and fault.device_id not in {device.device_id for device in resource.devices}:
        problems.add(f"{path}.device", f"unknown device {fault.device_id!r}; choose one of the resource's")


def _check_names(scenario: Scenario, problems: Problems) -> None:
    """
    Check that pods of one name do not overlap in time, as the API identifies them by (namespace, name); same for
    containers.
    """
    by_name: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, pod in enumerate(scenario.pods):
        by_name[pod.namespace, pod.name].append(index)
    for other_index, index in chain.from_iterable(combinations(indices, 2) for indices in by_name.values()):
        pod = scenario.pods[index]
        if meet(pod, scenario.pods[other_index]):
            problems.add(f"pods[{index}].name", f"{pod.name!r} is also the name of pods[{other_index}]; rename one")
        if problems.is_full:
            return
    drivers = {device.driver for claim in scenario.claims for device in claim.devices}
    for driver in sorted(scenario.metadata_drivers - drivers):
        problems.add("device_metadata", f"no claim has a device of driver {driver!r}; name the driver of one of claims")
    for index, pod in enumerate(scenario.pods):
        names = [container.name for container in pod.containers]
        for place, name in enumerate(names):
            if name in names[:place]:
                path = f"pods[{index}].containers[{place}].name"
                problems.add(path, f"{name!r} is also the name of containers[{names.index(name)}]; rename one")

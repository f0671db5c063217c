"""What is wrong with a scenario whose every value can be read."""

from collections import defaultdict
from itertools import chain, combinations

from podres_exporter.scenario.existence import check_conflicts, check_existence
from podres_exporter.scenario.life import meet
from podres_exporter.scenario.machine import check_machine
from podres_exporter.scenario.records import Fault, FaultKind, Scenario
from podres_exporter.yamldoc.section import Problems


def check(scenario: Scenario, problems: Problems) -> None:
    """Note every contradiction within *scenario* in *problems*; each names the path of the entry to change."""
    check_machine(scenario, problems)
    _check_ways(scenario, problems)
    _check_names(scenario, problems)
    check_existence(scenario, problems)
    check_conflicts(scenario, problems)


def _check_ways(scenario: Scenario, problems: Problems) -> None:
    """Either the document says what every pod holds, or the managers decide for every pod."""
    if not scenario.is_admitted:
        for index, fault in enumerate(scenario.faults):
            if fault.kind is FaultKind.DOUBLE:
                sentence = "is for pods that the managers decide about; let two pods hold the device"
                problems.add(f"faults[{index}].kind", sentence)
        return
    for index, pod in enumerate(scenario.pods):
        if pod.manifest is None:
            sentence = "says what it holds, beside pods or plugins that the managers decide about; give it a spec"
            problems.add(f"pods[{index}]", sentence)
    for index, fault in enumerate(scenario.faults):
        if fault.resource:
            _check_device_fault(scenario, fault, f"faults[{index}]", problems)


def _check_device_fault(scenario: Scenario, fault: Fault, path: str, problems: Problems) -> None:
    """A fault of a device or a plugin needs one that the simulation plays."""
    resource = next((each for each in scenario.resources if each.name == fault.resource), None)
    if resource is None:
        problems.add(f"{path}.resource", f"unknown resource {fault.resource!r}; choose one of resources")
    elif resource.external:
        problems.add(
            f"{path}.resource", f"{fault.resource!r} is left to a real plugin; choose one that is not external"
        )
    elif fault.device_id and fault.device_id not in {device.device_id for device in resource.devices}:
        problems.add(f"{path}.device", f"unknown device {fault.device_id!r}; choose one of the resource's")


def _check_names(scenario: Scenario, problems: Problems) -> None:
    """Two pods of one name cannot live at once: the API knows pods by (namespace, name) only. So with containers."""
    by_name: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, pod in enumerate(scenario.pods):
        by_name[pod.namespace, pod.name].append(index)
    for other_index, index in chain.from_iterable(combinations(indices, 2) for indices in by_name.values()):
        pod = scenario.pods[index]
        if meet(pod, scenario.pods[other_index]):
            problems.add(f"pods[{index}].name", f"{pod.name!r} is also the name of pods[{other_index}]; rename one")
        if problems.is_full:
            return
    for index, pod in enumerate(scenario.pods):
        names = [container.name for container in pod.containers]
        for place, name in enumerate(names):
            if name in names[:place]:
                path = f"pods[{index}].containers[{place}].name"
                problems.add(path, f"{name!r} is also the name of containers[{names.index(name)}]; rename one")

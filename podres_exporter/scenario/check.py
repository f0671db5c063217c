"""What is wrong with a scenario whose every value can be read."""

from itertools import combinations

from podres_exporter.scenario.conflict import check_conflicts
from podres_exporter.scenario.existence import check_existence
from podres_exporter.scenario.life import meet
from podres_exporter.scenario.machine import check_machine
from podres_exporter.scenario.records import Scenario
from podres_exporter.scenario.section import Problems


def check(scenario: Scenario, problems: Problems) -> None:
    """Note every contradiction within *scenario* in *problems*; each names the path of the entry to change."""
    check_machine(scenario, problems)
    _check_names(scenario, problems)
    check_existence(scenario, problems)
    check_conflicts(scenario, problems)


def _check_names(scenario: Scenario, problems: Problems) -> None:
    """Two pods of one name cannot live at once: the API knows pods by (namespace, name) only. So with containers."""
    for (other_index, other), (index, pod) in combinations(enumerate(scenario.pods), 2):
        if (pod.namespace, pod.name) == (other.namespace, other.name) and meet(pod, other):
            problems.add(f"pods[{index}].name", f"{pod.name!r} is also the name of pods[{other_index}]; rename one")
    for index, pod in enumerate(scenario.pods):
        names = [container.name for container in pod.containers]
        for place, name in enumerate(names):
            if name in names[:place]:
                path = f"pods[{index}].containers[{place}].name"
                problems.add(path, f"{name!r} is also the name of containers[{names.index(name)}]; rename one")

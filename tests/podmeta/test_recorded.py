"""Pods of recorded kubelets, from the kubelet's own list of pods."""

import pytest
from captures import capture

from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.model import ContainerKind, ContainerSpec, ResourceHealth
from podres_exporter.podmeta import PodDecoder, PodList, decode_list

MEMORY = (("memory", 64 << 20),)
APP, SIDECAR, INIT = ContainerKind.APP, ContainerKind.SIDECAR, ContainerKind.INIT


def recorded(release: str) -> PodList:
    body = capture(release, "pods.json")
    return decode_list(body, PodDecoder(LabelAllowlist(everything=True)))


@pytest.mark.parametrize("release", ["kubelet-1.27", "kubelet-1.36"])
def test_the_recorded_pods_are_read_whole(release: str) -> None:
    """Two releases, nine minor versions apart; nothing in them is malformed."""
    found = recorded(release)
    by_name = {pod.meta.name: pod.meta for pod in found.pods}

    assert () == found.malformed
    assert all(not pod.problems for pod in found.pods)
    assert {"be-node1", "dev-node1", "gu2-node1", "initjob-node1", "job-node1"} == set(by_name)
    assert {"default"} == {pod.namespace for pod in by_name.values()}
    assert all(len(pod.uid) == 32 and pod.has_started for pod in by_name.values())
    assert ["job-node1"] == [name for name, pod in by_name.items() if pod.is_terminal]
    assert ("BestEffort", "Guaranteed") == (by_name["be-node1"].qos_class, by_name["gu2-node1"].qos_class)


@pytest.mark.parametrize("release", ["kubelet-1.27", "kubelet-1.36"])
def test_requests_are_those_of_the_recorded_pods(release: str) -> None:
    """Only containers with whole CPUs of the Guaranteed pod can hold CPUs of their own."""
    by_name = {pod.meta.name: pod.meta for pod in recorded(release).pods}

    main, fraction = by_name["gu2-node1"].containers

    assert ContainerSpec("main", APP, cpu_millicores=2000, memory=MEMORY) == main
    assert ContainerSpec("frac", APP, cpu_millicores=500, memory=MEMORY) == fraction
    assert (2, 0) == (main.whole_cpus, fraction.whole_cpus)
    assert (
        ("example.com/emptytopo", 1),
        ("example.com/minus1", 1),
        ("example.com/node7", 1),
        ("example.com/shared", 2),
    ) == (by_name["dev-node1"].containers[1].devices)


def test_a_sidecar_of_1_36_stands_between_init_and_app() -> None:
    """KEP-753; each of them asked for exclusive CPUs."""
    by_name = {pod.meta.name: pod.meta for pod in recorded("kubelet-1.36").pods}

    assert [("init", INIT, 2), ("sidecar", SIDECAR, 1), ("main", APP, 1)] == [
        (each.name, each.kind, each.whole_cpus) for each in by_name["initjob-node1"].containers
    ]


def test_health_is_told_by_1_36_and_not_by_1_27() -> None:
    """KEP-4680 is on by default in 1.36; a finished pod keeps its rows."""
    new = {pod.meta.name: pod.meta for pod in recorded("kubelet-1.36").pods}
    old = recorded("kubelet-1.27")

    assert (
        ResourceHealth("example.com/gpu", "GPU-0", "Healthy"),
        ResourceHealth("example.com/notopo", "N-1", "Healthy"),
        ResourceHealth("example.com/wide", "W-0", "Healthy"),
    ) == new["dev-node1"].containers[0].health
    assert (ResourceHealth("example.com/gpu", "GPU-1", "Healthy"),) == new["job-node1"].containers[0].health
    assert {()} == {container.health for pod in old.pods for container in pod.meta.containers}

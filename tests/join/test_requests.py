"""Requests of containers compared with what the kubelet lists."""

from dataclasses import replace

import pytest
from builders import GPU, NIC, container, device, gpu, pod

from podres_exporter.join.requests import requests_against_held
from podres_exporter.model import ContainerKind, ContainerSpec, Explanation, Pod, PodMeta, Request

APP, SIDECAR, INIT = ContainerKind.APP, ContainerKind.SIDECAR, ContainerKind.INIT


def meta(*containers: ContainerSpec, qos: str = "Guaranteed") -> PodMeta:
    return PodMeta("default", "p", "1", qos_class=qos, containers=containers)


def asked(pod: Pod, of: PodMeta | None, *, static_cpus: bool = True) -> list[tuple[str, str, int, int, str]]:
    """Return container, resource, requested, missing, and the explanation where something is missing."""
    found = requests_against_held(pod, of, static_cpus=static_cpus)
    return [
        (each.container, each.resource, each.requested, each.missing, each.explanation.value if each.missing else "")
        for each in found
    ]


def test_what_is_held_is_counted_by_resource() -> None:
    """Each resource by itself."""
    holder = pod("p", container("main", gpu("0"), gpu("1"), device(NIC, "a")))
    spec = ContainerSpec("main", APP, ((NIC, 2), (GPU, 2)))

    assert [("main", NIC, 2, 1, "unexplained"), ("main", GPU, 2, 0, "")] == asked(holder, meta(spec))


def test_a_container_that_asked_and_shows_nothing_is_visible() -> None:
    """The point of it all."""
    assert [("main", GPU, 8, 8, "unexplained")] == asked(
        pod("p", container("main")), meta(ContainerSpec("main", APP, ((GPU, 8),)))
    )


def test_more_than_was_asked_for_is_nothing_missing() -> None:
    """Devices that an init container had before stay the container's."""
    holder = pod("p", container("main", gpu("0"), gpu("1")))

    assert [("main", GPU, 1, 0, "")] == asked(holder, meta(ContainerSpec("main", APP, ((GPU, 1),))))


@pytest.mark.parametrize(
    ("spec", "explanation"),
    [
        pytest.param(ContainerSpec("x", INIT, ((GPU, 1),)), "init_container", id="init containers are never listed"),
        pytest.param(ContainerSpec("x", SIDECAR, ((GPU, 1),)), "not_listed", id="up to 1.29 sidecars are not listed"),
        pytest.param(ContainerSpec("x", APP, ((GPU, 1),)), "not_listed", id="a damaged answer"),
        pytest.param(ContainerSpec("main", SIDECAR, ((GPU, 1),)), "unexplained", id="a sidecar that is listed"),
    ],
)
def test_what_may_be_right_is_explained_and_not_accused(spec: ContainerSpec, explanation: str) -> None:
    """The kubelet lists app containers, and sidecars from 1.30 on."""
    assert [(spec.name, GPU, 1, 1, explanation)] == asked(pod("p", container("main")), meta(spec))


def test_an_extended_resource_that_a_dra_driver_serves_stands_among_the_claims() -> None:
    """KEP-5004: `example.com/gpu: 1` in the spec may be either."""
    spec = ContainerSpec("main", APP, ((NIC, 1), (GPU, 1)))
    of = replace(meta(spec), extended_requests=(("main", GPU),))

    assert [("main", NIC, 1, 1, "unexplained"), ("main", GPU, 1, 1, "claim")] == asked(pod("p", container("main")), of)


def test_whole_cpus_of_guaranteed_pods_are_exclusive() -> None:
    """Cpumanager static policy."""
    holder = pod("p", container("main", cpus="2-3"), container("other"), container("frac"))
    of = meta(
        ContainerSpec("main", APP, cpu_millicores=2000),
        ContainerSpec("other", APP, cpu_millicores=4000),
        ContainerSpec("frac", APP, cpu_millicores=1500),
    )

    assert [("main", "cpu", 2, 0, ""), ("other", "cpu", 4, 4, "unexplained")] == asked(holder, of)


@pytest.mark.parametrize("qos", ["Burstable", "BestEffort", ""])
def test_other_pods_run_in_the_shared_pool(qos: str) -> None:
    """No exclusive CPUs are due to them."""
    assert [] == asked(pod("p", container("main")), meta(ContainerSpec("main", APP, cpu_millicores=2000), qos=qos))


def test_without_the_static_policy_no_cpus_are_due() -> None:
    """Every pod runs in the shared pool then."""
    of = meta(ContainerSpec("main", APP, cpu_millicores=2000))

    assert [] == asked(pod("p", container("main")), of, static_cpus=False)


def test_cpus_of_a_pod_with_pod_level_resources_are_left_out() -> None:
    """KEP-5526: containers may share the pod's CPUs, and the spec does not say which do."""
    of = replace(meta(ContainerSpec("main", APP, ((GPU, 1),), 2000)), has_pod_resources=True)

    assert [("main", GPU, 1, 1, "unexplained")] == asked(pod("p", container("main")), of)


def test_without_metadata_nothing_is_known_of_requests() -> None:
    """Unknown is not zero."""
    assert () == requests_against_held(pod("p", container("main")), None, static_cpus=True)


def test_the_record_says_both_numbers() -> None:
    """For pages and tables."""
    holder = pod("p", container("main", gpu("0")))
    (request,) = requests_against_held(holder, meta(ContainerSpec("main", APP, ((GPU, 2),))), static_cpus=False)

    assert Request("main", GPU, 2, 1, Explanation.UNEXPLAINED) == request

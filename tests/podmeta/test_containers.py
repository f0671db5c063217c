"""Decoding containers: requests, and the health of their devices."""

from typing import Any

import msgspec
import pytest
from pod_json import asking, pod_json, to_bytes

from podres_exporter.model import ContainerKind, ContainerSpec, Malformed, ResourceHealth
from podres_exporter.podmeta.containers import container_specs, running_ids
from podres_exporter.podmeta.records import Pod, PodSpec, PodStatus

MIB = 1 << 20


def specs(value: dict[str, Any]) -> tuple[tuple[ContainerSpec, ...], list[Malformed]]:
    pod = msgspec.json.decode(to_bytes(value), type=Pod)
    problems: list[Malformed] = []
    return container_specs(pod.spec or PodSpec(), pod.status or PodStatus(), problems), problems


def one(container: dict[str, Any], **status: Any) -> ContainerSpec:
    (found,), problems = specs(pod_json(container, status=status))

    assert [] == problems

    return found


def test_containers_keep_their_order_and_init_containers_come_first() -> None:
    """A restartPolicy of Always makes a sidecar of an init container (KEP-753), and means nothing on the others."""
    inits = [{"name": "z-init"}, {"name": "side", "restartPolicy": "Always"}, {"name": "a-init", "restartPolicy": None}]
    apps = ({"name": "y-app", "restartPolicy": "Always"}, {"name": "b-app"})

    found, _ = specs(pod_json(*apps, spec={"initContainers": inits}))

    assert [
        ("z-init", ContainerKind.INIT),
        ("side", ContainerKind.SIDECAR),
        ("a-init", ContainerKind.INIT),
        ("y-app", ContainerKind.APP),
        ("b-app", ContainerKind.APP),
    ] == [(each.name, each.kind) for each in found]


def test_amounts_go_where_they_belong_sorted_and_without_zeros() -> None:
    """CPU in thousandths, memory and huge pages in bytes, devices by number; the rest is ignored."""
    requests = {
        "nvidia.com/gpu": "2",
        "intel.com/nic": "1",
        "intel.com/none": "0",
        "memory": "64Mi",
        "hugepages-2Mi": "4Mi",
        "hugepages-1Gi": "0",
        "cpu": "1500m",
        "ephemeral-storage": "1.5Gi",
        "pods": "1",
    }

    assert ContainerSpec(
        "main",
        ContainerKind.APP,
        devices=(("intel.com/nic", 1), ("nvidia.com/gpu", 2)),
        cpu_millicores=1500,
        memory=(("hugepages-2Mi", 4 * MIB), ("memory", 64 * MIB)),
    ) == one(asking(requests=requests))


@pytest.mark.parametrize(
    ("name", "is_device"),
    [
        ("a/b", True),
        ("example.com/gpu", True),
        ("kubernetes.io/foo", False),
        ("pod.alpha.kubernetes.io/opaque-int-resource-foo", False),
        ("requests.example.com/gpu", False),
        ("foo", False),
    ],
)
def test_an_extended_resource_has_a_domain_that_is_not_kubernetes_own(name: str, is_device: bool) -> None:
    """IsExtendedResourceName, with the cases of its tests."""
    assert (((name, 1),) if is_device else ()) == one(asking(limits={name: "1"})).devices


def test_requests_left_out_are_the_limits() -> None:
    """SetDefaults_Pod, per resource: the memory request that stands there stays."""
    found = one(
        asking(limits={"cpu": "2", "memory": "128Mi", "example.com/gpu": "1"}, requests={"memory": "64Mi", "cpu": "0"})
    )

    assert 0 == found.cpu_millicores
    assert (("memory", 64 * MIB),) == found.memory
    assert (("example.com/gpu", 1),) == found.devices


@pytest.mark.parametrize("resources", [None, {}, {"limits": None, "requests": None, "claims": None}])
def test_a_container_that_asks_for_nothing_has_nothing(resources: object) -> None:
    """Null, empty and left out are the same."""
    assert ContainerSpec("main", ContainerKind.APP) == one({"name": "main", "resources": resources})
    assert ContainerSpec("main", ContainerKind.APP) == one({"name": "main"})


def test_numbers_are_amounts_as_texts_are() -> None:
    """resource.Quantity UnmarshalJSON."""
    found = one(asking(limits={"cpu": 0.5, "memory": 1024, "example.com/gpu": 2}))

    assert (500, (("memory", 1024),), (("example.com/gpu", 2),)) == (found.cpu_millicores, found.memory, found.devices)


@pytest.mark.parametrize("amount", ["two", "-1", "", None, True, [], {"a": 1}])
def test_an_amount_that_is_none_is_left_out_alone_and_named(amount: object) -> None:
    """The other amounts of the container, and the pod, are still worth having."""
    value = pod_json(
        asking("a"),
        asking("b", requests={"cpu": amount, "memory": "1Mi"}, limits={"cpu": "1", "a/gpu": amount, "x": amount}),
        spec={"initContainers": [asking("i", limits={"memory": amount})]},
    )

    found, problems = specs(value)

    assert (0, (("memory", MIB),), ()) == (found[2].cpu_millicores, found[2].memory, found[2].devices)
    assert [
        'spec.initContainers[0].resources.limits["memory"]',
        'spec.containers[1].resources.limits["a/gpu"]',
        'spec.containers[1].resources.requests["cpu"]',
    ] == [problem.path for problem in problems]


def test_the_problem_says_what_stands_there() -> None:
    """A text that is no quantity is shown; of anything else only its kind is said."""
    _, problems = specs(pod_json(asking(requests={"cpu": "two", "memory": [1]})))

    assert [
        Malformed('spec.containers[0].resources.requests["cpu"]', "'two' is not a number of CPUs"),
        Malformed('spec.containers[0].resources.requests["memory"]', "is neither a text nor a number"),
    ] == problems


def test_claims_are_the_pods_names_with_the_request_that_is_used() -> None:
    """Without a request all devices of the claim are meant (KEP-4381)."""
    claims = [{"name": "b"}, {"name": "a", "request": "r2"}, {"name": "a", "request": "r1"}, {"name": "b"}]

    assert (("a", "r1"), ("a", "r2"), ("b", "")) == one(asking(claims=claims)).claims


def health_of(*rows: tuple[str, list[dict[str, Any]] | None], container: str = "main") -> list[dict[str, Any]]:
    return [
        {
            "name": container,
            "state": {},
            "allocatedResourcesStatus": [{"name": name, "resources": devices} for name, devices in rows],
        }
    ]


def test_devices_have_their_health_sorted_by_name_and_id() -> None:
    """KEP-4680: the kubelet writes them in the order of its maps."""
    rows = health_of(
        ("example.com/gpu", [{"resourceID": "1", "health": "Healthy"}, {"resourceID": "0", "health": "Unhealthy"}]),
        ("claim:a/r", [{"resourceID": "d/p/0", "health": "Unknown", "message": "no answer"}]),
    )

    assert (
        ResourceHealth("claim:a/r", "d/p/0", "Unknown", "no answer"),
        ResourceHealth("example.com/gpu", "0", "Unhealthy"),
        ResourceHealth("example.com/gpu", "1", "Healthy"),
    ) == one({"name": "main"}, containerStatuses=rows).health


def test_health_joins_its_container_by_name_wherever_it_stands() -> None:
    """Up to 1.36 only ordinary containers have it; nothing is lost where a later kubelet says it of others."""
    row = ("a/b", [{"resourceID": "0", "health": "Healthy"}])
    status = {
        "containerStatuses": [*health_of(row, container="main"), *health_of(row, container="gone")],
        "initContainerStatuses": health_of(("a/c", row[1]), container="init"),
    }

    found, _ = specs(pod_json(asking("other"), asking(), spec={"initContainers": [asking("init")]}, status=status))

    assert [("init", ("a/c",)), ("other", ()), ("main", ("a/b",))] == [
        (each.name, tuple(row.name for row in each.health)) for each in found
    ]


def test_a_device_without_a_word_on_its_health_is_unknown() -> None:
    """Health may be left out; a row that names no device says nothing."""
    rows = health_of(
        ("a/b", [{"resourceID": "0", "message": None}, {"health": "Healthy"}]),
        ("", [{"resourceID": "1", "health": "Healthy"}]),
        ("a/c", None),
    )

    assert (ResourceHealth("a/b", "0", "Unknown"),) == one({"name": "main"}, containerStatuses=rows).health


def test_a_device_is_told_once_and_its_message_has_an_end() -> None:
    """Two rows of one device would be two samples of one series; the API allows 1024 characters."""
    rows = health_of(
        ("a/b", [{"resourceID": "0", "health": "Healthy"}]),
        ("a/b", [{"resourceID": "0", "health": "Unhealthy", "message": "x" * 2000}]),
    )

    assert (ResourceHealth("a/b", "0", "Unhealthy", "x" * 1024),) == one(
        {"name": "main"}, containerStatuses=rows
    ).health


def test_a_container_with_the_name_of_one_before_is_named_and_left_out() -> None:
    """The API server lets none in (validateInitContainers); what it asks for would be one series twice."""
    again = asking("main", limits={"nvidia.com/gpu": "2"})
    found, problems = specs(
        pod_json(
            asking("main", limits={"nvidia.com/gpu": "1"}), again, spec={"initContainers": [asking("side"), again]}
        )
    )

    assert [("side", ()), ("main", (("nvidia.com/gpu", 2),))] == [(each.name, each.devices) for each in found]
    assert [
        Malformed("spec.containers[0].name", "is also the name of another container"),
        Malformed("spec.containers[1].name", "is also the name of another container"),
    ] == problems


def test_running_containers_have_their_ids() -> None:
    """Of all kinds but ephemeral ones; what waits or has ended has no cgroup, whatever ID is still named."""
    runs: dict[str, Any] = {"state": {"running": {}}}
    status = {
        "initContainerStatuses": [
            {"name": "side", "containerID": "containerd://id1", **runs},
            {"name": "init", "containerID": "containerd://id2", "state": {"terminated": {"exitCode": 0}}},
        ],
        "containerStatuses": [
            {"name": "main", "containerID": "cri-o://id3", **runs},
            {"name": "later", "containerID": "", "state": {"waiting": {}}},
            {"name": "unnamed", **runs},
        ],
        "ephemeralContainerStatuses": [{"name": "debug", "containerID": "containerd://id4", **runs}],
    }

    assert (("main", "id3"), ("side", "id1")) == running_ids(msgspec.convert(status, PodStatus))

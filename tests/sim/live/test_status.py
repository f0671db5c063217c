"""The status that the kubelet computes for a pod."""

from typing import Any

import pytest
from admission_rig import MIB, burstable, pod, want

from podres_exporter.admission import ContainerRequest, Kind, Rejection
from podres_exporter.model import Container, Device
from podres_exporter.sim.live import LivePod, Phase
from podres_exporter.sim.live.status import pod_status, with_spec

GPU, NIC = "example.com/gpu", "example.com/nic"
SINCE = 1_700_000_000.0
STAMP = "2023-11-14T22:13:20Z"
NOWHERE: frozenset[int] = frozenset()
HELD = Container("main", (Device(GPU, "g0", NOWHERE), Device(GPU, "g1", NOWHERE), Device(NIC, "n0", NOWHERE)))
SICK = frozenset({(GPU, "g1")})


def live(
    *containers: ContainerRequest, phase: Phase = Phase.RUNNING, rejection: Rejection | None = None, **more: Any
) -> LivePod:
    return LivePod(pod(*(containers or (want(),))), {}, phase, rejection, **more)


def status(
    found: LivePod, *held: Container, sick: frozenset[tuple[str, str]] = frozenset(), minor: int = 36
) -> dict[str, Any]:
    holds = {each.name: each for each in held}
    every = [holds.get(each.name, Container(each.name)) for each in found.request.containers]
    return pod_status(found, every, sick, minor, SINCE)


def test_a_running_pod_is_ready() -> None:
    """Phase, conditions and the container's state agree (generateAPIPodStatus)."""
    found = status(live())

    assert ("Running", STAMP) == (found["phase"], found["startTime"])
    assert {
        "PodReadyToStartContainers": "True",
        "Initialized": "True",
        "Ready": "True",
        "ContainersReady": "True",
        "PodScheduled": "True",
    } == {each["type"]: each["status"] for each in found["conditions"]}
    row = found["containerStatuses"][0]
    assert ("main", True, True, 0) == (row["name"], row["ready"], row["started"], row["restartCount"])
    assert {"running": {"startedAt": STAMP}} == row["state"]
    assert "initContainerStatuses" not in found
    assert not {"reason", "message"} & found.keys()


def test_a_finished_pod_has_succeeded() -> None:
    """Its containers have ended with 0 and it is not ready any more."""
    found = status(live(phase=Phase.SUCCEEDED))

    assert "Succeeded" == found["phase"]
    assert {
        "PodReadyToStartContainers": "False",
        "Initialized": "True",
        "Ready": "False",
        "ContainersReady": "False",
        "PodScheduled": "True",
    } == {each["type"]: each["status"] for each in found["conditions"]}
    row = found["containerStatuses"][0]
    assert (False, False) == (row["ready"], row["started"])
    ended = {"exitCode": 0, "reason": "Completed", "startedAt": STAMP, "finishedAt": STAMP}
    assert {"terminated": ended} == row["state"]


def test_a_rejected_pod_says_why_and_has_no_containers() -> None:
    """`Pod was rejected: ` stands in front of the admission's message (measured on 1.36.3; rejectPod)."""
    rejection = Rejection("UnexpectedAdmissionError", "Allocate failed due to a whim, which is unexpected")

    found = status(live(phase=Phase.FAILED, rejection=rejection))

    assert {
        "phase": "Failed",
        "qosClass": "Guaranteed",
        "startTime": STAMP,
        "reason": "UnexpectedAdmissionError",
        "message": "Pod was rejected: Allocate failed due to a whim, which is unexpected",
    } == found


def test_a_status_that_is_written_again_keeps_its_start() -> None:
    """What has changed since carries the later time, and nothing else does."""
    earlier = "2023-11-14T22:00:00Z"
    containers = (want("init", kind=Kind.INIT), want("main"))
    held = [Container("init"), Container("main")]

    running = pod_status(live(*containers), held, frozenset(), 36, SINCE, earlier)
    done = pod_status(live(*containers, phase=Phase.SUCCEEDED), held, frozenset(), 36, SINCE, earlier)

    assert {earlier} == {running["startTime"], done["startTime"]}
    assert {earlier} == {each["lastTransitionTime"] for each in running["conditions"]}
    assert {
        "PodReadyToStartContainers": STAMP,
        "Initialized": earlier,
        "Ready": STAMP,
        "ContainersReady": STAMP,
        "PodScheduled": earlier,
    } == {each["type"]: each["lastTransitionTime"] for each in done["conditions"]}
    ends = [done[f"{kind}ontainerStatuses"][0]["state"]["terminated"] for kind in ("initC", "c")]
    assert [(earlier, earlier), (earlier, STAMP)] == [(each["startedAt"], each["finishedAt"]) for each in ends]


@pytest.mark.parametrize(
    ("container", "qos"),
    [(want(), "Guaranteed"), (burstable(), "Burstable"), (ContainerRequest("main"), "BestEffort")],
)
def test_the_quality_of_service_is_by_requests_and_limits(container: ContainerRequest, qos: str) -> None:
    """ComputePodQOS."""
    assert qos == status(live(container))["qosClass"]


@pytest.mark.parametrize(("phase", "side"), [(Phase.RUNNING, "running"), (Phase.SUCCEEDED, "terminated")])
def test_init_containers_have_ended_and_sidecars_run_with_the_pod(phase: Phase, side: str) -> None:
    """Both are initContainerStatuses, in the order of the spec (KEP-753)."""
    found = status(live(want("side", kind=Kind.SIDECAR), want("init", kind=Kind.INIT), want("main"), phase=phase))

    assert [("side", side), ("init", "terminated")] == [
        (row["name"], next(iter(row["state"]))) for row in found["initContainerStatuses"]
    ]
    assert [("main", side)] == [(row["name"], next(iter(row["state"]))) for row in found["containerStatuses"]]


@pytest.mark.parametrize("phase", [Phase.RUNNING, Phase.SUCCEEDED])
def test_the_health_of_devices_stands_there_by_resource(phase: Phase) -> None:
    """One entry per resource; a container that has finished keeps its rows (KEP-4680, measured on 1.36)."""
    row = status(live(phase=phase), HELD, sick=SICK)["containerStatuses"][0]

    assert [
        {
            "name": GPU,
            "resources": [{"resourceID": "g0", "health": "Healthy"}, {"resourceID": "g1", "health": "Unhealthy"}],
        },
        {"name": NIC, "resources": [{"resourceID": "n0", "health": "Healthy"}]},
    ] == row["allocatedResourcesStatus"]


def test_a_device_of_another_resource_is_not_sick_for_its_name() -> None:
    """Ids are unique within a resource only."""
    row = status(live(), HELD, sick=frozenset({(NIC, "g1")}))["containerStatuses"][0]

    assert {"Healthy"} == {each["health"] for part in row["allocatedResourcesStatus"] for each in part["resources"]}


@pytest.mark.parametrize(("minor", "there"), [(31, False), (35, False), (36, True), (37, True)])
def test_health_is_there_since_1_36(minor: int, there: bool) -> None:
    """ResourceHealthStatus is alpha, so off, up to 1.35."""
    row = status(live(), HELD, sick=SICK, minor=minor)["containerStatuses"][0]

    assert there == ("allocatedResourcesStatus" in row)


def test_a_container_without_devices_has_no_health() -> None:
    """The field is left out, not empty."""
    assert "allocatedResourcesStatus" not in status(live())["containerStatuses"][0]


def test_a_container_that_holds_nothing_any_more_has_no_health() -> None:
    """A pod may be deleted while its status is written."""
    assert "allocatedResourcesStatus" not in pod_status(live(), (), SICK, 36, SINCE)["containerStatuses"][0]


def test_sidecars_and_init_containers_have_no_health() -> None:
    """UpdateAllocatedResourcesStatus goes over status.containerStatuses only."""
    held = [Container(name, (Device(GPU, name, NOWHERE),)) for name in ("side", "init", "main")]
    pods = live(want("side", kind=Kind.SIDECAR), want("init", kind=Kind.INIT), want("main", memory=MIB))

    found = status(pods, *held, sick=SICK)

    assert ["main"] == [row["name"] for row in found["containerStatuses"] if "allocatedResourcesStatus" in row]
    assert not [row["name"] for row in found["initContainerStatuses"] if "allocatedResourcesStatus" in row]


SPEC: dict[str, Any] = {
    "initContainers": [{"name": "init", "image": "i:1", "resources": {}}],
    "containers": [
        {"name": "main", "image": "m:1", "resources": {"limits": {"cpu": "2"}, "requests": {"cpu": "2"}}},
        {"name": "late", "image": "l:1", "resources": {"requests": {"cpu": "1"}}},
    ],
}


@pytest.mark.parametrize("minor", [32, 33])
def test_containers_have_the_images_and_resources_of_their_pod(minor: int) -> None:
    """Resources from 1.33 on, of those that have been created; requests are what the kubelet has allocated."""
    containers = (want("init", kind=Kind.INIT), want("main"), want("late"))
    held = [Container("init"), Container("main"), Container("late")]
    waiting = live(*containers, phase=Phase.PENDING, started=frozenset({"init", "main"}), waiting={"late": "no"})
    found = with_spec(pod_status(waiting, held, frozenset(), minor, SINCE), SPEC, minor)
    rows = {each["name"]: each for each in [*found["initContainerStatuses"], *found["containerStatuses"]]}

    assert {"init": "i:1", "main": "m:1", "late": "l:1"} == {name: row["image"] for name, row in rows.items()}
    told = {name: (row.get("resources"), row.get("allocatedResources")) for name, row in rows.items()}
    main = (SPEC["containers"][0]["resources"], {"cpu": "2"})
    expected = {"init": ({}, None), "main": main, "late": (None, None)}
    assert told == (expected if minor >= 33 else dict.fromkeys(expected, (None, None)))


@pytest.mark.parametrize("minor", [28, 29])
def test_the_sandbox_has_a_condition_from_1_29_on(minor: int) -> None:
    """And it is there before all containers are."""
    waiting = live(want("main"), phase=Phase.PENDING, waiting={"main": "no"})
    found = pod_status(waiting, [Container("main")], frozenset(), minor, SINCE)
    told = {each["type"]: each["status"] for each in found["conditions"]}

    assert (told.get("PodReadyToStartContainers"), told["Ready"]) == ("True" if minor >= 29 else None, "False")

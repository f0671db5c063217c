"""Answers of a simulated kubelet: from a scenario, or from recorded bytes."""

import grpc
import pytest
from sim_client import dice

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.scenario import KubeletSettings, Release, node_at, parse_scenario
from podres_exporter.sim import FixedAnswers, RpcFault, StateAnswers

STATE = node_at(parse_scenario("numa: [{node: 0, cpus: 0-3, memory: 1Gi}]\npods: [{name: a}]", "x"), 0)


def answers(minor: int) -> StateAnswers:
    return StateAnswers(KubeletSettings(Release(minor)), lambda: STATE, dice(0))


@pytest.mark.parametrize(
    ("minor", "text"),
    [
        (21, "Pod Resources API GetAllocatableResources disabled"),
        (22, "Pod Resources API GetAllocatableResources disabled"),
    ],
)
def test_before_release_1_23_allocatable_resources_are_disabled(minor: int, text: str) -> None:
    """KubeletPodResourcesGetAllocatable was alpha and off; a bare Go error has code UNKNOWN."""
    with pytest.raises(RpcFault) as caught:
        answers(minor).allocatable()

    assert (grpc.StatusCode.UNKNOWN, text) == (caught.value.code, caught.value.details)


def test_the_text_of_a_disabled_method_lost_a_blank_in_release_1_27() -> None:
    """`Pod Resources API` became `PodResources API`."""
    settings = KubeletSettings(Release(27), allocatable=False)

    with pytest.raises(RpcFault) as caught:
        StateAnswers(settings, lambda: STATE, dice(0)).allocatable()

    assert "PodResources API GetAllocatableResources disabled" == caught.value.details


@pytest.mark.parametrize("minor", [27, 33])
def test_before_release_1_34_get_is_disabled(minor: int) -> None:
    """KubeletPodResourcesGet was alpha and off until 1.33."""
    with pytest.raises(RpcFault) as caught:
        answers(minor).get("default", "a")

    assert grpc.StatusCode.UNKNOWN == caught.value.code
    assert "PodResources API Get method disabled" == caught.value.details


def test_an_unknown_pod_is_not_found() -> None:
    """The text of server_v1.go; the same from recorded and from computed answers."""
    for source in (answers(36), FixedAnswers()):
        with pytest.raises(RpcFault) as caught:
            source.get("default", "nope")
        assert (grpc.StatusCode.UNKNOWN, "pod nope in namespace default not found") == (
            caught.value.code,
            caught.value.details,
        )


def test_a_known_pod_is_answered() -> None:
    """Get wraps the pod that List has."""
    assert "a" == pb.GetPodResourcesResponse.FromString(answers(36).get("default", "a")).pod_resources.name

"""A pod's requests as the kubelet's managers read them."""

from asking_rig import GIB, GPU, running, spec

from podres_exporter.admission import Amounts, Kind, Qos
from podres_exporter.fit import Ask, ask_for, ask_of
from podres_exporter.fit.ask import pod_request
from podres_exporter.model import ContainerKind


def test_cpu_and_memory_together_make_a_guaranteed_pod() -> None:
    (container,) = pod_request(
        ask_for(cpu_millicores=4000, memory_bytes=GIB, hugepage_bytes={"2Mi": 1 << 21, "1Gi": 0}, devices={GPU: 2})
    ).containers

    assert Amounts(4000, GIB) == container.requests == container.limits
    assert {"hugepages-2Mi": 1 << 21} == container.hugepages
    assert {GPU: 2} == container.devices


def test_either_alone_does_not() -> None:
    asked = {
        pod_request(ask_for(cpu_millicores=1000)).qos,
        pod_request(ask_for(memory_bytes=GIB)).qos,
        pod_request(Ask((spec("main", 1, GIB),), is_guaranteed=False)).qos,
    }

    assert {Qos.BURSTABLE} == asked
    assert Qos.BEST_EFFORT == pod_request(ask_for(devices={GPU: 1, "a.b/c": 0})).qos


def test_a_pod_of_the_api_server_asks_for_what_its_containers_ask_for() -> None:
    meta = running("a", spec("i", 1, GIB, kind=ContainerKind.INIT), spec("main", 2, GIB, {GPU: 1}))
    pod = pod_request(ask_of(meta))

    assert Qos.GUARANTEED == pod.qos
    assert [("i", Kind.INIT), ("main", Kind.APP)] == [(each.name, each.kind) for each in pod.containers]


def test_resources_of_a_dra_driver_are_asked_of_no_plugin() -> None:
    meta = running("a", spec(devices={GPU: 1, "a.b/c": 1}), extended_requests=(("main", GPU),))

    assert (("a.b/c", 1),) == ask_of(meta).containers[0].devices


def test_a_pod_with_its_own_resources_is_left_to_the_scheduler() -> None:
    ask = ask_of(running("a", spec(), has_pod_resources=True))

    assert (False, True) == (ask.is_guaranteed, ask.has_pod_resources)

"""Decoding one PodResources message, and merging several entries of one name."""

from itertools import permutations

import pytest
from builders import (
    GPU,
    MIB,
    block,
    claim_row,
    container,
    container_row,
    device_row,
    field,
    gpu,
    memory_row,
    pod,
    pod_row,
    topology_row,
)

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.model import Claim, ClaimDevice, Malformed, Pod
from podres_exporter.wire.pods import decode_pod, unite_pods


def decoded(row: pb.PodResources) -> Pod:
    """Return the pod of a message without faults."""
    pod, faults = decode_pod(row.SerializeToString())
    assert pod is not None
    assert () == faults
    return pod


def test_a_pod_holds_what_its_containers_hold() -> None:
    """Devices, exclusive CPUs, memory blocks and claims stand below the container (podresources_v1.proto)."""
    row = pod_row(
        "train-0",
        container_row(
            devices=[device_row(GPU, "GPU-0", topology=topology_row(0))],
            cpus=[3, 2],
            memory=[memory_row(64 * MIB, 0)],
            claims=[claim_row("gpus", namespace="ml")],
        ),
        namespace="ml",
    )

    expected = pod(
        "train-0",
        container(
            "main",
            gpu("GPU-0", 0),
            cpus="2-3",
            memory=[block(64, 0)],
            claims=[Claim(namespace="ml", name="gpus", devices=())],
        ),
        namespace="ml",
    )
    assert expected == decoded(row)


def test_a_pod_that_holds_nothing_is_a_pod() -> None:
    """Pods and containers with nothing allocated are listed, with empty lists (measured on 1.36.3)."""
    assert pod("be", container("main")) == decoded(pod_row("be", container_row()))


def test_pod_level_cpus_and_memory_stand_beside_the_containers() -> None:
    """1.37 adds lists of the pod that overlap its containers' on purpose (KEP-5526, kubernetes #138738)."""
    row = pod_row("p", container_row(cpus=[2]), cpus=[3, 2], memory=[memory_row(MIB, 1)])

    assert pod("p", container(cpus="2"), cpus="2-3", memory=[block(1, 1)]) == decoded(row)


def test_containers_are_sorted_by_name() -> None:
    """The kubelet lists sidecars first, then the rest as the spec has them; ours is an order that a reader can find."""
    assert ["a", "b", "c"] == [c.name for c in decoded(pod_row("p", *map(container_row, "cab"))).containers]


def test_an_id_in_two_containers_is_two_holdings() -> None:
    """Each container keeps its own rows, time-sliced ids are distinct (`GPU-uuid::0`)."""
    row = pod_row(
        "p",
        container_row("a", devices=[device_row(GPU, "GPU-uuid::0")]),
        container_row("b", devices=[device_row(GPU, "GPU-uuid::1")]),
    )

    assert pod("p", container("a", gpu("GPU-uuid::0")), container("b", gpu("GPU-uuid::1"))) == decoded(row)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        pytest.param(pod_row(""), Malformed("name", "empty"), id="no name"),
        pytest.param(pod_row("p", namespace=""), Malformed("namespace", "empty"), id="no namespace"),
        pytest.param(pod_row("", namespace=""), Malformed("name", "empty"), id="neither"),
    ],
)
def test_a_pod_without_a_name_is_no_pod(row: pb.PodResources, fault: Malformed) -> None:
    """(namespace, name) is the only identity that the API has."""
    assert (None, (fault,)) == decode_pod(row.SerializeToString())


def test_a_container_without_a_name_is_reported_and_the_rest_kept() -> None:
    """The path counts the containers as they stood in the answer."""
    result = decode_pod(pod_row("p", container_row("a"), container_row(""), container_row("b")).SerializeToString())

    assert (pod("p", container("a"), container("b")), (Malformed("containers[1].name", "empty"),)) == result


def test_faults_of_every_kind_of_row_name_their_place() -> None:
    """Paths are those of the wire, with containers by name."""
    row = pod_row(
        "p",
        container_row(
            devices=[device_row("", "GPU-0")],
            cpus=[-1],
            memory=[memory_row(MIB, memory_type="")],
            claims=[claim_row("")],
        ),
        cpus=[-2],
        memory=[memory_row(MIB, memory_type="")],
    )

    pod_found, faults = decode_pod(row.SerializeToString())

    assert pod("p", container()) == pod_found
    assert (
        Malformed("containers[main].devices[0]", "no resource name"),
        Malformed("containers[main].cpu_ids", "CPU number -1 is negative"),
        Malformed("containers[main].memory[0]", "no memory type"),
        Malformed("containers[main].dynamic_resources[0]", "no claim name"),
        Malformed("cpu_ids", "CPU number -2 is negative"),
        Malformed("memory[0]", "no memory type"),
    ) == faults


def test_a_damaged_id_is_still_held() -> None:
    """Dropping it would report the device as free; the stray byte is written as it was seen."""
    damaged_device = field(1, GPU.encode()) + field(2, b"GPU-\xff")
    damaged = field(1, b"p") + field(2, b"default") + field(3, field(1, b"main") + field(2, damaged_device))

    fault = Malformed("containers[0].devices[0].device_ids[0]", "not UTF-8; invalid bytes are shown as \\xNN")
    assert (pod("p", container("main", gpu("GPU-\\xff"))), (fault,)) == decode_pod(damaged)


def test_bytes_without_framing_are_no_pod() -> None:
    """Not even a name can be told where the fields cannot be told apart."""
    assert (None, (Malformed("", "not a protobuf message"),)) == decode_pod(b"\x0a\x7f")


def test_no_bytes_are_no_pod() -> None:
    """An empty message is well-formed and has no name."""
    assert (None, (Malformed("name", "empty"),)) == decode_pod(b"")


def test_pods_are_sorted_by_namespace_and_name() -> None:
    """The kubelet answers in map order."""
    pods = [pod("b", namespace="y"), pod("a", namespace="z"), pod("a", namespace="y")]

    united, merged = unite_pods(pods)

    assert [("y", "a"), ("y", "b"), ("z", "a")] == [pod.key for pod in united]
    assert 0 == merged


def test_one_name_in_two_namespaces_is_two_pods() -> None:
    """A name is unique within its namespace only."""
    pods = (pod("p", container(cpus="1"), namespace="a"), pod("p", container(cpus="2"), namespace="b"))

    assert (pods, 0) == unite_pods(pods)


def test_two_entries_of_one_name_are_one_pod_that_holds_what_either_holds() -> None:
    """The kubelet keys pods by UID and the API has none: a static pod and its successor can stand side by side."""
    old = pod(
        "p",
        container("main", gpu("GPU-0", 0), gpu("GPU-1", 0), cpus="1-2", memory=[block(64, 0)]),
        container("old"),
        cpus="1",
        memory=[block(8, 1)],
    )
    heir = pod(
        "p",
        container("main", gpu("GPU-1", 1), gpu("GPU-2"), cpus="2-3", memory=[block(64, 0)]),
        container("new"),
        cpus="2",
        memory=[block(8, 0)],
    )

    united = pod(
        "p",
        container(
            "main",
            gpu("GPU-0", 0),
            gpu("GPU-1", 0, 1),
            gpu("GPU-2"),
            cpus="1-3",
            memory=[block(64, 0), block(64, 0)],
        ),
        container("new"),
        container("old"),
        cpus="1-2",
        memory=[block(8, 0), block(8, 1)],
    )
    assert ((united,), 1) == unite_pods([old, heir])
    assert ((united,), 1) == unite_pods([heir, old])


def test_claims_of_two_entries_are_united() -> None:
    """A claim that both refer to is one, with the devices of both, sorted."""
    one, two, three = (ClaimDevice("d", "p", name, "", ()) for name in ("gpu-0", "gpu-1", "gpu-2"))
    old = pod("p", container(claims=[Claim("default", "a", (two, three))]))
    heir = pod("p", container(claims=[Claim("default", "a", (one, two)), Claim("default", "b", ())]))

    claims = [Claim("default", "a", (one, two, three)), Claim("default", "b", ())]
    assert ((pod("p", container(claims=claims)),), 1) == unite_pods([old, heir])


def test_a_claim_device_of_two_entries_is_one_with_the_cdi_names_of_both() -> None:
    """Claim devices are distinct by (driver, pool, device, share); kubelets before 1.31 name none of them."""
    old = pod("p", container(claims=[Claim("default", "a", (ClaimDevice("", "", "", "", ("v/c=0",)),))]))
    heir = pod("p", container(claims=[Claim("default", "a", (ClaimDevice("", "", "", "", ("v/c=1",)),))]))

    claim = Claim("default", "a", (ClaimDevice("", "", "", "", ("v/c=0", "v/c=1")),))
    assert ((pod("p", container(claims=[claim])),), 1) == unite_pods([old, heir])


def test_entries_that_are_equal_are_one() -> None:
    """What says nothing new is no second pod; the entry is counted, its memory is not."""
    twice = pod("p", container("main", gpu("GPU-0"), cpus="1", memory=[block(64, 0)]))

    assert ((twice,), 1) == unite_pods([twice, twice])


def test_the_order_of_three_entries_of_one_name_does_not_matter() -> None:
    """Entries that are equal are one, wherever the third stands between them: the kubelet answers in map order."""
    twice = pod("p", container(memory=[block(64, 0)]))
    other = pod("p", container(memory=[block(32, 1)]))

    united = pod("p", container(memory=[block(64, 0), block(32, 1)]))
    for entries in permutations([twice, other, twice]):
        assert ((united,), 2) == unite_pods(entries)


def test_two_containers_of_one_name_are_one() -> None:
    """Names are unique within a pod; an answer that repeats one is taken as two entries of that container."""
    row = pod_row("p", container_row(cpus=[1]), container_row(cpus=[2], devices=[device_row(GPU, "GPU-0")]))

    assert pod("p", container("main", gpu("GPU-0"), cpus="1-2")) == decoded(row)

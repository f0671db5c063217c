"""Decoding whole answers of the kubelet, with and without a previous answer."""

import pytest
from builders import (
    GPU,
    MIB,
    allocatable,
    block,
    claim_device_row,
    claim_row,
    container,
    container_row,
    device_row,
    field,
    gpu,
    list_answer,
    memory_row,
    pod,
    pod_row,
    topology_row,
)

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.errors import KubeletError, Reason
from podres_exporter.model import Allocatable, Claim, ClaimDevice, Listing, Malformed, Unknown
from podres_exporter.wire import AllocatableDecoder, ListDecoder, decode_get, encode_get_request

BROKEN = b"\x0a\x7f"
"""A field that promises more bytes than there are."""

ROWS = [device_row(GPU, "GPU-0", topology=topology_row(node)) for node in (0, 1)]
BLOCKS = [memory_row(MIB, node) for node in (0, 1)]


def test_an_answer_is_sorted_whatever_order_the_kubelet_chose() -> None:
    """Pods, device rows, cpu_ids come in Go's map order (measured on 1.36.3)."""
    answer = list_answer(
        pod_row("b", container_row(devices=ROWS, cpus=[3, 1])),
        pod_row("a", namespace="zoo"),
        pod_row("a"),
    )

    pods = (pod("a"), pod("b", container("main", gpu("GPU-0", 0, 1), cpus="1,3")), pod("a", namespace="zoo"))
    assert Listing(pods) == ListDecoder().decode(answer)


def test_no_pods_is_an_answer() -> None:
    """An empty answer is well-formed; whether to believe it is not decided here."""
    assert Listing(()) == ListDecoder().decode(b"")


def test_a_pod_that_did_not_change_is_the_same_record_though_its_rows_were_shuffled() -> None:
    """Only then do polls of an idle node cost no objects, and views of unchanged pods can be kept."""
    decoder = ListDecoder()
    once = pod_row("p", container_row(devices=ROWS, cpus=[1, 2], memory=BLOCKS), cpus=[1, 2], memory=BLOCKS)
    shuffled = pod_row(
        "p",
        container_row(devices=ROWS[::-1], cpus=[2, 1], memory=BLOCKS[::-1]),
        cpus=[2, 1],
        memory=BLOCKS[::-1],
    )
    assert once.SerializeToString() != shuffled.SerializeToString()

    first, second = decoder.decode(list_answer(once)), decoder.decode(list_answer(shuffled))

    assert first.pods[0] is second.pods[0]


def test_a_pod_is_the_same_record_when_others_come_and_go() -> None:
    """The memory is per pod, so one new pod does not rebuild a hundred old ones."""
    decoder = ListDecoder()
    stays = pod_row("stays", container_row(cpus=[1]))

    first = decoder.decode(list_answer(stays, pod_row("goes")))
    second = decoder.decode(list_answer(pod_row("comes"), stays))

    assert ["goes", "stays"] == [pod.name for pod in first.pods]
    assert ["comes", "stays"] == [pod.name for pod in second.pods]
    assert first.pods[1] is second.pods[1]


def test_a_pod_that_went_is_forgotten() -> None:
    """The memory is one answer long: it cannot grow with the pods that a node has seen."""
    decoder = ListDecoder()
    answer = list_answer(pod_row("p", container_row(cpus=[1])))

    first, _, third = decoder.decode(answer), decoder.decode(b""), decoder.decode(answer)

    assert first == third
    assert first.pods[0] is not third.pods[0]


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(pod_row("q", container_row(cpus=[1])), id="name"),
        pytest.param(pod_row("p", container_row(cpus=[1]), namespace="other"), id="namespace"),
        pytest.param(pod_row("p", container_row("b", cpus=[1])), id="container"),
        pytest.param(pod_row("p", container_row(cpus=[2])), id="CPU"),
        pytest.param(pod_row("p", container_row(cpus=[1], devices=[device_row(GPU, "0")])), id="device"),
        pytest.param(pod_row("p", container_row(cpus=[1], memory=[memory_row(MIB, 0)])), id="memory"),
        pytest.param(pod_row("p", container_row(cpus=[1], claims=[claim_row("c")])), id="claim"),
        pytest.param(pod_row("p", container_row(cpus=[1]), cpus=[1]), id="CPU of the pod"),
        pytest.param(pod_row("p", container_row(cpus=[1]), memory=[memory_row(MIB, 0)]), id="memory of the pod"),
    ],
)
def test_every_change_of_a_pod_is_seen(after: pb.PodResources) -> None:
    """What is remembered never stands for something else."""
    decoder = ListDecoder()
    decoder.decode(list_answer(pod_row("p", container_row(cpus=[1]))))

    assert ListDecoder().decode(list_answer(after)) == decoder.decode(list_answer(after))


def test_the_order_of_claim_rows_is_a_change() -> None:
    """CDI names accumulate from row to row, so two orders say two things."""
    decoder = ListDecoder()
    rows = [claim_device_row("d", "p", "gpu-0", "v/c=0"), claim_device_row("d", "p", "gpu-1", "v/c=0", "v/c=1")]
    one, other = (list_answer(pod_row("p", container_row(claims=[claim_row("c", *r)]))) for r in (rows, rows[::-1]))

    first, second = decoder.decode(one), decoder.decode(other)

    def claimed(*cdi_names: tuple[str, ...]) -> Listing:
        devices = (ClaimDevice("d", "p", f"gpu-{number}", "", names) for number, names in enumerate(cdi_names))
        return Listing((pod("p", container(claims=[Claim("default", "c", tuple(devices))])),))

    assert claimed(("v/c=0",), ("v/c=1",)) == first
    assert claimed(("v/c=0",), ("v/c=0", "v/c=1")) == second


def test_entries_of_one_name_are_united_and_counted() -> None:
    """The API carries no UID (kubelet pod_manager.go, podByUID)."""
    answer = list_answer(pod_row("p", container_row(cpus=[1])), pod_row("p", container_row(cpus=[2])), pod_row("p"))

    assert Listing((pod("p", container(cpus="1-2")),), merged_pods=2) == ListDecoder().decode(answer)


def test_a_damaged_pod_is_named_and_the_others_are_kept() -> None:
    """Where the name is damaged too, the pod's place in the answer stands for it."""
    nameless = field(2, b"default")
    damaged = field(1, b"hurt") + field(2, b"default") + field(3, field(1, b"\xff"))
    answer = list_answer(pod_row("fine"), BROKEN, nameless, damaged)

    assert Listing(
        (pod("fine"), pod("hurt", container("\\xff"))),
        malformed=(
            Malformed("pod_resources[1]", "not a protobuf message"),
            Malformed("pod_resources[2].name", "empty"),
            Malformed("pod_resources[default/hurt].containers[0].name", "not UTF-8; invalid bytes are shown as \\xNN"),
        ),
    ) == ListDecoder().decode(answer)


def test_a_damaged_pod_stays_named_as_long_as_it_is_listed() -> None:
    """A fault is remembered with its pod: an answer that repeats it is as faulty as the first."""
    decoder = ListDecoder()
    answer = list_answer(BROKEN, pod_row("p", container_row(cpus=[-1])))

    first = decoder.decode(answer)

    assert 2 == len(first.malformed)
    assert first == decoder.decode(answer)


def test_the_order_of_the_answer_does_not_change_the_order_of_the_faults() -> None:
    """Sequences of the model are sorted, whatever order the kubelet answered in, or equal listings would differ."""
    rows = [pod_row(name, container_row(cpus=[-1])) for name in ("a", "b")]

    assert ListDecoder().decode(list_answer(*rows)) == ListDecoder().decode(list_answer(*rows[::-1]))


def test_a_remembered_pod_has_the_faults_of_the_answer_at_hand() -> None:
    """What is remembered only saves work: the path of a bad row is the one that it has in this answer."""
    rows = [device_row("", "GPU-0"), device_row(GPU, "GPU-0")]
    one, other = (list_answer(pod_row("p", container_row(devices=order))) for order in (rows, rows[::-1]))
    decoder = ListDecoder()
    decoder.decode(one)

    assert ListDecoder().decode(other) == decoder.decode(other)


def test_an_answer_without_frames_is_malformed() -> None:
    """No pod can be told from another, so the answer is refused whole: unavailable is never empty."""
    with pytest.raises(KubeletError) as raised:
        ListDecoder().decode(BROKEN)

    assert ("List", Reason.MALFORMED) == (raised.value.rpc, raised.value.reason)
    assert "kubelet: malformed: List: 2 bytes are not an answer to List" == str(raised.value)


def test_a_malformed_answer_does_not_cost_the_memory_of_the_last_good_one() -> None:
    """The next good answer is compared with the last good one."""
    decoder = ListDecoder()
    answer = list_answer(pod_row("p"))
    before = decoder.decode(answer)

    with pytest.raises(KubeletError):
        decoder.decode(BROKEN)

    assert before.pods[0] is decoder.decode(answer).pods[0]


def allocatable_answer(*numbers: int) -> pb.AllocatableResourcesResponse:
    """Return an answer with a GPU, a CPU and a block per number, in that order."""
    return pb.AllocatableResourcesResponse(
        devices=[device_row(GPU, f"GPU-{number}", topology=topology_row(0)) for number in numbers],
        cpu_ids=numbers,
        memory=[memory_row(MIB, number) for number in numbers],
    )


def test_the_allocatable_answer_is_sorted_whatever_order_the_kubelet_chose() -> None:
    """Rows come in Go's map order (measured on 1.36.3)."""
    expected = allocatable(gpu("GPU-0", 0), gpu("GPU-1", 0), cpus="0-1", memory=[block(1, 0), block(1, 1)])

    assert expected == AllocatableDecoder().decode(allocatable_answer(1, 0).SerializeToString())


def test_nothing_allocatable_is_an_answer() -> None:
    """Policy none for CPUs and memory, and no device plugin: an empty message."""
    assert Allocatable((), frozenset(), ()) == AllocatableDecoder().decode(b"")


def test_an_allocatable_answer_that_did_not_change_is_the_same_record_though_it_was_shuffled() -> None:
    """Only then does an idle node cost no objects."""
    decoder = AllocatableDecoder()
    one, other = (allocatable_answer(*order).SerializeToString() for order in ((0, 1), (1, 0)))

    assert one != other
    assert decoder.decode(one) is decoder.decode(other)


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(pb.AllocatableResourcesResponse(devices=[device_row(GPU, "GPU-0")]), id="device"),
        pytest.param(pb.AllocatableResourcesResponse(cpu_ids=[0]), id="CPU"),
        pytest.param(pb.AllocatableResourcesResponse(memory=[memory_row(MIB, 0)]), id="memory"),
        pytest.param(allocatable_answer(0), id="all"),
    ],
)
def test_every_change_of_what_is_allocatable_is_seen(after: pb.AllocatableResourcesResponse) -> None:
    """A device that becomes unhealthy leaves the answer at once (measured on 1.36.3)."""
    decoder = AllocatableDecoder()
    decoder.decode(b"")

    assert AllocatableDecoder().decode(after.SerializeToString()) == decoder.decode(after.SerializeToString())


def test_faults_of_the_allocatable_answer_name_their_place() -> None:
    """What cannot be used is left out and named."""
    answer = pb.AllocatableResourcesResponse(
        devices=[device_row("", "GPU-0"), device_row(GPU, "GPU-1")],
        cpu_ids=[-1, 1],
        memory=[memory_row(MIB, 0, memory_type="")],
    )

    expected = Allocatable(
        (gpu("GPU-1"),),
        frozenset([1]),
        (),
        (
            Malformed("devices[0]", "no resource name"),
            Malformed("cpu_ids", "CPU number -1 is negative"),
            Malformed("memory[0]", "no memory type"),
        ),
    )
    assert expected == AllocatableDecoder().decode(answer.SerializeToString())


def test_what_a_damaged_allocatable_answer_still_says_is_kept() -> None:
    """A device with a stray byte in its id is a device; a row that breaks off is none."""
    damaged = field(1, field(1, GPU.encode()) + field(2, b"\xff")) + field(1, BROKEN) + field(2, 4)

    expected = Allocatable(
        (gpu("\\xff"),),
        frozenset([4]),
        (),
        (
            Malformed("devices[0].device_ids[0]", "not UTF-8; invalid bytes are shown as \\xNN"),
            Malformed("devices[1]", "not a protobuf message"),
        ),
    )
    assert expected == AllocatableDecoder().decode(damaged)


def test_a_remembered_allocatable_answer_has_the_faults_of_the_answer_at_hand() -> None:
    """What is remembered only saves work: the path of a bad row is the one that it has in this answer."""
    rows = [device_row("", "GPU-0"), device_row(GPU, "GPU-0")]
    one, other = (pb.AllocatableResourcesResponse(devices=order).SerializeToString() for order in (rows, rows[::-1]))
    decoder = AllocatableDecoder()
    decoder.decode(one)

    assert AllocatableDecoder().decode(other) == decoder.decode(other)


def test_an_allocatable_answer_without_frames_is_malformed_each_time() -> None:
    """The answer before is not handed out in its place: the caller decides how long to trust it."""
    decoder = AllocatableDecoder()
    decoder.decode(allocatable_answer(0).SerializeToString())

    for _ in range(2):
        with pytest.raises(KubeletError) as raised:
            decoder.decode(BROKEN)

        assert ("GetAllocatableResources", Reason.MALFORMED) == (raised.value.rpc, raised.value.reason)


def test_get_asks_by_namespace_and_name() -> None:
    """GetPodResourcesRequest{pod_name = 1, pod_namespace = 2} (KEP-3695)."""
    assert field(1, b"train-0") + field(2, b"ml") == encode_get_request("ml", "train-0")


def test_get_gives_one_pod_and_its_faults() -> None:
    """The same pod as in List; paths begin below the pod."""
    row = pod_row("p", container_row(devices=ROWS, cpus=[-1, 1]))

    got = decode_get(pb.GetPodResourcesResponse(pod_resources=row).SerializeToString())

    assert pod("p", container("main", gpu("GPU-0", 0, 1), cpus="1")) == got.pods[0]
    assert (Malformed("containers[main].cpu_ids", "CPU number -1 is negative"),) == got.malformed
    assert Unknown(resources=frozenset({"cpu"})) == got.unreadable


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        pytest.param(BROKEN, "2 bytes are not an answer to Get", id="no frames"),
        pytest.param(b"", "name: empty", id="no pod"),
        pytest.param(field(1, field(1, b"p")), "namespace: empty", id="no namespace"),
        pytest.param(field(1, BROKEN), ": not a protobuf message", id="no frames in the pod"),
    ],
)
def test_an_answer_to_get_without_a_pod_is_malformed(answer: bytes, detail: str) -> None:
    """An unknown pod is an error of the RPC (UNKNOWN, `not found`), never an empty answer."""
    with pytest.raises(KubeletError) as raised:
        decode_get(answer)

    assert ("Get", Reason.MALFORMED, f"Get: {detail}") == (raised.value.rpc, raised.value.reason, raised.value.detail)

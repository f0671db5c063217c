"""Invariants of decoding, over random kubelet answers."""

from collections.abc import Callable
from random import Random

import pytest
from builders import (
    GPU,
    MIB,
    NIC,
    TWO_NODES,
    claim_device_row,
    claim_row,
    container_row,
    device_row,
    field,
    list_answer,
    memory_row,
    pod_row,
    topology_row,
)
from google.protobuf.message import DecodeError, Message
from hypothesis import example, given, settings
from hypothesis import strategies as st

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.cpuset import format_cpuset, parse_cpuset
from podres_exporter.errors import KubeletError, Reason
from podres_exporter.join import Joiner
from podres_exporter.model import Listing
from podres_exporter.wire import AllocatableDecoder, ListDecoder, decode_get
from podres_exporter.wire.salvage import salvage

law = settings(deadline=None)
"""Speed is measured elsewhere; a busy machine breaks no law."""

topologies = st.none() | st.lists(st.sampled_from([-1, 0, 1, 7]), max_size=3).map(lambda nodes: topology_row(*nodes))
device_rows = st.builds(
    lambda resource, ids, topology: device_row(resource, *ids, topology=topology),
    st.sampled_from([GPU, NIC]),
    st.lists(st.sampled_from(["0", "1", "2"]), min_size=1, max_size=2),
    topologies,
)
memory_rows = st.builds(
    lambda size, nodes, memory_type: memory_row(size * MIB, *nodes, memory_type=memory_type),
    st.integers(0, 2),
    st.lists(st.sampled_from([0, 1]), max_size=2),
    st.sampled_from(["memory", "hugepages-2Mi"]),
)
claim_device_rows = st.builds(
    lambda named, share_id, cdi: claim_device_row(*named, *cdi, share_id=share_id),
    st.sampled_from([("", "", ""), ("d", "p", "0"), ("d", "p", "1"), ("e", "p", "0")]),
    st.sampled_from([None, "share"]),
    st.lists(st.sampled_from(["v/c=0", "v/c=1", "v/c=2"]), max_size=2),
)
claim_rows = st.builds(
    lambda name, devices: claim_row(name, *devices), st.sampled_from("cd"), st.lists(claim_device_rows, max_size=3)
)
cpu_lists = st.lists(st.integers(0, 7), max_size=4)


def pods_of(
    devices: st.SearchStrategy[pb.ContainerDevices], cpus: st.SearchStrategy[list[int]]
) -> st.SearchStrategy[pb.PodResources]:
    """Return pods of few names, so that some share one, whose containers do so too."""
    containers = st.builds(
        container_row,
        st.sampled_from(["main", "sidecar"]),
        devices=st.lists(devices, max_size=4),
        cpus=cpus,
        memory=st.lists(memory_rows, max_size=2),
        claims=st.lists(claim_rows, max_size=2),
    )
    return st.builds(
        lambda name, namespace, rows, cpus, memory: pod_row(name, *rows, namespace=namespace, cpus=cpus, memory=memory),
        st.sampled_from("ab"),
        st.sampled_from(["default", "ml"]),
        st.lists(containers, max_size=2),
        cpus,
        st.lists(memory_rows, max_size=2),
    )


def repeated(rows: st.SearchStrategy[pb.PodResources]) -> st.SearchStrategy[list[pb.PodResources]]:
    """Return lists of few rows, some of them more than once."""
    few = st.lists(rows, min_size=1, max_size=3)
    return few.flatmap(lambda pool: st.lists(st.sampled_from(pool), max_size=4))


good_pods = pods_of(device_rows, cpu_lists)
faulty_pods = pods_of(
    device_rows | st.sampled_from([device_row("", "0"), device_row(GPU), device_row(GPU, "")]),
    cpu_lists | st.just([-1, 1]),
)
allocatable_answers = st.builds(
    pb.AllocatableResourcesResponse,
    devices=st.lists(device_rows, max_size=4),
    cpu_ids=cpu_lists,
    memory=st.lists(memory_rows, max_size=3),
)


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Return bytes of the same length, a few of them changed."""
    data = bytearray(draw(whole))
    if data:
        for position, value in draw(
            st.lists(st.tuples(st.integers(0, len(data) - 1), st.integers(0, 255)), max_size=5)
        ):
            data[position] = value
    return bytes(data)


def shuffled(pod: pb.PodResources, random: Random) -> pb.PodResources:
    """Return the pod with every list shuffled that the kubelet shuffles; the rows of a claim keep their order."""
    copy = pb.PodResources()
    copy.CopyFrom(pod)
    for container in copy.containers:
        shuffle_lists(container, ["devices", "cpu_ids", "memory", "dynamic_resources"], random)
    shuffle_lists(copy, ["containers", "cpu_ids", "memory"], random)
    return copy


def shuffle_lists(message: Message, names: list[str], random: Random) -> None:
    """Shuffle lists of a message in place, and the NUMA nodes of their rows."""
    for name in names:
        rows = list(getattr(message, name))
        random.shuffle(rows)
        for row in rows:
            if isinstance(row, pb.ContainerDevices | pb.ContainerMemory) and row.HasField("topology"):
                shuffle_lists(row.topology, ["nodes"], random)
        message.ClearField(name)
        getattr(message, name).extend(rows)


randoms = st.randoms(use_true_random=False)


@law
@given(st.frozensets(st.integers(0, 300)))
def test_a_set_of_cpus_survives_its_text(cpus: frozenset[int]) -> None:
    """What is printed can be read back, and equal sets are printed alike."""
    text = format_cpuset(cpus)

    assert cpus == parse_cpuset(text)
    assert text == format_cpuset(parse_cpuset(text))


@law
@given(st.lists(st.sampled_from(["0", "7", "12", "-", ",", " ", "\n", "x", "+", "\u00b2"]), max_size=8).map("".join))
def test_a_text_is_a_set_of_cpus_or_a_value_error(text: str) -> None:
    """No other error leaves the parser."""
    try:
        cpus = parse_cpuset(text)
    except ValueError:
        return

    assert cpus == parse_cpuset(format_cpuset(cpus))


@law
@given(repeated(good_pods), allocatable_answers, randoms)
def test_the_order_of_an_answer_does_not_matter(
    pods: list[pb.PodResources], report: pb.AllocatableResourcesResponse, random: Random
) -> None:
    """Pods, rows, CPUs and nodes come in Go's map order; equal content gives equal records, remembered or not."""
    others = [shuffled(pod, random) for pod in pods]
    random.shuffle(others)
    other_report = pb.AllocatableResourcesResponse()
    other_report.CopyFrom(report)
    shuffle_lists(other_report, ["devices", "cpu_ids", "memory"], random)
    decoder, report_decoder, joiner = ListDecoder(), AllocatableDecoder(), Joiner()

    listing = decoder.decode(list_answer(*pods))
    allocatable = report_decoder.decode(report.SerializeToString())

    assert listing == ListDecoder().decode(list_answer(*others))
    assert listing == decoder.decode(list_answer(*others))
    assert allocatable == AllocatableDecoder().decode(other_report.SerializeToString())
    assert allocatable == report_decoder.decode(other_report.SerializeToString())
    assert joiner.join(listing, allocatable, TWO_NODES) is joiner.join(
        decoder.decode(list_answer(*others)), report_decoder.decode(other_report.SerializeToString()), TWO_NODES
    )


@law
@given(repeated(good_pods))
def test_a_listing_is_sorted_and_without_repetition(pods: list[pb.PodResources]) -> None:
    """Sequences of the model have one order; what shares a name was united and counted."""
    listing = ListDecoder().decode(list_answer(*pods))

    keys = [pod.key for pod in listing.pods]
    assert sorted({(pod.namespace, pod.name) for pod in pods}) == keys
    assert len(pods) == len(keys) + listing.merged_pods
    for pod in listing.pods:
        names = [container.name for container in pod.containers]
        assert sorted(set(names)) == names
        for container in pod.containers:
            ids = [(device.resource, device.device_id) for device in container.devices]
            assert sorted(set(ids)) == ids
            for claim in container.claims:
                named = [(d.driver, d.pool, d.device, d.share_id) for d in claim.devices]
                assert sorted(set(named)) == named


def outcome(decode: Callable[[bytes], Listing], answer: bytes) -> Listing | Reason:
    """Return what an answer gives: a listing, or why there is none."""
    try:
        return decode(answer)
    except KubeletError as error:
        return error.reason


@st.composite
def sequences(draw: st.DrawFn) -> list[bytes]:
    """Return answers about few pods: shuffled, damaged, broken, and in any order."""
    pool = draw(st.lists(faulty_pods, min_size=1, max_size=3))
    hurt = draw(st.lists(damaged(st.sampled_from(pool).map(lambda pod: pod.SerializeToString())), max_size=1))
    random = draw(randoms)
    rows: list[pb.PodResources | bytes] = [*pool, *hurt]
    answers = [
        list_answer(*(row if isinstance(row, bytes) else shuffled(row, random) for row in chosen))
        for chosen in draw(st.lists(st.lists(st.sampled_from(rows), max_size=3), max_size=5))
    ]
    return answers + draw(st.lists(damaged(st.sampled_from(answers)), max_size=1) if answers else st.just([]))


@law
@given(sequences())
def test_a_decoder_that_remembers_says_what_a_fresh_one_says(answers: list[bytes]) -> None:
    """What is remembered only saves work, whatever came before: other orders, other pods, damaged answers."""
    decoder = ListDecoder()

    assert [outcome(ListDecoder().decode, answer) for answer in answers] == [
        outcome(decoder.decode, answer) for answer in answers
    ]


@law
@given(faulty_pods | damaged(good_pods.map(lambda pod: pod.SerializeToString())))
def test_list_and_get_say_the_same_of_a_pod(row: pb.PodResources | bytes) -> None:
    """List goes a quicker way wherever a pod has nothing odd about it."""
    whole = row if isinstance(row, bytes) else row.SerializeToString()
    try:
        got = decode_get(field(1, whole))
    except KubeletError:
        return

    listing = outcome(ListDecoder().decode, list_answer(whole))
    assert isinstance(listing, Listing)
    assert (got.pods, len(got.malformed)) == (listing.pods, len(listing.malformed))
    assert got.unreadable == listing.unreadable


@law
@given(st.lists(allocatable_answers, min_size=1, max_size=3), st.lists(st.integers(0, 2), max_size=5), randoms)
def test_an_allocatable_decoder_that_remembers_says_what_a_fresh_one_says(
    pool: list[pb.AllocatableResourcesResponse], order: list[int], random: Random
) -> None:
    """What is remembered only saves work."""
    decoder = AllocatableDecoder()
    for index in order:
        report = pool[index % len(pool)]
        shuffle_lists(report, ["devices", "cpu_ids", "memory"], random)
        answer = report.SerializeToString()

        assert AllocatableDecoder().decode(answer) == decoder.decode(answer)


NEIGHBOURS = [
    pod_row("first", container_row(devices=[device_row(GPU, "0")], cpus=[1]), namespace="neighbours"),
    pod_row("second", container_row(memory=[memory_row(MIB, 0)]), namespace="neighbours"),
]


@law
@given(damaged(good_pods.map(lambda pod: pod.SerializeToString())), st.integers(0, 2))
@example(hurt=b"\xff\xff\xff", place=1)
@example(hurt=b"", place=0)
def test_damage_in_one_pod_costs_no_other_pod(hurt: bytes, place: int) -> None:
    """The wire frames every pod, so bytes that are flipped in one leave the others as they were."""
    rows = [row.SerializeToString() for row in NEIGHBOURS]
    rows.insert(place, hurt)

    neighbours = ListDecoder().decode(list_answer(*NEIGHBOURS)).pods
    listing = ListDecoder().decode(list_answer(*rows))

    assert list(neighbours) == [pod for pod in listing.pods if pod.namespace == "neighbours"]
    assert 3 == len(listing.pods) or listing.malformed


any_message = st.sampled_from(
    [pb.PodResources, pb.ContainerResources, pb.ContainerDevices, pb.DynamicResource, pb.AllocatableResourcesResponse]
)


@law
@given(
    st.binary(max_size=60)
    | damaged(good_pods.map(lambda pod: pod.SerializeToString()))
    | damaged(allocatable_answers.map(lambda report: report.SerializeToString())),
    any_message,
)
def test_salvage_gives_a_message_or_a_decode_error(data: bytes, kind: type[Message]) -> None:
    """What comes out is a message that protobuf accepts; where nothing can be read, nothing was changed."""
    read = kind()
    try:
        salvage(data, read)
    except DecodeError:
        assert kind() == read
        return

    assert read == kind.FromString(read.SerializeToString())


@law
@given(good_pods)
def test_salvage_of_a_whole_message_is_the_message(pod: pb.PodResources) -> None:
    """Salvage adds nothing, loses nothing and finds no fault where there is none."""
    read = pb.PodResources()

    assert [] == salvage(pod.SerializeToString(), read)
    assert pod == read


@law
@given(
    st.binary(max_size=80)
    | st.binary(max_size=40).map(lambda data: field(1, data))
    | st.binary(max_size=40).map(lambda data: field(1, field(3, data)))
    | damaged(st.lists(good_pods, max_size=2).map(lambda pods: list_answer(*pods)))
)
@pytest.mark.parametrize(
    ("decode", "rpc"),
    [
        pytest.param(ListDecoder().decode, "List", id="List"),
        pytest.param(AllocatableDecoder().decode, "GetAllocatableResources", id="GetAllocatableResources"),
        pytest.param(decode_get, "Get", id="Get"),
    ],
)
def test_any_bytes_are_an_answer_or_malformed(decode: Callable[[bytes], object], rpc: str, data: bytes) -> None:
    """One error type leaves the wire, with one reason; anything else would stop the poll loop."""
    refused: tuple[str, Reason] | None = None
    try:
        decode(data)
    except KubeletError as error:
        refused = (error.rpc, error.reason)

    assert refused in {None, (rpc, Reason.MALFORMED)}

"""
What a scrape shows for each fault of the kubelet, on a real server and a real socket.

Unavailable is never empty: the last good answer stays, marked stale, until its maximum age.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from rig import Rig, Scrape

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.clock import SystemClock
from podres_exporter.model import Listing
from podres_exporter.scenario import KubeletSettings, Release
from podres_exporter.sim import FixedAnswers, RpcFault, SimKubelet

ALLOCATION = "podres_container_"
HELD_GPUS = "podres_container_devices"

MakeKubelet = Callable[..., SimKubelet]


def listing(*pods: pb.PodResources) -> bytes:
    return pb.ListPodResourcesResponse(pod_resources=pods).SerializeToString()


def device(resource: str, device_id: str, *nodes: int) -> pb.ContainerDevices:
    topology = pb.NUMATopology(nodes=[pb.NUMANode(ID=node) for node in nodes]) if nodes else None
    return pb.ContainerDevices(resource_name=resource, device_ids=[device_id], topology=topology)


def pod(name: str, *devices: pb.ContainerDevices, cpus: tuple[int, ...] = (), namespace: str = "ml") -> pb.PodResources:
    container = pb.ContainerResources(name="main", devices=devices, cpu_ids=cpus)
    return pb.PodResources(name=name, namespace=namespace, containers=[container])


GPUS = [device("example.com/gpu", f"GPU-{number}", number % 2) for number in range(4)]
ALLOCATABLE = pb.AllocatableResourcesResponse(devices=GPUS, cpu_ids=[1, 2, 3, 5, 6, 7]).SerializeToString()
TRAIN, SERVE = pod("train", GPUS[0], cpus=(2, 3)), pod("serve", GPUS[1], cpus=(5,))
PODS = {
    ("ml", each.name): pb.GetPodResourcesResponse(pod_resources=each).SerializeToString() for each in (TRAIN, SERVE)
}
USUAL = FixedAnswers(listing(TRAIN, SERVE), ALLOCATABLE, PODS)
EMPTY = FixedAnswers(listing(), pb.AllocatableResourcesResponse().SerializeToString())
PARTIAL = FixedAnswers(listing(SERVE), ALLOCATABLE, PODS)


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    """Return a fake /sys with two NUMA nodes of four CPUs."""
    for node, cpus in enumerate(("0-3", "4-7")):
        folder = tmp_path / f"devices/system/node/node{node}"
        folder.mkdir(parents=True)
        (folder / "cpulist").write_text(cpus + "\n")
    return tmp_path


@pytest.fixture
def make_kubelet(short_dir: Path) -> Iterator[MakeKubelet]:
    """Yield a function that makes the node's kubelet, not started; it is stopped afterwards."""
    made: list[SimKubelet] = []

    def make(answers: FixedAnswers = USUAL, release: int = 36) -> SimKubelet:
        path = short_dir / "pod-resources/kubelet.sock"
        made.append(SimKubelet(path, answers, SystemClock(), KubeletSettings(Release(release))))
        return made[-1]

    yield make
    for kubelet in made:
        kubelet.stop()


@pytest.fixture
def kubelet(make_kubelet: MakeKubelet) -> SimKubelet:
    """Return a running kubelet with two pods that hold a GPU and CPUs each."""
    kubelet = make_kubelet()
    kubelet.start()
    return kubelet


@pytest.fixture
def rig(short_dir: Path, sysfs: Path) -> Iterator[Rig]:
    """Yield the exporter with its defaults, but a deadline that no machine is too busy for."""
    with Rig(short_dir / "pod-resources/kubelet.sock", sysfs) as rig:
        yield rig


def shows_all(page: Scrape) -> bool:
    return {"train", "serve"} == page.labels(HELD_GPUS, "pod")


def errors(page: Scrape, rpc: str = "List") -> dict[str, float]:
    """Return how many calls failed, by reason."""
    return {
        dict(labels)["reason"]: value
        for (name, labels), value in page.samples.items()
        if name == "podres_kubelet_rpc_errors_total" and ("rpc", rpc) in labels
    }


def page_free(page: Scrape) -> float:
    """Return how many devices the page says are free."""
    return sum(value for (name, _), value in page.samples.items() if name == "podres_node_free_devices")


def assert_all_held(page: Scrape, *, retained: int) -> None:
    """The page shows both pods with what they hold, so many of them marked, and nothing of theirs as free."""
    assert shows_all(page)
    assert retained == page.value("podres_pods_retained")
    assert (retained > 0) == page.value("podres_snapshot_held", part="pods")
    assert 2 == page_free(page)
    assert 3 == sum(v for (n, _), v in page.samples.items() if n == "podres_node_shared_pool_cpus")


def restarting(kubelet: SimKubelet, call: Callable[[], Listing], answers: FixedAnswers) -> Callable[[], Listing]:
    """Return the call with a restart of the kubelet just after its answer, once."""

    def list_and_restart() -> Listing:
        answer = call()
        if kubelet.answers is not answers:
            kubelet.answers = answers
            kubelet.restart()
        return answer

    return list_and_restart


def assert_stale_but_whole(page: Scrape) -> None:
    """The page shows what was last known, says that it is old, and never that anything is free that is not."""
    assert shows_all(page)
    assert 1 == page.value("podres_snapshot_stale", part="pods")
    assert 2 == sum(v for (n, _), v in page.samples.items() if n == "podres_node_free_devices")


@pytest.mark.faults("no socket, kubelet down, permission missing")
def test_a_socket_that_is_missing_at_the_start_is_said_and_nothing_is_invented(rig: Rig) -> None:
    """Source up is 0, no allocation family and no node family exists, and the exporter is not ready."""
    page = rig.poll()

    assert 0 == page.value("podres_source_up", source="kubelet")
    assert set() == page.names(ALLOCATION) | page.names("podres_node_") | page.names("podres_pod_")
    assert {"unavailable": 1} == errors(page)
    assert None is page.value("podres_source_last_success_timestamp_seconds", source="kubelet")
    assert not rig.poller.ready()[0]


def test_a_socket_that_appears_later_is_found(rig: Rig, make_kubelet: MakeKubelet) -> None:
    """The exporter may start before the kubelet; its clock sees an old socket, so the first answer is believed."""
    rig.poll()
    make_kubelet().start()

    page = rig.poll_until(shows_all)

    assert 1 == page.value("podres_source_up", source="kubelet")
    assert 0 == page.value("podres_snapshot_stale", part="pods")
    assert 0 == page.value("podres_kubelet_restarts_total")
    assert rig.poller.ready()[0]


@pytest.mark.faults("no socket, kubelet down, permission missing")
def test_a_killed_kubelet_leaves_its_last_answer_marked_stale_until_it_is_too_old(
    rig: Rig, kubelet: SimKubelet
) -> None:
    """The socket file stays and refuses connections. After --snapshot.max-age only source_up is left to say why."""
    rig.poll()
    kubelet.kill()

    assert_stale_but_whole(rig.poll())

    rig.clock.advance(120)
    page = rig.poll()

    assert set() == page.names(ALLOCATION) | page.names("podres_node_") | page.names("podres_pod_")
    assert 0 == page.value("podres_source_up", source="kubelet")
    assert {"unavailable": 2} == errors(page)


@pytest.mark.faults("the last answer is older than `--snapshot.max-age`")
def test_an_old_answer_disappears_even_if_no_poll_comes_any_more(rig: Rig, kubelet: SimKubelet) -> None:
    """The maximum age is checked at the scrape: a poll loop that hangs cannot keep old facts alive."""
    assert shows_all(rig.poll())
    assert kubelet.serving

    rig.clock.advance(121)
    page = rig.scrape()

    assert set() == page.names(ALLOCATION)
    assert 0 == page.value("podres_source_up", source="kubelet")
    assert 1 == page.value("podres_snapshot_stale", part="pods")


def test_totals_do_not_go_back_while_the_kubelet_is_away(rig: Rig, kubelet: SimKubelet) -> None:
    """A counter that came back smaller would read as a reset; what is held counts up to its maximum age."""
    rig.poll()
    before = rig.poll().value("podres_allocated_device_seconds_total", namespace="ml")
    kubelet.kill()
    rig.clock.advance(500)
    after = rig.poll().value("podres_allocated_device_seconds_total", namespace="ml")
    rig.clock.advance(500)

    assert before is not None
    assert after is not None
    assert before <= after <= before + 2 * 120
    assert after == rig.poll().value("podres_allocated_device_seconds_total", namespace="ml")


@pytest.mark.faults("kubelet has restarted and returns nothing, or only some pods")
def test_the_empty_and_partial_answers_after_a_restart_free_nothing(rig: Rig, kubelet: SimKubelet) -> None:
    """
    Measured on 1.36 at 10 Hz: no pods, then some with fewer devices, then all, about a second after the first answer.

    Published, the first would read as "everything is free".
    """
    rig.poll()
    kubelet.restart([EMPTY, PARTIAL])

    page = rig.poll_until(lambda page: page.value("podres_kubelet_restarts_total") == 1)

    assert_all_held(page, retained=2)
    assert 1 == page.value("podres_source_up", source="kubelet")

    rig.clock.advance(1)
    page = rig.poll()

    assert_all_held(page, retained=1)

    page = rig.poll()

    assert_all_held(page, retained=0)
    assert 0 == page.value("podres_snapshot_stale", part="pods")


@pytest.mark.faults("kubelet has restarted, and a pod has ended meanwhile")
def test_a_pod_that_is_missing_after_a_restart_is_held_for_the_hold_down(rig: Rig, kubelet: SimKubelet) -> None:
    """It may really have ended while the kubelet was away: the kubelet has had its API server's pods for a minute."""
    rig.poll()
    kubelet.answers = PARTIAL
    kubelet.restart()
    rig.poll_until(lambda page: page.value("podres_pods_retained") == 1)

    rig.clock.advance(50)
    rig.poll()
    assert_all_held(rig.scrape(), retained=1)

    rig.poll()
    page = rig.poll()

    assert {"serve"} == page.labels(HELD_GPUS, "pod")
    assert 0 == page.value("podres_snapshot_held", part="pods")
    assert 3 == page_free(page)


@pytest.mark.faults("kubelet has restarted and cannot reach its API server, for whatever reason")
def test_a_kubelet_without_its_api_server_ends_nothing_by_the_clock(rig: Rig, kubelet: SimKubelet) -> None:
    """It answers OK with its static pods for as long as that lasts (1.36: 1 of 22); rows go by their age (R1)."""
    rig.poll()
    static = FixedAnswers(listing(pod("kube-proxy-node1", namespace="kube-system")), ALLOCATABLE)
    kubelet.answers = static
    kubelet.restart()
    rig.poll_until(lambda page: page.value("podres_pods_retained") == 2)
    for _ in range(4):
        rig.clock.advance(80)
        page = rig.poll_until(lambda page: page.value("podres_source_up", source="kubelet") == 1)
        assert page_free(page) in {2, 0}
        assert 1 == page.value("podres_snapshot_held", part="pods")
        assert None is page.value("podres_node_allocated_devices", numa_nodes="0") or shows_all(page)

    assert set() == page.labels(HELD_GPUS, "pod")
    assert set() == page.names("podres_node_free_devices") | page.names("podres_node_allocated_devices")
    assert set() == page.names("podres_node_shared_pool_cpus")
    assert 2 == len(page.names("podres_node_allocatable_"))

    kubelet.answers = USUAL
    rig.clock.advance(10)
    page = rig.poll_until(shows_all)
    assert_all_held(page, retained=0)


def test_other_pods_coming_and_going_delay_nothing(rig: Rig, kubelet: SimKubelet) -> None:
    """A pod ended while the kubelet was away, others come and go with every poll (finding R2)."""
    rig.poll()
    kubelet.answers = PARTIAL
    kubelet.restart()
    rig.poll_until(lambda page: page.value("podres_pods_retained") == 1)
    for number in range(7):
        kubelet.answers = FixedAnswers(listing(SERVE, pod(f"batch-{number}", GPUS[2])), ALLOCATABLE)
        rig.poll()
    # A poll may come a moment before the next List is due, for its pauses are jittered.
    page = rig.poll_until(lambda page: "batch-6" in page.labels(HELD_GPUS, "pod"))

    assert {"serve", "batch-6"} == page.labels(HELD_GPUS, "pod")
    assert 0 == page.value("podres_snapshot_held", part="pods")


def test_a_device_that_another_pod_has_got_is_no_longer_the_old_one_s(rig: Rig, kubelet: SimKubelet) -> None:
    """The kubelet gave GPU-0 to `successor`: of the missing pod only that device is gone, its CPUs are still held."""
    rig.poll()
    kubelet.answers = FixedAnswers(listing(SERVE, pod("heir", GPUS[0])), ALLOCATABLE)
    kubelet.restart()
    page = rig.poll_until(lambda page: page.value("podres_kubelet_restarts_total") == 1)

    assert {"serve", "heir"} == page.labels(HELD_GPUS, "pod")
    assert {"serve", "train"} == page.labels("podres_container_exclusive_cpus", "pod")
    assert 1 == page.value("podres_pods_retained")
    assert 2 == page_free(page)


@pytest.mark.faults("a plugin has not registered again after a restart")
def test_devices_whose_plugins_are_not_back_yet_stay_allocatable_for_a_while(rig: Rig, kubelet: SimKubelet) -> None:
    """After a restart GetAllocatableResources has no devices until each plugin has registered again."""
    rig.poll()
    no_plugins = pb.AllocatableResourcesResponse(cpu_ids=[1, 2, 3, 5, 6, 7]).SerializeToString()
    kubelet.answers = FixedAnswers(USUAL.listed, no_plugins, PODS)
    kubelet.restart()

    page = rig.poll_until(lambda page: page.value("podres_kubelet_restarts_total") == 1)

    assert 1 == page.value("podres_snapshot_held", part="allocatable")
    assert 0 == page.value("podres_snapshot_held", part="pods")
    assert 4 == sum(v for (n, _), v in page.samples.items() if n == "podres_node_allocatable_devices")


@pytest.mark.faults("the exporter starts")
def test_an_exporter_that_knows_nothing_yet_says_nothing_of_what_is_free_on_a_young_kubelet(
    sysfs: Path, make_kubelet: MakeKubelet
) -> None:
    """Rows are shown at once, and the exporter is ready; nothing is known to be free by the first, empty answer."""
    kubelet = make_kubelet()
    kubelet.restart([EMPTY])
    with Rig(kubelet.socket_path, sysfs) as rig:
        rig.clock.advance(1 - 3600)
        page = rig.poll()

        assert set() == page.names("podres_node_free_") | page.names("podres_node_allocated_")
        assert set() == page.names(ALLOCATION)
        assert rig.poller.ready()[0]

        page = rig.poll()
        assert shows_all(page)
        assert set() == page.names("podres_node_free_")

        rig.clock.advance(3)
        assert_all_held(rig.poll(), retained=0)


@pytest.mark.faults("the exporter starts")
def test_an_empty_node_is_free_once_its_kubelet_has_been_empty_for_the_hold_down(
    sysfs: Path, make_kubelet: MakeKubelet
) -> None:
    """Nobody can tell a node without pods from one whose kubelet has not had them yet, except by the time."""
    kubelet = make_kubelet(FixedAnswers(listing(), ALLOCATABLE))
    kubelet.start()
    with Rig(kubelet.socket_path, sysfs) as rig:
        rig.clock.advance(1 - 3600)
        frees = [page_free(rig.poll()) for _ in range(8)]

    assert [0.0] * 5 == frees[:5]
    assert 4 == frees[-1]


def test_a_pod_that_starts_every_second_makes_nobody_wait(sysfs: Path, make_kubelet: MakeKubelet) -> None:
    """On a busy node the first answers of a young kubelet never stand still (finding R4)."""
    kubelet = make_kubelet()
    kubelet.start()
    with Rig(kubelet.socket_path, sysfs) as rig:
        rig.clock.advance(1 - 3600)
        for number in range(3):
            kubelet.answers = FixedAnswers(listing(TRAIN, SERVE, pod(f"run-{number}")), ALLOCATABLE)
            page = rig.poll()
            assert shows_all(page)
            assert rig.poller.ready()[0]

    assert 2 == page_free(page)


def test_an_answer_around_a_restart_ends_nothing(rig: Rig, kubelet: SimKubelet) -> None:
    """The socket is another one after it: the old kubelet's answer, or an empty one of the young one (finding R7)."""
    rig.client.list = restarting(kubelet, rig.client.list, FixedAnswers(listing(), ALLOCATABLE))  # type: ignore[method-assign]  # the moment that a test cannot hit
    for _ in range(3):
        page = rig.poll()

        assert shows_all(page)
        assert 2 == page.value("podres_pods_retained")
        assert page_free(page) == 0


@pytest.mark.faults("kubelet hangs")
def test_a_kubelet_that_hangs_is_cut_off_at_the_deadline(short_dir: Path, sysfs: Path, kubelet: SimKubelet) -> None:
    """
    A stalled device manager blocks List; the call ends at --kubelet.timeout and the last answer stays.

    On a busy machine a deadline that a test can wait for may cut off calls of a kubelet that is well, too.
    """
    with Rig(short_dir / "pod-resources/kubelet.sock", sysfs, timeout_seconds=0.3) as rig:
        page = rig.poll_until(lambda page: shows_all(page) and page_free(page) == 2)
        before = errors(page).get("timeout", 0)
        kubelet.hang()
        rig.clock.advance(10)

        page = rig.poll()

        assert_stale_but_whole(page)
        assert {"timeout": before + 1} == errors(page)

        kubelet.resume()

        assert 0 == rig.poll_until(lambda page: page.value("podres_source_up", source="kubelet") == 1).value(
            "podres_snapshot_stale", part="pods"
        )


def padded(size: int) -> bytes:
    """Return a good answer of at least *size* bytes."""
    long_ids = [device("example.com/gpu", f"{number:0100000d}") for number in range(size // 100_000 + 1)]
    return listing(TRAIN, SERVE, pod("large", *long_ids))


def test_an_answer_of_5_mib_is_read(rig: Rig, make_kubelet: MakeKubelet) -> None:
    """The default of gRPC, 4 MiB, is within reach of a node with 50,000 device ids."""
    make_kubelet(FixedAnswers(padded(5 * 2**20), ALLOCATABLE, PODS)).start()

    assert {"train", "serve", "large"} == rig.poll().labels(HELD_GPUS, "pod")


@pytest.mark.faults("the same without either")
def test_an_answer_of_20_mib_is_refused_and_named(rig: Rig, kubelet: SimKubelet) -> None:
    """RESOURCE_EXHAUSTED like the rate limit, but nothing that waiting would mend."""
    rig.poll()
    kubelet.override("List", padded(20 * 2**20))

    page = rig.poll()

    assert_stale_but_whole(page)
    assert {"too_large": 1} == errors(page)


def test_a_throttled_call_waits_a_whole_interval_before_the_next(rig: Rig, kubelet: SimKubelet) -> None:
    """The kubelet's 100 calls a second are one budget for all its clients: do not try harder than usual."""
    rig.poll()
    kubelet.throttled = True
    rig.clock.advance(10)

    delays = [rig.poller.tick() for _ in range(3)]
    page = rig.scrape()

    assert_stale_but_whole(page)
    assert 3 == errors(page).get("throttled", 0) + errors(page, "GetAllocatableResources").get("throttled", 0)
    assert all(10 <= delay <= 15 for delay in delays)


@pytest.mark.faults("kubelet throttles (100 calls/s for all its clients)")
def test_a_throttled_answer_after_an_outage_costs_fifteen_seconds_at_most(rig: Rig, kubelet: SimKubelet) -> None:
    """All agents ask a kubelet that is back, and its burst is 10; how long it was away does not count (finding R6)."""
    rig.poll()
    kubelet.kill()
    for _ in range(12):
        rig.poll()
    kubelet.throttled = True
    kubelet.start()
    rig.poll_until(lambda page: errors(page).get("throttled", 0) > 0)

    assert 10 <= rig.poller.tick() <= 15


def test_other_failures_are_retried_soon_but_not_at_once(rig: Rig) -> None:
    """A kubelet restart takes seconds; the wait grows from half a second to the interval."""
    delays = [rig.poller.tick() for _ in range(8)]

    assert 0.25 <= delays[0] <= 0.5
    assert 5 <= delays[-1] <= 10


@pytest.mark.faults("`GetAllocatableResources` or `Get` missing or disabled")
def test_a_kubelet_with_get_switched_off_says_so_and_is_not_asked_again(rig: Rig, make_kubelet: MakeKubelet) -> None:
    """1.27 to 1.33: UNKNOWN `PodResources API Get method disabled`. That is a feature absent, not an outage."""
    kubelet = make_kubelet(release=27)
    kubelet.override("Get", RpcFault(grpc.StatusCode.UNKNOWN, "PodResources API Get method disabled"))
    kubelet.start()
    rig.poll()
    page = rig.poll()

    assert shows_all(page)
    assert 0 == page.value("podres_kubelet_rpc_supported", rpc="Get")
    assert {"disabled": 1} == errors(page, "Get")
    assert 1 == page.value("podres_source_up", source="kubelet")
    assert 1 == kubelet.calls["Get"]


@pytest.mark.parametrize(
    ("release", "answer", "reason"),
    [
        (20, None, "unimplemented"),
        (
            22,
            RpcFault(grpc.StatusCode.UNKNOWN, "Pod Resources API GetAllocatableResources disabled"),
            "disabled",
        ),
    ],
    ids=["missing (1.20)", "switched off (1.21, 1.22)"],
)
@pytest.mark.faults("`GetAllocatableResources` or `Get` missing or disabled")
def test_without_allocatable_nothing_is_said_to_be_free(
    rig: Rig, make_kubelet: MakeKubelet, release: int, answer: RpcFault | None, reason: str
) -> None:
    """What is held is shown, what is left is unknown and absent, and the method is asked for once."""
    kubelet = make_kubelet(release=release)
    if answer is not None:
        kubelet.override("GetAllocatableResources", answer)
    kubelet.start()
    rig.poll()
    page = rig.poll()

    assert shows_all(page)
    assert 0 == page.value("podres_kubelet_rpc_supported", rpc="GetAllocatableResources")
    assert {reason: 1} == errors(page, "GetAllocatableResources")
    assert {"podres_node_allocated_devices", "podres_node_exclusive_cpus", "podres_node_cpuset_info"} == page.names(
        "podres_node_"
    )
    assert 0 == page.value("podres_snapshot_stale", part="allocatable")


def test_what_a_kubelet_lacks_is_asked_again_after_its_restart(rig: Rig, make_kubelet: MakeKubelet) -> None:
    """An upgrade in place brings methods; only a new socket says that there may be any."""
    kubelet = make_kubelet()
    kubelet.override("GetAllocatableResources", RpcFault(grpc.StatusCode.UNIMPLEMENTED, "unknown method"))
    kubelet.start()
    rig.poll()
    kubelet.clear_override("GetAllocatableResources")
    kubelet.restart()

    rig.poll_until(lambda page: page.value("podres_kubelet_restarts_total") == 1)
    page = rig.poll()

    assert 1 == page.value("podres_kubelet_rpc_supported", rpc="GetAllocatableResources")
    assert 2 == sum(v for (n, _), v in page.samples.items() if n == "podres_node_free_devices")


def test_a_failing_allocatable_leaves_the_pods_fresh(rig: Rig, kubelet: SimKubelet) -> None:
    """The two halves of the answer age apart."""
    rig.poll()
    kubelet.override("GetAllocatableResources", RpcFault(grpc.StatusCode.RESOURCE_EXHAUSTED, "rejected by rate limit"))

    page = rig.poll()

    assert shows_all(page)
    assert 0 == page.value("podres_snapshot_stale", part="pods")
    assert 1 == page.value("podres_snapshot_stale", part="allocatable")
    assert 2 == sum(v for (n, _), v in page.samples.items() if n == "podres_node_free_devices")


@pytest.mark.faults("an unreadable item in a good answer")
def test_garbage_in_one_field_costs_that_field_only(rig: Rig, make_kubelet: MakeKubelet) -> None:
    """One broken byte makes protobuf refuse the whole answer; the exporter leaves out the broken row and counts it."""
    broken = pod("broken", device("example.com/gpu", "AAAA"), device("example.com/gpu", "GPU-9"))
    data = listing(TRAIN, SERVE, broken).replace(b"\x12\x04AAAA", b"\x12\x7fAAAA")
    make_kubelet(FixedAnswers(data, ALLOCATABLE, PODS)).start()

    page = rig.poll()

    assert {"train", "serve", "broken"} == page.labels(HELD_GPUS, "pod")
    assert {"GPU-0", "GPU-1", "GPU-9"} == page.labels("podres_container_device_info", "device")
    assert 1 == page.value("podres_malformed_items_total", rpc="List")


def test_bytes_that_are_no_answer_at_all_are_malformed(rig: Rig, kubelet: SimKubelet) -> None:
    """Nothing of such an answer is believed."""
    rig.poll()
    kubelet.override("List", b"\xff\xff\xff garbage")

    page = rig.poll()

    assert_stale_but_whole(page)
    assert {"malformed": 1} == errors(page)


@pytest.mark.parametrize(
    "device_id",
    [
        'GPU-"quoted"',
        "line\nbreak",
        "back\\slash",
        "Ã¿Ã¾",
        "g" * 300,
        "percent %s %d",
        "GPU::",
        "é✓",
        "tab\tand\rreturn",
    ],
    ids=["quotes", "newline", "backslash", "mojibake", "300 characters", "percent", "colons", "unicode", "control"],
)
@pytest.mark.parametrize("accept", ["text/plain", "application/openmetrics-text;version=1.0.0"])
def test_any_device_id_comes_through_unchanged(
    rig: Rig, make_kubelet: MakeKubelet, device_id: str, accept: str
) -> None:
    """A device plugin may call its devices anything; no id can forge a line or break the page."""
    odd = listing(TRAIN, pod("odd", device("example.com/odd", device_id)))
    make_kubelet(FixedAnswers(odd, ALLOCATABLE, PODS)).start()
    rig.poll()

    page = rig.scrape(accept)

    assert {"GPU-0", device_id} == page.labels("podres_container_device_info", "device")


def test_a_device_id_that_is_not_utf8_keeps_its_device(rig: Rig, make_kubelet: MakeKubelet) -> None:
    """Go's older protobuf sends such strings; dropped, the device would be reported as free."""
    data = listing(pod("odd", device("example.com/odd", "AAAA"))).replace(b"AAAA", b"A\xff\xfeA")
    make_kubelet(FixedAnswers(data, ALLOCATABLE, PODS)).start()

    page = rig.poll()

    assert {"A\\xff\\xfeA"} == page.labels("podres_container_device_info", "device")
    assert 1 == page.value("podres_malformed_items_total", rpc="List")


def test_a_node_without_pods_is_empty_and_not_unavailable(rig: Rig, make_kubelet: MakeKubelet) -> None:
    """Zero pods of a kubelet that has long been up are a fact."""
    make_kubelet(FixedAnswers(listing(), ALLOCATABLE)).start()

    page = rig.poll()

    assert set() == page.names(ALLOCATION)
    assert 4 == sum(v for (n, _), v in page.samples.items() if n == "podres_node_free_devices")
    assert 0 == page.value("podres_snapshot_stale", part="pods")


def test_a_node_with_1000_pods_is_whole(rig: Rig, make_kubelet: MakeKubelet) -> None:
    """Every pod with a device has its series."""
    pods = [pod(f"pod-{number:04}", device("example.com/gpu", f"GPU-{number}", number % 2)) for number in range(1000)]
    make_kubelet(FixedAnswers(listing(*pods), ALLOCATABLE, PODS)).start()

    page = rig.poll()

    assert {each.name for each in pods} == page.labels(HELD_GPUS, "pod")
    assert 1000 == sum(v for (n, _), v in page.samples.items() if n == "podres_node_allocated_devices")


def test_two_pods_of_one_name_are_shown_as_one_that_holds_what_both_hold(rig: Rig, make_kubelet: MakeKubelet) -> None:
    """A static pod and its successor may stand side by side; Prometheus refuses a page with a series twice."""
    twins = [pod("twin", GPUS[0], cpus=(2,)), pod("twin", GPUS[2], cpus=(3,))]
    make_kubelet(FixedAnswers(listing(*twins), ALLOCATABLE, PODS)).start()

    page = rig.poll()
    lines = [line for line in page.text.splitlines() if not line.startswith("#")]

    assert 2 == page.value(HELD_GPUS, pod="twin")
    assert 2 == page.value("podres_pod_exclusive_cpus", pod="twin", numa_node="0")
    assert 1 == page.value("podres_pods_skipped", reason="duplicate_name")
    assert len(lines) == len({line.rpartition(" ")[0] for line in lines})


def test_the_shared_pool_that_old_kubelets_report_is_not_exclusive(rig: Rig, make_kubelet: MakeKubelet) -> None:
    """1.20 to 1.22 list the pool as the CPUs of every container that has none of its own (kubernetes #100211)."""
    pool = (0, 1, 4, 5, 6, 7)
    pods = listing(pod("pinned", cpus=(2, 3)), pod("web", cpus=pool), pod("dns", cpus=pool))
    make_kubelet(FixedAnswers(pods, b""), release=20).start()

    page = rig.poll()

    assert {"pinned"} == page.labels("podres_container_cpuset_info", "pod")
    assert {"2-3"} == page.labels("podres_node_cpuset_info", "cpus")


@pytest.mark.faults("`/sys` unreadable")
def test_without_sysfs_cpus_have_no_node_and_nothing_is_judged(
    short_dir: Path, tmp_path: Path, make_kubelet: MakeKubelet
) -> None:
    """The API does not say on which node a CPU is: unknown is not misaligned, and what is held is shown."""
    make_kubelet().start()
    with Rig(short_dir / "pod-resources/kubelet.sock", tmp_path / "no-sys") as rig:
        page = rig.poll()

    assert 0 == page.value("podres_source_up", source="topology")
    assert 2 == page.value("podres_container_exclusive_cpus", pod="train", numa_node="")
    assert shows_all(page)
    assert set() == page.names("podres_container_numa_")


def test_a_topology_that_was_read_once_stays(rig: Rig, kubelet: SimKubelet, sysfs: Path) -> None:
    """Machines do not change that often; the source says that it is down."""
    assert kubelet.serving
    rig.poll()
    for node in (0, 1):
        (sysfs / f"devices/system/node/node{node}/cpulist").unlink()

    page = rig.poll()

    assert 0 == page.value("podres_source_up", source="topology")
    assert 2 == page.value("podres_container_exclusive_cpus", pod="train", numa_node="0")


def test_the_kubelet_is_never_asked_by_a_scrape(rig: Rig, kubelet: SimKubelet) -> None:
    """One List and one GetAllocatableResources per poll and one Get per start, however many scrapes there are."""
    for _ in range(3):
        rig.poll()
        rig.scrape()
        rig.scrape()

    assert {"List": 3, "GetAllocatableResources": 3, "Get": 1} == dict(kubelet.calls)

"""The simulated node that plays a scenario."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from fake_clock import FakeClock
from sim_client import ALLOCATABLE, GET, LIST, ask, get_request, pods_in

from podres_exporter._proto import podresources_v1_pb2 as pb
from podres_exporter.scenario import Release, parse_scenario
from podres_exporter.sim import SimNode

MACHINE = """
numa: [{node: 0, cpus: "0-1", memory: 1Gi}]
resources: [{name: example.com/gpu, devices: [{id: A, numa_nodes: [0]}]}]
pods:
  - {name: always}
  - {name: later, start: 30, end: 60}
  - {name: third}
"""
Play = Callable[..., SimNode]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def play(short_dir: Path, clock: FakeClock) -> Iterator[Play]:
    """Yield a function that plays the machine above with some faults."""
    nodes: list[SimNode] = []

    def start(faults: str = "[]", release: Release | None = None) -> SimNode:
        scenario = parse_scenario(f"{MACHINE}faults: {faults}", "x")
        nodes.append(SimNode(scenario, short_dir, clock, release=release))
        nodes[-1].start()
        return nodes[-1]

    yield start
    for node in nodes:
        node.stop()


def devices(node: SimNode) -> int:
    return len(pb.AllocatableResourcesResponse.FromString(ask(node.socket_path, ALLOCATABLE).body).devices)


def test_answers_change_with_the_clock(play: Play, clock: FakeClock) -> None:
    """Answers are computed when they are asked for: no thread has to come first."""
    node = play()
    seen = {}
    for seconds in (0, 30, 60):
        clock.advance(seconds - node.seconds())
        seen[seconds] = pods_in(ask(node.socket_path, LIST))

    assert {0: ["always", "third"], 30: ["always", "later", "third"], 60: ["always", "third"]} == seen


def test_sysfs_stands_beside_the_socket(play: Play) -> None:
    """One directory is a whole node."""
    node = play()

    assert "0-1\n" == (node.sysfs / "devices/system/node/node0/cpulist").read_text()


def test_a_scenario_can_be_played_as_another_release(play: Play) -> None:
    """Get is disabled on 1.30, whatever release the document names."""
    node = play(release=Release(30))

    assert "PodResources API Get method disabled" == ask(node.socket_path, GET, get_request("always")).details


def test_a_restart_is_seen_as_down_then_empty_then_partial_then_whole(play: Play, clock: FakeClock) -> None:
    """A real kubelet answers OK with no pods, then with some, and its plugins come last."""
    node = play("[{kind: restart, at: 10, duration: 2, window: 3, plugins: 8}]")
    before = node.socket_path.stat()
    clock.advance(10)
    node.tick()
    down = ask(node.socket_path, LIST, timeout_seconds=1).code
    seen = []
    for step in (2, 1.5, 1.5, 5):
        clock.advance(step)
        node.tick()
        seen.append((pods_in(ask(node.socket_path, LIST)), devices(node)))
    after = node.socket_path.stat()

    assert grpc.StatusCode.UNAVAILABLE == down
    assert [([], 0), ([], 0), (["always", "third"], 0), (["always", "third"], 1)] == seen
    assert (before.st_ino, before.st_ctime_ns) != (after.st_ino, after.st_ctime_ns)


def test_a_restart_that_nobody_saw_still_gives_a_new_socket(play: Play, clock: FakeClock) -> None:
    """The conditions count restarts, so that a jump of the clock does not lose one."""
    node = play("[{kind: restart, at: 10}]")
    before = node.socket_path.stat()
    clock.advance(100)
    node.tick()
    after = node.socket_path.stat()

    assert (before.st_ino, before.st_ctime_ns) != (after.st_ino, after.st_ctime_ns)


def test_faults_of_the_timeline_begin_and_end(play: Play, clock: FakeClock) -> None:
    """Throttled from 10 s, hanging from 20 s, dead from 30 s, recovered at 40 s."""
    node = play(
        "[{kind: throttle, at: 10, duration: 10}, {kind: hang, at: 20, duration: 10}, "
        "{kind: down, at: 30, duration: 10}]"
    )
    codes = []
    for _ in range(5):
        codes.append(ask(node.socket_path, LIST, timeout_seconds=0.3).code)
        clock.advance(10)
        node.tick()

    assert [
        grpc.StatusCode.OK,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.OK,
    ] == codes


def test_faults_switched_by_hand_stay_until_the_timeline_acts(play: Play, clock: FakeClock) -> None:
    """A tick acts on changes of the timeline only."""
    node = play("[{kind: hang, at: 1000, duration: 1}]")
    node.kubelet.kill()
    clock.advance(10)
    node.tick()

    assert not node.kubelet.serving


def test_the_timeline_is_played_without_being_asked(play: Play, clock: FakeClock) -> None:
    """A thread ticks, so that `demo` needs no more than start and stop."""
    node = play("[{kind: down, at: 10, duration: 10}]")
    clock.advance(10)
    pause = threading.Event()

    assert any(not node.kubelet.serving or pause.wait(0.02) for _ in range(250))


def test_a_stopped_node_leaves_neither_socket_nor_thread(short_dir: Path, clock: FakeClock) -> None:
    """Stopping twice is fine, and a stopped node may be started again."""
    before = set(threading.enumerate())
    scenario = parse_scenario(MACHINE + "faults: [{kind: restart, at: 10}]", "x")
    with SimNode(scenario, short_dir, clock) as node:
        clock.advance(30)
        running = pods_in(ask(node.socket_path, LIST))
    node.stop()

    assert ["always", "later", "third"] == running
    assert not node.socket_path.exists()
    assert set() == set(threading.enumerate()) - before
    node.start()
    assert ["always", "third"] == pods_in(ask(node.socket_path, LIST))
    node.stop()


def test_equal_seeds_give_equal_answers(short_dir: Path, clock: FakeClock) -> None:
    """Random order, but one that can be repeated."""
    text = MACHINE + "".join(f"  - {{name: p{index}}}\n" for index in range(10))
    bodies = []
    for place in "ab":
        with SimNode(parse_scenario(text, "x"), short_dir / place, clock, seed=7) as node:
            bodies.append([ask(node.socket_path, LIST).body for _ in range(3)])

    assert bodies[0] == bodies[1]
    assert 1 < len(set(bodies[0]))

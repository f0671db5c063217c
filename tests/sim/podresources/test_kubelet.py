"""The pod-resources endpoint over a real socket: restarts, faults and limits."""

import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from fake_clock import FakeClock
from sim_client import ALLOCATABLE, GET, LIST, Reply, ask, get_request

from podres_exporter.scenario import KubeletSettings, Release
from podres_exporter.sim import FixedAnswers, RpcFault, SimKubelet

USUAL = FixedAnswers(b"usual list", b"usual allocatable", {("default", "pod"): b"usual pod"})
REJECTED = Reply(grpc.StatusCode.RESOURCE_EXHAUSTED, "rejected by rate limit", b"")

Make = Callable[..., SimKubelet]


def ok(body: bytes) -> Reply:
    return Reply(grpc.StatusCode.OK, "", body)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make(short_dir: Path, clock: FakeClock) -> Iterator[Make]:
    """Yield a function that starts a kubelet of some release; all of them are stopped afterwards."""
    made: list[SimKubelet] = []

    def start(minor: int = 36) -> SimKubelet:
        path = short_dir / "pod-resources" / "kubelet.sock"
        made.append(SimKubelet(path, USUAL, clock, KubeletSettings(Release(minor))))
        made[-1].start()
        return made[-1]

    yield start
    for kubelet in made:
        kubelet.stop()


@pytest.fixture
def kubelet(make: Make) -> SimKubelet:
    return make()


def test_each_method_has_its_answer(kubelet: SimKubelet) -> None:
    """Bytes go out as the answers object gave them."""
    assert ok(b"usual list") == ask(kubelet.socket_path, LIST)
    assert ok(b"usual allocatable") == ask(kubelet.socket_path, ALLOCATABLE)
    assert ok(b"usual pod") == ask(kubelet.socket_path, GET, get_request("pod"))


def test_get_of_an_unknown_pod_names_it(kubelet: SimKubelet) -> None:
    """The text of server_v1.go Get; bare Go errors have code UNKNOWN."""
    expected = Reply(grpc.StatusCode.UNKNOWN, "pod nope in namespace here not found", b"")

    assert expected == ask(kubelet.socket_path, GET, get_request("nope", "here"))


@pytest.mark.parametrize(
    ("method", "text"),
    [
        ("/v1.PodResourcesLister/Watch", "unknown method Watch for service v1.PodResourcesLister"),
        ("/v2.PodResourcesLister/List", "unknown service v2.PodResourcesLister"),
        ("/grpc.health.v1.Health/Check", "unknown service grpc.health.v1.Health"),
    ],
)
def test_what_is_not_served_is_named_as_grpc_go_names_it(kubelet: SimKubelet, method: str, text: str) -> None:
    """The kubelet has neither reflection nor health service (grpc-go server.go handleStream)."""
    assert Reply(grpc.StatusCode.UNIMPLEMENTED, text, b"") == ask(kubelet.socket_path, method)


@pytest.mark.parametrize(("minor", "method"), [(20, ALLOCATABLE), (20, GET), (21, GET), (26, GET)])
def test_an_old_kubelet_does_not_know_newer_methods(make: Make, minor: int, method: str) -> None:
    """GetAllocatableResources came with 1.21, Get with 1.27."""
    name = method.rpartition("/")[2]
    text = f"unknown method {name} for service v1.PodResourcesLister"

    assert Reply(grpc.StatusCode.UNIMPLEMENTED, text, b"") == ask(make(minor).socket_path, method)


def test_directory_and_socket_have_the_modes_of_a_real_node(kubelet: SimKubelet) -> None:
    """The kubelet makes the directory 0750; net.Listen under umask 022 makes the socket 0755."""
    assert 0o750 == stat.S_IMODE(kubelet.socket_path.parent.stat().st_mode)
    assert 0o755 == stat.S_IMODE(kubelet.socket_path.stat().st_mode)
    assert stat.S_ISSOCK(kubelet.socket_path.stat().st_mode)
    assert ["kubelet.sock"] == [file.name for file in kubelet.socket_path.parent.iterdir()]


def test_the_limit_is_one_bucket_for_all_methods(kubelet: SimKubelet, clock: FakeClock) -> None:
    """Burst 10, then 100 a second, one limiter on the server (kubernetes #116459)."""
    burst = [ask(kubelet.socket_path, method).code for method in (LIST, ALLOCATABLE) * 5]

    beyond = [ask(kubelet.socket_path, LIST), ask(kubelet.socket_path, ALLOCATABLE)]
    clock.advance(0.01)
    refilled = [ask(kubelet.socket_path, LIST), ask(kubelet.socket_path, LIST)]

    assert [grpc.StatusCode.OK] * 10 == burst
    assert [REJECTED, REJECTED] == beyond
    assert [ok(b"usual list"), REJECTED] == refilled


def test_before_release_1_27_there_is_no_limit(make: Make) -> None:
    """The limiter came with 1.27."""
    kubelet = make(26)

    assert [grpc.StatusCode.OK] * 15 == [ask(kubelet.socket_path, LIST).code for _ in range(15)]


def test_calls_are_counted_by_method(kubelet: SimKubelet) -> None:
    """Rejected calls count, for tests ask how often a client called."""
    kubelet.throttled = True
    ask(kubelet.socket_path, LIST)
    ask(kubelet.socket_path, LIST)
    ask(kubelet.socket_path, GET, get_request("pod"))

    assert {"List": 2, "Get": 1} == dict(kubelet.calls)


def test_throttling_rejects_every_call_until_it_ends(kubelet: SimKubelet) -> None:
    """Another client may eat up all the tokens of a node."""
    kubelet.throttled = True
    during = ask(kubelet.socket_path, LIST)
    kubelet.throttled = False

    assert REJECTED == during
    assert ok(b"usual list") == ask(kubelet.socket_path, LIST)


def test_an_answer_can_be_replaced_by_any_bytes(kubelet: SimKubelet) -> None:
    """Garbage included: the server does not look into what it sends."""
    kubelet.override("List", b"\xff\xff garbage")
    during = ask(kubelet.socket_path, LIST)
    kubelet.clear_override("List")

    assert ok(b"\xff\xff garbage") == during
    assert ok(b"usual list") == ask(kubelet.socket_path, LIST)


def test_an_answer_can_be_replaced_by_any_status(kubelet: SimKubelet) -> None:
    """Exactly the code and text that were asked for, again and again."""
    kubelet.override("GetAllocatableResources", RpcFault(grpc.StatusCode.INTERNAL, "made up"))

    expected = Reply(grpc.StatusCode.INTERNAL, "made up", b"")
    assert [expected, expected] == [ask(kubelet.socket_path, ALLOCATABLE) for _ in range(2)]
    assert ok(b"usual list") == ask(kubelet.socket_path, LIST)


def test_an_answer_of_twenty_mebibytes_is_sent(kubelet: SimKubelet) -> None:
    """grpc-go sends without a limit; the client's limit is its own affair."""
    kubelet.override("List", b"x" * (20 * 1024 * 1024))

    assert 20 * 1024 * 1024 == len(ask(kubelet.socket_path, LIST).body)


def test_a_hanging_call_ends_with_its_deadline(kubelet: SimKubelet) -> None:
    """A kubelet whose device manager holds its lock does not answer, and says nothing either."""
    kubelet.hang()

    assert grpc.StatusCode.DEADLINE_EXCEEDED == ask(kubelet.socket_path, LIST, timeout_seconds=0.2).code


def test_a_hanging_call_goes_on_when_it_may(kubelet: SimKubelet) -> None:
    """The call was counted before it began to hang, so a test knows when to let go."""
    kubelet.hang()
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(ask, kubelet.socket_path, LIST)
        assert reached(kubelet, 1)
        kubelet.resume()

        assert ok(b"usual list") == reply.result()


def test_stopping_frees_hanging_calls_and_leaves_no_thread(make: Make) -> None:
    """A test that ends while calls hang must not wait for them."""
    before = set(threading.enumerate())
    kubelet = make()
    kubelet.hang()
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(ask, kubelet.socket_path, LIST, timeout_seconds=30)
        assert reached(kubelet, 1)
        kubelet.stop()

        assert grpc.StatusCode.UNAVAILABLE == reply.result(timeout=60).code
    kubelet.stop()
    assert not kubelet.socket_path.exists()
    assert set() == {thread for thread in threading.enumerate() if thread not in before}


def test_a_killed_kubelet_leaves_its_socket_behind(kubelet: SimKubelet) -> None:
    """Nothing unlinks the file; connecting to it is refused."""
    kubelet.kill()

    reply = ask(kubelet.socket_path, LIST, timeout_seconds=1)
    assert grpc.StatusCode.UNAVAILABLE == reply.code
    assert "Connection refused" in reply.details
    assert kubelet.socket_path.is_socket()
    assert not kubelet.serving


def test_a_restarted_kubelet_has_a_new_socket(kubelet: SimKubelet) -> None:
    """Bound under another name and renamed over the path: (inode, ctime) differ, the inode alone may not."""
    before = kubelet.socket_path.stat()
    kubelet.restart()
    after = kubelet.socket_path.stat()

    assert (before.st_ino, before.st_ctime_ns) != (after.st_ino, after.st_ctime_ns)
    assert ["kubelet.sock"] == [file.name for file in kubelet.socket_path.parent.iterdir()]
    assert ok(b"usual list") == ask(kubelet.socket_path, LIST)


def test_the_old_server_never_takes_the_new_socket_away(kubelet: SimKubelet) -> None:
    """A server of grpc unlinks the name that it was bound to; each has a temporary name of its own."""
    replies = []
    for _ in range(5):
        kubelet.restart()
        replies.append(ask(kubelet.socket_path, LIST))

    assert [ok(b"usual list")] * 5 == replies


def test_the_window_after_a_restart_goes_step_by_step(kubelet: SimKubelet) -> None:
    """Each List takes the next step; the other methods see what the last List saw."""
    steps = [FixedAnswers(b"", b"no plugins"), FixedAnswers(b"some", b"one plugin")]
    kubelet.restart(steps)

    methods = [ALLOCATABLE, LIST, ALLOCATABLE, LIST, ALLOCATABLE, LIST, ALLOCATABLE]
    bodies = [ask(kubelet.socket_path, method).body for method in methods]

    first, second = [b"", b"no plugins"], [b"some", b"one plugin"]
    assert [b"no plugins", *first, *second, b"usual list", b"usual allocatable"] == bodies


def test_starting_twice_changes_nothing(kubelet: SimKubelet) -> None:
    """A second server on the path would cut off the clients connected to the first."""
    before = kubelet.socket_path.stat()
    kubelet.start()

    assert before.st_ctime_ns == kubelet.socket_path.stat().st_ctime_ns


def test_a_kubelet_serves_within_its_context(short_dir: Path, clock: FakeClock) -> None:
    """`with` starts and stops it."""
    with SimKubelet(short_dir / "k.sock", USUAL, clock) as kubelet:
        inside = ask(kubelet.socket_path, LIST)

    assert ok(b"usual list") == inside
    assert not kubelet.socket_path.exists()


@pytest.mark.parametrize(("length", "fits"), [(107, True), (108, False)])
def test_a_socket_path_that_does_not_fit_is_refused(short_dir: Path, clock: FakeClock, length: int, fits: bool) -> None:
    """sun_path has 108 bytes, one of them for the closing zero (unix(7)); grpc's own error would not say so."""
    path = short_dir / ("x" * (length - len(str(short_dir)) - 1))

    if fits:
        with SimKubelet(path, USUAL, clock):
            assert ok(b"usual list") == ask(path, LIST)
    else:
        with pytest.raises(ValueError, match="needs 108 bytes, at most 107 fit; use a shorter one"):
            SimKubelet(path, USUAL, clock)


def reached(kubelet: SimKubelet, calls: int) -> bool:
    """Wait until that many calls have arrived, for at most five seconds."""
    pause = threading.Event()
    return any(kubelet.calls.total() >= calls or pause.wait(0.01) for _ in range(500))

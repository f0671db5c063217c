"""The Device Manager over real sockets: calls to plugins, restart and shutdown."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from fake_clock import FakeClock
from plain_plugin import PlainPlugin, device, register

from podres_exporter._proto import deviceplugin_v1beta1_pb2 as pb
from podres_exporter.sim.devices import (
    STOP_GRACE_SECONDS,
    AllocateResult,
    DeviceManager,
    DeviceNode,
    DeviceState,
    Mount,
    PluginError,
)

GPU = "example.com/gpu"
LONG = 60.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def manager(short_dir: Path, clock: FakeClock) -> Iterator[DeviceManager]:
    with DeviceManager(short_dir, clock, watch_seconds=None) as one:
        yield one


@pytest.fixture
def plugin(manager: DeviceManager) -> Iterator[PlainPlugin]:
    one = PlainPlugin(manager.socket_path.with_name("p.sock"), device("a", 0), device("b", 0, 1)).serve()
    yield one
    one.close()


@pytest.fixture
def admit(manager: DeviceManager, plugin: PlainPlugin) -> Callable[..., None]:
    """Return a function that registers the plugin with some options and waits for its devices."""

    def go(**options: bool) -> None:
        plugin.options = pb.DevicePluginOptions(**options)
        register(manager.socket_path, "p.sock")
        assert manager.wait_until(lambda: GPU in manager.healthy(), LONG)

    return go


def test_topology_is_kept_as_the_plugin_stated_it(
    manager: DeviceManager, plugin: PlainPlugin, admit: Callable[..., None]
) -> None:
    """Node 0, two nodes, none, an empty topology, -1 and a node that the machine lacks are six different things."""
    admit()
    empty = device("empty")
    empty.topology.SetInParent()
    plugin.send(device("a", 0), device("b", 0, 1), device("none"), empty, device("minus", -1), device("far", 7))
    assert manager.wait_until(lambda: "far" in manager.healthy()[GPU], LONG)

    assert {
        "a": DeviceState((0,)),
        "b": DeviceState((0, 1)),
        "none": DeviceState(None),
        "empty": DeviceState(()),
        "minus": DeviceState((-1,)),
        "far": DeviceState((7,)),
    } == manager.healthy()[GPU]


@pytest.mark.parametrize("health", ["Unhealthy", "healthy", "", "Unknown"])
def test_any_health_but_healthy_is_unhealthy(
    manager: DeviceManager, plugin: PlainPlugin, admit: Callable[..., None], health: str
) -> None:
    admit()
    plugin.send(device("a", 0, health=health))

    assert manager.wait_until(lambda: {GPU: {}} == manager.healthy(), LONG)
    assert {GPU: {"a": DeviceState((0,), healthy=False)}} == manager.capacity()


def test_the_end_of_the_stream_takes_health_and_after_five_minutes_the_resource(
    manager: DeviceManager, plugin: PlainPlugin, admit: Callable[..., None], clock: FakeClock
) -> None:
    admit()
    plugin.end(0)
    assert manager.wait_until(lambda: {GPU: {}} == manager.healthy(), LONG)
    in_grace = set(manager.capacity()[GPU])
    clock.advance(STOP_GRACE_SECONDS + 1)

    assert {"a", "b"} == in_grace
    assert {} == manager.capacity()


def test_allocate_names_the_ids_in_one_container_request_and_returns_all_of_the_answer(
    manager: DeviceManager, plugin: PlainPlugin, admit: Callable[..., None]
) -> None:
    admit()
    answer = plugin.allocation.container_responses[0]
    answer.envs["VISIBLE"] = "a"
    answer.mounts.add(container_path="/in", host_path="/out", read_only=True)
    answer.devices.add(container_path="/dev/x", host_path="/dev/x0", permissions="rw")
    answer.annotations["note"] = "1"
    answer.cdi_devices.add(name="example.com/gpu=a")

    assert AllocateResult(
        envs={"VISIBLE": "a"},
        mounts=(Mount("/in", "/out", read_only=True),),
        devices=(DeviceNode("/dev/x", "/dev/x0", "rw"),),
        annotations={"note": "1"},
        cdi_names=("example.com/gpu=a",),
    ) == manager.allocate(GPU, ["b", "a"])
    assert ("Allocate", ("b", "a")) == plugin.asked[-1]


def test_optional_calls_are_not_made_unless_the_options_ask_for_them(
    manager: DeviceManager, plugin: PlainPlugin, admit: Callable[..., None]
) -> None:
    """Plugins may answer with an error what they did not offer."""
    admit()

    assert () == manager.preferred(GPU, ["a", "b"], [], 1)
    manager.prestart(GPU, ["a"])
    assert ["GetDevicePluginOptions", "ListAndWatch"] == [method for method, _ in plugin.asked]


def test_optional_calls_are_made_if_the_options_ask_for_them(
    manager: DeviceManager, plugin: PlainPlugin, admit: Callable[..., None]
) -> None:
    admit(get_preferred_allocation_available=True, pre_start_required=True)
    plugin.preferred.container_responses.add(deviceIDs=["b", "stranger"])

    assert ("b", "stranger") == manager.preferred(GPU, ["a", "b"], ["b"], 2)
    manager.prestart(GPU, ["b"])
    assert [
        ("GetPreferredAllocation", ("a", "b", "of", "b", "2")),
        ("PreStartContainer", ("b",)),
    ] == plugin.asked[-2:]


def test_an_empty_preference_is_no_preference(manager: DeviceManager, admit: Callable[..., None]) -> None:
    admit(get_preferred_allocation_available=True)

    assert () == manager.preferred(GPU, ["a", "b"], [], 1)


Ask = Callable[[DeviceManager], object]

ASK: dict[str, Ask] = {
    "Allocate": lambda manager: manager.allocate(GPU, ["a"]),
    "GetPreferredAllocation": lambda manager: manager.preferred(GPU, ["a"], [], 1),
    "PreStartContainer": lambda manager: manager.prestart(GPU, ["a"]),
}


@pytest.mark.parametrize(
    ("method", "text"),
    [
        ("Allocate", "rpc error: code = Unknown desc = on fire"),
        (
            "GetPreferredAllocation",
            "device plugin GetPreferredAllocation rpc failed with err: rpc error: code = Unknown desc = on fire",
        ),
        (
            "PreStartContainer",
            "device plugin PreStartContainer rpc failed with err: rpc error: code = Unknown desc = on fire",
        ),
    ],
)
def test_a_plugins_error_is_told_in_the_kubelets_words(
    manager: DeviceManager, plugin: PlainPlugin, admit: Callable[..., None], method: str, text: str
) -> None:
    """They end up in the message of a rejected pod."""
    admit(get_preferred_allocation_available=True, pre_start_required=True)
    plugin.errors[method] = "on fire"
    with pytest.raises(PluginError) as caught:
        ASK[method](manager)

    assert text == str(caught.value)


@pytest.mark.parametrize(
    ("method", "text"),
    [
        ("Allocate", "unknown Device Plugin example.com/gpu"),
        ("GetPreferredAllocation", "endpoint not found in cache for a registered resource: example.com/gpu"),
        ("PreStartContainer", "endpoint not found in cache for a registered resource: example.com/gpu"),
    ],
)
def test_a_resource_without_a_plugin_is_told_in_the_kubelets_words(
    manager: DeviceManager, method: str, text: str
) -> None:
    with pytest.raises(PluginError) as caught:
        ASK[method](manager)

    assert text == str(caught.value)


@pytest.mark.parametrize("method", sorted(ASK))
def test_a_stopped_plugin_is_not_called(
    manager: DeviceManager, plugin: PlainPlugin, admit: Callable[..., None], method: str
) -> None:
    """The kubelet's isStopped of endpoint.go."""
    admit(get_preferred_allocation_available=True, pre_start_required=True)
    plugin.end(0)
    assert manager.wait_until(lambda: {GPU: {}} == manager.healthy(), LONG)
    with pytest.raises(PluginError) as caught:
        ASK[method](manager)

    assert "endpoint example.com/gpu has been stopped" == str(caught.value)


def test_an_answer_for_no_container_is_an_error(
    manager: DeviceManager, plugin: PlainPlugin, admit: Callable[..., None]
) -> None:
    admit()
    plugin.allocation = pb.AllocateResponse()
    with pytest.raises(PluginError) as caught:
        manager.allocate(GPU, ["a"])

    assert "no containers return in allocation response" == str(caught.value)


def test_the_start_wipes_sockets_and_leaves_the_checkpoint(short_dir: Path, clock: FakeClock) -> None:
    directory = short_dir / "device-plugins"
    directory.mkdir()
    (directory / "kubelet_internal_checkpoint").write_text("{}")
    left_behind = PlainPlugin(directory / "p.sock").serve()
    with DeviceManager(short_dir, clock, watch_seconds=None):
        names = {path.name for path in directory.iterdir()}
    left_behind.close()

    assert {"kubelet_internal_checkpoint", "kubelet.sock"} == names


def test_a_restart_ends_streams_and_sockets_and_leaves_resources_with_no_device(
    manager: DeviceManager, plugin: PlainPlugin, admit: Callable[..., None]
) -> None:
    """Capacity is 0 until the plugin returns; this one's server still runs, but its name is gone."""
    admit(pre_start_required=True)
    manager.restart()

    assert {GPU: {}} == manager.capacity()
    assert {GPU: {}} == manager.healthy()
    assert {} == manager.known()
    assert manager.options(GPU) is None
    assert not plugin.path.exists()
    assert manager.socket_path.is_socket()
    with pytest.raises(PluginError, match=r"^endpoint example\.com/gpu has been stopped$"):
        manager.allocate(GPU, ["a"])


def test_many_restarts_leave_a_socket_that_answers(manager: DeviceManager) -> None:
    """A stopping gRPC server unlinks the path that it bound, which must never hit the next server's socket."""
    for _ in range(10):
        manager.restart()

        assert (grpc.StatusCode.UNKNOWN, 'the ResourceName "gpu" is invalid') == register(
            manager.socket_path, "p.sock", "gpu"
        )


def test_stopping_breaks_off_a_registration_that_dials(manager: DeviceManager) -> None:
    """Nothing listens at the endpoint, so the kubelet would dial for ten seconds."""
    answers: list[tuple[grpc.StatusCode, str]] = []
    calling = threading.Thread(target=lambda: answers.append(register(manager.socket_path, "none.sock")))
    calling.start()
    manager.stop()
    calling.join(LONG)

    assert grpc.StatusCode.OK != answers[0][0]


def test_stopping_leaves_no_thread_and_no_socket(
    manager: DeviceManager, plugin: PlainPlugin, admit: Callable[..., None]
) -> None:
    admit()
    register(manager.socket_path, "p.sock")
    threads = {thread for thread in threading.enumerate() if thread.name.startswith(("device-plugin", "kubelet.sock"))}
    manager.stop()
    manager.stop()

    assert threads
    assert not [thread for thread in threads if thread.is_alive()]
    assert not manager.serving
    assert [plugin.path.name] == [path.name for path in plugin.path.parent.iterdir()]


def test_a_stopped_manager_takes_up_again(manager: DeviceManager) -> None:
    """Starting it twice is starting it once."""
    manager.stop()
    manager.start()
    manager.start()

    assert manager.serving


def test_a_path_that_no_socket_fits_is_refused_at_once(short_dir: Path, clock: FakeClock) -> None:
    with pytest.raises(ValueError, match="at most 107 fit; use a shorter one"):
        DeviceManager(short_dir / ("x" * 100), clock)

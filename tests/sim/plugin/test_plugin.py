"""The sample plugin against the simulated kubelet, over real sockets."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import grpc
import pytest
from eventually import eventually
from fake_clock import FakeClock
from plain_plugin import register

from podres_exporter.clock import SystemClock
from podres_exporter.errors import ConfigError
from podres_exporter.sim.devices import DeviceManager, DeviceState, PluginError, PluginOptions
from podres_exporter.sim.plugin.sample import SamplePlugin

GPU = "example.com/gpu"
LONG = 60.0
FOUR = {"g0": DeviceState((0,)), "g1": DeviceState((0,)), "g2": DeviceState((1,)), "g3": DeviceState((1,))}

Make = Callable[..., SamplePlugin]


@pytest.fixture
def manager(short_dir: Path) -> Iterator[DeviceManager]:
    with DeviceManager(short_dir, FakeClock(), watch_seconds=None, dial_timeout_seconds=2.0) as one:
        yield one


@pytest.fixture
def make(short_dir: Path) -> Iterator[Make]:
    """Yield a function that makes plugins, which look around when the test says so."""
    made: list[SamplePlugin] = []
    directory = short_dir / "device-plugins"
    directory.mkdir(exist_ok=True)

    def one(
        devices: Path | Mapping[str, DeviceState] = FOUR,
        resource: str = GPU,
        options: PluginOptions = PluginOptions(get_preferred_allocation_available=True),  # noqa: B008 - frozen
    ) -> SamplePlugin:
        made.append(SamplePlugin(resource, devices, directory, FakeClock(), options=options))
        return made[-1]

    yield one
    for plugin in made:
        plugin.stop()


def listed(manager: DeviceManager) -> set[str]:
    return set(manager.healthy().get(GPU, {}))


def test_it_serves_registers_and_is_listed(manager: DeviceManager, make: Make) -> None:
    plugin = make()
    plugin.look()

    assert plugin.registered
    assert "podres-example-com-gpu.sock" == plugin.socket_path.name
    assert manager.wait_until(lambda: manager.healthy() == {GPU: FOUR}, LONG)


def test_every_kind_of_topology_and_health_arrives(manager: DeviceManager, make: Make) -> None:
    devices = {
        "a": DeviceState((0, 1)),
        "b": DeviceState(()),
        "c": DeviceState(None),
        "d": DeviceState((-1,), healthy=False),
    }
    make(devices).look()

    assert manager.wait_until(lambda: manager.known() == {GPU: devices}, LONG)


def test_it_prefers_devices_of_one_node(manager: DeviceManager, make: Make) -> None:
    make().look()

    assert ("g2", "g3") == manager.preferred(GPU, ["g3", "g0", "g2"], [], 2)


def test_it_offers_only_what_it_was_told_to(manager: DeviceManager, make: Make) -> None:
    plugin = make(options=PluginOptions(pre_start_required=True))
    plugin.look()

    assert () == manager.preferred(GPU, ["g3", "g0", "g2"], [], 2)
    manager.prestart(GPU, ["g0"])
    assert (0, 1) == (plugin.calls["GetPreferredAllocation"], plugin.calls["PreStartContainer"])


def test_it_names_the_devices_in_the_environment(manager: DeviceManager, make: Make) -> None:
    make().look()

    assert {"EXAMPLE_COM_GPU": "g0,g2"} == manager.allocate(GPU, ["g2", "g0"]).envs


def test_it_does_not_allocate_what_it_does_not_have(manager: DeviceManager, make: Make) -> None:
    make().look()
    with pytest.raises(PluginError) as caught:
        manager.allocate(GPU, ["x", "g0", "b"])

    assert "rpc error: code = InvalidArgument desc = unknown devices: b x" == str(caught.value)


def test_what_it_publishes_is_seen(manager: DeviceManager, make: Make) -> None:
    plugin = make()
    plugin.look()
    plugin.publish({"g0": DeviceState((0,)), "g1": DeviceState((0,), healthy=False)})

    assert manager.wait_until(lambda: listed(manager) == {"g0"}, LONG)


def test_its_file_is_read_again_when_it_changes(manager: DeviceManager, make: Make, tmp_path: Path) -> None:
    file = tmp_path / "devices.yaml"
    file.write_text("devices: [{id: g0, numa_nodes: [0]}]")
    plugin = make(file)
    plugin.look()
    assert manager.wait_until(lambda: listed(manager) == {"g0"}, LONG)
    replacement = tmp_path / "new"
    replacement.write_text(json.dumps({"devices": [{"id": "g1"}, {"id": "g2", "healthy": False}]}))
    replacement.rename(file)
    plugin.look()

    assert manager.wait_until(lambda: listed(manager) == {"g1"}, LONG)
    assert {"g1", "g2"} == set(manager.capacity()[GPU])


def test_a_mistyped_file_costs_no_device(
    manager: DeviceManager, make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor does one that is gone."""
    file = tmp_path / "devices.yaml"
    file.write_text("devices: [{id: g0}]")
    plugin = make(file)
    plugin.look()
    assert manager.wait_until(lambda: listed(manager) == {"g0"}, LONG)
    file.write_text("devices: [{id: g0")
    plugin.look()
    plugin.look()
    file.unlink()
    plugin.look()

    assert 2 == caplog.messages.count("sim.plugin.bad_file")
    assert {"g0"} == listed(manager)


def test_a_wrong_file_is_refused_at_once(make: Make, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        make(tmp_path / "none.yaml")


def test_it_waits_for_a_kubelet_that_is_not_there(make: Make, short_dir: Path) -> None:
    plugin = make()
    plugin.look()
    before = (plugin.registered, plugin.problem, plugin.calls.total())
    with DeviceManager(short_dir, FakeClock(), watch_seconds=None) as manager:
        plugin.look()  # the kubelet has wiped its socket, so it serves again

        assert plugin.registered
        assert manager.wait_until(lambda: listed(manager) == set(FOUR), LONG)
    assert (False, "", 0) == before


def test_it_is_told_why_it_is_refused(manager: DeviceManager, make: Make) -> None:
    plugin = make(resource="gpu")
    plugin.look()

    assert manager.serving
    assert not plugin.registered
    assert 'rpc error: code = Unknown desc = the ResourceName "gpu" is invalid' == plugin.problem


def test_it_registers_once_only(manager: DeviceManager, make: Make) -> None:
    """A second registration while the first stream lives would be its end one day."""
    plugin = make()
    plugin.look()
    assert manager.wait_until(lambda: listed(manager) == set(FOUR), LONG)
    plugin.look()
    plugin.look()

    assert 1 == plugin.calls["GetDevicePluginOptions"]


def test_it_returns_after_a_restart_of_the_kubelet(manager: DeviceManager, make: Make) -> None:
    plugin = make()
    plugin.look()
    for _ in range(3):
        manager.restart()
        assert not plugin.socket_path.exists()
        plugin.look()

        assert manager.wait_until(lambda: listed(manager) == set(FOUR), LONG)


def test_it_serves_again_when_its_socket_has_gone(manager: DeviceManager, make: Make) -> None:
    plugin = make()
    plugin.look()
    assert manager.wait_until(lambda: listed(manager) == set(FOUR), LONG)
    plugin.socket_path.unlink()
    plugin.look()

    assert plugin.socket_path.is_socket()
    assert 2 == plugin.calls["GetDevicePluginOptions"]


def test_it_registers_again_when_the_kubelet_has_hung_up(manager: DeviceManager, make: Make) -> None:
    """No socket changes: the end of another plugin's stream removed this one, and it is not dialled again."""
    plugin, other = make(), make({"x": DeviceState()}, "example.com/other")
    other.look()
    assert (grpc.StatusCode.OK, "") == register(manager.socket_path, other.socket_path.name, GPU)
    assert manager.wait_until(lambda: listed(manager) == {"x"}, LONG)
    plugin.look()
    assert manager.wait_until(lambda: listed(manager) == set(FOUR), LONG)
    other.stop()
    assert manager.wait_until(lambda: listed(manager) == set(), LONG)

    def returned() -> bool:
        plugin.look()
        return listed(manager) == set(FOUR)

    assert eventually(returned)
    assert manager.allocate(GPU, ["g0"])


def test_a_kubelet_that_died_is_called_again_with_every_look(make: Make, short_dir: Path) -> None:
    """Its socket is still there, and refuses."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(short_dir / "device-plugins" / "kubelet.sock"))
    plugin = make()
    plugin.look()

    assert not plugin.registered
    assert plugin.problem.startswith("rpc error: code = Unavailable desc = ")
    with DeviceManager(short_dir, FakeClock(), watch_seconds=None):
        plugin.look()

        assert (True, "") == (plugin.registered, plugin.problem)


def test_running_it_notices_all_that_by_itself(manager: DeviceManager, short_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "devices.yaml"
    file.write_text("devices: [{id: g0}]")
    with SamplePlugin(GPU, file, short_dir / "device-plugins", SystemClock(), poll_seconds=0.005) as plugin:
        assert manager.wait_until(lambda: listed(manager) == {"g0"}, LONG)
        manager.restart()
        assert manager.wait_until(lambda: listed(manager) == {"g0"}, LONG)
        file.write_text("devices: [{id: g0}, {id: g1}]")
        assert manager.wait_until(lambda: listed(manager) == {"g0", "g1"}, LONG)
    gone = manager.wait_until(lambda: listed(manager) == set(), LONG)

    assert gone
    assert not plugin.registered


def test_no_restart_makes_a_running_plugin_wait(short_dir: Path) -> None:
    """
    It never finds the kubelet that ends, nor registers a socket that the new one has wiped.

    Either would cost ten seconds, which is how long the kubelet dials.
    """
    with DeviceManager(short_dir, FakeClock(), watch_seconds=None) as manager, contextlib.ExitStack() as plugins:
        directory = short_dir / "device-plugins"
        for index in range(3):
            one = SamplePlugin(f"example.com/r{index}", FOUR, directory, SystemClock(), poll_seconds=0.005)
            plugins.enter_context(one)

        def complete() -> bool:
            return 3 * [set(FOUR)] == [set(devices) for devices in manager.healthy().values()]

        waits = [manager.wait_until(complete, 60.0)]
        for _ in range(20):
            manager.restart()
            waits.append(manager.wait_until(complete, 60.0))

    assert all(waits)


def test_stopping_waits_for_no_poll_and_leaves_no_thread_and_no_socket(manager: DeviceManager, short_dir: Path) -> None:
    plugin = SamplePlugin(GPU, FOUR, short_dir / "device-plugins", SystemClock(), poll_seconds=3600.0)
    plugin.start()
    assert manager.wait_until(lambda: listed(manager) == set(FOUR), LONG)
    names = (f"plugin-{GPU}", plugin.socket_path.name)
    threads = [thread for thread in threading.enumerate() if thread.name.startswith(names)]
    plugin.stop()
    plugin.stop()
    plugin.look()

    assert len(threads) >= 2
    assert not [thread for thread in threads if thread.is_alive()]
    assert not plugin.socket_path.exists()


def test_a_plugin_that_was_never_started_can_be_stopped(make: Make) -> None:
    plugin = make()
    plugin.stop()

    assert not plugin.registered

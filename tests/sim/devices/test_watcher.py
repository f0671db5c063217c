"""The plugin watcher over real sockets, scanning only when the test advances the clock."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from eventually import eventually
from fake_clock import FakeClock
from plain_plugin import PlainPlugin, device

from podres_exporter.clock import SystemClock
from podres_exporter.sim.devices import DeviceManager, DeviceState, PluginOptions

GPU = "example.com/gpu"
LONG = 60.0
REGISTERED = (True, "")
ERROR = "RegisterPlugin error -- "
INVALID = "plugin validation failed with err: "


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=[True, False], ids=["from-1.25", "up-to-1.24"])
def manager(request: pytest.FixtureRequest, short_dir: Path, clock: FakeClock) -> Iterator[DeviceManager]:
    with DeviceManager(
        short_dir, clock, synchronous=request.param, watch_seconds=None, dial_timeout_seconds=0.3
    ) as one:
        yield one


@pytest.fixture
def plugins(short_dir: Path) -> Iterator[Callable[..., PlainPlugin]]:
    """Yield a function that makes plugins below the kubelet's directory, ready to be found."""
    made: list[PlainPlugin] = []

    def add(path: str = "plugins_registry/p.sock", resource: str = GPU) -> PlainPlugin:
        made.append(PlainPlugin(short_dir / path, device("a", 1)))
        made[-1].info.name = resource
        return made[-1].serve()

    yield add
    for plugin in made:
        plugin.close()


def test_a_plugin_is_found_asked_connected_and_told(
    manager: DeviceManager, plugins: Callable[..., PlainPlugin]
) -> None:
    """It never calls Register; its options are asked for in every release."""
    plugin = plugins()
    plugin.options.pre_start_required = True
    manager.scan()

    assert REGISTERED == plugin.statuses.get(timeout=LONG)
    assert manager.wait_until(lambda: {GPU: {"a": DeviceState((1,))}} == manager.healthy(), LONG)
    assert PluginOptions(pre_start_required=True) == manager.options(GPU)
    assert ["GetInfo", "GetDevicePluginOptions"] == [method for method, _ in plugin.asked][:2]


def test_a_plugin_may_serve_its_devices_on_another_socket(
    manager: DeviceManager, plugins: Callable[..., PlainPlugin]
) -> None:
    front, back = plugins(), plugins("back.sock")
    front.info.endpoint = str(back.path)
    manager.scan()

    assert REGISTERED == front.statuses.get(timeout=LONG)
    assert manager.allocate(GPU, ["a"])
    assert ("Allocate", ("a",)) in back.asked


@pytest.mark.parametrize(
    ("kind", "resource", "versions", "text"),
    [
        ("CSIPlugin", GPU, ["v1beta1"], "no handler registered for plugin type: CSIPlugin at socket {path}"),
        ("", GPU, ["v1beta1"], "no handler registered for plugin type:  at socket {path}"),
        (
            "DevicePlugin",
            GPU,
            ["v1alpha1", "v1"],
            INVALID + "manager version, v1beta1, is not among plugin supported versions [v1alpha1 v1]",
        ),
        (
            "DevicePlugin",
            "x",
            [],
            INVALID + "manager version, v1beta1, is not among plugin supported versions []",
        ),
        (
            "DevicePlugin",
            "x",
            ["v1", "v1beta1"],
            INVALID + 'invalid name of device plugin socket: the ResourceName "x" is invalid',
        ),
    ],
)
def test_a_plugin_is_refused_in_the_kubelets_words(
    manager: DeviceManager,
    plugins: Callable[..., PlainPlugin],
    kind: str,
    resource: str,
    versions: list[str],
    text: str,
) -> None:
    """Source: operation_generator.go and ValidatePlugin of handler.go."""
    plugin = plugins(resource=resource)
    plugin.info.type = kind
    plugin.info.supported_versions[:] = versions
    manager.scan()

    assert (False, ERROR + text.format(path=plugin.path)) == plugin.statuses.get(timeout=LONG)
    assert {} == manager.capacity()


def test_a_plugin_that_cannot_be_connected_is_told_and_not_asked_again(
    manager: DeviceManager, plugins: Callable[..., PlainPlugin], clock: FakeClock
) -> None:
    """It stands in the actual state of the world before it is connected."""
    plugin = plugins()
    plugin.info.endpoint = str(plugin.path.with_name("none.sock"))
    text = "plugin registration failed with err: failed to dial device plugin: context deadline exceeded"
    manager.scan()
    answer = plugin.statuses.get(timeout=LONG)
    clock.advance(1000.0)
    manager.scan()

    assert (False, ERROR + text) == answer
    assert 1 == [method for method, _ in plugin.asked].count("GetInfo")


def test_a_plugin_that_did_not_answer_is_asked_again_later(
    manager: DeviceManager, plugins: Callable[..., PlainPlugin], clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Not at the next look, but when its wait is over."""
    plugin = plugins()
    plugin.errors["GetInfo"] = "not yet"
    manager.scan()
    assert eventually(lambda: "sim.plugin.refused" in caplog.messages)
    del plugin.errors["GetInfo"]

    def found() -> bool:
        clock.advance(1.0)
        manager.scan()
        return GPU in manager.healthy()

    assert eventually(found)
    assert REGISTERED == plugin.statuses.get(timeout=LONG)


def test_a_plugin_that_does_not_take_the_news_is_registered_all_the_same(
    manager: DeviceManager, plugins: Callable[..., PlainPlugin]
) -> None:
    plugin = plugins()
    plugin.errors["NotifyRegistrationStatus"] = "deaf"
    manager.scan()

    assert manager.wait_until(lambda: GPU in manager.healthy(), LONG)


def test_a_dead_socket_delays_no_other_one(manager: DeviceManager, plugins: Callable[..., PlainPlugin]) -> None:
    """The first is dialled until the time is over, the second is asked meanwhile."""
    dead = PlainPlugin(manager.socket_path.parent.with_name("plugins_registry") / "a.sock")
    plugin = plugins()
    manager.scan()

    assert REGISTERED == plugin.statuses.get(timeout=LONG)
    dead.close()


def test_the_end_of_the_socket_is_the_end_of_the_plugin(
    manager: DeviceManager, plugins: Callable[..., PlainPlugin]
) -> None:
    """Its server may run on: DeRegisterPlugin hangs up."""
    plugin = plugins()
    manager.scan()
    assert manager.wait_until(lambda: GPU in manager.healthy(), LONG)
    plugin.path.unlink()

    def noticed() -> bool:
        manager.scan()
        return not manager.healthy()[GPU]

    assert eventually(noticed)
    assert {GPU: {"a": DeviceState((1,), healthy=False)}} == manager.capacity()


def test_a_socket_recreated_is_registered_again(manager: DeviceManager, plugins: Callable[..., PlainPlugin]) -> None:
    """A new time stamp means: deregister, then register."""
    plugin = plugins()
    manager.scan()
    plugin.statuses.get(timeout=LONG)
    plugin.close()
    again = plugins()

    def found() -> bool:
        manager.scan()
        return not again.statuses.empty()

    assert eventually(found)
    assert REGISTERED == again.statuses.get(timeout=LONG)


def test_a_restarted_kubelet_finds_the_plugins_that_are_there(
    manager: DeviceManager, plugins: Callable[..., PlainPlugin]
) -> None:
    """Sockets in plugins_registry are not wiped."""
    plugin = plugins()
    manager.scan()
    plugin.statuses.get(timeout=LONG)
    manager.restart()
    lost = manager.healthy()
    manager.scan()

    assert not lost.get(GPU)
    assert REGISTERED == plugin.statuses.get(timeout=LONG)
    assert manager.wait_until(lambda: {"a"} == set(manager.healthy().get(GPU, {})), LONG)


def test_names_with_a_dot_before_are_passed_over(manager: DeviceManager, plugins: Callable[..., PlainPlugin]) -> None:
    hidden, plugin = plugins("plugins_registry/.p.sock", "example.com/hidden"), plugins()
    manager.scan()
    plugin.statuses.get(timeout=LONG)

    assert [] == hidden.asked


def test_the_directory_is_looked_at_by_itself_too(short_dir: Path, plugins: Callable[..., PlainPlugin]) -> None:
    with DeviceManager(short_dir, SystemClock(), watch_seconds=0.01):
        plugin = plugins()

        assert REGISTERED == plugin.statuses.get(timeout=LONG)


def test_a_stopped_manager_looks_at_nothing(manager: DeviceManager, plugins: Callable[..., PlainPlugin]) -> None:
    manager.stop()
    plugin = plugins()
    manager.scan()

    assert [] == plugin.asked

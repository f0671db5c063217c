"""Registration over real sockets: checks in their order, error messages, both handshakes."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from eventually import eventually
from fake_clock import FakeClock
from plain_plugin import PlainPlugin, device, register

from podres_exporter._proto import deviceplugin_v1beta1_pb2 as pb
from podres_exporter.sim.devices import DeviceManager, DeviceState, PluginError, PluginOptions

GPU = "example.com/gpu"
LONG = 60.0
ACCEPTED = (grpc.StatusCode.OK, "")

Make = Callable[..., DeviceManager]


def streams() -> int:
    """Return how many plugins' streams the manager reads."""
    return sum(thread.name == f"device-plugin-{GPU}" for thread in threading.enumerate())


@pytest.fixture
def make(short_dir: Path) -> Iterator[Make]:
    """Yield a function that starts a manager; it is stopped afterwards."""
    made: list[DeviceManager] = []

    def start(*, synchronous: bool = True, dial_timeout_seconds: float = LONG) -> DeviceManager:
        made.append(
            DeviceManager(
                short_dir,
                FakeClock(),
                synchronous=synchronous,
                watch_seconds=None,
                dial_timeout_seconds=dial_timeout_seconds,
            )
        )
        made[-1].start()
        return made[-1]

    yield start
    for manager in made:
        manager.stop()


@pytest.fixture
def plugins(short_dir: Path) -> Iterator[Callable[..., PlainPlugin]]:
    """Yield a function that makes plugins in the kubelet's directory."""
    made: list[PlainPlugin] = []

    def add(name: str, *devices: pb.Device) -> PlainPlugin:
        made.append(PlainPlugin(short_dir / "device-plugins" / name, *devices))
        return made[-1]

    yield add
    for plugin in made:
        plugin.close()


@pytest.mark.parametrize(
    ("version", "resource", "text"),
    [
        (
            "v1alpha1",
            "gpu",
            'requested API version "v1alpha1" is not supported by kubelet. Supported version is ["v1beta1"]',
        ),
        ("", GPU, 'requested API version "" is not supported by kubelet. Supported version is ["v1beta1"]'),
        ("v1beta1", "gpu", 'the ResourceName "gpu" is invalid'),
        ("v1beta1", "kubernetes.io/gpu", 'the ResourceName "kubernetes.io/gpu" is invalid'),
        ("v1beta1", "requests.example.com/gpu", 'the ResourceName "requests.example.com/gpu" is invalid'),
        ("v1beta1", 'a"b', r'the ResourceName "a\"b" is invalid'),
        ("v1beta1", GPU, "failed to dial device plugin: context deadline exceeded"),
    ],
)
def test_a_plugin_is_refused_with_unknown_and_the_kubelets_words(
    make: Make, version: str, resource: str, text: str
) -> None:
    """Register of plugin/v1beta1/server.go: version, then name, then connection (measured on 1.36)."""
    manager = make(dial_timeout_seconds=0.2)

    assert (grpc.StatusCode.UNKNOWN, text) == register(manager.socket_path, "none.sock", resource, version)


@pytest.mark.parametrize(
    ("method", "text"),
    [
        ("/v1beta1.Registration/Unregister", "unknown method Unregister for service v1beta1.Registration"),
        ("/v1.PodResourcesLister/List", "unknown service v1.PodResourcesLister"),
    ],
)
def test_what_the_registration_socket_does_not_serve_is_named_as_grpc_go_names_it(
    make: Make, method: str, text: str
) -> None:
    manager = make()
    with grpc.insecure_channel(f"unix:{manager.socket_path}") as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
        with pytest.raises(grpc.RpcError) as caught:
            call(b"", timeout=LONG)

    assert (grpc.StatusCode.UNIMPLEMENTED, text) == (caught.value.code(), caught.value.details())


def test_the_options_are_asked_for_before_register_is_answered(make: Make, plugins: Callable[..., PlainPlugin]) -> None:
    """From 1.25 on; the options of the request are ignored (PluginConnected)."""
    manager, plugin = make(), plugins("p.sock", device("a", 0)).serve()
    plugin.options = pb.DevicePluginOptions(pre_start_required=True)
    said = pb.DevicePluginOptions(get_preferred_allocation_available=True)

    assert ACCEPTED == register(manager.socket_path, "p.sock", options=said)
    assert ("GetDevicePluginOptions", ()) == plugin.asked[0]
    assert PluginOptions(pre_start_required=True) == manager.options(GPU)
    assert manager.wait_until(lambda: {GPU: {"a": DeviceState((0,))}} == manager.healthy(), LONG)


def test_a_plugin_whose_options_fail_is_refused(make: Make, plugins: Callable[..., PlainPlugin]) -> None:
    manager, plugin = make(), plugins("p.sock").serve()
    plugin.errors["GetDevicePluginOptions"] = "no mood"
    text = "failed to get device plugin options: rpc error: code = Unknown desc = no mood"

    assert (grpc.StatusCode.UNKNOWN, text) == register(manager.socket_path, "p.sock")
    assert {} == manager.capacity()


def test_the_endpoint_is_a_name_in_the_kubelets_directory_whatever_it_begins_with(
    make: Make, plugins: Callable[..., PlainPlugin]
) -> None:
    """filepath.Join."""
    manager = make()
    plugins("p.sock").serve()

    assert ACCEPTED == register(manager.socket_path, "/p.sock")


def test_a_plugin_that_registers_before_it_serves_is_saved_by_the_backlog(
    make: Make, plugins: Callable[..., PlainPlugin]
) -> None:
    """KubeVirt's order: its socket listens, but accepts no connection until Register is under way."""
    manager, plugin = make(), plugins("kvm.sock", device("kvm0"))
    answers: list[tuple[grpc.StatusCode, str]] = []
    calling = threading.Thread(target=lambda: answers.append(register(manager.socket_path, "kvm.sock")))
    calling.start()
    # One line is the listening socket, the other one the kubelet's connection in its backlog.
    waits = eventually(lambda: Path("/proc/net/unix").read_text("utf-8").count(f"{plugin.path}\n") == 2)
    unanswered = not answers
    plugin.serve()
    calling.join(LONG)

    assert waits
    assert unanswered
    assert [ACCEPTED] == answers
    assert manager.wait_until(lambda: {GPU: {"kvm0": DeviceState()}} == manager.healthy(), LONG)


def test_an_old_kubelet_answers_at_once_and_believes_the_request(
    make: Make, plugins: Callable[..., PlainPlugin]
) -> None:
    """Up to 1.24: the plugin does not serve yet, Register is still answered, and the options are never asked for."""
    manager, plugin = make(synchronous=False), plugins("p.sock", device("a"))
    options = pb.DevicePluginOptions(get_preferred_allocation_available=True)
    answer = register(manager.socket_path, "p.sock", options=options)
    plugin.serve()

    assert ACCEPTED == answer
    assert manager.wait_until(lambda: GPU in manager.healthy(), LONG)
    assert PluginOptions(get_preferred_allocation_available=True) == manager.options(GPU)
    assert [("ListAndWatch", ())] == plugin.asked


def test_an_old_kubelet_knows_no_options_where_the_request_has_none(
    make: Make, plugins: Callable[..., PlainPlugin]
) -> None:
    manager = make(synchronous=False)
    plugins("p.sock", device("a")).serve()
    register(manager.socket_path, "p.sock")

    assert manager.wait_until(lambda: GPU in manager.healthy(), LONG)
    assert manager.options(GPU) is None


def test_an_old_kubelet_never_tells_a_plugin_that_it_could_not_be_reached(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    manager = make(synchronous=False, dial_timeout_seconds=0.05)
    answer = register(manager.socket_path, "none.sock")
    manager.stop()

    assert ACCEPTED == answer
    assert {} == manager.capacity()
    assert "sim.plugin.unreachable" in caplog.messages


def test_a_new_registration_is_taken_and_the_old_stream_stays_open(
    make: Make, plugins: Callable[..., PlainPlugin]
) -> None:
    """Both streams' lists count, as the kubelet files them by resource name only."""
    manager = make()
    old, new = plugins("old.sock", device("old")).serve(), plugins("new.sock", device("new")).serve()
    register(manager.socket_path, "old.sock")
    assert manager.wait_until(lambda: "old" in manager.healthy().get(GPU, {}), LONG)
    register(manager.socket_path, "new.sock")
    assert manager.wait_until(lambda: "new" in manager.healthy()[GPU], LONG)
    old.send(device("older"))

    assert manager.wait_until(lambda: {GPU: {"older": DeviceState()}} == manager.healthy(), LONG)
    assert manager.allocate(GPU, ["x"])
    assert ("Allocate", ("x",)) == new.asked[-1]


@pytest.mark.parametrize("ending", ["old", "new"])
def test_the_end_of_either_stream_takes_the_current_plugin_down(
    make: Make, plugins: Callable[..., PlainPlugin], ending: str
) -> None:
    """The kubelet's runClient asks getClient for the current client: known flaw of 1.25 to 1.36 (measured)."""
    manager = make()
    by_name = {name: plugins(f"{name}.sock", device(name)).serve() for name in ("old", "new")}
    for name in by_name:
        register(manager.socket_path, f"{name}.sock")
        assert manager.wait_until(lambda name=name: name in manager.healthy().get(GPU, {}), LONG)  # type: ignore[misc]
    by_name[ending].end(0)

    assert manager.wait_until(lambda: {GPU: {}} == manager.healthy(), LONG)
    assert {GPU: {"new": DeviceState(healthy=False)}} == manager.capacity()
    with pytest.raises(PluginError, match=r"^endpoint example\.com/gpu has been stopped$"):
        manager.allocate(GPU, ["new"])


def test_an_old_kubelet_is_not_fooled_by_the_end_of_the_old_stream(
    make: Make, plugins: Callable[..., PlainPlugin]
) -> None:
    """The kubelet's runEndpoint compares the endpoints."""
    manager = make(synchronous=False)
    old = plugins("old.sock", device("old")).serve()
    plugins("new.sock", device("new")).serve()
    register(manager.socket_path, "old.sock")
    assert manager.wait_until(lambda: "old" in manager.healthy().get(GPU, {}), LONG)
    register(manager.socket_path, "new.sock")
    assert manager.wait_until(lambda: "new" in manager.healthy()[GPU], LONG)
    old.end(0)

    assert eventually(lambda: streams() == 1)
    assert {GPU: {"new": DeviceState()}} == manager.healthy()


def test_after_a_failed_registration_nobody_notices_the_end_of_the_old_stream(
    make: Make, plugins: Callable[..., PlainPlugin]
) -> None:
    """The kubelet's connectClient makes the new client current before it dials, and forgets both if that fails."""
    manager = make(dial_timeout_seconds=0.2)
    plugin = plugins("p.sock", device("a")).serve()
    register(manager.socket_path, "p.sock")
    assert manager.wait_until(lambda: GPU in manager.healthy(), LONG)
    register(manager.socket_path, "none.sock")
    plugin.send(device("b"))
    assert manager.wait_until(lambda: "b" in manager.healthy()[GPU], LONG)
    plugin.end(0)

    assert eventually(lambda: streams() == 0)
    assert {GPU: {"b": DeviceState()}} == manager.healthy()

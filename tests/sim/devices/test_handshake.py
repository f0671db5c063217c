"""The handshake between kubelet and device plugin."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_clock import FakeClock
from plain_plugin import PlainPlugin, device

from podres_exporter.sim.devices import PluginError
from podres_exporter.sim.devices.handshake import AsynchronousHandshake, Handshake, SynchronousHandshake
from podres_exporter.sim.devices.ledger import Ledger

GPU = "example.com/gpu"
LONG = 60.0


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(FakeClock())


@pytest.fixture(params=[SynchronousHandshake, AsynchronousHandshake])
def handshake(request: pytest.FixtureRequest, ledger: Ledger) -> Iterator[Handshake]:
    """Yield each of the two; closed, as it is made."""
    one: Handshake = request.param(ledger, LONG)
    yield one
    one.end()
    one.join()


@pytest.fixture
def plugin(short_dir: Path) -> Iterator[PlainPlugin]:
    one = PlainPlugin(short_dir / "p.sock", device("a")).serve()
    yield one
    one.close()


def test_nobody_is_connected_before_the_beginning(handshake: Handshake, plugin: PlainPlugin) -> None:
    """Nor after the end: a registration that comes while the kubelet stops would leave a thread."""
    with pytest.raises(PluginError) as adopting:
        handshake.adopt(GPU, plugin.path)
    with pytest.raises(PluginError) as registering:
        handshake.register(GPU, plugin.path, None)

    assert ["failed to dial device plugin: context canceled"] * 2 == [str(adopting.value), str(registering.value)]
    assert [] == plugin.asked


def test_it_can_begin_again_after_the_end(handshake: Handshake, plugin: PlainPlugin, ledger: Ledger) -> None:
    for _ in range(3):
        handshake.begin()
        handshake.adopt(GPU, plugin.path)
        assert ledger.wait_until(lambda: "a" in ledger.healthy().get(GPU, {}), LONG)
        handshake.end()
        handshake.join()

        assert {GPU: {}} == ledger.healthy()


def test_dropping_a_resource_without_a_plugin_is_nothing(handshake: Handshake, ledger: Ledger) -> None:
    handshake.begin()
    handshake.drop(GPU)

    assert {} == ledger.capacity()


def test_a_plugin_whose_options_fail_leaves_nothing(handshake: Handshake, plugin: PlainPlugin, ledger: Ledger) -> None:
    plugin.errors["GetDevicePluginOptions"] = "no"
    handshake.begin()
    with pytest.raises(PluginError, match="failed to get device plugin options"):
        handshake.adopt(GPU, plugin.path)

    assert ledger.plugin(GPU) is None

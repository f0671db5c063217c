"""The devices of each resource, as plugins connect, list and disconnect."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_clock import FakeClock

from podres_exporter.sim.devices import STOP_GRACE_SECONDS, DeviceState, PluginOptions
from podres_exporter.sim.devices.client import PluginClient
from podres_exporter.sim.devices.ledger import Ledger

GPU = "example.com/gpu"
WELL, SICK = DeviceState((0,)), DeviceState((0,), healthy=False)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ledger(clock: FakeClock) -> Ledger:
    return Ledger(clock)


@pytest.fixture
def client(short_dir: Path) -> Iterator[PluginClient]:
    """Yield a client without a plugin; the ledger only compares it."""
    one = PluginClient(GPU, short_dir / "none.sock")
    yield one
    one.close()


def test_a_plugin_without_a_list_is_no_resource_yet(ledger: Ledger, client: PluginClient) -> None:
    """Register alone adds nothing to the node: healthyDevices gets its key with the first list."""
    ledger.connect(client, PluginOptions())

    assert {} == ledger.capacity()
    assert {} == ledger.healthy()


def test_a_plugin_that_ends_before_its_first_list_is_in_capacity_with_no_device(
    ledger: Ledger, client: PluginClient
) -> None:
    """The kubelet's markResourceUnhealthy makes the unhealthy set only, and GetCapacity reads both."""
    ledger.connect(client, PluginOptions())
    ledger.disconnect(GPU)

    assert {GPU: {}} == ledger.capacity()
    assert {} == ledger.healthy()


def test_an_empty_list_is_a_resource_with_no_device(ledger: Ledger, client: PluginClient) -> None:
    """KubeVirt sends one first."""
    ledger.connect(client, None)
    ledger.replace(GPU, [])

    assert {GPU: {}} == ledger.capacity()
    assert {GPU: {}} == ledger.healthy()


def test_a_sick_device_stays_in_capacity_only(ledger: Ledger, client: PluginClient) -> None:
    ledger.connect(client, None)
    ledger.replace(GPU, [("a", WELL), ("b", SICK)])

    assert {GPU: {"a": WELL, "b": SICK}} == ledger.capacity()
    assert {GPU: {"a": WELL}} == ledger.healthy()
    assert {GPU: {"a": WELL, "b": SICK}} == ledger.known()


def test_each_list_replaces_the_one_before(ledger: Ledger, client: PluginClient) -> None:
    ledger.connect(client, None)
    ledger.replace(GPU, [("a", WELL), ("b", WELL)])
    ledger.replace(GPU, [("b", SICK), ("c", WELL)])

    assert {GPU: {"b": SICK, "c": WELL}} == ledger.capacity()
    assert {GPU: {"c": WELL}} == ledger.healthy()


def test_of_an_id_listed_twice_the_last_entry_is_known_and_it_is_healthy_if_one_entry_was(
    ledger: Ledger, client: PluginClient
) -> None:
    """Healthy on node 0, then Unhealthy on node 1, is one allocatable row on node 1 (measured on 1.27 and 1.36)."""
    ledger.connect(client, None)
    ledger.replace(GPU, [("a", DeviceState((0,))), ("a", DeviceState((1,), healthy=False))])

    assert {GPU: {"a": DeviceState((1,))}} == ledger.healthy()
    assert {GPU: {"a": DeviceState((1,), healthy=False)}} == ledger.known()


def test_the_end_of_a_plugin_takes_health_but_neither_capacity_nor_what_it_said(
    ledger: Ledger, client: PluginClient
) -> None:
    """Pod status goes on to say Healthy, for allDevices is not touched (PluginDisconnected)."""
    ledger.connect(client, None)
    ledger.replace(GPU, [("a", WELL)])
    ledger.disconnect(GPU)

    assert {GPU: {"a": SICK}} == ledger.capacity()
    assert {GPU: {}} == ledger.healthy()
    assert {GPU: {"a": WELL}} == ledger.known()


def test_a_resource_whose_plugin_is_gone_leaves_capacity_after_the_grace_period(
    ledger: Ledger, client: PluginClient, clock: FakeClock
) -> None:
    """The kubelet's stopGracePeriodExpired asks for more than five minutes."""
    ledger.connect(client, None)
    ledger.replace(GPU, [("a", WELL)])
    ledger.disconnect(GPU)
    clock.advance(STOP_GRACE_SECONDS)
    at_the_end = ledger.capacity()
    clock.advance(0.001)

    assert {GPU: {"a": SICK}} == at_the_end
    assert {} == ledger.capacity()
    assert {} == ledger.healthy()
    assert ledger.plugin(GPU) is None


def test_a_plugin_that_returns_in_time_starts_again(ledger: Ledger, client: PluginClient, clock: FakeClock) -> None:
    """A new endpoint has no stop time; until its first list the devices stay unhealthy."""
    ledger.connect(client, None)
    ledger.replace(GPU, [("a", WELL)])
    ledger.disconnect(GPU)
    ledger.connect(client, None)
    clock.advance(2 * STOP_GRACE_SECONDS)

    assert {GPU: {"a": SICK}} == ledger.capacity()


def test_the_end_of_a_replaced_plugin_can_be_told_apart(ledger: Ledger, client: PluginClient, short_dir: Path) -> None:
    """Up to 1.24 runEndpoint compares the endpoints."""
    later = PluginClient(GPU, short_dir / "later.sock")
    ledger.connect(client, None)
    ledger.connect(later, None)
    ledger.replace(GPU, [("a", WELL)])
    ledger.disconnect(GPU, client)
    kept = ledger.healthy()
    ledger.disconnect(GPU, later)
    later.close()

    assert {GPU: {"a": WELL}} == kept
    assert {GPU: {}} == ledger.healthy()


def test_the_end_of_an_unknown_plugin_is_nothing(ledger: Ledger) -> None:
    ledger.disconnect(GPU)

    assert {} == ledger.capacity()


def test_a_restart_keeps_the_resource_with_no_device_until_the_grace_period_is_over(
    ledger: Ledger, client: PluginClient, clock: FakeClock
) -> None:
    """The kubelet's readCheckpoint makes empty sets and a stopped endpoint for each registered resource."""
    ledger.connect(client, PluginOptions(pre_start_required=True))
    ledger.replace(GPU, [("a", WELL)])
    ledger.restore()
    restored = (ledger.capacity(), ledger.healthy(), ledger.known())
    plugin = ledger.plugin(GPU)
    clock.advance(STOP_GRACE_SECONDS + 1)

    assert ({GPU: {}}, {GPU: {}}, {}) == restored
    assert plugin is not None
    assert (None, None) == (plugin.client, plugin.options)
    assert {} == ledger.capacity()


def test_a_list_from_a_plugin_that_is_forgotten_makes_no_resource(ledger: Ledger) -> None:
    """The kubelet logs "out of sync" and drops the resource."""
    ledger.replace(GPU, [("a", WELL)])

    assert {} == ledger.healthy()


def test_who_waits_is_woken_by_a_change(ledger: Ledger, client: PluginClient) -> None:
    ledger.connect(client, None)
    waiter_is_there, held = threading.Event(), []

    def wait() -> None:
        def seen() -> bool:
            waiter_is_there.set()
            return "a" in ledger.healthy().get(GPU, {})

        held.append(ledger.wait_until(seen, 60.0))

    thread = threading.Thread(target=wait)
    thread.start()
    waiter_is_there.wait(60)
    ledger.replace(GPU, [("a", WELL)])
    thread.join(60)

    assert [True] == held


def test_waiting_ends_when_the_time_is_over(ledger: Ledger) -> None:
    assert not ledger.wait_until(lambda: False, 0.001)

"""The faults that are active at a moment of a scenario."""

import pytest

from podres_exporter.scenario import Conditions, Fault, FaultKind, KubeletSettings, Release, Scenario, conditions_at


def scenario(*faults: Fault) -> Scenario:
    return Scenario("node", KubeletSettings(Release(36)), numa=(), faults=faults)


RESTART = Fault(FaultKind.RESTART, 10, 2, every_seconds=100, window_seconds=4, plugins_seconds=8)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (9.9, Conditions()),
        (10, Conditions(serving=False, restarts=1)),
        (12, Conditions(restarts=1, pods_incomplete=0.0, plugins_gone=True)),
        (14, Conditions(restarts=1, pods_incomplete=0.5, plugins_gone=True)),
        (16, Conditions(restarts=1, plugins_gone=True)),
        (20, Conditions(restarts=1)),
        (111, Conditions(serving=False, restarts=2)),
        (114, Conditions(restarts=2, pods_incomplete=0.5, plugins_gone=True)),
    ],
)
def test_a_restart_is_down_then_incomplete_then_without_plugins(seconds: float, expected: Conditions) -> None:
    """The kubelet serves before its pods are there, and its plugins come back later still (kubernetes #102552)."""
    assert expected == conditions_at(scenario(RESTART), seconds)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (FaultKind.DOWN, Conditions(serving=False)),
        (FaultKind.HANG, Conditions(hanging=True)),
        (FaultKind.THROTTLE, Conditions(throttled=True)),
        (FaultKind.API_DOWN, Conditions(api_down=True)),
        (FaultKind.API_HALF_OPEN, Conditions(api_half_open=True)),
        (FaultKind.API_YOUNG, Conditions(api_young=True)),
    ],
)
def test_a_fault_lasts_for_its_duration(kind: FaultKind, expected: Conditions) -> None:
    """A fault without `every` comes once."""
    once = scenario(Fault(kind, at_seconds=5, duration_seconds=10))

    assert Conditions() == conditions_at(once, 4)
    assert expected == conditions_at(once, 5)
    assert Conditions() == conditions_at(once, 15)
    assert Conditions() == conditions_at(once, 1000)


def test_faults_may_come_together() -> None:
    """Each fault of the timeline has its own clock."""
    both = scenario(Fault(FaultKind.HANG, 0, 10), Fault(FaultKind.THROTTLE, 5, 10))

    assert Conditions(hanging=True, throttled=True) == conditions_at(both, 7)


def test_devices_fall_sick_one_by_one() -> None:
    """Each UNHEALTHY is about one device, which is known by its resource and its id."""
    faults = [
        Fault(FaultKind.UNHEALTHY, at, 10, resource=resource, device_id="x")
        for at, resource in ((5, "example.com/gpu"), (10, "example.com/nic"))
    ]
    gpu, nic = ("example.com/gpu", "x"), ("example.com/nic", "x")

    found = {seconds: conditions_at(scenario(*faults), seconds).unhealthy for seconds in (4, 5, 10, 15, 20)}

    assert {4: set(), 5: {gpu}, 10: {gpu, nic}, 15: {nic}, 20: set()} == found


def test_a_plugin_is_down_for_its_resource_again_and_again() -> None:
    """PLUGIN_DOWN takes nothing but its resource, and `every` brings it back."""
    fault = Fault(FaultKind.PLUGIN_DOWN, 5, 10, every_seconds=100, resource="example.com/gpu")
    down = Conditions(plugins_down=frozenset({"example.com/gpu"}))

    found = [conditions_at(scenario(fault), seconds) for seconds in (4, 5, 15, 105, 115)]

    assert [Conditions(), down, Conditions(), down, Conditions()] == found


@pytest.mark.parametrize("kind", [FaultKind.API_DOWN, FaultKind.API_HALF_OPEN])
def test_a_kubelet_that_has_started_waits_for_the_api_server(kind: FaultKind) -> None:
    """Its pods are one set of the API server: they begin to come when that is back, however long it takes."""
    restart = Fault(FaultKind.RESTART, 10, 2, window_seconds=4)
    outage = Fault(kind, 5, 60)

    found = [conditions_at(scenario(restart, outage), at).pods_incomplete for at in (9, 12, 64, 65, 67, 69)]

    assert [None, 0.0, 0.0, 0.0, 0.5, None] == found


def test_an_outage_within_the_window_begins_it_again() -> None:
    """What came before was not the whole set; an outage after it takes nothing away."""
    restart = Fault(FaultKind.RESTART, 10, 2, window_seconds=4)
    cut = Fault(FaultKind.API_DOWN, 14, 1, every_seconds=20)

    found = [conditions_at(scenario(restart, cut), at).pods_incomplete for at in (13, 14.5, 17, 19, 34.5)]

    assert [0.0, 0.0, 0.5, None, None] == found


def test_without_a_window_the_set_is_there_as_soon_as_the_api_server() -> None:
    """`window: 0` is a kubelet that gets its pods in no time, not one that needs no API server."""
    restart = Fault(FaultKind.RESTART, 10, 2, window_seconds=0)

    alone = [conditions_at(scenario(restart), at).pods_incomplete for at in (11, 12, 13)]
    away = [
        conditions_at(scenario(restart, Fault(FaultKind.API_DOWN, 5, 20)), at).pods_incomplete for at in (12, 24.9, 25)
    ]

    assert [None, None, None] == alone
    assert [0.0, 0.0, None] == away


def test_a_device_is_doubled_for_a_while() -> None:
    """DOUBLE is about one device, as UNHEALTHY is."""
    fault = Fault(FaultKind.DOUBLE, 5, 10, resource="example.com/gpu", device_id="x")

    found = [conditions_at(scenario(fault), at).doubled for at in (4, 5, 15)]

    assert [set(), {("example.com/gpu", "x")}, set()] == found

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

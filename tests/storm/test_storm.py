"""
Short storms with random faults: the page is never wrong.

The same few lives every time; `tests/storm/run.py` has as many as are wanted.
"""

import threading

import pytest
from hypothesis import seed
from hypothesis.stateful import run_state_machine_as_test
from storm.exporter import Worker
from storm.kept import Scenario, reduced
from storm.machine import PodsApiStorm, Storm, storm_settings
from storm.violation import Violation


@pytest.mark.parametrize("number", [1, 2])
def test_no_invariant_breaks_in_any_of_a_few_lives(number: int) -> None:
    """What breaks is printed by a run with this seed, as a scenario to keep."""
    run_state_machine_as_test(seed(number)(Storm), settings=storm_settings(examples=4, steps=16))


def test_no_invariant_breaks_on_the_pods_api() -> None:
    """The kubelet alone, its stream refused, cut, or without a listener."""
    run_state_machine_as_test(seed(1)(PodsApiStorm), settings=storm_settings(examples=3, steps=16))


def test_a_failure_is_made_small() -> None:
    """Only the steps that it takes are left."""
    steps = (("poll", 10.0), ("later", 1.0), ("hang", True), ("poll", 10.0), ("recall",), ("poll", 10.0))
    scenario = Scenario(27, True, steps)

    def breaks(each: Scenario) -> bool:
        return ("hang", True) in each.steps and ("recall",) in each.steps and each.metadata

    assert Scenario(36, True, (("hang", True), ("recall",))) == reduced(scenario, breaks, 20.0)
    assert scenario == reduced(scenario, lambda each: each.release == 20, 20.0)


def test_a_step_that_hangs_is_found_with_the_place_where_it_hangs() -> None:
    """A watchdog looks at every call."""
    never = threading.Event()
    worker = Worker("poll", patience_seconds=0.05)
    with pytest.raises(Violation, match=r"returned: .*\n(.*\n)*.*never\.wait"):
        worker.call("a poll", lambda: never.wait(20))
    never.set()
    worker.stop()

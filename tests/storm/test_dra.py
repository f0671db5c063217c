"""A short DRA storm: the page is never wrong, and complete at the end."""

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from storm.dra_machine import DraStorm


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_no_invariant_breaks_in_any_of_a_few_lives(number: int) -> None:
    how = settings(
        max_examples=8,
        stateful_step_count=25,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(number)(DraStorm), settings=how)

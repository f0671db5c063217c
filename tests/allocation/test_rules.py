"""The rules of belief as a table: what ends a pod of each standing, by what followed metadata says of its instance."""

from itertools import product

import pytest

from podres_exporter.allocation.rules import LACKED, RUNS_FACTOR, Instance, Rule, Standing, rule_for

HOLD = 60.0
TABLE = """
instance               | current                 | retained              | awaited
unknown                | refused 2, dropped 3    | missing x1            | refused 1
never seen             | refused 2, dropped 3    | missing x1            | refused 1
runs                   | refused 2, dropped 3    | missing x10           | refused 1
finished               | refused 2, dropped 3    | told                  | refused 1
another has its name   | told 1                  | told 1, missing x1    | told 1
deleted                | told                    | told                  | told
"""
"""A number is how often the kubelet has to deny the pod, `x` stands before hold-downs; the last that applies is it."""

HEAD, *ROWS = [[cell.strip() for cell in line.split("|")] for line in TABLE.strip().splitlines()]


def expected(cell: str, denials: int, hold_downs: float | None) -> Rule | None:
    """Return the rule of a cell; the kubelet's denial goes before the clock."""
    found = None
    for text in reversed(cell.split(", ")):
        rule, _, threshold = text.partition(" ")
        is_clock = threshold.startswith("x")
        reached = hold_downs if is_clock else denials
        if reached is not None and reached >= float(threshold.lstrip("x") or 0) and (is_clock or found != Rule.DROPPED):
            found = Rule(rule)
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
@pytest.mark.parametrize("standing", Standing)
def test_what_ends_a_pod(row: list[str], standing: Standing) -> None:
    cell = row[HEAD.index(standing.value)]
    for denials, hold_downs in product((0, 1, 2, LACKED), (None, 0.0, 0.99, 1.0, 9.99, 10.0)):
        missing = None if hold_downs is None else hold_downs * HOLD
        found = rule_for(standing, Instance(row[0]), denials, missing, HOLD)

        assert expected(cell, denials, hold_downs) == found, (denials, hold_downs)


def test_the_table_has_every_instance_and_standing() -> None:
    assert {each.value for each in Instance} == {row[0] for row in ROWS}
    assert [each.value for each in Standing] == HEAD[1:]
    assert (3, 10) == (LACKED, RUNS_FACTOR)

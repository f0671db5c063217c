"""The rules of belief as a table: what ends a pod, by what followed metadata says of its instance."""

from itertools import product

import pytest

from podres_exporter.allocation.rules import ENOUGH, RUNS_FACTOR, Instance, Rule, rule_for

HOLD = 60.0
TABLE = """
instance               | the kubelet was there | from before
unknown                | denied 2              | missing x1
never seen             | denied 2              | missing x1
runs                   | denied 2              | missing x10
finished               | denied 2              | told
another has its name   | told 1, denied 2      | told 1, missing x1
deleted                | told                  | told
"""
"""A number is how often the kubelet has to deny the pod, `x` stands before hold-downs; the first that applies is it."""

HEAD, *ROWS = [[cell.strip() for cell in line.split("|")] for line in TABLE.strip().splitlines()]


def expected(cell: str, denials: int, hold_downs: float | None) -> Rule | None:
    """Return the rule of a cell."""
    for text in cell.split(", "):
        rule, _, threshold = text.partition(" ")
        reached = hold_downs if threshold.startswith("x") else denials
        if reached is not None and reached >= float(threshold.lstrip("x") or 0):
            return Rule(rule)
    return None


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
@pytest.mark.parametrize("is_from_before", [False, True])
def test_what_ends_a_pod(row: list[str], is_from_before: bool) -> None:
    cell = row[2 if is_from_before else 1]
    for denials, hold_downs in product((0, 1, 2, 3), (None, 0.0, 0.99, 1.0, 9.99, 10.0)):
        missing = None if hold_downs is None else hold_downs * HOLD
        found = rule_for(Instance(row[0]), denials, missing, HOLD, is_from_before=is_from_before)

        assert expected(cell, denials, hold_downs) == found, (denials, hold_downs)


def test_the_table_has_every_instance() -> None:
    assert {each.value for each in Instance} == {row[0] for row in ROWS}
    assert (2, 10) == (ENOUGH, RUNS_FACTOR)

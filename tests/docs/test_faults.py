"""Each row of the tables in deploy/docs/faults.md is proven by a test with the mark `faults`."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
HEADING = "what happens"
MARK = "pytest.mark.faults"


def rows() -> list[str]:
    """Return the first cell of each row."""
    lines = (ROOT / "deploy/docs/faults.md").read_text(encoding="utf-8").splitlines()
    cells = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    return [cell for cell in cells if cell != HEADING]


@cache
def marks() -> list[tuple[str, str]]:
    """Return the row that each marked test names, and where the test is."""
    return [
        (ast.literal_eval(each), f"{file.relative_to(ROOT)}:{call.lineno}")
        for file in sorted(TESTS.rglob("test_*.py"))
        if MARK in (text := file.read_text(encoding="utf-8"))
        for node in ast.walk(ast.parse(text))
        for call in (node.decorator_list if isinstance(node, ast.FunctionDef) else ())
        if isinstance(call, ast.Call) and ast.unparse(call.func) == MARK
        for each in call.args
    ]


def test_each_row_is_tied_to_a_test() -> None:
    found = rows()

    assert len(found) > 30
    assert [] == sorted({*found} - {row for row, _ in marks()})


def test_each_mark_names_a_row() -> None:
    """A row that is reworded has its tests reworded too."""
    assert [] == [(row, place) for row, place in marks() if row not in rows()]


def test_no_two_rows_are_worded_alike() -> None:
    assert len(rows()) == len({*rows()})

"""The result table of the benchmarks: figure, reference, ratio, budget, verdict."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Whether a budget is kept; OPEN where it could not be measured, NONE where there is no budget."""

    MET = "met"
    NOT_MET = "NOT MET"
    OPEN = "not measured"
    NONE = ""


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a figure may be, or that its ratio to the reference may be, where *of_ratio*."""

    most: float
    text: str
    of_ratio: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """
    One line of the table.

    *figure* and *reference* have the same unit. *figure* is None where it could not be measured, and *note* says why.
    Where it is not *judged*, the figure means nothing, and so says nothing of the budget.
    """

    group: str
    what: str
    size: str
    figure: float | None
    unit: str
    reference: float | None = None
    against: str = ""
    budget: Budget | None = None
    note: str = ""
    judged: bool = True

    @property
    def ratio(self) -> float | None:
        """The figure over the reference."""
        return self.figure / self.reference if self.figure is not None and self.reference else None

    @property
    def verdict(self) -> Verdict:
        """Whether the budget is kept."""
        if self.budget is None:
            return Verdict.NONE
        value = self.ratio if self.budget.of_ratio else self.figure
        if value is None or not self.judged:
            return Verdict.OPEN
        return Verdict.MET if value <= self.budget.most else Verdict.NOT_MET

    def cells(self) -> tuple[str, ...]:
        """Return the row as texts."""
        reference = f"{number(self.reference)} {self.unit}, {self.against}" if self.reference is not None else ""
        verdict = self.verdict.value
        return (
            self.group,
            f"{self.what} ({self.note})" if self.note else self.what,
            self.size,
            "" if self.figure is None else f"{number(self.figure)} {self.unit}".strip(),
            reference,
            "" if self.ratio is None else f"{number(self.ratio)} x",
            self.budget.text if self.budget else "",
            verdict,
        )


HEAD = ("group", "what", "node", "figure", "reference", "ratio", "budget", "verdict")


def at_most(ratio: float) -> Budget:
    """Return the budget of a ratio."""
    return Budget(ratio, f"at most {ratio:g} x")


def times_as_fast(factor: float) -> Budget:
    """Return the budget of a ratio far below 1."""
    return Budget(1 / factor, f"at least {factor:g} times as fast")


def no_more_than(figure: float, unit: str) -> Budget:
    """Return the budget of a figure."""
    return Budget(figure, f"at most {figure:g} {unit}", of_ratio=False)


def number(value: float) -> str:
    """Return a number with three digits that count, or more where it has more before the point."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 10 else f"{value:.3g}"


def text_table(rows: Iterable[Row]) -> str:
    """Return the table for a terminal."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def markdown(rows: Iterable[Row], facts: Mapping[str, str]) -> str:
    """Return the rows that have a budget, for the page beside this, and above them what they were measured on."""
    lines = [HEAD, tuple("---" for _ in HEAD), *(row.cells() for row in rows if row.budget)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"Measured on {'; '.join(f'{name} {value}' for name, value in facts.items())}.\n\n{table}\n"


def as_json(rows: Iterable[Row], facts: Mapping[str, str]) -> str:
    """Return the document that `--json` writes."""
    listed = [{**asdict(row), "ratio": row.ratio, "verdict": row.verdict.value} for row in rows]
    return json.dumps({"facts": facts, "rows": listed}, indent=2) + "\n"

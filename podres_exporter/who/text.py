"""Render the answer as a table with notes."""

from collections.abc import Iterator

from podres_exporter.printable import printable
from podres_exporter.text.amounts import NONE, UNKNOWN
from podres_exporter.text.grid import Grid, Layout, Row, grid_lines, room_notes
from podres_exporter.text.words import joined
from podres_exporter.who.history import Answer
from podres_exporter.who.timeline import Period, State
from podres_exporter.who.times import Zone, time_text

HEADERS = (
    "CLUSTER",
    "NODE",
    "STATE",
    "NAMESPACE",
    "POD",
    "CONTAINER",
    "RESOURCE",
    "DEVICE",
    "CLAIM",
    "FROM",
    "UNTIL",
    "STARTED",
    "WORKLOAD",
)
_IF_ANY = frozenset({"CLUSTER", "NAMESPACE", "POD", "CONTAINER", "RESOURCE", "DEVICE", "CLAIM", "STARTED", "WORKLOAD"})
WATCHES = "watches"
"""The state of a claim with admin access, which monitors a device without holding it."""


def answer_lines(answer: Answer, layout: Layout, zone: Zone) -> list[str]:
    """Return a line for each holder, for each time without a holder, and for each unknown time."""
    return grid_lines(_table(answer, zone), layout)


def _table(answer: Answer, zone: Zone) -> Grid:
    rows = tuple(_row(each, answer, zone) for each in answer.periods)
    return Grid(HEADERS, rows, spare=("WORKLOAD", "STARTED")).without_empty(_IF_ANY)


def answer_notes(answer: Answer, layout: Layout, zone: Zone) -> list[str]:
    """Return the notes on the table."""
    question, found = answer.question, []
    if question.is_moment:
        found.append(f"At {time_text(question.begin, zone)}.")
    if answer.interval_seconds is not None:
        found.append(
            f"Times are those of scrapes, one every {answer.interval_seconds:.0f} s: changes may have happened up to "
            "that long before."
        )
    found += _unknown(answer, zone)
    found += _soon_after(answer, zone)
    found += [f"Prometheus: {printable(each)}" for each in answer.warnings]
    return [*found, *room_notes(_table(answer, zone), layout, "-o json")]


def _row(period: Period, answer: Answer, zone: Zone) -> Row:
    holder = period.holder
    begin = "earlier" if period.has_earlier else time_text(period.begin, zone)
    is_now = period.end >= answer.question.now
    end = time_text(period.end, zone) if not period.has_later else "now" if is_now else "later"
    if holder is None:
        cell = UNKNOWN if period.state is State.UNKNOWN else NONE
        who = (cell,) * 6
        return (
            _cell(period.place.cluster),
            printable(period.place.node),
            period.state.value,
            *who,
            begin,
            end,
            cell,
            cell,
        )
    return (
        _cell(period.place.cluster),
        printable(period.place.node),
        WATCHES if holder.is_watching else period.state.value,
        *map(_cell, (holder.namespace, holder.pod, holder.container, holder.resource, holder.device, holder.claim)),
        begin,
        end,
        UNKNOWN if holder.started_seconds is None else time_text(holder.started_seconds, zone),
        _cell(holder.workload),
    )


def _cell(text: str) -> str:
    return printable(text) or NONE


def _unknown(answer: Answer, zone: Zone) -> Iterator[str]:
    """Yield the reasons why a time is unknown; for a single point in time also who had the device before and after."""
    for reason in dict.fromkeys(each.unknown for each in answer.periods if each.unknown is not None):
        parts = [each for each in answer.periods if each.unknown is reason]
        nodes = joined(sorted({printable(each.place.node) for each in parts}))
        yield f"State unknown on {nodes}: {reason.value}. That does not mean that the device was free."
    if not answer.question.is_moment:
        return
    for gap in (each for each in answer.periods if each.unknown is not None):
        same = [each for each in answer.around if each.place == gap.place and each.unknown is None]
        before = [each for each in same if each.end <= gap.begin]
        after = [each for each in same if each.begin >= gap.end]
        if before:
            last = max(each.end for each in before)
            yield f"Before that: {_who([each for each in before if each.end == last])}, until {time_text(last, zone)}."
        if after:
            first = min(each.begin for each in after)
            yield f"After that: {_who([each for each in after if each.begin == first])}, from {time_text(first, zone)}."


def _soon_after(answer: Answer, zone: Zone) -> Iterator[str]:
    """Yield holders first seen so soon after the given time that the change may have happened before it."""
    moment = answer.question.begin
    if not answer.question.is_moment or answer.interval_seconds is None:
        return
    for each in answer.around:
        if moment < each.begin <= moment + answer.interval_seconds and each.unknown is None:
            seconds = each.begin - moment
            yield (
                f"The scrape of {time_text(each.begin, zone)}, {seconds:.0f} s later, shows {_who([each])}: the "
                "change may have happened before the requested time."
            )


def _who(periods: list[Period]) -> str:
    names = [
        "nobody" if each.holder is None else printable(f"{each.holder.namespace}/{each.holder.pod}") for each in periods
    ]
    return joined(list(dict.fromkeys(names)))

"""Compare two snapshots: one line per change."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from podres_exporter.dump import facts
from podres_exporter.dump.facts import ALLOCATABLE, Facts, Subject
from podres_exporter.model import Allocation, Snapshot
from podres_exporter.printable import printable
from podres_exporter.text.amounts import UNKNOWN
from podres_exporter.text.style import PLAIN, Style, Tone
from podres_exporter.text.words import counted

_HEALTHY = "Healthy"
_MOST_DEVICES = 8


class Kind(StrEnum):
    """The sign at the beginning of a line."""

    ADDED = "+"
    REMOVED = "-"
    CHANGED = "~"


_TONES = {Kind.ADDED: Tone.GOOD, Kind.REMOVED: Tone.BAD, Kind.CHANGED: Tone.WARN}


@dataclass(frozen=True, slots=True)
class Change:
    """
    One change on a node; all texts are safe to print.

    *subject* identifies what changed: a pod and container with a resource and an id, `allocatable` with a resource, or
    a source. *before* is empty for what was added, *after* for what was removed.
    """

    node: str
    kind: Kind
    subject: Subject
    before: str = ""
    after: str = ""

    @property
    def text(self) -> str:
        """The change without its sign: `ml/train-0 main nvidia.com/gpu GPU-7f3c (node 0)`, `kubelet up -> down`."""
        values = " -> ".join(filter(None, (self.before, self.after)))
        return " ".join(filter(None, (*self.subject, values)))


def changes(before: Snapshot | None, after: Snapshot, *, known: Allocation | None = None) -> list[Change]:
    """
    Return the differences, sorted: first sources, then pods, then allocatable resources.

    Without *before*, everything held counts as added. *known* is the last allocation shown, used if *before* has none;
    if *after* has none, nothing counts as removed: unavailable is never empty.
    """
    return list(_changes(before, after, known))


def _changes(before: Snapshot | None, after: Snapshot, known: Allocation | None) -> Iterator[Change]:
    node = printable(after.node)
    if before is not None:
        yield from _differences(node, facts.states(before), facts.states(after), only_changed=True)
    new = after.allocation
    if new is None:
        return
    old = before.allocation if before is not None and before.allocation is not None else known
    if old is None:
        yield from _differences(node, {}, facts.holdings(new))
        return
    found = [*_differences(node, facts.holdings(old), facts.holdings(new))]
    found += _differences(node, facts.verdicts(old), facts.verdicts(new), only_changed=True)
    found += _health(node, old, new)
    found += _differences(node, facts.missing(old), facts.missing(new), absent="0")
    yield from sorted(found, key=lambda each: (each.subject, each.kind is Kind.ADDED))
    yield from _stock(node, old, new)


def _differences(
    node: str, old: Facts, new: Facts, *, only_changed: bool = False, absent: str = ""
) -> Iterator[Change]:
    """
    Yield the differences, sorted by subject.

    With *only_changed*, additions and removals are omitted. *absent* is the text for a missing fact.
    """
    for subject in sorted(old.keys() | new.keys()):
        before, after = old.get(subject, absent), new.get(subject, absent)
        if before == after or (only_changed and not (before and after)):
            continue
        kind = Kind.CHANGED if before and after else Kind.ADDED if after else Kind.REMOVED
        yield Change(node, kind, subject, before, after)


def _health(node: str, old: Allocation, new: Allocation) -> Iterator[Change]:
    """Yield changed health, except for new devices that are healthy and for removed devices."""
    held = facts.holdings(new)
    for change in _differences(node, facts.health(old), facts.health(new), absent=UNKNOWN):
        is_expected = change.before == UNKNOWN and change.after == _HEALTHY
        if change.subject[:-1] in held and not is_expected:
            yield change


def _stock(node: str, old: Allocation, new: Allocation) -> Iterator[Change]:
    """Yield changes of allocatable resources; nothing if the kubelet does not report them."""
    yield from _differences(node, facts.reported_amounts(old), facts.reported_amounts(new))
    before, after = facts.reported_devices(old), facts.reported_devices(new)
    if before is None or after is None:
        return
    groups: dict[tuple[object, ...], list[Change]] = {}
    for change in _differences(node, before, after):
        groups.setdefault((change.kind, change.subject[:-1], change.before, change.after), []).append(change)
    for group in groups.values():
        yield from _folded(group)


def _folded(group: Sequence[Change]) -> Sequence[Change]:
    """Return the changes; many devices that appear or disappear together, as with a plugin, become one line."""
    if len(group) <= _MOST_DEVICES:
        return group
    first = group[0]
    subject = (ALLOCATABLE, first.subject[1], counted(len(group), "device"))
    return [Change(first.node, first.kind, subject, first.before, first.after)]


def change_lines(found: Sequence[Change], *, with_node: bool = False, style: Style = PLAIN) -> list[str]:
    """Return a line per change: `+ ml/train-0 main nvidia.com/gpu GPU-7f3c (node 0)`; *with_node* adds the node."""
    return [
        style.paint(f"{each.kind} {f'{each.node}: ' if with_node else ''}{each.text}", _TONES[each.kind])
        for each in found
    ]


def change_document(change: Change) -> dict[str, object]:
    """
    Return a change as JSON values; *subject* has the words of the line.

    Texts are safe to print, as in the line.
    """
    return {
        "node": change.node,
        "change": change.kind.name.lower(),
        "subject": list(change.subject),
        "before": change.before or None,
        "after": change.after or None,
    }


class Follower:
    """Reports what each snapshot changes; remembers the last one, and the last allocation during a time without any."""

    def __init__(self, first: Snapshot | None = None) -> None:
        """Start from *first*; without it, everything that the first snapshot holds is new."""
        self._last = first
        self._known = first.allocation if first is not None else None

    def follow(self, snapshot: Snapshot) -> list[Change]:
        """Return the differences from the previous snapshot."""
        found = changes(self._last, snapshot, known=self._known)
        self._last, self._known = snapshot, snapshot.allocation or self._known
        return found

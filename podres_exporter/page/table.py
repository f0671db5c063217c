"""The table of pods: the content of the pictures as text; pods without holdings are collapsed if there are many."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from podres_exporter.explain.account import State
from podres_exporter.explain.state import state_of
from podres_exporter.model import PodView, Snapshot
from podres_exporter.page.markup import folded, part
from podres_exporter.page.rows import COLUMNS, Rows, order
from podres_exporter.page.scene import Scene, holds_nothing
from podres_exporter.text.words import counted

_FEW, _MANY, _MOST_UNLISTED = 24, 48, 8
"""Pods up to which all are shown, and beyond which those that hold something, or are not listed, are folded."""
_REMARK = re.compile('class="flag"')
_MOST_IDS, _MOST_IN_ALL = 512, 20_000
"""Ids of one resource that a container's row names, and of all rows together; more of them are a number."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Pods that stand together: their rows, how many are shown, and what to call those that are folded."""

    identifier: str
    words: str
    bodies: Sequence[str]
    most: int


def table(scene: Scene, snapshot: Snapshot) -> str:
    """Return the pods, those with devices first; on a node with many, those that hold nothing are folded."""
    views = sorted(scene.allocation.pods, key=lambda view: order(scene, view))
    holders = sum(bool(each.container.devices) for view in views for each in view.containers)
    rows = Rows(scene, _columns(scene, views), min(_MOST_IDS, _MOST_IN_ALL // max(1, holders)))
    groups = list(_groups(scene, snapshot, rows, views))
    count = sum(len(group.bodies) for group in groups)
    if not count:
        return part("pods", "Pods", "<p>There is no pod on this node.</p>")
    shown: list[str] = []
    folds = []
    for group in groups:
        room = count if count <= _FEW else _room(group)
        shown += group.bodies[:room]
        if rest := group.bodies[room:]:
            more = f"{counted(len(rest), 'more pod' if room else 'pod')} {group.words}"
            folds.append(folded(group.identifier, more, _table(rows, rest, count)))
    first = _table(rows, shown, count) if shown else ""
    heading = f"Pods <small>{len(views)} listed by the kubelet</small>"
    return part("pods", heading, first + "".join(folds))


def _room(group: _Group) -> int:
    """Return how many rows of the group are shown; a remark takes the room of a pod that needs no look."""
    lines = 0
    for room, body in enumerate(group.bodies[: group.most]):
        remarks = len(_REMARK.findall(body))
        if lines >= group.most and not remarks:
            return room
        lines += 1 + remarks
    return group.most


def _table(rows: Rows, bodies: Iterable[str], count: int) -> str:
    head = "".join(f'<th scope="col" class="c-{name.lower()}">{name}</th>' for name in ("Pod", *rows.columns))
    look = ' class="dense"' if count > _FEW else ""
    return f"<table{look}><thead><tr>{head}</tr></thead>{''.join(bodies)}</table>"


def _groups(scene: Scene, snapshot: Snapshot, rows: Rows, views: Sequence[PodView]) -> Iterator[_Group]:
    """Yield the pods that hold something, those with a reason to look, those that hold nothing, and the finished."""
    listed = {view.pod.key for view in views}
    states = {key: state_of(snapshot, None, scene.metas[key]) for key in sorted(scene.metas.keys() - listed)}

    def unlisted(*, finished: bool) -> list[str]:
        keys = [key for key, state in states.items() if (state is State.FINISHED) is finished]
        return [rows.unlisted(scene.badges[key], scene.metas[key], states[key]) for key in keys]

    def all_of(*, nothing: bool) -> list[str]:
        return [rows.pod(view) for view in views if holds_nothing(view.pod) is nothing]

    yield _Group("pods-unlisted", "that the kubelet does not list", unlisted(finished=False), _MOST_UNLISTED)
    yield _Group("pods-holding", "with devices, CPUs or memory of their own", all_of(nothing=False), _MANY)
    yield _Group("pods-nothing", "with nothing of their own", all_of(nothing=True), 0)
    yield _Group("pods-finished", "that have finished", unlisted(finished=True), 0)


def _columns(scene: Scene, views: Sequence[PodView]) -> tuple[str, ...]:
    """Return the columns that some pod fills."""
    containers = [each.container for view in views for each in view.containers]
    is_used = {
        "Age": any(meta.started_seconds is not None for meta in scene.metas.values()),
        "CPUs": any(each.exclusive_cpus for each in containers) or any(view.pod.exclusive_cpus for view in views),
        "Devices": any(each.devices for each in containers),
        "Memory": any(each.memory for each in containers) or any(view.pod.memory for view in views),
        "Claims": any(each.claims for each in containers),
    }
    return tuple(name for name in COLUMNS if is_used.get(name, True))

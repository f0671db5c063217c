"""What needs attention: devices held twice, unhealthy or lost, rejected pods, unmet requests, misaligned containers."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from podres_exporter.explain.account import State
from podres_exporter.explain.state import state_of
from podres_exporter.model import ContainerView, Explanation, PodView, Snapshot, Verdict
from podres_exporter.page.badge import Badge
from podres_exporter.page.markup import escaped, folded, part
from podres_exporter.page.scene import HEALTHY, Scene
from podres_exporter.page.trouble import health_text, twice
from podres_exporter.text.verdict import verdict_text
from podres_exporter.text.words import double_name, some

_FOLD = 6
_MOST = 512
"""Findings that are written out; the rest is counted, and the JSON document has all."""
_FEW_LOST = 4
_MOST_CHIPS = 4


@dataclass(frozen=True, slots=True)
class _Finding:
    """What kind of thing it is in a *word*, the pods, and the sentence as HTML."""

    word: str
    badges: Sequence[Badge]
    sentence: str

    def html(self) -> str:
        numbers = " ".join(str(badge.number) for badge in self.badges)
        chips = " ".join(badge.chip() for badge in self.badges[:_MOST_CHIPS])
        more = f" and {len(self.badges) - _MOST_CHIPS} more pods:" if len(self.badges) > _MOST_CHIPS else ""
        return (
            f'<li class="t" data-p="{numbers}"><strong>{self.word}</strong> {chips}{more} '
            f"<span>{self.sentence}</span></li>"
        )


def attention(scene: Scene, snapshot: Snapshot) -> str:
    """Return the list of what needs a look, the worst first, or that nothing does."""
    found = [finding for findings in _kinds(scene, snapshot) for finding in findings]
    body = (
        _list(found) if found else "<p>Nothing: no container is misaligned, and no device is reported as unhealthy.</p>"
    )
    count = f" <small>{len(found)}</small>" if found else ""
    return part("attention", f"Needs a look{count}", body, look="some" if found else "nothing")


def _list(found: Sequence[_Finding]) -> str:
    items = [finding.html() for finding in found[:_MOST]]
    first = f"<ul>{''.join(items[:_FOLD])}</ul>"
    if len(found) <= _FOLD:
        return first
    unsaid = f'<p class="note">and {len(found) - _MOST} more</p>' if len(found) > _MOST else ""
    rest = f"<ul>{''.join(items[_FOLD:])}</ul>{unsaid}"
    return first + folded("attention-more", f"{len(found) - _FOLD} more", rest)


def _kinds(scene: Scene, snapshot: Snapshot) -> Iterator[Iterator[_Finding]]:
    yield _doubles(scene)
    yield _unhealthy(scene)
    yield _lost(scene)
    yield _rejected(scene, snapshot)
    yield _missing(scene)
    yield _misaligned(scene)


def _containers(scene: Scene) -> Iterator[tuple[Badge, ContainerView]]:
    for view in scene.allocation.pods:
        for each in view.containers:
            yield scene.badges[view.pod.key], each


def _named(view: ContainerView) -> str:
    return f"container {escaped(view.container.name)}"


def _doubles(scene: Scene) -> Iterator[_Finding]:
    for double in scene.allocation.doubles or ():
        badges = [scene.badges[pod] for pod in double.pods if pod in scene.badges]
        yield _Finding(twice(double), badges, escaped(double_name(double)))


def _unhealthy(scene: Scene) -> Iterator[_Finding]:
    for badge, view in _containers(scene):
        for row in {(row.resource, row.device): row for row in view.health if row.health != HEALTHY}.values():
            device = "/".join(part for part in (row.pool, row.device) if part)
            sentence = f"{_named(view)}: {escaped(row.resource)} {escaped(device)}: {health_text(row)}"
            yield _Finding("unhealthy device", [badge], sentence)


def _lost(scene: Scene) -> Iterator[_Finding]:
    """Yield the held devices that are no longer reported; many of a resource as one: its plugin has gone."""
    if not scene.unallocatable:
        return
    lost: defaultdict[str, list[tuple[Badge, ContainerView, str]]] = defaultdict(list)
    for badge, view in _containers(scene):
        for each in view.container.devices:
            key = (each.resource, each.device_id)
            if key in scene.unallocatable and key not in scene.health:
                lost[each.resource].append((badge, view, each.device_id))
    for resource, rows in lost.items():
        if len(rows) <= _FEW_LOST:
            for badge, view, device in rows:
                sentence = f"{_named(view)} holds {escaped(resource)} {escaped(device)}, which is no longer allocatable"
                yield _Finding("lost device", [badge], sentence)
            continue
        badges = list({badge.number: badge for badge, _, _ in rows}.values())
        devices = f"{len(rows)} of {escaped(resource)} ({escaped(some([device for _, _, device in rows]))})"
        yield _Finding("lost devices", badges, f"{devices}: held, and no longer allocatable")


def _rejected(scene: Scene, snapshot: Snapshot) -> Iterator[_Finding]:
    listed = {view.pod.key for view in scene.allocation.pods}
    for key in sorted(scene.metas.keys() - listed):
        meta = scene.metas[key]
        if state_of(snapshot, None, meta) is State.REJECTED:
            sentence = escaped(" ".join(f"{meta.reason}: {meta.message}".split()))
            yield _Finding("rejected", [scene.badges[key]], sentence)


def _missing(scene: Scene) -> Iterator[_Finding]:
    for view in scene.allocation.pods:
        yield from _requests(scene.badges[view.pod.key], view)


def _requests(badge: Badge, view: PodView) -> Iterator[_Finding]:
    for row in view.requests:
        if row.missing and row.explanation is Explanation.UNEXPLAINED:
            thing = "exclusive CPUs" if row.resource == "cpu" else escaped(row.resource)
            sentence = f"container {escaped(row.container)} asked for {row.requested} {thing} and shows {row.held}"
            yield _Finding("missing", [badge], sentence)


def _misaligned(scene: Scene) -> Iterator[_Finding]:
    for badge, view in _containers(scene):
        if view.alignment.verdict is Verdict.MISALIGNED:
            reason = escaped(verdict_text(view.alignment).removeprefix("misaligned: "))
            yield _Finding("misaligned", [badge], f"{_named(view)}: {reason}")

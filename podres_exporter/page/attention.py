"""What needs attention: misaligned containers, unhealthy devices, unmet requests and rejected pods."""

from collections.abc import Iterator

from podres_exporter.explain.account import State
from podres_exporter.explain.state import state_of
from podres_exporter.model import Certainty, ContainerView, Explanation, PodView, Snapshot, Verdict
from podres_exporter.page.badge import Badge
from podres_exporter.page.markup import escaped, part
from podres_exporter.page.scene import HEALTHY, Scene
from podres_exporter.text.verdict import verdict_text
from podres_exporter.text.words import double_text, some

_FOLD = 8
_MOST = 512
"""Findings that are written out; the rest is counted, and the JSON document has all."""
_FEW_LOST = 4
Finding = tuple[Badge, str, str]
"""The pod, what kind of thing it is in a word, and the sentence; the latter two as HTML."""


def attention(scene: Scene, snapshot: Snapshot) -> str:
    """Return the list of what needs a look, or that nothing does."""
    found = list(_findings(scene, snapshot))
    body = (
        _list(found) if found else "<p>Nothing: no container is misaligned, and no device is reported as unhealthy.</p>"
    )
    count = f" <small>{len(found)}</small>" if found else ""
    return part("attention", f"Needs a look{count}", body, look="some" if found else "nothing")


def _list(found: list[Finding]) -> str:
    items = [
        f'<li class="t" data-p="{badge.number}">{badge.chip()} <strong>{word}</strong> <span>{sentence}</span></li>'
        for badge, word, sentence in found[:_MOST]
    ]
    first = f"<ul>{''.join(items[:_FOLD])}</ul>"
    if len(found) <= _FOLD:
        return first
    unsaid = f'<p class="note">and {len(found) - _MOST} more</p>' if len(found) > _MOST else ""
    return (
        f'{first}<details id="attention-more"><summary>{len(found) - _FOLD} more</summary>'
        f"<ul>{''.join(items[_FOLD:])}</ul>{unsaid}</details>"
    )


def _findings(scene: Scene, snapshot: Snapshot) -> Iterator[Finding]:
    for double in scene.allocation.doubles or ():
        word = "held twice" if double.certainty is Certainty.CERTAIN else "perhaps held twice"
        yield scene.badges[double.pods[0]], word, escaped(double_text(double))
    for view in scene.allocation.pods:
        badge = scene.badges[view.pod.key]
        for each in view.containers:
            yield from _container(scene, badge, each)
        yield from _requests(badge, view)
    listed = {view.pod.key for view in scene.allocation.pods}
    for key in sorted(scene.metas.keys() - listed):
        meta = scene.metas[key]
        if state_of(snapshot, None, meta) is State.REJECTED:
            sentence = escaped(" ".join(f"{meta.reason}: {meta.message}".split()))
            yield scene.badges[key], "rejected", sentence


def _container(scene: Scene, badge: Badge, view: ContainerView) -> Iterator[Finding]:
    name = f"container {escaped(view.container.name)}"
    if view.alignment.verdict is Verdict.MISALIGNED:
        yield badge, "misaligned", f"{name}: {escaped(verdict_text(view.alignment).removeprefix('misaligned: '))}"
    ill: dict[tuple[str, str], tuple[str, str]] = {}
    for row in view.health:
        if row.health != HEALTHY:
            device = "/".join(part for part in (row.pool, row.device) if part)
            told = f"{row.health}: {row.message}" if row.message else row.health
            sentence = f"{name}: {escaped(row.resource)} {escaped(device)}: {escaped(told)}"
            ill[row.resource, row.device] = "unhealthy device", sentence
    lost: dict[str, list[str]] = {}
    for each in view.container.devices:
        key = (each.resource, each.device_id)
        if key in scene.unallocatable and key not in ill:
            lost.setdefault(each.resource, []).append(each.device_id)
    yield from ((badge, word, sentence) for word, sentence in ill.values())
    for resource, ids in lost.items():
        yield from _lost(badge, name, resource, ids)


def _lost(badge: Badge, name: str, resource: str, ids: list[str]) -> Iterator[Finding]:
    """Yield a finding for each lost device, one for all of them where they are many: a plugin that has gone."""
    if len(ids) <= _FEW_LOST:
        for each in ids:
            yield (
                badge,
                "lost device",
                f"{name} holds {escaped(resource)} {escaped(each)}, which is not allocatable any more",
            )
        return
    devices = f"{len(ids)} of {escaped(resource)} ({escaped(some(ids))})"
    yield badge, "lost devices", f"{name} holds {devices}, which are not allocatable any more"


def _requests(badge: Badge, view: PodView) -> Iterator[Finding]:
    for row in view.requests:
        if row.missing and row.explanation is Explanation.UNEXPLAINED:
            thing = "exclusive CPUs" if row.resource == "cpu" else escaped(row.resource)
            yield (
                badge,
                "missing",
                f"container {escaped(row.container)} asked for {row.requested} {thing} and shows {row.held}",
            )

"""What needs attention: misaligned containers, unhealthy devices, unmet requests and rejected pods."""

from collections.abc import Iterator

from podres_exporter.explain.account import State
from podres_exporter.explain.state import state_of
from podres_exporter.model import Certainty, ContainerView, Explanation, PodView, Snapshot, Verdict
from podres_exporter.page.badge import Badge
from podres_exporter.page.markup import escaped, part
from podres_exporter.page.scene import HEALTHY, Scene
from podres_exporter.text.doubles import double_text
from podres_exporter.text.verdict import verdict_text

_FOLD = 8
Finding = tuple[Badge, str, str]
"""The pod, what kind of thing it is in a word, and the sentence; the latter two as HTML."""


def attention(scene: Scene, snapshot: Snapshot) -> str:
    """Return the list of what needs a look, or that nothing does."""
    found = list(_findings(scene, snapshot))
    body = (
        _list(found)
        if found
        else "<p>Nothing: every container sits as well as it can, and no device is reported to be ill.</p>"
    )
    count = f" <small>{len(found)}</small>" if found else ""
    return part("attention", f"Needs a look{count}", body, look="some" if found else "nothing")


def _list(found: list[Finding]) -> str:
    items = [
        f'<li class="t" data-p="{badge.number}">{badge.chip()} <strong>{word}</strong> <span>{sentence}</span></li>'
        for badge, word, sentence in found
    ]
    first = f"<ul>{''.join(items[:_FOLD])}</ul>"
    if len(items) <= _FOLD:
        return first
    return (
        f'{first}<details id="attention-more"><summary>{len(items) - _FOLD} more</summary>'
        f"<ul>{''.join(items[_FOLD:])}</ul></details>"
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
            ill[row.resource, row.device] = "sick device", sentence
    for each in view.container.devices:
        key = (each.resource, each.device_id)
        if key in scene.unallocatable and key not in ill:
            device = f"{escaped(each.resource)} {escaped(each.device_id)}"
            ill[key] = "lost device", f"{name} holds {device}, which is not allocatable any more"
    yield from ((badge, word, sentence) for word, sentence in ill.values())


def _requests(badge: Badge, view: PodView) -> Iterator[Finding]:
    for row in view.requests:
        if row.missing and row.explanation is Explanation.UNEXPLAINED:
            thing = "exclusive CPUs" if row.resource == "cpu" else escaped(row.resource)
            yield (
                badge,
                "missing",
                f"container {escaped(row.container)} asked for {row.requested} {thing} and shows {row.held}",
            )

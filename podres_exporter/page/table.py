"""The table of pods and containers: everything the pictures show, as text."""

from collections import Counter
from collections.abc import Iterable, Iterator

from podres_exporter.cpuset import format_cpuset
from podres_exporter.explain.account import State
from podres_exporter.explain.state import state_of
from podres_exporter.join import pod_memory
from podres_exporter.model import Container, ContainerView, PodMeta, PodView, Snapshot, Verdict, ids_by_resource
from podres_exporter.page.badge import Badge
from podres_exporter.page.markup import escaped, part, target
from podres_exporter.page.scene import Scene, holds_nothing
from podres_exporter.quantity import bytes_text
from podres_exporter.text.amounts import nodes_phrase
from podres_exporter.text.verdict import verdict_text

_HEAD = ("Pod", "Container", "CPUs", "Devices", "Memory", "Claims", "Placement")
_VERDICTS = {
    Verdict.ALIGNED: ("ok", "aligned"),
    Verdict.MISALIGNED: ("bad", "misaligned"),
    Verdict.SPANS: ("warn", "spans"),
    Verdict.UNKNOWN: ("warn", "unknown"),
    Verdict.UNSUPPORTED: ("warn", "unknown"),
}
_STATES = {
    State.REJECTED: "rejected by the kubelet",
    State.FINISHED: "finished",
    State.PENDING: "not started yet",
    State.MISSING: "not listed by the kubelet",
}
_MOST_IDS, _MOST_IN_ALL = 512, 20_000
"""Ids of one resource that a container's row names, and of all rows together; more of them are a number."""
_NONE = '<span class="none">\N{EN DASH}</span>'


def table(scene: Scene, snapshot: Snapshot) -> str:
    """Return the table with its search field, which the script shows; pods that hold something come first."""
    views = sorted(scene.allocation.pods, key=lambda view: (holds_nothing(view.pod), view.pod.key))
    holders = sum(bool(each.container.devices) for view in views for each in view.containers)
    most = min(_MOST_IDS, _MOST_IN_ALL // max(1, holders))
    bodies = "".join(_pod(scene, view, most) for view in views)
    listed = {view.pod.key for view in views}
    others = "".join(
        _other(scene.badges[key], scene.metas[key], state_of(snapshot, None, scene.metas[key]))
        for key in sorted(scene.metas.keys() - listed)
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in _HEAD)
    rows = bodies + others
    body = f"<table><thead><tr>{head}</tr></thead>{rows}</table>" if rows else "<p>There is no pod on this node.</p>"
    return part("pods", f"Pods <small>{len(views)} listed by the kubelet</small>", body)


def _pod(scene: Scene, view: PodView, most: int) -> str:
    """Return the rows of one pod, each with *most* ids; its containers that hold nothing share one."""
    badge = scene.badges[view.pod.key]
    holding = [each for each in view.containers if not each.container.holds_nothing]
    rows = [_container(badge, each, most) for each in holding]
    if view.pod.exclusive_cpus or view.pod.memory:
        whole = Container("", (), view.pod.exclusive_cpus, view.pod.memory)
        rows.insert(0, "".join(_cells("<em>pod as a whole</em>", badge, whole, most)) + _cell("Placement", ""))
    others = ", ".join(escaped(each.container.name) for each in view.containers if each.container.holds_nothing)
    also = f"{others}: nothing of its own" if others and rows else ""
    if not rows:
        why = '<td colspan="5" data-label="Holds" class="none">nothing of its own</td>'
        rows.append(_cell("Container", others) + why)
    first = _name(badge, view.meta, len(rows), also=also)
    return _body(badge, _says(view), [first + rows[0], *rows[1:]], quiet=holds_nothing(view.pod))


def _other(badge: Badge, meta: PodMeta, state: State) -> str:
    """Return the row of a pod that the kubelet does not list."""
    words = _STATES.get(state, "not listed by the kubelet")
    reason = escaped(": ".join(" ".join(text.split()) for text in (meta.reason, meta.message) if text))
    names = ", ".join(escaped(spec.name) for spec in meta.containers)
    row = (
        f"{_name(badge, meta, 1)}{_cell('Container', names)}"
        f'<td colspan="5" data-label="Why"><strong class="verdict warn">{words}</strong> {reason}</td>'
    )
    return _body(badge, words, [row], quiet=state is not State.REJECTED)


def _body(badge: Badge, says: str, rows: Iterable[str], *, quiet: bool) -> str:
    lines = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<tbody id="{badge.target}" class="pod t{" quiet" if quiet else ""}" data-p="{badge.number}" '
        f'data-name="{badge.name}" data-says="{says}">{lines}</tbody>'
    )


def _name(badge: Badge, meta: PodMeta | None, rows: int, *, also: str = "") -> str:
    """Return the heading of the rows: the pod, whose it is, and its containers that have no row of their own."""
    words = []
    if meta is not None:
        words += [f"{meta.workload_kind}/{meta.workload_name}"] if meta.workload_kind else []
        words += [word for word in (meta.qos_class, meta.phase) if word]
        words += ["being deleted"] if meta.is_deleting else []
    about = "".join(f'<small class="about">{line}</small>' for line in (escaped(", ".join(words)), also) if line)
    return f'<th scope="rowgroup" rowspan="{rows}">{badge.chip()}{about}</th>'


def _container(badge: Badge, view: ContainerView, most: int) -> str:
    cells = _cells(escaped(view.container.name), badge, view.container, most)
    return "".join(cells) + _cell("Placement", _verdict(view))


def _cells(name: str, badge: Badge, container: Container, most: int) -> Iterator[str]:
    yield _cell("Container", name)
    yield _cell("CPUs", _cpus(container))
    yield _cell("Devices", _devices(badge, container, most))
    yield _cell("Memory", "<br>".join(_memory(container)))
    yield _cell("Claims", "<br>".join(escaped(claim.name) for claim in container.claims))


def _cell(label: str, content: str) -> str:
    return f'<td data-label="{label}">{content or _NONE}</td>'


def _cpus(container: Container) -> str:
    cpus = container.exclusive_cpus
    return f'{len(cpus)} <span class="ids">{format_cpuset(cpus)}</span>' if cpus else ""


def _memory(container: Container) -> Iterator[str]:
    for block in container.memory:
        on = f" on {nodes_phrase(block.numa_nodes)}" if block.numa_nodes else ""
        yield f'{bytes_text(block.size_bytes)} <span class="ids">{escaped(block.memory_type)}{on}</span>'


def _devices(badge: Badge, container: Container, most: int) -> str:
    """Return a fold for each resource, with the ids in it, or the first of them: the JSON document has all."""
    folds = []
    for resource, every in ids_by_resource(container.devices):
        count = len(every)
        ids = "".join(f"<li>{escaped(each)}</li>" for each in every[:most])
        ids += f"<li>and {count - most} more</li>" if count > most else ""
        identifier = target("ids", *badge.pod, container.name, resource)
        folds.append(
            f'<details id="{identifier}"><summary>{count} <span class="ids">{escaped(resource)}</span></summary>'
            f'<ul class="ids">{ids}</ul></details>'
        )
    return "".join(folds)


def _verdict(view: ContainerView) -> str:
    """Return the verdict in a word, and the reasons unless they say the same."""
    alignment = view.alignment
    sentence = escaped(verdict_text(alignment, holds_claims=bool(view.claim_uses)))
    if alignment.verdict not in _VERDICTS:
        return f'<span class="none">{sentence}</span>'
    level, word = _VERDICTS[alignment.verdict]
    reasons = sentence.removeprefix(f"{word}:").removeprefix(word).strip()
    return f'<strong class="verdict {level}">{word}</strong> <span class="why">{reasons}</span>'


def _says(view: PodView) -> str:
    """Return in a line what the pod holds, for the bar that the script shows."""
    words = []
    cpus = view.pod.all_exclusive_cpus()
    words += [f"{len(cpus)} CPUs ({format_cpuset(cpus)})"] if cpus else []
    counts = Counter(device.resource for each in view.pod.containers for device in each.devices)
    words += [f"{count} {escaped(resource)}" for resource, count in counts.items()]
    sizes: Counter[str] = Counter()
    for block in pod_memory(view.pod, view.meta):
        sizes[block.memory_type] += block.size_bytes
    words += [f"{bytes_text(size)} {escaped(name)}" for name, size in sizes.items()]
    claims = {(claim.namespace, claim.name) for each in view.pod.containers for claim in each.claims}
    words += [f"{len(claims)} claim{'s' if len(claims) > 1 else ''}"] if claims else []
    bad = any(each.alignment.verdict is Verdict.MISALIGNED for each in view.containers)
    words += ["misaligned"] if bad else []
    return ", ".join(words) or "nothing of its own"

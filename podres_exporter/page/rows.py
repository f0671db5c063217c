"""The table rows of one pod: what each container holds, and what is wrong with it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from podres_exporter.cpuset import format_cpuset
from podres_exporter.explain.account import State
from podres_exporter.join import pod_memory
from podres_exporter.model import (
    Alignment,
    Container,
    ContainerView,
    Mark,
    PodKey,
    PodMeta,
    PodView,
    Verdict,
    ids_by_resource,
)
from podres_exporter.page.badge import Badge
from podres_exporter.page.cpus import sharing
from podres_exporter.page.markup import age, cut, escaped, folded, target
from podres_exporter.page.scene import Scene
from podres_exporter.page.trouble import container_flags, needs_look
from podres_exporter.quantity import bytes_text
from podres_exporter.text.amounts import nodes_phrase
from podres_exporter.text.verdict import verdict_text
from podres_exporter.text.words import counted

COLUMNS = ("Age", "Container", "CPUs", "Devices", "Memory", "Claims", "Placement")
"""Those behind the pod."""
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
_MARKS = {
    Mark.RETAINED: "the kubelet listed it before its restart and has not since",
    Mark.UNCONFIRMED: "the kubelet could not be asked about the news of this pod",
}
_NONE = '<span class="none">\N{EN DASH}</span>'


@dataclass(frozen=True, slots=True)
class Rows:
    """How rows are written: with which of the columns, and with how many ids of one resource."""

    scene: Scene
    columns: tuple[str, ...]
    most_ids: int

    def pod(self, view: PodView) -> str:
        """Return the rows of one pod; its containers that hold nothing share a line."""
        badge = self.scene.badges[view.pod.key]
        holding = [each for each in view.containers if not each.container.holds_nothing]
        rows = []
        if view.pod.exclusive_cpus or view.pod.memory:
            whole = Container("", (), view.pod.exclusive_cpus, view.pod.memory)
            rows.append(self._cells(_holdings("<em>pod as a whole</em>", badge, whole, self.most_ids)))
            rows += self._remarks(badge, whole, None)
        for each in holding:
            rows.append(self._container(badge, each))
            rows += self._remarks(badge, each.container, each.alignment)
        holds = bool(rows)
        others = ", ".join(escaped(each.container.name) for each in view.containers if each.container.holds_nothing)
        rows = rows or [self._only(others, "Holds", "none", "nothing of its own")]
        mark = _MARKS.get(view.mark, "")
        word = f'<strong class="verdict warn" title="{mark}">{view.mark.value}</strong>' if mark else ""
        about = [*_about(view.meta), mark, f"{others}: nothing of its own" if others and holds else ""]
        first = self._name(badge, len(rows), word, about)
        is_wrong = any('class="flag"' in row for row in rows)
        looks = [*([] if holds else ["quiet"]), *(["wrong"] if is_wrong else []), *(["kept"] if mark else [])]
        return _body(badge, looks, _says(view), [first + rows[0], *rows[1:]])

    def unlisted(self, badge: Badge, meta: PodMeta, state: State) -> str:
        """Return the row of a pod that the kubelet does not list."""
        words = _STATES.get(state, "not listed by the kubelet")
        reason = escaped(": ".join(" ".join(text.split()) for text in (meta.reason, meta.message) if text))
        names = ", ".join(escaped(spec.name) for spec in meta.containers)
        why = f'<strong class="verdict warn">{words}</strong> {reason}'
        first = self._name(badge, 1, "", _about(meta))
        looks = ["wrong"] if state is State.REJECTED else ["quiet"]
        return _body(badge, looks, words, [first + self._only(names, "Why", "", why)])

    def _name(self, badge: Badge, rows: int, word: str, about: Iterable[str]) -> str:
        """Return the heading of the rows: the pod and its age; below it what a dense table shows of a chosen one."""
        lines = "".join(f'<small class="about">{line}</small>' for line in about if line)
        tall = f' rowspan="{rows}"' if rows > 1 else ""
        name = f'<th scope="rowgroup"{tall}>{badge.chip()} {word}{lines}</th>'
        if "Age" not in self.columns:
            return name
        old = age(self.scene.started_seconds(badge.pod), self.scene.now_seconds)
        return f"{name}{_cell('Age', old, tall)}"

    def _only(self, container: str, label: str, look: str, contents: str) -> str:
        """Return the cells of a pod of which there is one thing to say."""
        span = len([name for name in self.columns if name not in {"Age", "Container"}])
        return (
            f'{_cell("Container", container)}<td colspan="{span}" data-label="{label}" class="{look}">{contents}</td>'
        )

    def _container(self, badge: Badge, view: ContainerView) -> str:
        cells = _holdings(escaped(view.container.name), badge, view.container, self.most_ids)
        return self._cells(cells | {"Placement": _verdict(view)})

    def _remarks(self, badge: Badge, container: Container, alignment: Alignment | None) -> list[str]:
        """Return a row below the container with what is wrong with what it holds; none where nothing is."""
        words = [f'<span class="flag">{text}</span>' for text in container_flags(self.scene, badge.pod, container)]
        if alignment and alignment.verdict in {Verdict.MISALIGNED, Verdict.SPANS}:
            words.append(f'<span class="why">{_reasons(alignment)}</span>')
        words += [f'<span class="why">{escaped(text)}</span>' for text in sharing(self.scene, badge, container)]
        span = len([name for name in self.columns if name != "Age"])
        return [f'<td colspan="{span}" data-label="" class="remarks">{"".join(words)}</td>'] if words else []

    def _cells(self, cells: dict[str, str]) -> str:
        return "".join(_cell(name, cells.get(name, "")) for name in self.columns if name != "Age")


def _holdings(name: str, badge: Badge, container: Container, most_ids: int) -> dict[str, str]:
    """Return the content of each column."""
    cpus = container.exclusive_cpus
    return {
        "Container": name,
        "CPUs": f'{len(cpus)} <span class="ids">{format_cpuset(cpus)}</span>' if cpus else "",
        "Devices": _devices(badge, container, most_ids),
        "Memory": "<br>".join(_memory(container)),
        "Claims": "<br>".join(escaped(claim.name) for claim in container.claims),
    }


def _devices(badge: Badge, container: Container, most: int) -> str:
    """Return a fold for each resource, with the ids in it, or the first of them: the JSON document has all."""
    folds = []
    for resource, every in ids_by_resource(container.devices):
        count = len(every)
        ids = "".join(f"<li>{escaped(each)}</li>" for each in every[:most])
        ids += f"<li>and {count - most} more</li>" if count > most else ""
        summary = f'{count} <span class="ids">{cut(resource)}</span>'
        folds.append(
            folded(target("ids", *badge.pod, container.name, resource), summary, f'<ul class="ids">{ids}</ul>')
        )
    return "".join(folds)


def _body(badge: Badge, looks: Iterable[str], says: str, rows: Iterable[str]) -> str:
    lines = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<tbody id="{badge.target}" class="{" ".join(["pod", "t", *looks])}" data-p="{badge.number}" '
        f'data-name="{badge.name}" data-says="{says}">{lines}</tbody>'
    )


def _about(meta: PodMeta | None) -> Iterator[str]:
    """Yield whose the pod is and how it is."""
    if meta is not None:
        words = [f"{meta.workload_kind}/{meta.workload_name}"] if meta.workload_kind else []
        words += [word for word in (meta.qos_class, meta.phase) if word]
        words += ["being deleted"] if meta.is_deleting else []
        yield escaped(", ".join(words))


def _cell(label: str, content: str, more: str = "") -> str:
    look = "" if content else ' class="nil"'
    return f'<td data-label="{label}"{look}{more}>{content or _NONE}</td>'


def _memory(container: Container) -> Iterator[str]:
    for block in container.memory:
        words = [] if block.memory_type == "memory" else [escaped(block.memory_type)]
        words += [f"on {nodes_phrase(block.numa_nodes)}"] if block.numa_nodes else []
        yield f'{bytes_text(block.size_bytes)} <span class="ids">{" ".join(words)}</span>'


def _verdict(view: ContainerView) -> str:
    """Return the verdict in a word, and where it is a good one the NUMA node; other reasons stand in the row below."""
    alignment = view.alignment
    if alignment.verdict not in _VERDICTS:
        return f'<span class="none">{escaped(verdict_text(alignment, holds_claims=bool(view.claim_uses)))}</span>'
    level, word = _VERDICTS[alignment.verdict]
    strong = f'<strong class="verdict {level}">{word}</strong>'
    if alignment.verdict in {Verdict.MISALIGNED, Verdict.SPANS}:
        return strong
    look = "why" if alignment.verdict is Verdict.ALIGNED else "why about"
    return f'{strong} <span class="{look}">{_reasons(alignment)}</span>'


def _reasons(alignment: Alignment) -> str:
    """Return the reasons for the verdict, without the verdict."""
    _, word = _VERDICTS[alignment.verdict]
    sentence = escaped(verdict_text(alignment)).removeprefix("alignment ")
    return sentence.removeprefix(f"{word}:").removeprefix(word).strip()


def _says(view: PodView) -> str:
    """Return in a line what the pod holds, for the bar that the script shows."""
    cpus = view.pod.all_exclusive_cpus()
    words = [f"{counted(len(cpus), 'CPU')} ({format_cpuset(cpus)})"] if cpus else []
    counts = Counter(device.resource for each in view.pod.containers for device in each.devices)
    words += [f"{count} {escaped(resource)}" for resource, count in counts.items()]
    sizes: Counter[str] = Counter()
    for block in pod_memory(view.pod, view.meta):
        sizes[block.memory_type] += block.size_bytes
    words += [f"{bytes_text(size)} {escaped(name)}" for name, size in sizes.items()]
    claims = {(claim.namespace, claim.name) for each in view.pod.containers for claim in each.claims}
    words += [counted(len(claims), "claim")] if claims else []
    bad = any(each.alignment.verdict is Verdict.MISALIGNED for each in view.containers)
    words += ["misaligned"] if bad else []
    return ", ".join(words) or "nothing of its own"


def holds_devices(view: PodView) -> bool:
    """Return whether a container of the pod has a device or a claim."""
    return any(each.container.devices or each.container.claims for each in view.containers)


def order(scene: Scene, view: PodView) -> tuple[bool, bool, PodKey]:
    """Return the sort key that puts what needs a look first, then what has devices."""
    is_wrong = view.mark is not Mark.CURRENT or any(
        needs_look(scene, view.pod.key, each.container) for each in view.containers
    )
    return (not is_wrong, not holds_devices(view), view.pod.key)

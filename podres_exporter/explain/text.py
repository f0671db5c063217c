"""Render an explanation for a terminal."""

from collections.abc import Iterator, Sequence

from podres_exporter.explain.account import Account, ContainerAccount, State
from podres_exporter.explain.holdings import picture
from podres_exporter.explain.remarks import enumerated, remarks
from podres_exporter.fit import Answer, Fits
from podres_exporter.fit.text import answer_lines, headline, policies_differ, policies_text, request_text
from podres_exporter.model import ContainerKind
from podres_exporter.printable import printable
from podres_exporter.text.amounts import UNKNOWN, age_cell
from podres_exporter.text.grid import table
from podres_exporter.text.verdict import verdict_text
from podres_exporter.text.words import LEAST_COLUMNS, wrapped

_INDENT = "  "


def explain_text(account: Account, columns: int = 100, now_seconds: float | None = None) -> list[str]:
    """
    Return the account as lines of at most *columns* (at least 80); ages are computed at *now_seconds* (Unix time).
    """
    width = max(columns, LEAST_COLUMNS)
    lines = _header(account, width, now_seconds)
    lines += [line for sentence in _state(account) for line in wrapped(sentence, width, _INDENT, _INDENT * 2)]
    for container in account.containers:
        if account.state is State.LISTED:
            lines += ["", *_container(account, container, width)]
    lines += _fit(account, width)
    if account.notes:
        lines += ["", *(line for note in account.notes for line in wrapped(f"- {note}", width, "", _INDENT))]
    return lines


def _header(account: Account, columns: int, now_seconds: float | None) -> list[str]:
    """Return the pod's header line; the node is right-aligned if it fits."""
    meta = account.meta
    words = []
    if meta is not None:
        workload = f"{meta.workload_kind}/{meta.workload_name}" if meta.workload_kind else ""
        words = [printable(word) for word in (workload, meta.qos_class, meta.phase) if word]
        words += ["being deleted"] if meta.is_deleting else []
        age = age_cell(meta, now_seconds)
        words += [] if age == UNKNOWN else [f"for {age}"]
    name = f"{printable(account.namespace)}/{printable(account.name)}"
    left = f"{name}  ({', '.join(words)})" if words else name
    right = f"node {printable(account.node)}"
    if len(left) + 2 + len(right) <= columns:
        return [f"{left}{right:>{columns - len(left)}}"]
    return [*wrapped(left, columns, "", _INDENT), *wrapped(right, columns, _INDENT)]


def _state(account: Account) -> Iterator[str]:
    """Yield why a pod is not listed; nothing for a listed one."""
    meta = account.meta
    phase = printable(meta.phase) if meta else ""
    match account.state:
        case State.LISTED:
            return
        case State.REJECTED:
            yield "rejected by the kubelet: it never ran, and holds nothing"
        case State.FINISHED:
            yield f"finished ({phase}): it no longer holds anything, even if a kubelet before 1.34 still lists it"
        case State.PENDING:
            yield "not started: it is assigned to this node, but the kubelet has not accepted it yet"
        case State.MISSING:
            yield (
                f"not listed by the kubelet, although the API server has it {phase or 'here'}: it has just started or "
                "ended, was force-deleted, or the kubelet has just restarted"
            )
        case _:
            yield "what it holds is unknown: there is no usable answer of the kubelet"
    if meta is not None and (meta.reason or meta.message):
        yield ": ".join(printable(" ".join(text.split())) for text in (meta.reason, meta.message) if text)


def _container(account: Account, container: ContainerAccount, columns: int) -> list[str]:
    """Return one container of a listed pod."""
    name = f"container {printable(container.name)}"
    if container.asked is not None and container.asked.kind is not ContainerKind.APP:
        name += f" ({container.asked.kind})"
    if container.alignment is None:
        lines = wrapped(f"{name}: not listed by the kubelet", columns, _INDENT)
    else:
        verdict = verdict_text(container.alignment, holds_claims=bool(container.holdings))
        lines = wrapped(f"{name}: {verdict}", columns, _INDENT, _INDENT * 3)
    if container.holdings:
        lines += picture(container.holdings, account.numa_nodes, columns, _INDENT * 2)
    rows: list[Sequence[Sequence[str]]] = []
    if container.asked is not None:
        rows.append([["asked:"], enumerated(request_text(container.asked).split(", "))])
    rows += [[[f"{label}:"], words] for label, words in remarks(account, container)]
    return lines + table(rows, columns, _INDENT * 2)


def _fit(account: Account, columns: int) -> list[str]:
    """Return whether the node would admit the pod now."""
    answer = account.fit
    if answer is None:
        return []
    inner = columns - len(_INDENT)
    if account.state is State.LISTED:
        lines = wrapped(f"if it were recreated now: {headline(answer)}", columns, _INDENT, _INDENT * 2)
        if policies_differ(answer):
            lines += [_INDENT + line for line in policies_text(answer, inner)]
        return ["", *lines]
    lines = ["", f"{_INDENT}would the node admit it now?"]
    told = answer_lines(answer, inner)
    if account.state is State.REJECTED:
        sentence = "this pod stays rejected, because a kubelet judges a pod only once; a new pod like it:"
        lines = ["", *wrapped(sentence, columns, _INDENT, _INDENT * 2)]
        told = _refused(account, answer, inner)
    return lines + [(_INDENT + line).rstrip() for line in told]


def _refused(account: Account, answer: Answer, columns: int) -> list[str]:
    """Return the answer to a rejected pod's requests, which is never yes for the pod itself."""
    reason = printable(account.meta.reason) if account.meta else ""
    told = answer_lines(answer, columns)
    rest = next((at for at, line in enumerate(told) if line.startswith(f"{_INDENT}asked:")), len(told))
    if answer.fits is Fits.YES:
        first = f"there is room now: {headline(answer).removeprefix('yes: ')}"
    elif {each.fits for each in answer.outcomes} == {Fits.UNKNOWN} and not answer.outcomes[0].hurdles:
        first = f"unknown: {reason} is not judged here; nothing else is in the way"
    else:
        return told
    return [*wrapped(first, columns, hanging=_INDENT), *told[rest:]]

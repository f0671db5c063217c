"""The top of the page: the state of each source, data freshness, and why nothing is shown."""

from collections.abc import Iterator

from podres_exporter.errors import Reason
from podres_exporter.model import Snapshot, SourceHealth, Support
from podres_exporter.page.markup import escaped, moment, part
from podres_exporter.text.availability import (
    TITLES,
    capital,
    origin_name,
    origin_of,
    what_is_given_up,
    what_is_retained,
    what_is_unknown,
    why_nothing,
)
from podres_exporter.text.kubelet_remedy import kubelet_remedy
from podres_exporter.text.words import counted

_NAMES = {"kubelet": "Kubelet", "topology": "Topology", "dra": "DRA"}
_HALVES = {"pods": "pods", "allocatable": "allocatable devices, CPUs and memory"}
_LAST_GOOD = "This page shows its last good answer, which may be out of date."
_REMEDY = "<code>podres-exporter check</code>, run in the exporter's container, names the cause and the remedy."
_GOOD, _SO_SO, _BAD, _OFF = "ok", "warn", "bad", "off"
_JUMP = (
    '<nav aria-label="On this page"><a href="#devices">Devices</a> <a href="#pods">Pods</a> '
    '<a href="#machine">CPUs and memory</a></nav>'
)
_MARKS = {_GOOD: "\N{CHECK MARK}", _SO_SO: "!", _BAD: "\N{MULTIPLICATION X}", _OFF: "\N{EN DASH}"}


def status(snapshot: Snapshot, why_down: str = "") -> str:
    """
    Return the sources with their state, and in sentences whatever limits what the page shows.

    *why_down* is what the kubelet's last error says; empty where that is not known.
    """
    chips = "".join(_chip(*row) for row in _chips(snapshot))
    notices = "".join(f'<p class="notice {level}">{sentence}</p>' for level, sentence in _notices(snapshot, why_down))
    jump = "" if snapshot.allocation is None else _JUMP
    return part("status", "Sources", f'<div class="line"><ul class="sources">{chips}</ul>{jump}</div>{notices}')


def _chip(level: str, name: str, words: str) -> str:
    return f'<li class="{level}"><b class="mark" aria-hidden="true">{_MARKS[level]}</b> <b>{name}</b> {words}</li>'


def _chips(snapshot: Snapshot) -> Iterator[tuple[str, str, str]]:
    """Yield level, name and state of each source, and of metadata if it is switched off."""
    for source in snapshot.sources:
        name = _NAMES.get(source.source, escaped(source.source))
        if source.source == "metadata":
            name = TITLES[origin_of(snapshot.metadata)]
        if source.source == "metadata" and snapshot.metadata is not None:
            yield _metadata_chip(snapshot, name, source)
        elif source.up:
            yield _GOOD, name, f"answered {_when(source)}"
        else:
            yield _BAD, name, _state(source)
    if snapshot.metadata is None:
        yield _OFF, TITLES[origin_of(None)], "not asked"


def _state(source: SourceHealth) -> str:
    """Describe a source that is down."""
    is_refused = source.reason is Reason.DENIED
    if source.last_success_seconds is None:
        return "refused" if is_refused else "no answer yet"
    return f"{'refused' if is_refused else 'down'}; last answered {_when(source)}"


def _metadata_chip(snapshot: Snapshot, name: str, source: SourceHealth) -> tuple[str, str, str]:
    metadata = snapshot.metadata
    pods = len(metadata.pods) if metadata else 0
    if metadata and metadata.synced and source.up:
        return _GOOD, name, f"followed, {counted(pods, 'pod')}"
    if source.last_success_seconds is None or not source.up:
        known = f", {counted(pods, 'pod')} known" if source.last_success_seconds else ""
        return _SO_SO, name, f"{_state(source)}{known}"
    return _SO_SO, name, f"catching up; last answered {_when(source)}, {counted(pods, 'pod')} known"


def _when(source: SourceHealth) -> str:
    return moment(source.last_success_seconds or 0.0)


def _since(source: SourceHealth) -> str:
    return (
        "the exporter started"
        if source.last_success_seconds is None
        else moment(source.last_success_seconds, since=True)
    )


def _notices(snapshot: Snapshot, why_down: str) -> Iterator[tuple[str, str]]:
    """Yield what limits the page, the worst first."""
    health = {source.source: source for source in snapshot.sources}
    kubelet, topology = health.get("kubelet"), health.get("topology")
    if snapshot.allocation is None:
        yield (
            _BAD,
            f"<strong>No allocation to show:</strong> {escaped(why_nothing(snapshot))}. {_error(kubelet, why_down)}",
        )
        return
    if kubelet and not kubelet.up:
        sentence = f"the kubelet has not answered since {_since(kubelet)}. {_LAST_GOOD}"
        yield _BAD, f"<strong>Stale:</strong> {sentence} {_error(kubelet, why_down)}"
    for half in snapshot.parts:
        name = _HALVES.get(half.part, escaped(half.part))
        if half.stale and kubelet and kubelet.up:
            yield _SO_SO, f"<strong>Stale ({name}):</strong> older than the last poll."
    for name, clause, consequence in (
        ("Retained", what_is_retained(snapshot), " What they hold counts as held until they end."),
        ("Not known", what_is_unknown(snapshot), ""),
        ("Not listed", what_is_given_up(snapshot), ""),
    ):
        if clause:
            yield _SO_SO, f"<strong>{name}:</strong> {escaped(clause)}.{consequence}"
    if any(rpc.rpc == "GetAllocatableResources" and rpc.support is Support.UNSUPPORTED for rpc in snapshot.rpcs):
        yield _SO_SO, "This kubelet does not tell what is allocatable, so what is free is not known."
    if topology and not topology.up:
        yield _SO_SO, "The kernel's topology cannot be read, so the NUMA nodes of CPUs are not known."
    yield from _away(snapshot, health)


def _away(snapshot: Snapshot, health: dict[str, SourceHealth]) -> Iterator[tuple[str, str]]:
    """Yield what the pod metadata and DRA do not follow; where both are down, the cause is one."""
    dra, metadata = health.get("dra"), health.get("metadata")
    outdated = "claims' requests, taints and what is available"
    is_dra_down, is_metadata_down = (each is not None and not each.up for each in (dra, metadata))
    if snapshot.metadata and not snapshot.metadata.synced:
        who = capital(origin_name(snapshot.metadata))
        pods = "workloads, requests and refused pods"
        what = f"{pods}; {outdated} of DRA devices" if is_dra_down and is_metadata_down else pods
        yield _SO_SO, f"{who} is not followed at the moment: {what} may be out of date.{_reason(metadata)}"
        is_dra_down = is_dra_down and not is_metadata_down
    if is_dra_down:
        sentence = f"DRA devices and claims are not followed at the moment: {outdated} may be out of date."
        yield _SO_SO, f"{sentence}{_reason(dra)}"


def _reason(source: SourceHealth | None) -> str:
    """Return why the last request failed, and where to look for the remedy; empty for a source that answers."""
    if source is None or source.up:
        return ""
    said = f" The last request failed ({source.reason.value})." if source.reason else ""
    return f"{said} {_REMEDY}"


def _error(kubelet: SourceHealth | None, why_down: str) -> str:
    """Return what the last error says, what to do about it, and where to look for more."""
    said = f"The last error: {escaped(why_down)}. " if why_down else ""
    remedy = kubelet_remedy(kubelet.reason, why_down) if kubelet and not kubelet.up else ""
    return f"{said}{escaped(remedy)}{' ' if remedy else ''}{_REMEDY}"

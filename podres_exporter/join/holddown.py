"""
When to believe a kubelet that has just started.

Its first answers are empty, then partial, and both are well-formed. Published, they would read as "everything is free".
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from podres_exporter.model import Allocatable, Metadata, Pod, PodKey, PodMeta

FIRST_STABLE_SECONDS = 3.0
"""How long a young kubelet's first answer must stay the same where nothing earlier is known to compare it with.

Measured at 10 Hz after a restart: about a second from the first answer to the complete one.
"""

AWAY_FACTOR = 10
"""How many times longer a kubelet that lacks pods is doubted while the API server, its source of pods, is away."""

A = TypeVar("A")
Lack = tuple[PodKey, *tuple[object, ...]]
"""What an answer lacks: the key of its pod, alone where the pod itself is missing."""


@dataclass(frozen=True, slots=True)
class Suspicion(Generic[A]):
    """What is being watched, and since when (monotonic seconds) it has been the same; None: nothing seen yet."""

    watched: A | None = None
    since_seconds: float = 0.0


def judge(
    suspicion: Suspicion[A],
    watched: A,
    *,
    agrees: bool | None,
    empty: bool,
    now_seconds: float,
    hold_seconds: float,
) -> Suspicion[A] | None:
    """
    Return None if the answer at hand may be believed, else the suspicion to go on with.

    *agrees*: it has all that was last believed; None where nothing was. An answer that agrees is believed at once. One
    that lacks something is believed when what it lacks (*watched*) has been the same for *hold_seconds*: a kubelet that
    cannot reach its API server answers with a part of its pods for as long as that lasts, and on a busy node the rest
    of the answer never stands still. A first answer, *watched* as a whole, is believed sooner, unless it is empty.

    Source: measured on 1.36.3 at 4 and 10 Hz; kubernetes #102552, #137919.
    """
    if agrees:
        return None
    wait = hold_seconds if agrees is False or empty else min(hold_seconds, FIRST_STABLE_SECONDS)
    since = suspicion.since_seconds if suspicion.watched == watched else now_seconds
    return None if now_seconds - since >= wait else Suspicion(watched, since)


def lacking_pods(new: tuple[Pod, ...], believed: tuple[Pod, ...]) -> frozenset[Lack]:
    """Return what *believed* has and *new* has not: pods, containers, and what they held, one entry each."""
    new_by_key = {pod.key: pod for pod in new}
    lacking: set[Lack] = set()
    for pod in believed:
        there = new_by_key.get(pod.key)
        if there != pod:
            lacking |= _holdings(pod) - (_holdings(there) if there else set())
    return frozenset(lacking)


def _holdings(pod: Pod) -> set[Lack]:
    """Return the pod itself, its containers and everything they hold, one entry each."""
    held: set[Lack] = {(pod.key,), *((pod.key, "cpu", cpu) for cpu in pod.all_exclusive_cpus())}
    for container in pod.containers:
        path: Lack = (pod.key, container.name)
        held.add(path)
        held.update((*path, device.resource, device.device_id) for device in container.devices)
        held.update((*path, block) for block in container.memory)
        held.update((*path, "claim", claim.name) for claim in container.claims)
    return held


def settle(lacking: frozenset[Lack], listed: tuple[Pod, ...], metadata: Metadata) -> frozenset[Lack]:
    """
    Return what an answer lacks according to the API server, which must have told its pods once.

    What it lacked of a pod that is gone or has finished is nothing to wait for, if the API server says so now. Pods
    that have started and have not finished are lacking if they are not listed, whether they were believed before or
    not.
    """
    metas = metadata.pods
    if metadata.synced:
        lacking = frozenset(lack for lack in lacking if _may_run(metas.get(lack[0])))
    keys = {pod.key for pod in listed}
    unlisted = {(meta.key,) for meta in metas.values() if meta.key not in keys and meta.has_started and _may_run(meta)}
    return lacking | unlisted


def _may_run(meta: PodMeta | None) -> bool:
    """Return whether the pod should still be listed."""
    return meta is not None and not (meta.is_terminal or meta.is_deleting)


def lacking_allocatable(new: Allocatable, believed: Allocatable) -> frozenset[tuple[str, str] | int]:
    """Return the devices and CPUs that could be handed out and no longer can; plugins return one by one."""
    ids = {(device.resource, device.device_id) for device in new.devices}
    gone = {(device.resource, device.device_id) for device in believed.devices} - ids
    return frozenset(gone | (believed.cpus - new.cpus))

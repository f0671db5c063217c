"""
When to believe a kubelet that has just started.

Its first answers are empty, then partial, and both are well-formed. Published, they would read as "everything is free".
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from podres_exporter.model import Allocatable, Pod

FIRST_STABLE_SECONDS = 3.0
"""How long a young kubelet's first answer must stay the same where nothing earlier is known to compare it with.

Measured at 10 Hz after a restart: about a second from the first answer to the complete one.
"""

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Suspicion(Generic[A]):
    """
    The answer that is being watched, and since when (monotonic seconds) it has been the same; none seen yet: None.
    """

    answer: A | None = None
    since_seconds: float = 0.0


def judge(
    suspicion: Suspicion[A],
    answer: A,
    *,
    agrees: bool | None,
    empty: bool,
    now_seconds: float,
    hold_seconds: float,
) -> Suspicion[A] | None:
    """
    Return None if *answer* may be believed, else the suspicion to go on with.

    *agrees*: the answer has all that was last believed; None where nothing was. An answer that agrees is believed at
    once. One that is smaller is believed when it has been the same for *hold_seconds*: a kubelet that cannot reach its
    API server answers with a part of its pods for as long as that lasts. A first answer is believed sooner, unless it
    is empty.

    Source: measured on 1.36.3 at 4 and 10 Hz; kubernetes #102552, #137919.
    """
    if agrees:
        return None
    wait = hold_seconds if agrees is False or empty else min(hold_seconds, FIRST_STABLE_SECONDS)
    since = suspicion.since_seconds if suspicion.answer == answer else now_seconds
    return None if now_seconds - since >= wait else Suspicion(answer, since)


def covers_pods(new: tuple[Pod, ...], believed: tuple[Pod, ...]) -> bool:
    """Tell whether every believed pod is still there and holds at least what it held."""
    new_by_key = {pod.key: pod for pod in new}
    return all(pod.key in new_by_key and _covers(new_by_key[pod.key], pod) for pod in believed)


def _covers(new: Pod, believed: Pod) -> bool:
    """Tell whether a pod holds at least the devices, CPUs and claims that it held."""
    if new == believed:
        return True
    return _holdings(believed) <= _holdings(new)


def _holdings(pod: Pod) -> set[tuple[object, ...]]:
    """Return everything a pod holds, one entry each."""
    held: set[tuple[object, ...]] = {("cpu", cpu) for cpu in pod.all_exclusive_cpus()}
    for container in pod.containers:
        held.add((container.name,))
        held.update((container.name, device.resource, device.device_id) for device in container.devices)
        held.update((container.name, block) for block in container.memory)
        held.update((container.name, "claim", claim.name) for claim in container.claims)
    return held


def covers_allocatable(new: Allocatable, believed: Allocatable) -> bool:
    """Tell whether all devices and CPUs that could be handed out still can; plugins return one by one."""
    ids = {(device.resource, device.device_id) for device in new.devices}
    return believed.cpus <= new.cpus and all((d.resource, d.device_id) in ids for d in believed.devices)

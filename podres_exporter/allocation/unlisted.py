"""Pods that followed metadata says run here and that the kubelet has not said."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from podres_exporter.model import ContainerSpec, PodMeta, Unknown

_GUARANTEED = "Guaranteed"


@dataclass(slots=True)
class Unlisted:
    """
    Those that were last told of, and since when each has been noticed, by UID.

    One that ran before the kubelet was first heard, or before the metadata were, should have been listed at once; one
    that starts later, within a poll interval, as its Get, or a List, is then under way. While the metadata are not
    followed, what they said last stands: a pod that ran then may hold what it asks for still.
    """

    _noticed: dict[str, tuple[PodMeta, float | None]] = field(default_factory=dict)

    def look(self, pods: Iterable[PodMeta], now: float, *, ran_before: bool) -> None:
        """Take which pods run unlisted now."""
        first = None if ran_before else now
        before = self._noticed
        self._noticed = {meta.uid: (meta, before[meta.uid][1] if meta.uid in before else first) for meta in pods}

    def begin(self) -> None:
        """Take that another kubelet has started: all of them ran before it."""
        self._noticed = {uid: (meta, None) for uid, (meta, _) in self._noticed.items()}

    def overdue(self, now: float, grace: float) -> Iterable[PodMeta]:
        """Yield those that should have been listed by now."""
        return (meta for meta, since in self._noticed.values() if since is None or now - since >= grace)


def asked_for(pods: Iterable[PodMeta]) -> Unknown:
    """
    Return of what the pods may hold some, by what their containers ask for.

    Exclusive CPUs and memory blocks are given to Guaranteed pods only. What a DRA driver serves as an extended resource
    is no device of that resource.

    Source: kubelet cpumanager and memorymanager policy_static.go; KEP-5004.
    """
    found: set[str] = set()
    for meta in pods:
        by_claim = set(meta.extended_requests)
        is_guaranteed = meta.qos_class == _GUARANTEED
        for spec in meta.containers:
            found.update(name for name, _ in spec.devices if (spec.name, name) not in by_claim)
            if is_guaranteed:
                found.update(_of_managers(spec, has_pod_resources=meta.has_pod_resources))
        if is_guaranteed and meta.has_pod_resources:
            found.update(("cpu", "memory"))
    return Unknown(resources=frozenset(found))


def _of_managers(spec: ContainerSpec, *, has_pod_resources: bool) -> Iterable[str]:
    """Yield `cpu` and memory types of which the container may have got its own."""
    if spec.whole_cpus or has_pod_resources:
        yield "cpu"
    yield from (memory_type for memory_type, _ in spec.memory)

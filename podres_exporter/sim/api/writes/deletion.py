"""Delete a pod: gracefully if a kubelet has to confirm it, otherwise at once."""

from datetime import UTC, datetime, timedelta
from typing import Any

from podres_exporter.clock import Clock
from podres_exporter.sim.api.storage.objects import Object, at
from podres_exporter.sim.api.storage.resources import PODS, Resource
from podres_exporter.sim.api.storage.status import StatusError
from podres_exporter.sim.api.storage.store import Store

_ENDED = {"Succeeded", "Failed"}


def delete_object(
    store: Store,
    clock: Clock,
    resource: Resource,
    namespace: str,
    name: str,
    *,
    grace_seconds: int | None = None,
    uid: str | None = None,
) -> Object:
    """
    Return the object: deleted, or a pod that its kubelet has to terminate first.

    Only a pod on a node that has not ended gets time: *grace_seconds*, else what its spec says. It carries
    `deletionTimestamp`, when that will be over, until the kubelet deletes it with none; another one may shorten it.

    Raises StatusError: 404 where there is none, 409 where it has another *uid*.

    Source: registry/core/pod/strategy.go CheckGracefulDelete; registry/rest BeforeDelete.
    """
    current = store.get(resource, namespace, name)
    found = current["metadata"]["uid"]
    if uid not in {None, found}:
        problem = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {found}"
        text = f'Operation cannot be fulfilled on {resource.qualified_name} "{name}": {problem}'
        raise StatusError(409, text)
    grace = _grace(current, grace_seconds) if resource is PODS else 0
    if not grace:
        return store.delete(resource, namespace, name).item
    before = current["metadata"].get("deletionGracePeriodSeconds")
    if before is not None and grace >= before:
        return current
    ends = datetime.fromtimestamp(clock.wall_seconds(), UTC) + timedelta(seconds=grace)
    metadata = {
        **current["metadata"],
        "deletionTimestamp": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "deletionGracePeriodSeconds": grace,
    }
    event = store.update(resource, {**current, "metadata": metadata})
    return current if event is None else event.item


def _grace(pod: Object, asked: int | None) -> int:
    """Return how many seconds the pod gets."""
    if not at(pod, "spec.nodeName") or at(pod, "status.phase") in _ENDED:
        return 0
    stated: Any = at(pod, "spec.terminationGracePeriodSeconds") if asked is None else asked
    seconds = stated if isinstance(stated, int) else 30
    return 1 if seconds < 0 else seconds

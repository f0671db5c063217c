"""Write the Node object and the status of its pods to the API server, as the kubelet does."""

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from podres_exporter.clock import Clock
from podres_exporter.model import Container
from podres_exporter.scenario import CLAIM_STATUSES, Scenario, SliceSpec
from podres_exporter.sim.api import NODES, PODS, RESOURCE_CLAIMS, RESOURCE_SLICES, StatusError, Store
from podres_exporter.sim.api.storage.objects import at, key_of
from podres_exporter.sim.api.writes.deletion import delete_object
from podres_exporter.sim.devices import DeviceManager
from podres_exporter.sim.live.kubelet import Kubelet
from podres_exporter.sim.live.live_pod import LivePod, Phase
from podres_exporter.sim.live.objects import claim_object, node_object, slice_object
from podres_exporter.sim.live.status import pod_status, with_spec

log = logging.getLogger(__name__)

MIRROR = "kubernetes.io/config.mirror"
"""The annotation of a mirror pod: the UID that the kubelet has for the static pod."""


def kubelet_uid(pod: Mapping[str, Any]) -> str:
    """Return the UID by which the kubelet knows a pod of the API server; of a mirror pod that is another one."""
    metadata = pod["metadata"]
    annotations = metadata.get("annotations")
    return str((annotations if isinstance(annotations, Mapping) else {}).get(MIRROR, metadata["uid"]))


_ATTEMPTS = 100
"""To write what others write too, each from what was there last."""


class StatusWriter:
    """Keeps the objects of one node; may be used from any thread."""

    def __init__(self, scenario: Scenario, store: Store, pods: Kubelet, devices: DeviceManager, clock: Clock) -> None:
        """Write nothing yet."""
        self._scenario, self._store, self._pods, self._devices, self._clock = scenario, store, pods, devices, clock
        self._told: tuple[object, ...] | None = None
        self._slices: dict[str, SliceSpec] = {}

    def introduce(self) -> None:
        """Create the node, and the claims that are allocated to it."""
        scenario = self._scenario
        stated = [claim for pod in scenario.pods for each in pod.containers for claim in each.claims]
        claims = {(claim.namespace, claim.name): claim for claim in (*stated, *scenario.claims)}
        for key, claim in claims.items():
            self._store.create(RESOURCE_CLAIMS, claim_object(claim, scenario.claim_statuses.get(key)))
        self._store.create(NODES, self._node())

    def follow_plugins(self) -> None:
        """Write what plugins have changed since it was last written: the node's amounts, and devices' health."""
        uids = tuple(self._pods.uids())
        claims = {uid: rows for uid in uids if any((rows := self._pods.claim_health(uid)).values())}
        told = (self._devices.capacity(), self._devices.removed(), self._sick(), claims)
        if told != self._told:
            self._told = told
            self._update_node()
            for pod in self._store.read(PODS)[0]:
                live = self._pods.pod(kubelet_uid(pod))
                if live is not None and live.phase is Phase.RUNNING:
                    self.write(pod, live, self._pods.held(live.request.uid))

    def _update_node(self) -> None:
        """Write the node's status; labels and the spec are others' business once it is there."""
        written = self._node()
        current = self._store.get(NODES, "", self._scenario.node)
        metadata = {key: value for key, value in current["metadata"].items() if key != "resourceVersion"}
        self._store.update(NODES, {**current, "metadata": metadata, "status": written["status"]})

    def follow_slices(self, seconds: float) -> None:
        """Write which ResourceSlices there are at a second of the scenario, where that has changed."""
        wanted = {each.name: each for each in self._scenario.slices if each.is_there(seconds)}
        for name in self._slices.keys() - wanted.keys():
            self._store.delete(RESOURCE_SLICES, "", name)
        for name, each in wanted.items():
            if self._slices.get(name) is not each:
                write = self._store.update if name in self._slices else self._store.create
                write(RESOURCE_SLICES, slice_object(name, each.spec, self._scenario.node))
        self._slices = wanted

    def write(self, pod: Mapping[str, Any], live: LivePod, held: Iterable[Container]) -> None:
        """Write what became of a pod; one that has ended keeps the health that its devices had."""
        minor, now = self._scenario.kubelet.release.minor, self._clock.wall_seconds()
        started = (pod.get("status") or {}).get("startTime")
        claims = {key: value for key, value in (pod.get("status") or {}).items() if key in CLAIM_STATUSES}
        rows = self._pods.claim_health(live.request.uid)
        written = with_spec(pod_status(live, held, self._sick(), minor, now, started, rows), pod["spec"], minor)
        self._update(pod, {**written, **claims}, self._scenario.node)

    def bind(self, pod: Mapping[str, Any]) -> None:
        """Put a pod on this node, as a scheduler does, where it waits for its admission: Pending, not started."""
        scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": self._stamp()}
        self._put_conditions(pod, scheduled, node=self._scenario.node)

    def leave_pending(self, pod: Mapping[str, Any], reason: str, message: str) -> None:
        """Write why a scheduler has no node for a pod."""
        before = at(pod, "status.conditions") or [{}]
        since = before[0].get("lastTransitionTime") if before[0].get("reason") == reason else None
        condition = {"type": "PodScheduled", "status": "False", "lastTransitionTime": since or self._stamp()}
        self._put_conditions(pod, {**condition, "reason": reason, "message": message}, node=None)

    def name_claims(self, pod: Mapping[str, Any], claims: list[dict[str, str]]) -> None:
        """Write which claims have been made for a pod."""
        status = pod["status"] if isinstance(pod.get("status"), Mapping) else {}
        self._update(pod, {**status, "resourceClaimStatuses": claims}, None)

    def _put_conditions(self, pod: Mapping[str, Any], condition: Mapping[str, Any], node: str | None) -> None:
        status = pod["status"] if isinstance(pod.get("status"), Mapping) else {}
        others = [each for each in status.get("conditions") or () if each.get("type") != condition["type"]]
        phase = status.get("phase") or "Pending"
        self._update(pod, {**status, "conditions": [condition, *others], "phase": phase}, node)

    def _stamp(self) -> str:
        return datetime.fromtimestamp(self._clock.wall_seconds(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def confirm_deletion(self, pod: Mapping[str, Any]) -> None:
        """Delete a pod whose containers have ended (status_manager.go, canBeDeleted)."""
        try:
            uid = pod["metadata"]["uid"]
            delete_object(self._store, self._clock, PODS, *key_of(pod), grace_seconds=0, uid=uid)
        except StatusError:
            log.debug("sim.pod_gone", extra={"pod": pod["metadata"]["name"]})

    def refuse(self, pod: Mapping[str, Any], problem: Exception) -> None:
        """Write that a pod cannot be read."""
        message = f"the simulation cannot read it: {problem}"
        self._update(pod, {"phase": "Failed", "reason": "InvalidPod", "message": message}, self._scenario.node)

    def _update(self, pod: Mapping[str, Any], status: Mapping[str, Any], node: str | None) -> None:
        """Write the status of a pod, and the node that it is on, unless it was deleted or another one has its name."""
        key, uid = key_of(pod), pod["metadata"]["uid"]
        for _ in range(_ATTEMPTS):
            try:
                stored = self._store.get(PODS, *key)
                if stored["metadata"]["uid"] != uid:
                    return
                spec = stored["spec"] if isinstance(stored.get("spec"), Mapping) else {}
                on_node = spec if node is None else {**spec, "nodeName": node}
                self._store.update(PODS, {**stored, "spec": on_node, "status": status})
            except StatusError as error:
                if error.code == HTTPStatus.CONFLICT:
                    continue  # another client has changed it in between: labels, or its deletion
                log.debug("sim.pod_gone", extra={"pod": key[1]})
            return

    def _sick(self) -> frozenset[tuple[str, str]]:
        """Return the devices that their plugins called unhealthy last; a plugin that died called none."""
        known = self._devices.known()
        return frozenset(
            (res, each) for res, found in known.items() for each, state in found.items() if not state.healthy
        )

    def _node(self) -> dict[str, Any]:
        return node_object(self._scenario, self._devices.capacity(), self._devices.removed(), self._stamp())

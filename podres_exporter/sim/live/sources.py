"""The kubelet's pod sources: static pod files, and the API server (a full set, then events)."""

import threading
from collections.abc import Callable, Mapping
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from podres_exporter.sim.api import PODS, Event, EventType, StatusError, Store
from podres_exporter.sim.api.storage.objects import at
from podres_exporter.sim.live.kubelet import Kubelet
from podres_exporter.sim.live.live_pod import Phase
from podres_exporter.sim.live.pod_workers import PodWorkers
from podres_exporter.sim.live.status_writer import MIRROR, StatusWriter, kubelet_uid
from podres_exporter.sim.live.sync_loop import SyncLoop
from podres_exporter.sim.live.terminations import Terminations
from podres_exporter.sim.podresources.restart import EMPTY_SHARE


class PodSources:
    """
    Hands pods to the kubelet, one after the other, in the order in which a kubelet gets them.

    A kubelet that has started gets its static pods at once. The API server's pods are one set, which it works through
    in order of creation; its sources are ready only after the last of them. From then on it receives changes, as long
    as it can reach the API server.

    Source: kubelet.go HandlePodAdditions, config.go seenSources; measured on 1.36 at 60 Hz.
    """

    def __init__(
        self,
        node: str,
        store: Store,
        pods: Kubelet,
        writer: StatusWriter,
        workers: PodWorkers,
        terminations: Terminations,
        checkpoint: Callable[[], None],
    ) -> None:
        """Hear of nothing before `start`. *checkpoint* is called after each admission, before containers start."""
        self._node, self._store, self._pods, self._status_writer = node, store, pods, writer
        self._workers, self._terminations, self._checkpoint = workers, terminations, checkpoint
        self._loop = SyncLoop()
        self._lock = threading.RLock()
        self._static: dict[str, Mapping[str, Any]] = {}
        self._seen: set[str] = set()
        self._is_behind = False

    def start(self) -> None:
        """Hear of every change from now on."""
        self._loop.start()
        self._store.subscribe(self._on_event)

    def stop(self) -> None:
        """Take no more pods."""
        self._loop.stop()
        self._workers.stop()
        self._terminations.stop()

    def settle(self) -> None:
        """Return once every pod that was heard of has been rejected, or admitted and started once."""
        self._loop.settle()
        self._workers.settle()

    def restart(self) -> None:
        """Forget all that was heard of, as a kubelet that is killed."""
        with self._lock:
            self._loop.clear()
            self._seen.clear()
            self._is_behind = True
        self._workers.end()
        self._terminations.end()
        self._loop.settle()
        self._pods.restart()

    def cut_off(self) -> None:
        """Hear of no change of the API server until the kubelet has caught up again."""
        with self._lock:
            self._is_behind = True

    def catch_up(self, share: float | None) -> None:
        """
        Take the static pods, and as much of the API server's set as a kubelet has taken by now.

        *share* is how far it has come, below EMPTY_SHARE without any word of the API server; None is all the way.
        """
        with self._lock:
            for uid, manifest in self._static.items():
                self._take_static(uid, manifest, with_mirror=share is None)
            if not self._is_behind or (share is not None and share < EMPTY_SHARE):
                return
            pods = [pod for pod in self._store.read(PODS)[0] if self._is_ours(pod)]
            pods.sort(key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))
            count = len(pods) if share is None else int(len(pods) * (share - EMPTY_SHARE) / (1 - EMPTY_SHARE))
            for pod in pods[:count]:
                self._take(pod)
            if share is None:
                self._is_behind = False
                for uid in self._seen - {pod["metadata"]["uid"] for pod in pods} - self._static.keys():
                    self._forget(uid)
                self._loop.put(self._pods.sources_are_ready)

    def add_static(self, manifest: Mapping[str, Any]) -> str:
        """Put a manifest into the kubelet's directory of static pods; return the UID that the kubelet gives it."""
        metadata = manifest["metadata"]
        uid = str(uuid5(NAMESPACE_OID, f"static/{metadata['namespace']}/{metadata['name']}/{self._node}"))
        name = f"{metadata['name']}-{self._node}"
        with self._lock:
            self._static[uid] = {**manifest, "metadata": {**metadata, "name": name, "uid": uid}}
        return uid

    def remove_static(self, uid: str) -> None:
        """Take the manifest away again: the pod ends at once, and its mirror pod goes."""
        with self._lock:
            metadata = self._static.pop(uid)["metadata"]
            self._forget(uid)
        try:
            self._store.delete(PODS, metadata["namespace"], metadata["name"])
        except StatusError:
            return

    def static(self, uid: str) -> Mapping[str, Any] | None:
        """Return the manifest of a static pod, under the name that the kubelet gives it; None where there is none."""
        with self._lock:
            return self._static.get(uid)

    def _on_event(self, event: Event) -> None:
        """Add or update a pod of this node, or remove a deleted one."""
        pod = event.item
        if event.resource is not PODS:
            return
        if _is_mirror(pod):
            if "deletionTimestamp" in pod["metadata"] and event.type is not EventType.DELETED:
                self._status_writer.confirm_deletion(pod)  # it stands for no containers; another one is made
            return
        if event.type is EventType.DELETED:
            with self._lock:
                if not self._is_behind:
                    self._forget(pod["metadata"]["uid"])
        elif event.type is EventType.ADDED and isinstance(pod.get("spec"), Mapping) and not _is_bound(pod):
            if at(pod, "spec.nodeName") == self._node:
                self._status_writer.bind(pod)
        elif self._is_ours(pod):
            with self._lock:
                if not self._is_behind:
                    self._take(pod)

    def _is_ours(self, pod: Mapping[str, Any]) -> bool:
        """Return whether a pod of the API server is for this kubelet; its mirror pods are not, they come from files."""
        is_object = isinstance(pod.get("spec"), Mapping)
        return not _is_mirror(pod) and (not is_object or at(pod, "spec.nodeName") == self._node)

    def _take(self, pod: Mapping[str, Any]) -> None:
        """Admit a pod in its turn, unless it is there already, and end it where that is asked; the lock is held."""
        uid = pod["metadata"]["uid"]
        is_deleted = "deletionTimestamp" in pod["metadata"]
        if uid not in self._seen and not (is_deleted and not self._pods.has_checkpoint(uid)):
            self._seen.add(uid)
            self._loop.put(lambda: self._admit(pod))
        if is_deleted:
            self._terminations.terminate(pod, self._loop.put)

    def _take_static(self, uid: str, manifest: Mapping[str, Any], *, with_mirror: bool) -> None:
        """Admit a static pod, and show its mirror pod where the API server can be reached; the lock is held."""
        key = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
        if uid not in self._seen:
            self._seen.add(uid)
            self._loop.put(lambda: self._admit(manifest, key))
        if with_mirror and not self._has(key):
            mirror = {name: value for name, value in manifest["metadata"].items() if name != "uid"}
            marks = {"kubernetes.io/config.hash": uid, "kubernetes.io/config.source": "file", MIRROR: uid}
            mirror["annotations"] = {**mirror.get("annotations", {}), **marks}
            # Source: pod/mirror_client.go CreateMirrorPod.
            mirror["ownerReferences"] = [{"apiVersion": "v1", "kind": "Node", "name": self._node, "controller": True}]
            spec = {**manifest["spec"], "nodeName": self._node}
            self._store.create(PODS, {**manifest, "metadata": mirror, "spec": spec, "status": {"phase": "Pending"}})
            self._loop.put(lambda: self._show(uid, key))

    def _forget(self, uid: str) -> None:
        """Let go of a pod; the lock is held."""
        self._seen.discard(uid)
        self._pods.remove(uid)

    def _admit(self, pod: Mapping[str, Any], static: tuple[str, str] | None = None) -> None:
        """Let the kubelet decide about a pod that is still there, and write down what has come of it."""
        uid = pod["metadata"]["uid"]
        with self._lock:
            if uid not in self._seen:
                return
        try:
            self._pods.take(pod)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._status_writer.refuse(pod, error)
            return
        self._checkpoint()
        metadata = pod["metadata"]
        key = static or (metadata.get("namespace", ""), metadata["name"])
        self._workers.start(uid, lambda: self._show(uid, key))

    def _show(self, uid: str, key: tuple[str, str]) -> None:
        """Write the status of a pod that the API server still takes for pending, and before that what is prepared."""
        self._checkpoint()
        live = self._pods.pod(uid)
        try:
            stored = self._store.get(PODS, *key)
        except StatusError:
            return
        is_new = (stored.get("status") or {}).get("phase") in {None, Phase.PENDING}
        if live is not None and live.admitted and is_new and kubelet_uid(stored) == uid:
            self._status_writer.write(stored, live, self._pods.held(uid))

    def _has(self, key: tuple[str, str]) -> bool:
        try:
            self._store.get(PODS, *key)
        except StatusError:
            return False
        return True


def _is_mirror(pod: Mapping[str, Any]) -> bool:
    annotations = at(pod, "metadata.annotations")
    return isinstance(annotations, Mapping) and MIRROR in annotations


def _is_bound(pod: Mapping[str, Any]) -> bool:
    """Whether a scheduler has put the pod on a node, and its status says that it waits there."""
    return bool(at(pod, "spec.nodeName") and at(pod, "status.phase"))

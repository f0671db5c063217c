"""The pods of the node as the kubelet itself has them: what its Pods API shows."""

from collections.abc import Callable, Mapping
from typing import Any

from podres_exporter.sim.api import PODS, StatusError, Store
from podres_exporter.sim.live.kubelet import Kubelet
from podres_exporter.sim.live.status_writer import MIRROR, kubelet_uid

_NOT_CARRIED = ("resourceClaimStatuses", "extendedResourceClaimStatus")
"""What the API server has in a pod's status and the kubelet's own status manager does not."""

Manifest = Mapping[str, Any]


class KubeletPods:
    """
    Finds the objects of the pods that the kubelet has heard of since its start.

    Static pods have the UID that the kubelet gives them, and no mirror pods are among them. A pod that the API server
    has no more is as it was last.

    Source: pod_manager.go GetPods; status_manager.go GetPodStatus; measured on 1.36.3.
    """

    def __init__(self, store: Store, pods: Kubelet, static: Callable[[str], Manifest | None]) -> None:
        """*static* returns the manifest of a static pod by the kubelet's UID."""
        self._store, self._pods, self._static = store, pods, static
        self._last: dict[str, Manifest] = {}

    def __call__(self) -> Mapping[str, Manifest]:
        """Return them by UID."""
        found = {uid: self._object(uid, key) for uid, key in self._pods.uids().items()}
        self._last = {uid: each for uid, each in found.items() if each is not None}
        return self._last

    def _object(self, uid: str, key: tuple[str, str]) -> Manifest | None:
        try:
            stored = self._store.get(PODS, *key)
        except StatusError:
            stored = None
        if stored is None or kubelet_uid(stored) != uid:
            return self._last.get(uid) or self._unmirrored(uid)
        status = {name: value for name, value in (stored.get("status") or {}).items() if name not in _NOT_CARRIED}
        metadata = dict(stored["metadata"])
        annotations = {**(metadata.get("annotations") or {})}
        if annotations.pop(MIRROR, None) is None:
            annotations["kubernetes.io/config.source"] = "api"
        return {**stored, "metadata": {**metadata, "uid": uid, "annotations": annotations}, "status": status}

    def _unmirrored(self, uid: str) -> Manifest | None:
        """Return a static pod that the API server has no mirror pod of."""
        manifest = self._static(uid)
        live = self._pods.pod(uid)
        if manifest is None or live is None:
            return None
        annotations = {"kubernetes.io/config.source": "file", "kubernetes.io/config.hash": uid}
        metadata = {**manifest["metadata"], "annotations": annotations}
        status = {"phase": live.phase.value, "qosClass": live.request.qos.value}
        return {**manifest, "metadata": metadata, "status": status}

"""The Pods API of a live node: served if its release has it, and affected by the scenario's timeline."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import grpc

from podres_exporter.scenario import Conditions, KubeletSettings
from podres_exporter.sim.api import PODS, Event, StatusError, Store
from podres_exporter.sim.live.kubelet import Kubelet
from podres_exporter.sim.live.sources import PodSources
from podres_exporter.sim.live.status_writer import MIRROR, kubelet_uid
from podres_exporter.sim.podsapi.broadcast import StreamEnd
from podres_exporter.sim.podsapi.server import GATE_OFF, NOT_READY, SOCKET, SimPodsApi

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


_FIRST_MINOR, _BETA_MINOR = 36, 37

_TOO_SLOW = StreamEnd(grpc.StatusCode.RESOURCE_EXHAUSTED, "watch client channel closed")


class PodsApi:
    """
    `server` is the endpoint, with faults of its own, also where the release does not serve it.

    Source: gate PodsAPI: alpha and off in 1.36, where there is no socket then; beta and on in 1.37, which serves with
    the gate off, too, and refuses until its sources are ready.
    """

    def __init__(
        self, settings: KubeletSettings, directory: Path, store: Store, pods: Kubelet, sources: PodSources
    ) -> None:
        """Serve nothing before `start`."""
        minor, gate = settings.release.minor, settings.pods_api
        self._is_on = minor >= _BETA_MINOR if gate is None else gate and minor >= _FIRST_MINOR
        self._is_beta = minor >= _BETA_MINOR
        self._is_served = self._is_on or self._is_beta
        self._pods = pods
        self.server = SimPodsApi(directory / "pods-api" / SOCKET, KubeletPods(store, pods, sources.static))
        self._is_started = False
        store.subscribe(self._on_event)

    @property
    def socket_path(self) -> Path:
        """Where a client connects."""
        return self.server.path

    def start(self) -> None:
        """Serve, where the release does."""
        self._is_started = True
        if self._is_served:
            self._refuse(None)
            self.server.start()

    def kill(self) -> None:
        """End every stream, and forget what was told, as a kubelet that is killed."""
        self._is_started = False
        self.server.stop()
        self.server.forget()

    def stop(self) -> None:
        """End everything. May be called again."""
        self.kill()

    def follow(self) -> None:
        """Tell of what has changed."""
        if self.server.serving:
            if self._is_beta and self.server.refusal in {None, NOT_READY}:
                self._refuse(None)
            self.server.follow()

    def switch(self, before: Conditions, now: Conditions) -> None:
        """Act on differences only, so that faults which a test has switched by hand stay as they are."""
        has_restarted = now.restarts != before.restarts
        is_up = now.serving and not now.pods_api_down
        was_up = before.serving and not before.pods_api_down
        if was_up and (has_restarted or not is_up):
            self.kill()
        if is_up and (has_restarted or not was_up):
            self.start()
        if now.pods_api_refuses != before.pods_api_refuses:
            self._refuse(_TOO_SLOW if now.pods_api_refuses else None)
        if now.pods_api_silent != before.pods_api_silent:
            self.server.broadcast.is_silent = now.pods_api_silent
        if now.hanging != before.hanging:
            self.server.is_mute = self.server.broadcast.is_silent = now.hanging

    def _refuse(self, refusal: StreamEnd | None) -> None:
        """Refuse what comes from now on, and end what is open; None leaves what the release itself refuses."""
        own = GATE_OFF if not self._is_on else NOT_READY if self._is_beta and not self._pods.sources_ready else None
        self.server.refusal = refusal or own
        if refusal is not None:
            self.server.broadcast.end(refusal)

    def _on_event(self, _event: Event) -> None:
        """Tell at once what the API server has heard of, for the kubelet has written most of it."""
        if self._is_started:
            self.follow()

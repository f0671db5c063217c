"""The Pods API of a live node: whether its release serves it, and what the timeline does to it."""

from pathlib import Path

import grpc

from podres_exporter.scenario import Conditions, KubeletSettings
from podres_exporter.sim.api import Event, Store
from podres_exporter.sim.live.kubelet import Kubelet
from podres_exporter.sim.live.pods_api_view import KubeletPods
from podres_exporter.sim.live.sources import PodSources
from podres_exporter.sim.podsapi.broadcast import StreamEnd
from podres_exporter.sim.podsapi.server import GATE_OFF, NOT_READY, SOCKET, SimPodsApi

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

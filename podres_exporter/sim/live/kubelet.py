"""The kubelet's pods: which are admitted, what they hold, and which are still listed."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from podres_exporter.admission import ContainerRequest, Kind, PodRequest, Rejection
from podres_exporter.model import Claim, Container, Pod, Topology
from podres_exporter.scenario import Scenario
from podres_exporter.sim import devices as plugins
from podres_exporter.sim.live.allocator import Allocator
from podres_exporter.sim.live.dynamic_resources import DynamicResources
from podres_exporter.sim.live.fitting import Amounts, requests_of, shortages
from podres_exporter.sim.live.live_pod import LivePod, Phase
from podres_exporter.sim.live.objects import allocatable_amounts
from podres_exporter.sim.live.requests import claim_requests, claims_by_container, pod_request

_ACTIVE = frozenset({Phase.PENDING, Phase.RUNNING})


class Kubelet:
    """
    What a kubelet knows of its pods, without sockets; every method may be called from any thread.

    Devices come from *devices*, whose plugins are asked while a pod is admitted. Pods are admitted one after the other;
    meanwhile others may look, list and end.
    """

    def __init__(
        self,
        scenario: Scenario,
        topology: Topology,
        devices: plugins.DeviceManager,
        random: Random | None = None,
        dynamic: DynamicResources | None = None,
    ) -> None:
        """
        Begin without pods, with sources that are ready; choices are in order unless *random* draws them.

        *dynamic* is asked for claims that are not the scenario's.
        """
        self._dynamic = dynamic
        settings = scenario.kubelet
        self._minor = settings.release.minor
        self._lists_finished = self._minor <= 33 if settings.active_pods is None else not settings.active_pods
        self._claims = {(claim.namespace, claim.name): claim for claim in scenario.claims}
        self._scenario, self._plugins = scenario, devices
        self.allocator = self._allocator = Allocator(scenario, topology, devices, random)
        self._admitting = threading.Lock()
        self._lock = threading.RLock()
        self._pods: dict[str, LivePod] = {}
        self._checkpoint: dict[str, LivePod] = {}
        self._sources_ready = True
        self._pending_admission = ""

    def admit(self, pod: Mapping[str, Any]) -> LivePod:
        """Return the pod once it has been admitted and its containers have been started once; see `take`, `start`."""
        live = self.take(pod)
        return self.start(live.request.uid) or live

    def take(self, pod: Mapping[str, Any]) -> LivePod:
        """
        Return the pod, pending with what it asked for, or failed with the kubelet's reason.

        It is listed from the beginning of that, and holds what its plugins have agreed to so far. A pod from before the
        kubelet's restart has what it had.

        Raises ValueError or KeyError where the object is no pod that could be read.
        """
        request = pod_request(pod)
        named = claims_by_container(pod)
        claims = {
            container: tuple(self._claims[key] for name in names if (key := (request.namespace, name)) in self._claims)
            for container, names in named.items()
        }
        foreign = {
            container: tuple(key for name in names if (key := (request.namespace, name)) not in self._claims)
            for container, names in named.items()
        }
        requests, asks = claim_requests(pod), requests_of(request)
        with self._admitting:
            with self._lock:
                known = self._checkpoint.pop(request.uid, None)
                if known is not None:
                    self._pods[request.uid] = known
                    return known
                self._pods[request.uid] = LivePod(request, claims, Phase.PENDING, admitted=False, asks=asks)
                self._pending_admission = request.uid
                self._let_go_of_the_finished()
            rejection = self._allocator.admit(request, self.update_devices) or self._shortage(request.uid, asks)
            live = LivePod(request, claims, Phase.PENDING, claim_keys=foreign, claim_requests=requests, asks=asks)
            return self._admitted(live, rejection)

    def start(self, uid: str) -> LivePod | None:
        """
        Start the containers of an admitted pod that do not run yet; None where there is no such pod.

        A container whose plugin rejects PreStartContainer waits and keeps its devices; the next attempt calls it
        again. A waiting init container delays all later containers, an app container none.

        Source: kuberuntime_manager.go SyncPod; startContainer, ErrCreateContainerConfig.
        """
        live = self.pod(uid)
        if live is None or not live.admitted or live.phase is not Phase.PENDING:
            return live
        claims, problem = self._prepare(live)
        if problem:
            return self._replace(live, problem=problem)
        done, waiting = set(live.started), dict[str, str]()
        for container in live.request.in_order:
            if container.name in done:
                continue
            try:
                self._allocator.start(live.request, container)
                done.add(container.name)
            except plugins.PluginError as error:
                waiting[container.name] = str(error)
                if container.kind is not Kind.APP:
                    break
        phase = Phase.PENDING if waiting else Phase.RUNNING
        return self._replace(live, phase=phase, started=frozenset(done), waiting=waiting, claims=claims, problem="")

    def claim_health(self, uid: str) -> Mapping[str, list[dict[str, Any]]]:
        """Return the rows about devices of claims for the status of each container that names claims."""
        live = self.pod(uid)
        if live is None or self._dynamic is None:
            return {}
        return {
            container: [
                {"name": f"claim:{name}/{request}" if request else f"claim:{name}", "resources": rows}
                for name, request, claim in named
                if (rows := self._dynamic.health((live.request.namespace, claim), request))
            ]
            for container, named in live.claim_requests.items()
        }

    def _prepare(self, live: LivePod) -> tuple[Mapping[str, tuple[Claim, ...]], str]:
        """Return the pod's claims by container, prepared by their drivers, or why they cannot be."""
        keys = [key for found in live.claim_keys.values() for key in found]
        if self._dynamic is None or not keys:
            return live.claims, ""
        try:
            prepared = self._dynamic.prepare(live.request.uid, keys)
        except plugins.PluginError as error:
            return live.claims, str(error)
        return {
            container: (*live.claims[container], *(prepared[key] for key in live.claim_keys[container]))
            for container in live.claims
        }, ""

    def _replace(self, live: LivePod, **changes: Any) -> LivePod | None:
        """Record the result of a start, unless the pod was removed or replaced meanwhile."""
        uid = live.request.uid
        with self._lock:
            if self._pods.get(uid) is live:
                self._pods[uid] = replace(live, **changes)
            return self._pods.get(uid)

    def is_slow_to_start(self, uid: str) -> bool:
        """Return whether starting the pod takes a call to a plugin or to a driver."""
        live = self.pod(uid)
        if live is not None and self._dynamic is not None and any(live.claim_keys.values()):
            return True
        asked = {resource for each in live.request.containers for resource in each.devices} if live else set()
        options = [self._plugins.options(resource) for resource in asked]
        return any(each is not None and each.pre_start_required for each in options)

    def finish(self, uid: str) -> LivePod | None:
        """
        End the pod's containers; None where there is no such pod running.

        Its memory stays taken until another pod is admitted, and its devices until that or a List. From 1.22 to 1.31
        the pod that was admitted last also keeps its CPUs, and its devices in spite of a List.

        Source: kubernetes #119423, #132020; setPodPendingAdmission of the resource managers (gone in 1.32).
        """
        with self._lock:
            live = self._pods.get(uid)
            if live is None or live.phase is not Phase.RUNNING:
                return None
            live = self._pods[uid] = replace(live, phase=Phase.SUCCEEDED)
            if uid not in self._kept():
                self._allocator.release_machine(uid, memory=False)
        self._release_claims(uid)
        return live

    def remove(self, uid: str) -> None:
        """Forget the pod; its CPUs and memory are free, and its devices with the next admission or List."""
        with self._lock:
            self._pods.pop(uid, None)
            self._checkpoint.pop(uid, None)
            self._allocator.release_machine(uid, memory=True)
        self._release_claims(uid)

    def _release_claims(self, uid: str) -> None:
        if self._dynamic is not None:
            self._dynamic.release(uid)

    def restart(self) -> None:
        """Forget all pods and keep only allocations in checkpoints; the pod sources are not ready."""
        with self._admitting, self._lock:
            self._checkpoint.update(self._pods)
            self._pods.clear()
            self._sources_ready = False
            self._pending_admission = ""
            # No pod is pending admission: the managers' reconcile loops free what finished pods kept.
            for uid, live in self._checkpoint.items():
                if live.phase not in _ACTIVE:
                    self._allocator.release(uid)
            self._allocator.restart()

    def has_checkpoint(self, uid: str) -> bool:
        """Return whether the kubelet knew the pod before its restart, and has not heard of it since."""
        with self._lock:
            return uid in self._checkpoint

    @property
    def sources_ready(self) -> bool:
        """Whether every source has given its whole set since the kubelet's start."""
        return self._sources_ready

    def sources_are_ready(self) -> None:
        """Note that every source has given its whole set: pods of before that are not in it have ended."""
        with self._lock:
            self._sources_ready = True
            for uid in list(self._checkpoint):
                self.remove(uid)

    def double(self, resource: str, device_id: str | None) -> None:
        """Give this device to every admission that requests the resource, even if it is held; None ends that."""
        self._allocator.double(resource, device_id)

    def pod(self, uid: str) -> LivePod | None:
        """Return one pod, whatever its phase."""
        with self._lock:
            return self._pods.get(uid)

    def uids(self) -> Mapping[str, tuple[str, str]]:
        """Return (namespace, name) of the pods heard of since the kubelet's start, by UID, whatever their phase."""
        with self._lock:
            return {uid: (live.request.namespace, live.request.name) for uid, live in self._pods.items()}

    def held(self, uid: str) -> tuple[Container, ...]:
        """Return what each container of the pod holds, plain init containers included; () without such a pod."""
        with self._lock:
            live = self._pods.get(uid)
            return tuple(self._container(live, container) for container in live.request.containers) if live else ()

    def listed(self) -> tuple[Pod, ...]:
        """
        Return the pods as List does, which first frees the devices of pods that have ended.

        That may happen in the middle of another pod's Allocate: see `Allocator.update_devices`.

        Source: kubelet server_v1.go List calls UpdateAllocatedDevices; Get and GetAllocatableResources do not.
        """
        self.update_devices()
        return self.known()

    def known(self) -> tuple[Pod, ...]:
        """
        Return the pods as the pod-resources API shows them: sidecars first from 1.30 on, plain init containers never.

        Finished and rejected pods are there up to 1.33, and later where the gate for active pods is off.

        Source: kubelet server_v1.go List, kubelet_pods.go GetActivePods, kubernetes #132028.
        """
        with self._lock:
            return tuple(
                Pod(
                    live.request.namespace,
                    live.request.name,
                    tuple(self._container(live, each) for each in _listed_containers(live.request, self._minor)),
                )
                for live in self._pods.values()
                if live.phase in _ACTIVE or self._lists_finished
            )

    def every(self) -> tuple[Pod, ...]:
        """Return every pod that was heard of since the kubelet's start, ended or not, without init containers."""
        with self._lock:
            return tuple(
                Pod(
                    live.request.namespace,
                    live.request.name,
                    tuple(self._container(live, each) for each in live.request.containers if each.kind is Kind.APP),
                )
                for live in self._pods.values()
            )

    def holders(self, *, inits: bool = False) -> tuple[Pod, ...]:
        """
        Return the living pods, heard of since the kubelet's start or not; with *inits* all of their containers.
        """
        with self._lock:
            there = [live for live in (*self._pods.values(), *self._checkpoint.values()) if live.phase in _ACTIVE]
            return tuple(
                Pod(
                    live.request.namespace,
                    live.request.name,
                    tuple(
                        self._container(live, each)
                        for each in (
                            live.request.containers if inits else _listed_containers(live.request, self._minor)
                        )
                    ),
                )
                for live in there
            )

    def update_devices(self) -> None:
        """Free the devices of pods that have ended; nothing is done before the sources of pods are ready."""
        with self._lock:
            if self._sources_ready:
                active = {uid for uid, live in self._pods.items() if live.phase in _ACTIVE}
                self._allocator.update_devices(active | self._kept())

    def _shortage(self, pod_uid: str, asks: Amounts) -> Rejection | None:
        """
        Return why the pod's requests do not fit beside those of the active pods; devices have been allocated by then.

        What the node does not know of is no obstacle, and devices that are held count as allocatable.

        Source: lifecycle/predicate.go, which comes after the resource managers; sanitizeNodeAllocatable.
        """
        capacity = self._plugins.capacity()
        held = self._allocator.managers.devices.held.values()
        allocatable = allocatable_amounts(self._scenario, capacity)
        for resource in capacity:
            taken = {device.device_id for devices in held for device in devices if device.resource == resource}
            allocatable[resource] = max(allocatable[resource], len(taken))
        with self._lock:
            others = [live.asks for uid, live in self._pods.items() if live.phase in _ACTIVE and uid != pod_uid]
        missing = shortages(asks, others, allocatable)
        return next((each.rejection for each in missing if each.resource in allocatable), None)

    def _admitted(self, live: LivePod, rejection: Rejection | None) -> LivePod:
        """Note how an admission has ended; a pod that was removed meanwhile holds nothing."""
        uid = live.request.uid
        if rejection is not None:
            live = replace(live, phase=Phase.FAILED, rejection=rejection)
        with self._lock:
            if rejection is not None or uid not in self._pods:
                self._allocator.release(uid)
            if uid in self._pods:
                self._pods[uid] = live
            return live

    def _kept(self) -> frozenset[str]:
        """Return the pod that counts as active whatever has become of it."""
        return frozenset([self._pending_admission]) if 22 <= self._minor <= 31 else frozenset()

    def _container(self, live: LivePod, container: ContainerRequest) -> Container:
        held = self._allocator.granted(live.request, container)
        return replace(held, claims=live.claims.get(container.name, ()) if live.holds_claims else ())

    def _let_go_of_the_finished(self) -> None:
        """Free what finished pods still held (removeStaleState, at the beginning of every admission)."""
        for uid, live in self._pods.items():
            if live.phase not in _ACTIVE:
                self._allocator.release_machine(uid, memory=True)


def _listed_containers(pod: PodRequest, minor: int) -> Iterable[ContainerRequest]:
    kinds = (Kind.SIDECAR, Kind.APP) if minor >= 30 else (Kind.APP,)
    return [container for kind in kinds for container in pod.containers if container.kind is kind]

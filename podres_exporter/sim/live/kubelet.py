"""The pods of a node: which are admitted, what they hold, which of them the kubelet still lists."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from podres_exporter.admission import (
    AllocationError,
    ContainerRequest,
    CpuManager,
    DeviceManager,
    Kind,
    MemoryManager,
    NodeManagers,
    Offers,
    PluginDevice,
    PodRequest,
    Policy,
    Rejection,
    Scope,
    begin,
    commit,
    granted,
    new_machine,
    plan,
    release,
    started,
)
from podres_exporter.model import Claim, Container, Pod, Topology
from podres_exporter.scenario import Scenario
from podres_exporter.sim import devices as plugins
from podres_exporter.sim.live.requests import claims_by_container, pod_request


class Phase(StrEnum):
    """How far a pod has come, as its status spells it."""

    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class LivePod:
    """A pod that the kubelet has heard of; *claims* are the objects that its containers refer to, by container."""

    request: PodRequest
    claims: Mapping[str, tuple[Claim, ...]]
    phase: Phase = Phase.RUNNING
    rejection: Rejection | None = None


class Kubelet:
    """
    What a kubelet knows of its pods, without sockets; every method may be called from any thread.

    Devices come from *devices*, whose plugins are asked while a pod is admitted.
    """

    def __init__(self, scenario: Scenario, topology: Topology, devices: plugins.DeviceManager) -> None:
        """Begin without pods."""
        settings = scenario.kubelet
        self._minor = settings.release.minor
        self._lists_finished = self._minor <= 33 if settings.active_pods is None else not settings.active_pods
        self._policy, self._scope = Policy(settings.topology_policy), Scope(settings.topology_scope)
        self._claims = {(claim.namespace, claim.name): claim for claim in scenario.claims}
        self._devices = devices
        self._lock = threading.RLock()
        self._managers = _idle(scenario, topology)
        self._pods: dict[str, LivePod] = {}
        self._last_admitted = ""

    def admit(self, pod: Mapping[str, Any]) -> LivePod:
        """
        Return the pod, running with what it asked for, or failed with the kubelet's reason.

        Raises ValueError or KeyError where the object is no pod that could be read.
        """
        request = pod_request(pod)
        claims = {
            container: tuple(self._claims[key] for name in names if (key := (request.namespace, name)) in self._claims)
            for container, names in claims_by_container(pod).items()
        }
        with self._lock:
            self._let_go_of_the_finished()
            rejection = self._admit(request)
            phase = Phase.RUNNING if rejection is None else Phase.FAILED
            live = self._pods[request.uid] = LivePod(request, claims, phase, rejection)
            if rejection is None:
                self._last_admitted = request.uid
            return live

    def finish(self, uid: str) -> LivePod | None:
        """
        End the pod's containers; None where there is no such pod running.

        Its memory stays taken until another pod is admitted. From 1.22 to 1.31 the pod that was admitted last also
        keeps its devices and CPUs until then.

        Source: kubernetes #119423, #132020; setPodPendingAdmission of the resource managers (gone in 1.32).
        """
        with self._lock:
            live = self._pods.get(uid)
            if live is None or live.phase is not Phase.RUNNING:
                return None
            live = self._pods[uid] = replace(live, phase=Phase.SUCCEEDED)
            if not (22 <= self._minor <= 31 and uid == self._last_admitted):
                self._release_all_but_memory(uid)
            return live

    def remove(self, uid: str) -> None:
        """Forget the pod; everything it held is free."""
        with self._lock:
            self._pods.pop(uid, None)
            self._managers = release(self._managers, uid)

    def pod(self, uid: str) -> LivePod | None:
        """Return one pod, whatever its phase."""
        with self._lock:
            return self._pods.get(uid)

    def held(self, uid: str) -> tuple[Container, ...]:
        """Return what each container of the pod holds, plain init containers included; () without such a pod."""
        with self._lock:
            live = self._pods.get(uid)
            return tuple(self._container(live, container) for container in live.request.containers) if live else ()

    def listed(self) -> tuple[Pod, ...]:
        """
        Return the pods as the pod-resources API lists them: sidecars first from 1.30 on, plain init containers never.

        Finished and rejected pods are listed up to 1.33, and later where the gate for active pods is off.

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
                if live.phase is Phase.RUNNING or self._lists_finished
            )

    def _container(self, live: LivePod, container: ContainerRequest) -> Container:
        held = granted(self._managers, live.request, container)
        claims = live.claims.get(container.name, ()) if live.phase is Phase.RUNNING else ()
        return replace(held, claims=claims)

    def _let_go_of_the_finished(self) -> None:
        """Free what finished pods still held (removeStaleState, at the beginning of every admission)."""
        for uid, live in self._pods.items():
            if live.phase is not Phase.RUNNING:
                self._managers = release(self._managers, uid)

    def _release_all_but_memory(self, uid: str) -> None:
        memory = self._managers.memory
        self._managers = replace(release(self._managers, uid), memory=memory)

    def _admit(self, pod: PodRequest) -> Rejection | None:
        """Walk through admission, container by container; on rejection nothing of the pod is held any more."""
        before = self._managers
        rejection = self._walk(pod)
        if rejection is not None:
            self._managers = before
        return rejection

    def _walk(self, pod: PodRequest) -> Rejection | None:
        offers = self._offers()
        admission = begin(self._managers, pod, offers, self._policy, self._scope)
        if isinstance(admission, Rejection):
            return admission
        for container in pod.in_order:
            planned = plan(self._managers, admission, container, offers)
            if isinstance(planned, Rejection):
                return planned
            try:
                chosen = {
                    want.resource: self._allocate(want.resource, want.settle(self._preferred(want)))
                    for want in planned.wants
                }
            except plugins.PluginError as error:
                return AllocationError(str(error)).rejection
            committed = commit(self._managers, planned, chosen)
            if isinstance(committed, Rejection):
                return committed
            self._managers = committed
        return self._start(pod)

    def _start(self, pod: PodRequest) -> Rejection | None:
        """Start the containers in order: plugins that want it are told, and init containers end."""
        for container in pod.in_order:
            self._managers = started(self._managers, pod, container)
            for resource in container.devices:
                ids = [d.device_id for d in self._managers.devices.of(pod, container) if d.resource == resource]
                try:
                    if ids:
                        self._devices.prestart(resource, sorted(ids))
                except plugins.PluginError as error:
                    return AllocationError(str(error)).rejection
        return None

    def _preferred(self, want: Any) -> Iterable[str]:
        """Ask the plugin which devices it would take, where the kubelet would ask."""
        if not want.ask:
            return ()
        must = [device.device_id for device in want.must_include]
        return self._devices.preferred(want.resource, [d.device_id for d in want.available], must, want.size)

    def _allocate(self, resource: str, ids: frozenset[str]) -> frozenset[str]:
        """Tell the plugin; what it wants to give the container besides has no container to go to here."""
        self._devices.allocate(resource, sorted(ids))
        return ids

    def _offers(self) -> Offers:
        """Return what the plugins offer; nodes as stated, for a node that does not exist is near to nothing."""
        return {
            resource: tuple(
                PluginDevice(device_id, frozenset(state.numa_nodes or ()), state.healthy)
                for device_id, state in sorted(states.items())
            )
            for resource, states in self._devices.capacity().items()
        }


def _listed_containers(pod: PodRequest, minor: int) -> Iterable[ContainerRequest]:
    kinds = (Kind.SIDECAR, Kind.APP) if minor >= 30 else (Kind.APP,)
    return [container for kind in kinds for container in pod.containers if container.kind is kind]


def _idle(scenario: Scenario, topology: Topology) -> NodeManagers:
    """Return the managers that the scenario's kubelet has, with nothing given out."""
    settings = scenario.kubelet
    machine = new_machine(
        {node.node: node.memory_bytes for node in scenario.numa},
        {n.node: {f"hugepages-{page}": size for page, size in n.hugepage_bytes.items()} for n in scenario.numa},
        {node: {"memory": size} for node, size in settings.reserved_memory_bytes.items()},
    )
    return NodeManagers(
        topology.nodes,
        DeviceManager(topology.nodes),
        CpuManager(topology, settings.reserved_cpus) if settings.static_cpus else None,
        MemoryManager(machine) if settings.static_memory else None,
    )

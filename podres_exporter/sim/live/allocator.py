"""Allocate devices, CPUs and memory to pods as the kubelet's managers do, calling plugins; and free them again."""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from itertools import chain
from random import Random

from podres_exporter.admission import (
    AllocationError,
    ContainerRequest,
    CpuManager,
    DeviceManager,
    DeviceWant,
    Hint,
    MemoryManager,
    NodeManagers,
    Offers,
    PluginDevice,
    PodRequest,
    Policy,
    Rejection,
    Scope,
    align,
    begin,
    granted,
    new_machine,
    place,
    release,
    started,
)
from podres_exporter.model import Container, Topology
from podres_exporter.scenario import Scenario
from podres_exporter.sim import devices as plugins

KEEPS_RESERVATIONS_SINCE_MINOR = 38
"""pendingAllocations of the device manager (kubernetes #137534)."""


class Allocator:
    """
    The managers of one kubelet; may be used from any thread, while one thread at a time admits.

    `given` is how often devices were given to a container. The lock is the device manager's mutex: like the kubelet,
    `admit` holds it while it chooses, and not while a plugin is asked. So others may look, and free what ended, in the
    middle of an Allocate.
    """

    def __init__(
        self, scenario: Scenario, topology: Topology, devices: plugins.DeviceManager, random: Random | None = None
    ) -> None:
        """
        Begin with nothing given out.

        *random* draws what the kubelet leaves to the order of Go's maps; without it everything is in order.
        """
        self.given = 0
        self._random = random
        settings = scenario.kubelet
        self._policy, self._scope = Policy(settings.topology_policy), Scope(settings.topology_scope)
        self._keeps_reservations = settings.release.minor >= KEEPS_RESERVATIONS_SINCE_MINOR
        self._plugins = devices
        self._lock = threading.RLock()
        self._managers = _idle(scenario, topology)
        self._doubles: dict[str, str] = {}
        self._answers: dict[tuple[str, str, str], plugins.AllocateResult] = {}

    @property
    def managers(self) -> NodeManagers:
        """What is given out at this moment."""
        return self._managers

    def answers(self) -> Mapping[tuple[str, str, str], plugins.AllocateResult]:
        """Return what plugins have answered to Allocate, by (pod UID, container, resource), for what is still held."""
        with self._lock:
            held = {(*key, device.resource) for key, found in self._managers.devices.held.items() for device in found}
            self._answers = {key: answer for key, answer in self._answers.items() if key in held}
            return dict(self._answers)

    def granted(self, pod: PodRequest, container: ContainerRequest) -> Container:
        """Return what a container holds."""
        return granted(self._managers, pod, container)

    def update_devices(self, active: Collection[str]) -> None:
        """
        Free the devices of pods, by UID, that are no longer active: UpdateAllocatedDevices.

        Where there are any, and an Allocate is under way, what that has chosen counts as free again (before 1.38).
        """
        with self._lock:
            devices = self._managers.devices.update(active, keep_reservations=self._keeps_reservations)
            self._managers = replace(self._managers, devices=devices)

    def release(self, uid: str) -> None:
        """Free everything of a pod."""
        with self._lock:
            self._managers = release(self._managers, uid)

    def release_machine(self, uid: str, *, memory: bool) -> None:
        """Free the CPUs of a pod, and its *memory* where that is wanted; devices wait for `update_devices`."""
        with self._lock:
            left = release(self._managers, uid)
            kept = self._managers.memory
            self._managers = replace(left, devices=self._managers.devices, memory=left.memory if memory else kept)

    def restart(self) -> None:
        """Know what a checkpoint knows: what is held. No admission may be under way."""
        with self._lock:
            self._managers = replace(self._managers, devices=self._managers.devices.rebuild())

    def double(self, resource: str, device_id: str | None) -> None:
        """Give this device to every admission that requests the resource, even if it is held; None ends that."""
        with self._lock:
            self._doubles.pop(resource, None)
            if device_id is not None:
                self._doubles[resource] = device_id

    def admit(self, pod: PodRequest, update: Callable[[], None]) -> Rejection | None:
        """
        Walk through admission, container by container; None once the pod holds all that it asked for.

        *update* frees what has ended, before each container is served.
        """
        with self._lock:
            offers = self._offers()
            admission = begin(self._managers, pod, offers, self._policy, self._scope)
        if isinstance(admission, Rejection):
            return admission
        for container in pod.in_order:
            update()
            with self._lock:
                hint = align(self._managers, admission, container, offers)
            if isinstance(hint, Rejection):
                return hint
            rejection = self._fill(pod, container, offers, hint)
            if rejection is not None:
                return rejection
        return None

    def _fill(self, pod: PodRequest, container: ContainerRequest, offers: Offers, hint: Hint) -> Rejection | None:
        """Give the container its devices, resource by resource, then its CPUs and its memory."""
        try:
            for resource in self._in_any_order(container.devices):
                self._allocate(pod, container, resource, offers, hint)
        except (plugins.PluginError, AllocationError) as error:
            return AllocationError(str(error)).rejection
        with self._lock:
            placed = place(self._managers, pod, container, hint)
            if isinstance(placed, Rejection):
                return placed
            self._managers = placed
        return None

    def _allocate(
        self, pod: PodRequest, container: ContainerRequest, resource: str, offers: Offers, hint: Hint
    ) -> None:
        """Choose under the lock, ask the plugin without it, and write down the answer under the lock again."""
        with self._lock:
            self._overlook(resource)
            want = self._managers.devices.want(pod, container, resource, offers, hint)
        if want is None:
            return
        ids = want.settle(self._preferred(want))
        self._set_devices(self._managers.devices.reserve((resource, each) for each in ids))
        try:
            answer = self._plugins.allocate(resource, self._in_any_order(ids))
        except plugins.PluginError:
            self._set_devices(self._managers.devices.rebuild())
            raise
        with self._lock:
            self._set_devices(self._managers.devices.insert(pod, container, want.chosen(ids)))
            self._answers[pod.uid, container.name, resource] = answer
            self.given += 1

    def _set_devices(self, devices: DeviceManager) -> None:
        with self._lock:
            self._managers = replace(self._managers, devices=devices)

    def _overlook(self, resource: str) -> None:
        """Treat the device that is to be given twice as free; the lock is held."""
        if resource in self._doubles:
            self._set_devices(self._managers.devices.overlook([(resource, self._doubles[resource])]))

    def _preferred(self, want: DeviceWant) -> Iterable[str]:
        """Ask the plugin which devices it would take, where the kubelet would ask."""
        if want.resource in self._doubles:
            return (self._doubles[want.resource],)
        must = self._in_any_order(device.device_id for device in want.must_include)
        available = self._in_any_order(device.device_id for device in want.available)
        preferred = self._plugins.preferred(want.resource, available, must, want.size) if want.ask else ()
        pools = [self._in_any_order(device.device_id for device in pool) for pool in want.pools]
        return (*preferred, *chain.from_iterable(pools))

    def _in_any_order(self, texts: Iterable[str]) -> list[str]:
        """Return the texts as Go walks a map or a set."""
        ordered = sorted(texts)
        if self._random is not None:
            self._random.shuffle(ordered)
        return ordered

    def start(self, pod: PodRequest, container: ContainerRequest) -> None:
        """
        Start a container: earlier init containers have ended, and plugins with PreStartRequired are called.

        Raises PluginError with the text that the container waits with; the devices stay with it.

        Source: GetDeviceRunContainerOptions of the device manager, which walks the limits as a map.
        """
        with self._lock:
            self._managers = started(self._managers, pod, container)
            held = self._managers.devices.of(pod, container)
        for resource in self._in_any_order(container.devices):
            ids = [device.device_id for device in held if device.resource == resource]
            if ids:
                self._plugins.prestart(resource, self._in_any_order(ids))

    def _offers(self) -> Offers:
        """Return what the plugins offer; nodes as stated, for a node that does not exist is near to nothing."""
        return {
            resource: tuple(
                PluginDevice(device_id, frozenset(state.numa_nodes or ()), state.healthy)
                for device_id, state in sorted(states.items())
            )
            for resource, states in self._plugins.capacity().items()
        }


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

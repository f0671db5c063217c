"""The whole live node: API server, Device Manager, plugins, managers and pod-resources socket, playing a scenario."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from podres_exporter.clock import Clock
from podres_exporter.model import Allocatable, Device, Pod
from podres_exporter.scenario import (
    Conditions,
    Life,
    NodeState,
    PodSpec,
    Release,
    ResourceSpec,
    Scenario,
    conditions_at,
    life_at,
    node_at,
)
from podres_exporter.sim.api import ANY, PODS, RESOURCE_CLAIMS, YOUNG, ApiServer, Hang, StatusError, Store, StreamFault
from podres_exporter.sim.api.writes.defaults import defaulted
from podres_exporter.sim.api.writes.deletion import delete_object
from podres_exporter.sim.devices import DeviceManager, DeviceState
from podres_exporter.sim.dra import DraDrivers, SliceWipes
from podres_exporter.sim.live.device_metadata import DeviceMetadataFiles
from podres_exporter.sim.live.dynamic_resources import DynamicResources
from podres_exporter.sim.live.kubelet import Kubelet
from podres_exporter.sim.live.live_pod import Phase
from podres_exporter.sim.live.pod_workers import PodWorkers
from podres_exporter.sim.live.podsapi import PodsApi
from podres_exporter.sim.live.scheduling import Scheduler
from podres_exporter.sim.live.sources import PodSources
from podres_exporter.sim.live.state_files import StateFiles
from podres_exporter.sim.live.status_writer import StatusWriter
from podres_exporter.sim.live.terminations import Terminations
from podres_exporter.sim.node import SimNode
from podres_exporter.sim.plugin.sample import SamplePlugin
from podres_exporter.sim.podresources.restart import without_plugins

log = logging.getLogger(__name__)

_REGISTER_SECONDS = 10.0
_PLUGIN_POLL_SECONDS = 0.2


class LiveNode(SimNode):
    """
    A SimNode whose pods are admitted.

    `store` has the cluster's objects: a pod that is created there, by the scenario, by kubectl or by a test, is put on
    this node and admitted in its turn, and its status says how that went; `create` waits for it. `api` serves the
    store, `devices` takes plugins, `kubelet` is the pod-resources endpoint as in SimNode. Needs a clock that runs by
    itself: plugins poll.
    """

    def __init__(
        self,
        scenario: Scenario,
        directory: Path,
        clock: Clock,
        seed: int | None = 0,
        release: Release | None = None,
        api_address: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        """
        What a kubelet leaves to map order is drawn by *seed*; None takes everything in order.

        Raises ValueError where a socket's path is too long, ConfigError where the API address cannot be used.
        """
        super().__init__(scenario, directory, clock, seed or 0, release)
        minor = self.scenario.kubelet.release.minor
        self.drivers = DraDrivers(clock)
        self.devices = DeviceManager(directory, clock, synchronous=minor >= 25, dra=self.drivers)
        choices = Random(seed or 0)  # noqa: S311 - no secret
        topology = node_at(self.scenario, 0).topology
        self.store = Store(clock)
        self._dynamic = DynamicResources(self.drivers, self._claim)
        self.pods = Kubelet(self.scenario, topology, self.devices, None if seed is None else choices, self._dynamic)
        self.api = ApiServer(self.store, clock, api_address, version=f"v{self.scenario.kubelet.release}.0")
        self.plugins: dict[str, SamplePlugin] = {}
        self._sick: set[tuple[str, str]] = set()
        self._lives: dict[int, tuple[Life, str]] = {}
        self._playing = threading.Lock()
        slices = {each.name for each in self.scenario.slices}
        self._wipes = SliceWipes(self.store, self.scenario.node, slices, clock)
        self._status_writer = StatusWriter(self.scenario, self.store, self.pods, self.devices, clock)
        workers = PodWorkers(self.pods, clock, choices)
        self._state_files = StateFiles(self.scenario, directory, self.pods.allocator, self.devices, self._dynamic)
        self._device_metadata = DeviceMetadataFiles(self.scenario, directory, self.store, self.pods)
        self._sources = PodSources(
            self.scenario.node,
            self.store,
            self.pods,
            self._status_writer,
            workers,
            Terminations(self.pods, self._status_writer, clock),
            self._write_files,
        )
        forced = [(each.namespace, each.name) for each in self.scenario.pods]
        self._scheduler = Scheduler(self.scenario.node, minor, self.store, self._status_writer, forced)
        self.pods_api = PodsApi(self.scenario.kubelet, directory, self.store, self.pods, self._sources)
        self._heard: float | None = None
        self._fresh = node_at(replace(self.scenario, pods=()), 0)

    def start(self) -> None:
        """Serve everything; the plugins of the scenario have registered when this returns."""
        self._sources.start()
        self._scheduler.start()
        self.devices.start()
        played = [resource for resource in self.scenario.resources if not resource.external]
        for resource in played:
            self.start_plugin(resource.name)
        names = {resource.name for resource in played}
        self.devices.wait_until(lambda: names <= self.devices.known().keys(), _REGISTER_SECONDS)
        self._status_writer.introduce()
        self._status_writer.follow_slices(0.0)
        self.api.start()
        self.pods_api.start()
        super().start()

    def stop(self) -> None:
        """End everything. May be called again."""
        super().stop()
        self.pods_api.stop()
        self._scheduler.stop()
        self._sources.stop()
        self.api.stop()
        for plugin in self.plugins.values():
            plugin.stop()
        self.plugins.clear()
        self.devices.stop()
        self.drivers.stop()
        self._dynamic.stop()

    def state(self) -> NodeState:
        """Return the truth at this moment: what the managers gave out, and what the plugins say."""
        known, healthy = self.devices.known(), self.devices.healthy()
        states = {(res, each): state for res, found in known.items() for each, state in found.items()}
        usable = {(res, each) for res, found in healthy.items() for each in found}
        devices = {
            key: Device(*key, frozenset(n for n in state.numa_nodes or () if n >= 0)) for key, state in states.items()
        }
        allocatable = self._fresh.allocatable
        return replace(
            self._fresh,
            pods=tuple(sorted(self.pods.known(), key=lambda pod: pod.key)),
            allocatable=Allocatable(
                tuple(devices[key] for key in sorted(devices) if key in usable), allocatable.cpus, allocatable.memory
            ),
            unhealthy=tuple(devices[key] for key in sorted(devices) if key not in usable),
            stated_nodes={
                key: state.numa_nodes
                for key, state in states.items()
                if state.numa_nodes is not None and (not state.numa_nodes or min(state.numa_nodes) < 0)
            },
        )

    def start_plugin(self, resource: str) -> None:
        """Start the simulation's plugin of a resource. Raises KeyError: the scenario does not have it."""
        spec = {each.name: each for each in self.scenario.resources}[resource]
        if resource not in self.plugins:
            plugin = SamplePlugin(
                resource,
                self._stated(spec),
                self.devices.socket_path.parent,
                self._clock,
                poll_seconds=_PLUGIN_POLL_SECONDS,
                allocate_seconds=spec.allocate_seconds,
            )
            self.plugins[resource] = plugin
            plugin.start()

    def stop_plugin(self, resource: str) -> None:
        """Stop the simulation's plugin of a resource, as if it had crashed. Raises KeyError: it does not run."""
        self.plugins.pop(resource).stop()

    def set_health(self, resource: str, device_id: str, *, healthy: bool) -> None:
        """
        Let a device of a simulated plugin fall sick or recover; statuses follow with the next tick.

        Raises KeyError: there is none of that name.
        """
        spec = {each.name: each for each in self.scenario.resources}[resource]
        if device_id not in {device.device_id for device in spec.devices}:
            raise KeyError(device_id)
        (self._sick.discard if healthy else self._sick.add)((resource, device_id))
        if resource in self.plugins:
            self.plugins[resource].publish(self._stated(spec))

    def create(self, pod: Mapping[str, Any]) -> Mapping[str, Any]:
        """
        Create a pod, and return it once scheduler and kubelet have decided. Raises StatusError, as the store does.

        The node's status has what plugins have listed by now, so that a scheduler does not miss it.
        """
        self._status_writer.follow_plugins()
        created = self.store.create(PODS, _new(pod)).item["metadata"]
        self.settle()
        return self.store.get(PODS, created["namespace"], created["name"])

    def settle(self) -> None:
        """Return once the scheduler, and then the kubelet, has decided about every pod that it has heard of."""
        for _ in range(2):  # what a pod that ends gives back may be what another one waits for
            self._scheduler.settle()
            self._sources.settle()
        self.pods_api.follow()

    def restart_kubelet(self) -> None:
        """Restart the kubelet: plugins have to register again, and pods come from its sources again."""
        self.kubelet.kill()
        self._kubelet_restarted()
        self.kubelet.start()
        self.pods_api.start()
        self.tick()

    def cut_kubelet_off(self) -> None:
        """Cut the kubelet, but no other client, off from the API server until `reconnect_kubelet`."""
        self._sources.cut_off()
        self.let_kubelet_hear(0.0)

    def reconnect_kubelet(self) -> None:
        """Connect the kubelet to the API server again."""
        self.let_kubelet_hear(None)

    def let_kubelet_hear(self, share: float | None) -> None:
        """Let a kubelet that was restarted, or cut off, have so much of the API server's set by now; None: all."""
        self._heard = share
        self.tick()

    def holders(self, *, inits: bool = False) -> NodeState:
        """Return the truth of what pods hold, also of those that a restarted kubelet has not heard of yet."""
        return replace(self.state(), pods=self.pods.holders(inits=inits))

    def finish(self, namespace: str, name: str) -> None:
        """End the containers of a pod by themselves. Raises StatusError: there is no such pod."""
        pod = self.store.get(PODS, namespace, name)
        uid = pod["metadata"]["uid"]
        held = self.pods.held(uid)
        live = self.pods.finish(uid)
        if live is not None:
            self._status_writer.write(pod, live, held)

    def _tick(self) -> None:
        """Bring kubelet, plugins, API server and pods to what the timeline wants now."""
        super()._tick()
        with self._playing:
            seconds = self.seconds()
            now = conditions_at(self.scenario, seconds)
            if not now.api_away:
                self._status_writer.follow_slices(seconds)
                if now.serving:
                    self._wipes.follow(self.drivers.present())
                for index, spec in enumerate(self.scenario.pods):
                    if spec.manifest is not None:
                        self._play(index, spec, spec.manifest, life_at(spec, seconds))
            if now.serving:
                share = now.pods_incomplete if self._heard is None else self._heard
                self._sources.catch_up(0.0 if now.api_away else share)
            self._status_writer.follow_plugins()
            if now.serving:
                self._write_files()
            self.pods_api.follow()

    def _listing(self) -> None:
        """List frees what ended pods held, and forgets what an Allocate under way has chosen."""
        self.pods.update_devices()

    def _alpha_pods(self) -> Iterable[Pod]:
        """v1alpha1 lists every pod that the kubelet has heard of, also one that has ended (GetPods)."""
        return self.pods.every()

    def _seen(self, state: NodeState, now: Conditions) -> NodeState:
        """A kubelet that has started knows the pods that its sources have given it."""
        return without_plugins(state) if now.plugins_gone else state

    def _changes(self) -> bool:
        return True

    def _switch(self, before: Conditions, now: Conditions) -> None:
        super()._switch(before, now)
        for resource in (now.plugins_down - before.plugins_down) & self.plugins.keys():
            self.stop_plugin(resource)
        for resource in before.plugins_down - now.plugins_down:
            self.start_plugin(resource)
        for resource, device_id in now.unhealthy ^ before.unhealthy:
            self.set_health(resource, device_id, healthy=(resource, device_id) in before.unhealthy)
        for resource, device_id in now.doubled ^ before.doubled:
            self.pods.double(resource, device_id if (resource, device_id) in now.doubled else None)
        if now.api_away and not before.api_away:
            self._sources.cut_off()
        self._switch_api(before, now)
        self.pods_api.switch(before, now)

    def _switch_api(self, before: Conditions, now: Conditions) -> None:
        """Let the API server refuse connections, hang, or refuse access while it loads its roles; or end that."""
        if now.api_down and not before.api_down:
            self.api.go_down()
        if before.api_down and not now.api_down:
            self.api.start()
        if now.api_half_open != before.api_half_open or now.api_young != before.api_young:
            self.api.faults.clear()
            if now.api_half_open:
                self.api.faults.on_requests(ANY, Hang())
                self.api.faults.on_open_watches(StreamFault.STALL)
            elif now.api_young:
                self.api.faults.on_requests(ANY, YOUNG)

    def _kubelet_restarted(self) -> None:
        self.pods_api.kill()  # before its pods are forgotten: none of them has ended
        self._sources.restart()
        self.drivers.forget()
        self._wipes.restarted()
        self.devices.restart()

    def _play(self, index: int, spec: PodSpec, manifest: Mapping[str, Any], life: Life | None) -> None:
        """Create, finish or delete a pod of the scenario, whichever its life is at; where its name is taken, later."""
        current, uid = self._lives.get(index, (None, ""))
        if life == current:
            return
        if spec.static:
            self._play_static(index, manifest, life)
            return
        if current is not None and (life is None or life.number != current.number):
            self._act(spec, uid, self.delete)
            del self._lives[index]
            current = None
        if life is None:
            return
        if current is None:
            try:
                uid = self.store.create(PODS, _new(manifest)).item["metadata"]["uid"]
            except StatusError as error:
                log.debug("sim.pod_refused", extra={"pod": spec.name, "error": str(error)})
                return
        if life.finished:
            live = self.pods.pod(uid)
            if live is None or live.phase is Phase.PENDING:
                life = replace(life, finished=False)  # it is admitted first, and finishes with a later tick
            self._act(spec, uid, self.finish)
        self._lives[index] = (life, uid)

    def _play_static(self, index: int, manifest: Mapping[str, Any], life: Life | None) -> None:
        """Put the manifest of a static pod where the kubelet finds it, or take it away."""
        if index in self._lives:
            self._sources.remove_static(self._lives.pop(index)[1])
        if life is not None:
            self._lives[index] = (life, self._sources.add_static(manifest))

    def _act(self, spec: PodSpec, uid: str, action: Callable[[str, str], None]) -> None:
        """Do something to the pod of the scenario, unless it was deleted or replaced through the API server."""
        try:
            if self.store.get(PODS, spec.namespace, spec.name)["metadata"]["uid"] == uid:
                action(spec.namespace, spec.name)
        except StatusError:
            log.debug("sim.pod_gone", extra={"namespace": spec.namespace, "pod": spec.name})

    def delete(self, namespace: str, name: str) -> None:
        """Delete a pod as kubectl does, with its grace period. Raises StatusError: there is none."""
        delete_object(self.store, self._clock, PODS, namespace, name)

    def _claim(self, namespace: str, name: str) -> Mapping[str, Any] | None:
        """Return a ResourceClaim of the API server."""
        try:
            return self.store.get(RESOURCE_CLAIMS, namespace, name)
        except StatusError:
            return None

    def _write_files(self) -> None:
        """Write what kubelet and drivers keep in files."""
        self._state_files.write()
        self._device_metadata.write()

    def _stated(self, spec: ResourceSpec) -> dict[str, DeviceState]:
        return {
            device.device_id: DeviceState(
                device.numa_nodes, device.healthy and (spec.name, device.device_id) not in self._sick
            )
            for device in spec.devices
        }


def _new(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pod as an API server stores it: Pending from the first moment."""
    return {**defaulted(manifest), "status": {"phase": "Pending", **(manifest.get("status") or {})}}

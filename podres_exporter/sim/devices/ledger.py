"""The connected plugins and the devices they listed. Pure: no I/O."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from podres_exporter.clock import Clock
from podres_exporter.sim.devices.client import PluginClient
from podres_exporter.sim.devices.records import DeviceState, PluginOptions

STOP_GRACE_SECONDS = 300.0
"""endpointStopGracePeriod of types.go: how long a resource without a plugin stays in capacity."""

Stock = Mapping[str, Mapping[str, DeviceState]]
"""{resource: {device id: state}}; an immutable copy."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A resource's plugin as last connected; *client* is None for one that is only remembered from before a restart."""

    client: PluginClient | None
    options: PluginOptions | None
    stopped_at_seconds: float | None = None

    def gone_for_seconds(self, now_seconds: float) -> float:
        """Return how long it has been stopped, on the monotonic clock; 0 while it is connected."""
        return 0.0 if self.stopped_at_seconds is None else now_seconds - self.stopped_at_seconds


class Ledger:
    """
    The maps of the kubelet's ManagerImpl, with its rules; may be used from any thread.

    Healthy and unhealthy ids are two sets, as there, for they are not each other's complement: an id that a plugin
    lists twice may be in both.

    Source: PluginConnected, PluginDisconnected, genericDeviceUpdateCallback, GetCapacity, GetAllocatableDevices and
    readCheckpoint of pkg/kubelet/cm/devicemanager/manager.go.
    """

    def __init__(self, clock: Clock) -> None:
        """Start empty, as on a node that never had a plugin."""
        self._clock = clock
        self._changed = threading.Condition(threading.RLock())
        self._plugins: dict[str, Plugin] = {}
        self._healthy: dict[str, frozenset[str]] = {}
        self._unhealthy: dict[str, frozenset[str]] = {}
        self._known: dict[str, dict[str, DeviceState]] = {}
        self._removed: set[str] = set()
        self._lists = 0

    def connect(self, client: PluginClient, options: PluginOptions | None) -> None:
        """Make this the resource's plugin. Its devices are those of the one before until it sends a list."""
        with self._changed:
            self._plugins[client.resource] = Plugin(client, options)
            self._changed.notify_all()

    def disconnect(self, resource: str, client: PluginClient | None = None) -> None:
        """
        Record that the resource's plugin stopped: all devices become unhealthy, and the grace period begins.

        With *client* only if it is still that one's resource. What the plugin said of its devices stays known, so that
        pod status goes on to say Healthy (facts: KEP-4680 wants Unknown there).
        """
        with self._changed:
            plugin = self._plugins.get(resource)
            if plugin is None or (client is not None and plugin.client is not client):
                return
            self._unhealthy[resource] = self._ids(resource)
            if resource in self._healthy:
                self._healthy[resource] = frozenset()
            self._plugins[resource] = replace(plugin, stopped_at_seconds=self._clock.monotonic_seconds())
            self._changed.notify_all()

    def replace(self, resource: str, devices: Iterable[tuple[str, DeviceState]]) -> None:
        """
        Take over a list in place of the one before.

        Of an id that comes twice the last entry is known, and it is healthy if one of its entries was: that is what
        GetAllocatableResources shows of a real kubelet (measured on 1.27 and 1.36).
        """
        listed = tuple(devices)
        with self._changed:
            self._lists += 1
            self._known[resource] = dict(listed)
            self._healthy[resource] = frozenset(device for device, state in listed if state.healthy)
            self._unhealthy[resource] = frozenset(device for device, state in listed if not state.healthy)
            self._changed.notify_all()

    def restore(self) -> None:
        """
        Forget all that a kubelet restart forgets.

        Every registered resource is remembered with no device and a plugin that has just stopped, so that capacity is 0
        until the plugin registers again, and the resource goes after the grace period if it never does.
        """
        with self._changed:
            stopped = Plugin(None, None, self._clock.monotonic_seconds())
            resources = self._healthy.keys()
            self._plugins = dict.fromkeys(resources, stopped)
            self._unhealthy = dict.fromkeys(resources, frozenset())
            self._healthy = dict.fromkeys(resources, frozenset())
            self._known = {}
            self._changed.notify_all()

    def capacity(self) -> Stock:
        """Return the devices that node capacity counts; healthy ones are those that allocatable counts."""
        with self._changed:
            self._expire()
            resources = sorted(self._healthy.keys() | self._unhealthy.keys())
            return self._stock({resource: self._ids(resource) for resource in resources})

    def removed(self) -> frozenset[str]:
        """Return the removed resources, which node status keeps with amount 0 (kubelet nodestatus/setters.go)."""
        with self._changed:
            self._expire()
            return frozenset(self._removed - self._healthy.keys() - self._unhealthy.keys())

    def healthy(self) -> Stock:
        """Return the devices that may be handed out; a registered resource without any is there, and empty."""
        with self._changed:
            self._expire()
            return self._stock(self._healthy)

    def lists(self) -> int:
        """Return how many lists plugins have sent."""
        with self._changed:
            return self._lists

    def known(self) -> Stock:
        """Return every device of every last list, with the health that its last entry stated."""
        with self._changed:
            return MappingProxyType(
                {resource: MappingProxyType(dict(states)) for resource, states in self._known.items()}
            )

    def plugin(self, resource: str) -> Plugin | None:
        """Return the resource's plugin, stopped or not; None where there is none or its grace period is over."""
        with self._changed:
            self._expire()
            return self._plugins.get(resource)

    def wait_until(self, predicate: Callable[[], bool], timeout_seconds: float) -> bool:
        """Return True once the predicate holds, asked after every change; False when the time, real time, is over."""
        with self._changed:
            return self._changed.wait_for(predicate, timeout_seconds)

    def notify(self) -> None:
        """Have the predicates asked again: something else that they may look at has changed."""
        with self._changed:
            self._changed.notify_all()

    def _ids(self, resource: str) -> frozenset[str]:
        """Return the ids of the last list."""
        return self._healthy.get(resource, frozenset()) | self._unhealthy.get(resource, frozenset())

    def _stock(self, ids_by_resource: Mapping[str, frozenset[str]]) -> Stock:
        """Return these devices, by id, each one healthy if it is in the healthy set."""
        return MappingProxyType(
            {
                resource: MappingProxyType(
                    {
                        device: replace(
                            self._known[resource][device], healthy=device in self._healthy.get(resource, ())
                        )
                        for device in sorted(ids)
                    }
                )
                for resource, ids in ids_by_resource.items()
            }
        )

    def _expire(self) -> None:
        """
        Drop resources without a plugin for longer than the grace period.

        The kubelet does so in GetCapacity, with every node status, about every ten seconds. It remembers that they were
        there, for the node's status keeps them with amount 0.
        """
        now = self._clock.monotonic_seconds()
        for resource in self._healthy.keys() | self._unhealthy.keys():
            plugin = self._plugins.get(resource)
            if plugin is None or plugin.gone_for_seconds(now) > STOP_GRACE_SECONDS:
                self._removed.add(resource)
                self._plugins.pop(resource, None)
                self._healthy.pop(resource, None)
                self._unhealthy.pop(resource, None)

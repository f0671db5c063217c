"""Compute a node's state at one moment of a scenario."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from podres_exporter.model import Allocatable, Container, Device, Pod, Topology
from podres_exporter.scenario.life import alive, born_at
from podres_exporter.scenario.machine import allocatable_cpus, allocatable_memory, topology_of
from podres_exporter.scenario.records import ContainerSpec, DeviceSpec, PodSpec, Release, Scenario

DeviceKey = tuple[str, str]
"""(resource, device id): ids are unique within a resource only."""

SIDECARS_LISTED_SINCE = Release(30)
"""From this release on, restartable init containers are listed (SidecarContainers); plain init containers never are."""


@dataclass(frozen=True, slots=True)
class NodeState:
    """
    The true state from which the kubelet's answers are made.

    *pods* and *allocatable* are normalised; *allocatable* has the healthy devices, *unhealthy* the others.
    *stated_nodes* are, by (resource, id), NUMA nodes that the model cannot represent: an empty node list, or negative
    numbers. *static* are the pods that do not come from the API server, *by_age* are all pods, the oldest first, both
    by (namespace, name); they determine the order in which a restarted kubelet learns of them.
    """

    pods: tuple[Pod, ...]
    allocatable: Allocatable
    topology: Topology
    unhealthy: tuple[Device, ...] = ()
    stated_nodes: Mapping[DeviceKey, tuple[int, ...]] = field(default_factory=dict)
    static: frozenset[tuple[str, str]] = frozenset()
    by_age: tuple[tuple[str, str], ...] = ()

    def pod(self, namespace: str, name: str) -> Pod | None:
        """Return the pod of that name, None if the node has none."""
        return next((pod for pod in self.pods if pod.key == (namespace, name)), None)


def node_at(scenario: Scenario, seconds: float) -> NodeState:
    """
    Return the node's state at this second of the scenario.

    Deterministic: a function of its arguments only. Pods are sorted by namespace and name. Faults of the timeline are
    ignored here, because they change the answers and not the true state.
    """
    specs = {(resource.name, spec.device_id): spec for resource in scenario.resources for spec in resource.devices}
    devices = {key: _device(key, spec) for key, spec in specs.items()}
    alive_now = sorted((pod for pod in scenario.pods if alive(pod, seconds)), key=lambda pod: born_at(pod, seconds))
    pods = [_pod(pod, devices, scenario) for pod in alive_now]
    return NodeState(
        pods=tuple(sorted(pods, key=lambda pod: pod.key)),
        allocatable=Allocatable(
            devices=_sorted(devices[key] for key, spec in specs.items() if spec.healthy),
            cpus=allocatable_cpus(scenario.kubelet, scenario.numa),
            memory=allocatable_memory(scenario.kubelet, scenario.numa),
        ),
        topology=topology_of(scenario.numa),
        unhealthy=_sorted(devices[key] for key, spec in specs.items() if not spec.healthy),
        stated_nodes={
            key: spec.numa_nodes
            for key, spec in specs.items()
            if spec.numa_nodes is not None and (not spec.numa_nodes or min(spec.numa_nodes) < 0)
        },
        static=frozenset(pod.key for pod, spec in zip(pods, alive_now, strict=True) if spec.static),
        by_age=tuple(pod.key for pod in pods),
    )


def _device(key: DeviceKey, spec: DeviceSpec) -> Device:
    """Return the device as an exporter should decode it: negative numbers state no node."""
    return Device(*key, numa_nodes=frozenset(node for node in spec.numa_nodes or () if node >= 0))


def _pod(spec: PodSpec, devices: Mapping[DeviceKey, Device], scenario: Scenario) -> Pod:
    """Return the pod with its sidecars first, as the kubelet lists them."""
    sidecars = [container for container in spec.containers if container.sidecar]
    others = [container for container in spec.containers if not container.sidecar]
    listed = [*sidecars, *others] if scenario.kubelet.release >= SIDECARS_LISTED_SINCE else others
    return Pod(
        namespace=spec.namespace,
        name=f"{spec.name}-{scenario.node}" if spec.static else spec.name,
        containers=tuple(_container(container, devices) for container in listed),
        exclusive_cpus=spec.cpus,
        memory=spec.memory,
    )


def _container(spec: ContainerSpec, devices: Mapping[DeviceKey, Device]) -> Container:
    held = (devices[resource, device_id] for resource, ids in spec.devices.items() for device_id in ids)
    return Container(
        name=spec.name,
        devices=_sorted(held),
        exclusive_cpus=spec.cpus,
        memory=spec.memory,
        claims=spec.claims,
    )


def _sorted(devices: Iterable[Device]) -> tuple[Device, ...]:
    return tuple(sorted(devices, key=lambda device: (device.resource, device.device_id)))

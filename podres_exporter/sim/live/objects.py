"""Create the API objects other than pods: the Node and ResourceClaims."""

from collections.abc import Iterable, Mapping
from typing import Any

from podres_exporter.model import Claim
from podres_exporter.quantity import parse_millicores, parse_quantity
from podres_exporter.scenario import Scenario
from podres_exporter.sim.devices.ledger import Stock

_DISK = "102400Mi"
"""A disk that no scenario speaks of."""
_PAGES = ("1Gi", "2Mi")
"""Sizes of huge pages that every x86 machine has, with or without pages."""
_CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)
_PLACES = frozenset({"nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection"})
"""What says on which nodes a slice's devices are; exactly one stands in each slice."""


def node_object(scenario: Scenario, capacity: Stock, removed: Iterable[str], wall_time: str) -> dict[str, Any]:
    """
    Return the Node, with the devices that plugins have registered so far; those of *removed* resources are 0.

    Allocatable is what the system leaves: CPUs and memory that the managers reserve are missing, huge pages are not
    memory. Source: kubelet nodestatus/setters.go MachineInfo; measured on 1.36.
    """
    amounts, left = _own_amounts(scenario)
    gone = dict.fromkeys(removed, "0")
    devices = {resource: str(len(states)) for resource, states in capacity.items()}
    usable = _usable(capacity)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": scenario.node, "labels": {"kubernetes.io/hostname": scenario.node}},
        "spec": {},
        "status": {
            "capacity": amounts | gone | devices,
            "allocatable": amounts | left | gone | usable,
            "addresses": [
                {"type": "InternalIP", "address": "127.0.0.1"},
                {"type": "Hostname", "address": scenario.node},
            ],
            "conditions": [
                {
                    "type": kind,
                    "status": status,
                    "reason": reason,
                    "message": message,
                    "lastHeartbeatTime": wall_time,
                    "lastTransitionTime": wall_time,
                }
                for kind, status, reason, message in _CONDITIONS
            ],
            "nodeInfo": _node_info(f"v{scenario.kubelet.release}.0"),
        },
    }


def allocatable_amounts(scenario: Scenario, capacity: Stock) -> dict[str, int]:
    """Return what pods may request of the node, CPU in thousandths."""
    amounts, left = _own_amounts(scenario)
    found = amounts | left | _usable(capacity)
    return {name: parse_millicores(text) if name == "cpu" else parse_quantity(text) for name, text in found.items()}


def _own_amounts(scenario: Scenario) -> tuple[dict[str, str], dict[str, str]]:
    """Return the machine's amounts, and what of CPUs and memory is left for pods."""
    settings = scenario.kubelet
    cpus = sum(len(node.cpus) for node in scenario.numa)
    memory = sum(node.memory_bytes for node in scenario.numa)
    pages = {f"hugepages-{size}": 0 for size in _PAGES}
    for node in scenario.numa:
        for page, size in node.hugepage_bytes.items():
            pages[f"hugepages-{page}"] = pages.get(f"hugepages-{page}", 0) + size
    kept = sum(settings.reserved_memory_bytes.values()) + sum(pages.values())
    amounts = {"cpu": str(cpus), "memory": _kib(memory), **_plain(pages), "ephemeral-storage": _DISK}
    left = {"cpu": str(cpus - len(settings.reserved_cpus)), "memory": _kib(memory - kept)}
    return amounts | {"pods": str(settings.max_pods)}, left


def _usable(capacity: Stock) -> dict[str, str]:
    return {resource: str(sum(state.healthy for state in states.values())) for resource, states in capacity.items()}


def _kib(size_bytes: int) -> str:
    return f"{size_bytes // 1024}Ki" if size_bytes else "0"


def _plain(sizes: Mapping[str, int]) -> dict[str, str]:
    return {name: _kib(size) for name, size in sorted(sizes.items())}


def _node_info(version: str) -> dict[str, str]:
    """Return everything that the API requires; clients with models refuse a node without it."""
    return {
        "architecture": "amd64",
        "bootID": "00000000-0000-0000-0000-000000000000",
        "containerRuntimeVersion": "simulated://1",
        "kernelVersion": "simulated",
        "kubeProxyVersion": version,
        "kubeletVersion": version,
        "machineID": "simulated",
        "operatingSystem": "linux",
        "osImage": "simulated",
        "systemUUID": "simulated",
    }


def claim_object(claim: Claim, status: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the ResourceClaim, allocated; *status* is that of the scenario, if it has one."""
    results = [
        {"request": "devices", "driver": each.driver, "pool": each.pool, "device": each.device}
        | ({"shareID": each.share_id} if each.share_id else {})
        for each in claim.devices
    ]
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaim",
        "metadata": {"namespace": claim.namespace, "name": claim.name},
        "spec": {"devices": {"requests": [{"name": "devices"}]}},
        "status": status or {"allocation": {"devices": {"results": results}}},
    }


def slice_object(name: str, spec: Mapping[str, Any], node: str) -> dict[str, Any]:
    """
    Return the ResourceSlice; without a pool of its own it is the only one of the node's.

    It is this node's unless it says whose it is in another way.
    """
    pool = {"name": node, "generation": 1, "resourceSliceCount": 1}
    place = {} if spec.keys() & _PLACES else {"nodeName": node}
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceSlice",
        "metadata": {"name": name},
        "spec": {**place, "pool": pool, **spec},
    }

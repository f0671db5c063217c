"""The objects of the cluster beside pods: the node, and claims."""

from typing import Any

from podres_exporter.model import Claim
from podres_exporter.scenario import Scenario
from podres_exporter.sim.devices.ledger import Stock


def node_object(scenario: Scenario, capacity: Stock, wall_time: str) -> dict[str, Any]:
    """Return the Node, with the devices that plugins have registered so far."""
    cpus = sum(len(node.cpus) for node in scenario.numa)
    memory = sum(node.memory_bytes for node in scenario.numa)
    amounts = {"cpu": str(cpus), "memory": f"{memory // 1024}Ki", "pods": "110"}
    devices = {resource: str(len(states)) for resource, states in capacity.items()}
    usable = {resource: str(sum(state.healthy for state in states.values())) for resource, states in capacity.items()}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": scenario.node, "labels": {"kubernetes.io/hostname": scenario.node}},
        "spec": {},
        "status": {
            "capacity": amounts | devices,
            "allocatable": amounts | usable,
            "conditions": [
                {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastTransitionTime": wall_time}
            ],
            "nodeInfo": {"kubeletVersion": f"v{scenario.kubelet.release}.0"},
        },
    }


def claim_object(claim: Claim) -> dict[str, Any]:
    """Return the ResourceClaim, allocated."""
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
        "status": {"allocation": {"devices": {"results": results}}},
    }

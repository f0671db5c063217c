"""The node sizes that are measured, as scenarios: S, L, XL and a series for growth."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from podres_exporter.model import Claim, ClaimDevice, MemoryBlock
from podres_exporter.scenario import (
    ContainerSpec,
    DeviceSpec,
    KubeletSettings,
    NodeState,
    NumaNode,
    PodSpec,
    Release,
    ResourceSpec,
    Scenario,
    node_at,
)

NODE = "bench-node"
RESOURCES = ("nvidia.com/gpu", "amd.com/gpu")
CPUS_EACH = 2
FEW = 50
"""One pod in so many is other than before, where few are."""


@dataclass(frozen=True, slots=True)
class Size:
    """
    A node by its numbers; *..._holders* are how many of its containers hold devices, CPUs, memory and a claim.

    Holders are spread evenly over the containers, and devices over their holders.
    """

    name: str
    pods: int
    containers: int
    devices: int
    device_holders: int
    cpus: int = 8
    cpu_holders: int = 0
    memory_holders: int = 0
    claim_holders: int = 0

    def __str__(self) -> str:
        """Return the numbers for people."""
        return f"{self.name}: {self.pods} pods x {self.containers} containers, {self.devices:,} device ids held"


S = Size("S", 110, 2, devices=8, device_holders=8, cpus=64, cpu_holders=8)
L = Size("L", 500, 3, 6_000, 750, cpus=256, cpu_holders=125, memory_holders=125, claim_holders=150)
XL = Size("XL", 1_000, 4, devices=50_000, device_holders=2_000)
SIZES = (S, L, XL)


def small(size: Size, divisor: int) -> Size:
    """Return a node of the same kind with so many times fewer pods; for runs that only prove that all works."""
    return replace(
        size,
        pods=max(1, size.pods // divisor),
        devices=max(8, size.devices // divisor),
        device_holders=max(8, size.device_holders // divisor),
        cpu_holders=size.cpu_holders // divisor,
        memory_holders=size.memory_holders // divisor,
        claim_holders=size.claim_holders // divisor,
    )


def state_of(size: Size, others: int = 0) -> NodeState:
    """
    Return what the node's kubelet holds.

    With *others* above 0, one pod in *others* holds other devices and CPUs than it does without: they have passed
    theirs on among them. The node's devices are the same, as they are on a machine.
    """
    total = size.pods * size.containers
    devices = _devices(size, total, others)
    cpus = _shares(size.cpu_holders, total)
    memory = _shares(size.memory_holders, total)
    claims = _shares(size.claim_holders, total)
    pods = []
    for number in range(size.pods):
        changed = bool(others) and number % others == 0
        containers = []
        for position in range(size.containers):
            index = number * size.containers + position
            resource, held = devices.get(index, ("", ()))
            containers.append(
                ContainerSpec(
                    name=f"container-{position}",
                    devices={resource: tuple(device.device_id for device in held)} if held else {},
                    cpus=_cpus(cpus[index], size.cpu_holders, changed=changed) if index in cpus else frozenset(),
                    memory=_memory(memory[index]) if index in memory else (),
                    claims=_claims(number, claims[index]) if index in claims else (),
                )
            )
        pods.append(PodSpec(namespace(number), pod_name(number), containers=tuple(containers)))
    return node_at(_scenario(size, pods, list(devices.values())), 0.0)


def namespace(number: int) -> str:
    """Return the namespace of a pod: a node's pods are those of a few teams."""
    return f"team-{number % 7}"


def pod_name(number: int) -> str:
    """Return the name of a pod."""
    return f"workload-7c9d5b8f6-{number:05d}"


def _shares(holders: int, total: int) -> dict[int, int]:
    """Return the number of each holder by the index of its container, spread evenly."""
    return {number * total // holders: number for number in range(min(holders, total))}


Held = tuple[str, tuple[DeviceSpec, ...]]


def _devices(size: Size, total: int, others: int) -> dict[int, Held]:
    """Return resource and devices by the index of the container that holds them."""
    holders = _shares(size.device_holders, total)
    found = {index: _held(size, holder, len(holders)) for index, holder in holders.items()}
    if others:
        moved = [index for index in found if index // size.containers % others == 0]
        found |= dict(zip(moved, [found[index] for index in (*moved[1:], *moved[:1])], strict=True))
    return found


def _held(size: Size, holder: int, holders: int) -> Held:
    """Return what one holder has; each fiftieth device is on both nodes."""
    draw = Random(str(holder))  # noqa: S311 - no secret
    first, end = (size.devices * number // holders for number in (holder, holder + 1))
    specs = [
        DeviceSpec(f"GPU-{uuid.UUID(int=draw.getrandbits(128))}", (0, 1) if number % 50 == 49 else (holder % 2,))
        for number in range(first, end)
    ]
    return (RESOURCES[holder % len(RESOURCES)], tuple(specs))


def _cpus(holder: int, holders: int, *, changed: bool) -> frozenset[int]:
    """Return a holder's CPUs; *changed*, those of the next one. Below 4 they are the system's."""
    first = 4 + CPUS_EACH * ((holder + changed) % holders)
    return frozenset(range(first, first + CPUS_EACH))


def _memory(holder: int) -> tuple[MemoryBlock, ...]:
    return (MemoryBlock("memory", frozenset([holder % 2]), (1 + holder % 4) << 30),)


def _claims(pod: int, holder: int) -> tuple[Claim, ...]:
    device = ClaimDevice("gpu.example.com", NODE, f"gpu-{holder}", "", (f"gpu.example.com/gpu=gpu-{holder}",))
    return (Claim(namespace(pod), f"{pod_name(pod)}-lane", (device,)),)


def _scenario(size: Size, pods: Sequence[PodSpec], held: Sequence[Held]) -> Scenario:
    half = size.cpus // 2
    resources = [
        ResourceSpec(name, tuple(device for resource, specs in held if resource == name for device in specs))
        for name in RESOURCES
    ]
    return Scenario(
        node=NODE,
        kubelet=KubeletSettings(Release(36), reserved_cpus=frozenset(range(4))),
        numa=(
            NumaNode(0, frozenset(range(half)), 1 << 40),
            NumaNode(1, frozenset(range(half, size.cpus)), 1 << 40),
        ),
        resources=tuple(resources),
        pods=tuple(pods),
    )

"""Find other containers that share a container's devices, claims, CPUs or cores."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from podres_exporter.cpuset import CpuSet, format_cpuset
from podres_exporter.explain.account import Neighbour, Relation
from podres_exporter.model import Allocation, ClaimDevice, ContainerView, PodView, Topology, share_of


@dataclass(frozen=True, slots=True)
class _Other:
    """Another container of the node."""

    pod: PodView
    view: ContainerView

    def neighbour(self, relation: Relation, ours: list[str], theirs: list[str], resource: str = "") -> Neighbour:
        pod = self.pod.pod
        name = self.view.container.name
        return Neighbour(relation, tuple(ours), tuple(theirs), pod.namespace, pod.name, name, resource)


def neighbours(allocation: Allocation, pod: PodView, view: ContainerView) -> tuple[Neighbour, ...]:
    """Return who shares something with the container, ordered by kind of sharing, then by pod."""
    others = [_Other(each, other) for each in allocation.pods for other in each.containers if other is not view]
    found = [*_devices(view, others)]
    found += [neighbour for other in others for neighbour in _claims(pod, view, other)]
    found += [each for other in others if other.pod is pod and (each := _cpus(view, other)) is not None]
    return (*found, *_cores(allocation, pod, view))


def _devices(view: ContainerView, others: Iterable[_Other]) -> Iterator[Neighbour]:
    """Yield containers with shares of the same physical devices, or the same devices, by resource."""
    ours = _by_base(view)
    for other in others if ours else ():
        theirs = _by_base(other.view)
        for resource in sorted({resource for resource, _ in theirs.keys() & ours.keys()}):
            bases = sorted(base for name, base in theirs.keys() & ours.keys() if name == resource)
            yield other.neighbour(
                Relation.DEVICE,
                [device_id for base in bases for device_id in ours[resource, base]],
                [device_id for base in bases for device_id in theirs[resource, base]],
                resource,
            )


def _by_base(view: ContainerView) -> dict[tuple[str, str], list[str]]:
    """Return the ids held by a container, by resource and physical device."""
    found: dict[tuple[str, str], list[str]] = {}
    for device in view.container.devices:
        base, _ = share_of(device.device_id, device.resource, view.chosen_devices)
        found.setdefault((device.resource, base), []).append(device.device_id)
    return found


def _claims(pod: PodView, view: ContainerView, other: _Other) -> Iterator[Neighbour]:
    """
    Yield the other container if it may use the same DRA devices: of one claim, or as shares of several.

    If two claims have a whole device, one of them uses it and the other has admin access, unless it was allocated
    twice. Only the claims show which.
    """
    theirs = {_triplet(use.device): use for use in other.view.claim_uses}
    found: dict[Relation, list[tuple[ClaimDevice, ClaimDevice]]] = {}
    for ours in view.claim_uses:
        use = theirs.get(_triplet(ours.device))
        if use is None:
            continue
        same_claim = (pod.pod.namespace, ours.claim) == (other.pod.pod.namespace, use.claim)
        if same_claim or ours.device.share_id or use.device.share_id:
            relation = Relation.CLAIM
        else:
            relation = Relation.ADMIN if ours.is_admin or use.is_admin else Relation.TWO_CLAIMS
        found.setdefault(relation, []).append((ours.device, use.device))
    for relation, pairs in found.items():
        yield other.neighbour(
            relation, [_claim_text(ours) for ours, _ in pairs], [_claim_text(theirs) for _, theirs in pairs]
        )


def _triplet(device: ClaimDevice) -> tuple[str, ...]:
    """Return the key that identifies a device; its CDI names if the kubelet reports nothing else."""
    return (device.driver, device.pool, device.device) if device.driver else device.cdi_devices


def _claim_text(device: ClaimDevice) -> str:
    name = "/".join(_triplet(device)) if device.driver else " ".join(device.cdi_devices)
    return f"{name} share {device.share_id}" if device.share_id else name


def _cpus(view: ContainerView, other: _Other) -> Neighbour | None:
    """Return the other container if it has the same CPUs."""
    both = view.container.exclusive_cpus & other.view.container.exclusive_cpus
    return other.neighbour(Relation.CPUS, [format_cpuset(both)], [format_cpuset(both)]) if both else None


def _cores(allocation: Allocation, pod: PodView, view: ContainerView) -> Iterator[Neighbour]:
    """
    Yield who runs on the other hardware threads of the container's cores: other containers, then the shared pool.

    CPUs of the container's own pod are ignored.
    """
    topology = allocation.topology
    mine = view.container.exclusive_cpus
    if topology is None or not mine:
        return
    siblings = _siblings(topology, mine) - pod.pod.all_exclusive_cpus()
    for each in allocation.pods:
        for other in each.containers:
            theirs = siblings & other.container.exclusive_cpus
            if theirs:
                ours = mine & _siblings(topology, theirs)
                yield _Other(each, other).neighbour(Relation.CORES, [format_cpuset(ours)], [format_cpuset(theirs)])
    unheld = siblings - allocation.cpus.exclusive
    if unheld:
        ours = mine & _siblings(topology, unheld)
        yield Neighbour(Relation.POOL, (format_cpuset(ours),), (format_cpuset(unheld),))


def _siblings(topology: Topology, cpus: CpuSet) -> CpuSet:
    """Return the other hardware threads of the cores of *cpus*; empty if the cores are unknown."""
    cores = {core for cpu in cpus if (core := topology.core_by_cpu.get(cpu)) is not None and core.core >= 0}
    return frozenset(cpu for cpu, core in topology.core_by_cpu.items() if core in cores) - cpus

"""
CPUs granted by a DRA driver (dra-driver-cpu): exclusive CPUs of the container that uses the claim.

The driver keeps the CPUs of a claim from all other containers and pins the one container of the claim to all of them,
whatever request it names. The kubelet lists them as devices, not as CPUs. Where each CPU is a device, its slice says
which it is; if a device is a group of CPUs, the claim states how many of them, but not which.

Source: kubernetes-sigs/dra-driver-cpu de98098 (device/attributes.go, driver/dra_hooks.go, driver/cdi.go,
docs/user/workload-requirements.md); it requires the kubelet's CPU manager policy none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from podres_exporter.cpuset import CpuSet
from podres_exporter.join.unlisted import CPU
from podres_exporter.model import (
    Claim,
    ClaimDevice,
    ClaimFacts,
    ClaimKey,
    Container,
    Dra,
    DraDevice,
    DraKey,
    DraPool,
    NumaNodes,
    Pod,
    PodKey,
    PodMeta,
    Unlisted,
    UnlistedReason,
)
from podres_exporter.model.dra import Amounts

_DRIVER = "dra.cpu"
_CDI_KIND = "dra.k8s.io/cpu="
_CAPACITY = "dra.cpu/cpu"
"""The number of CPUs of a group. A name without a domain is the driver's."""


@dataclass(frozen=True, slots=True)
class ClaimedCpus:
    """
    The pods with the CPUs of their claims.

    *claimed* are those CPUs, *offered* all that the driver allocates individually. *unlisted* are numbers of CPUs by
    pod, if only the number is known. Not *is_known*: a claim has an unknown number of CPUs here, or the driver's slices
    are incomplete.
    """

    pods: tuple[Pod, ...]
    claimed: CpuSet = frozenset()
    offered: CpuSet = frozenset()
    unlisted: Mapping[PodKey, tuple[Unlisted, ...]] = field(default_factory=dict)
    is_known: bool = True


def claimed_cpus(pods: Sequence[Pod], metas: Iterable[PodMeta], dra: Dra | None) -> ClaimedCpus:
    """Return the pods with the CPUs of their claims, and what is known about such CPUs."""
    pools = [pool for pool in dra.pools if any(_is_cpu(pool.driver, each) for each in pool.devices)] if dra else []
    reader = _Reader(dra.claims if dra else {}, pools)
    found = tuple(reader.read(pod) if any(each.claims for each in pod.containers) else pod for pod in pods)
    offered = frozenset[int]().union(*(device.cpus for pool in pools for device in pool.devices))
    is_known = reader.is_known and all(pool.is_complete and not pool.is_stale for pool in pools)
    if pools and is_known:
        listed = {pod.key for pod in pods}
        is_known = not any(
            meta.runs and (meta.claims or meta.extended_claim) and meta.key not in listed for meta in metas
        )
    return ClaimedCpus(found, frozenset(reader.claimed), offered, reader.unlisted, is_known)


def _is_cpu(driver: str, device: DraDevice) -> bool:
    return bool(device.cpus) or _count(driver, device.capacity) is not None


def _count(driver: str, amounts: Amounts) -> int | None:
    """Return the number of CPUs in the amounts of one of this driver's devices; None if they contain none."""
    names = (_CAPACITY, _CAPACITY.rpartition("/")[2]) if driver == _DRIVER else (_CAPACITY,)
    return next((amount for name, amount in amounts if name in names), None)


class _Reader:
    """Reads one pod after another; a claim of several containers counts once."""

    def __init__(self, claims: Mapping[ClaimKey, ClaimFacts], pools: Iterable[DraPool]) -> None:
        self._claims = claims
        self._devices: dict[DraKey, DraDevice] = {
            (*pool.key, device.name): device for pool in pools for device in pool.devices
        }
        self._counted: set[ClaimKey] = set()
        self.claimed: set[int] = set()
        self.unlisted: dict[PodKey, tuple[Unlisted, ...]] = {}
        self.is_known = True

    def read(self, pod: Pod) -> Pod:
        """Return the pod with the CPUs of its claims."""
        containers = tuple(self._container(pod, each) if each.claims else each for each in pod.containers)
        is_same = all(one is other for one, other in zip(containers, pod.containers, strict=True))
        return pod if is_same else replace(pod, containers=containers)

    def _container(self, pod: Pod, container: Container) -> Container:
        cpus: CpuSet = frozenset()
        for claim in container.claims:
            cpus |= self._claim(pod, container, claim)
        self.claimed |= cpus
        return replace(container, exclusive_cpus=container.exclusive_cpus | cpus) if cpus else container

    def _claim(self, pod: Pod, container: Container, claim: Claim) -> CpuSet:
        """Return the CPUs of a claim that are known individually; note the others."""
        key = (pod.namespace, claim.name)
        facts, cpus, groups = self._claims.get(key), set[int](), list[tuple[NumaNodes, int]]()
        for device in claim.devices:
            stated = self._devices.get((device.driver, device.pool, device.device))
            if stated is None or not _is_cpu(device.driver, stated):
                self.is_known = self.is_known and not _looks_like_cpus(device)
                continue
            results = (
                [each for each in facts.results if each.key == (device.driver, device.pool, device.device)]
                if facts
                else []
            )
            if results and all(each.is_admin for each in results):
                continue
            if stated.cpus:
                cpus |= stated.cpus
                continue
            counts = [
                _count(device.driver, each.consumed)
                for each in results
                if not device.share_id or device.share_id == each.share_id
            ]
            known = [count for count in counts if count is not None]
            self.is_known = self.is_known and bool(known) and len(known) == len(counts)
            groups.append((stated.numa_nodes, sum(known)))
        if groups and key not in self._counted:
            self._counted.add(key)
            rows = [
                Unlisted(container.name, CPU, count, UnlistedReason.CLAIM, nodes) for nodes, count in groups if count
            ]
            self.unlisted[pod.key] = (*self.unlisted.get(pod.key, ()), *rows)
        return frozenset(cpus)


def _looks_like_cpus(device: ClaimDevice) -> bool:
    """Return whether a device without a slice belongs to dra-driver-cpu, judging by its driver or CDI name."""
    return device.driver == _DRIVER or any(name.startswith(_CDI_KIND) for name in device.cdi_devices)

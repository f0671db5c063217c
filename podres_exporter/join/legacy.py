"""Correct kubelets 1.20 to 1.22, which report the shared pool as exclusive CPUs."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from podres_exporter.cpuset import CpuSet
from podres_exporter.model import Listing, Pod


def blank_shared_pool(listing: Listing, online: CpuSet | None, allocatable: CpuSet | None) -> Listing:
    """
    Return the listing with the shared pool removed from the containers that report it as their CPUs.

    Exclusive sets are disjoint, so a set that two pods report is not exclusive. If only one pod reports the pool, it is
    the set of exactly those *online* CPUs that the others leave; of two sets that cover all CPUs, it is the one with
    the first CPU, because the kubelet reserves the lowest cores by default and reserved CPUs are always in the pool.
    For the same reason a subset of the *allocatable* CPUs, if the kubelet reports them, is not the pool: a finished pod
    may still be listed with CPUs that now belong to its successor.

    Only for kubelets without Get (before 1.27): later ones never do this, and legitimately list a pod's shared CPUs on
    several of its containers.

    Source: kubelet cm/container_manager_linux.go GetCPUs -> GetCPUSetOrDefault up to 1.22; kubernetes #100211, #97415.
    """
    pods_by_set: defaultdict[CpuSet, set[tuple[str, str]]] = defaultdict(set)
    for pod in listing.pods:
        for container in pod.containers:
            if container.exclusive_cpus:
                pods_by_set[container.exclusive_cpus].add(pod.key)
    shared = {cpus for cpus, pods in pods_by_set.items() if len(pods) > 1 and not (allocatable and cpus <= allocatable)}
    if not shared and online:
        shared = {
            cpus for cpus in pods_by_set if cpus == _left_by_others(cpus, pods_by_set, online) and min(online) in cpus
        }
    if not shared:
        return listing
    pods = tuple(_blank(pod, shared) for pod in listing.pods)
    return replace(listing, pods=pods, shared_pool_reported=True)


def _left_by_others(cpus: CpuSet, sets: Iterable[CpuSet], online: CpuSet) -> CpuSet:
    """Return the online CPUs that are in no other set."""
    return online.difference(*(other for other in sets if other != cpus))


def _blank(pod: Pod, shared: set[CpuSet]) -> Pod:
    """Return the pod without the shared sets; the same record if it has none."""
    if not any(container.exclusive_cpus in shared for container in pod.containers):
        return pod
    return replace(
        pod,
        containers=tuple(
            replace(container, exclusive_cpus=frozenset()) if container.exclusive_cpus in shared else container
            for container in pod.containers
        ),
    )

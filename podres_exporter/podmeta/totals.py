"""Compute a whole pod's requests as the kubelet counts them, and a resize that is still pending."""

from collections.abc import Callable, Sequence

from podres_exporter.model import ContainerKind, ContainerSpec, Malformed
from podres_exporter.podmeta.containers import LONGEST_MESSAGE, amounts_of
from podres_exporter.podmeta.records import PodSpec, PodStatus, Resources

_PENDING, _WAITING = "PodResizePending", ("Deferred", "Infeasible")


def pod_totals(spec: PodSpec, containers: Sequence[ContainerSpec], problems: list[Malformed]) -> tuple[int, int]:
    """
    Return the CPU (millicores) and memory (bytes) that the pod counts for when the kubelet admits other pods.

    Pod-level requests replace the sum of its containers' requests; the sandbox's overhead is added.

    Source: k8s.io/component-helpers/resource PodRequests (KEP-753, KEP-2837, KEP-688).
    """
    stated = dict(amounts_of(spec.resources or Resources(), "spec.resources", problems))
    overhead = dict(amounts_of(Resources(requests=spec.overhead), "spec.overhead", problems))
    cpu = stated.get("cpu") or most_at_a_time(containers, lambda each: each.cpu_millicores)
    memory = stated.get("memory") or most_at_a_time(containers, lambda each: dict(each.memory).get("memory", 0))
    return cpu + overhead.get("cpu", 0), memory + overhead.get("memory", 0)


def most_at_a_time(containers: Sequence[ContainerSpec], amount: Callable[[ContainerSpec], int]) -> int:
    """
    Return the most that the containers need at any time: all that stay, or an init container with earlier sidecars.

    Source: KEP-753.
    """
    staying = peak = 0
    for each in sorted(containers, key=lambda spec: spec.kind is ContainerKind.APP):
        if each.kind is ContainerKind.INIT:
            peak = max(peak, staying + amount(each))
        else:
            staying += amount(each)
    return max(peak, staying)


def pending_resize(status: PodStatus) -> str:
    """
    Return why a resize is pending or infeasible: `Infeasible: MESSAGE`; empty if none is requested or it is in
    progress.

    Source: KEP-1287: condition PodResizePending from 1.33 on, `status.resize` before.
    """
    for condition in status.conditions or ():
        if condition.type == _PENDING and condition.status == "True":
            text = f"{condition.reason}: {condition.message}" if condition.message else condition.reason
            return text[:LONGEST_MESSAGE]
    return status.resize if status.resize in _WAITING else ""

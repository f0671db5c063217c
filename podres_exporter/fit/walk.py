"""Run a pod through admission, step by step, until it is admitted or rejected."""

from dataclasses import dataclass

from podres_exporter.admission import (
    Assignment,
    ContainerRequest,
    NodeManagers,
    PodRequest,
    Policy,
    Rejection,
    Scope,
    begin,
    commit,
    granted,
    plan,
)
from podres_exporter.fit.node import NodeNow


@dataclass(frozen=True, slots=True)
class Walk:
    """
    The result of an admission: admitted if there is no *rejection*.

    *managers* are the state at the last step: earlier containers of a rejected pod hold their resources there.
    *container* is the rejected one; None if the pod was rejected as a whole, or admitted.
    """

    managers: NodeManagers
    assignments: tuple[Assignment, ...]
    rejection: Rejection | None = None
    container: ContainerRequest | None = None


def walk(now: NodeNow, pod: PodRequest, policy: Policy, scope: Scope) -> Walk:
    """
    Return the result, using the admission steps of the simulated node.

    Among equal devices the lowest ids are chosen, because the preference of the kubelet or plugin is unknown.
    """
    managers = now.managers
    admission = begin(managers, pod, now.offers, policy, scope)
    if isinstance(admission, Rejection):
        return Walk(managers, (), admission)
    given: list[Assignment] = []
    for container in pod.in_order:
        planned = plan(managers, admission, container, now.offers)
        if isinstance(planned, Rejection):
            return Walk(managers, tuple(given), planned, container)
        committed = commit(managers, planned, {want.resource: want.settle() for want in planned.wants})
        if isinstance(committed, Rejection):
            return Walk(managers, tuple(given), committed, container)
        managers = committed
        given.append(Assignment(container, planned.hint, granted(managers, pod, container)))
    return Walk(managers, tuple(given))

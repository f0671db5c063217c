"""Walk a pod through admission, step by step, to where it is admitted or refused."""

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
    What became of a pod: admitted where there is no *rejection*.

    *managers* are those that its last step was judged by: a rejected pod's earlier containers hold their share there.
    *container* is the one that was refused; None where the pod was refused as a whole, or was admitted.
    """

    managers: NodeManagers
    assignments: tuple[Assignment, ...]
    rejection: Rejection | None = None
    container: ContainerRequest | None = None


def walk(now: NodeNow, pod: PodRequest, policy: Policy, scope: Scope) -> Walk:
    """
    Return the pod's way, by the steps of admission that the simulated node takes.

    Of equal devices the lowest ids are taken: which ones a kubelet or a plugin would prefer is not known.
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

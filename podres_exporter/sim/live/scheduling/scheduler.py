"""A scheduler for one node: binds pods that fit, and writes to the others why they are pending."""

import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from podres_exporter.quantity import parse_millicores, parse_quantity
from podres_exporter.sim.api import (
    DEVICE_CLASSES,
    NODES,
    PODS,
    RESOURCE_CLAIM_TEMPLATES,
    RESOURCE_CLAIMS,
    RESOURCE_SLICES,
    Event,
    EventType,
    StatusError,
    Store,
)
from podres_exporter.sim.api.storage.objects import at
from podres_exporter.sim.live.fitting import Amounts, requests_of, shortages
from podres_exporter.sim.live.requests import claim_names, pod_request
from podres_exporter.sim.live.scheduling.claim_controller import ClaimController, unmade_claims
from podres_exporter.sim.live.status_writer import StatusWriter
from podres_exporter.sim.live.sync_loop import SyncLoop

log = logging.getLogger(__name__)

_OURS = {None, "", "default-scheduler"}
_ENDED = {"Succeeded", "Failed"}
_WATCHED = {NODES, RESOURCE_CLAIM_TEMPLATES, RESOURCE_CLAIMS, RESOURCE_SLICES, DEVICE_CLASSES}
_NO_SCHEDULE = {"NoSchedule", "NoExecute"}
_GATED = "Scheduling is blocked due to non-empty scheduling gates"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_DRA_SINCE_MINOR = 34


class Scheduler:
    """
    Looks at the pods without a node whenever a pod or the node has changed, the oldest first.

    It knows requests, the number of pods, nodeSelector, taints and cordons. A pod that requires more (affinity,
    spreading) waits and is told that this is not simulated, as is one that preemption may help; what it only prefers
    makes no difference on one node.
    Extended resources that a claim stands for (KEP-5004) are no matter of the node's amounts.

    Source: pkg/scheduler, plugins noderesources, nodeaffinity, nodeunschedulable, tainttoleration; framework FitError.
    """

    def __init__(
        self, node: str, minor: int, store: Store, writer: StatusWriter, forced: Collection[tuple[str, str]] = ()
    ) -> None:
        """
        Bind nothing before `start`; *minor* is the release whose words it uses.

        *forced* are pods, by namespace and name, that a scenario has start here: they are bound without room for their
        CPUs and memory too, so that the kubelet says what it says of them.
        """
        self._node, self._store, self._writer = node, store, writer
        self._forced = frozenset(forced)
        self._has_dra = minor >= _DRA_SINCE_MINOR
        self._claims = ClaimController(node, store)
        self._asked: dict[str, Amounts] = {}
        self._loop = SyncLoop()

    def start(self) -> None:
        """Look at every change from now on."""
        self._loop.start()
        self._store.subscribe(self._on_event)

    def stop(self) -> None:
        """Bind no more pods."""
        self._loop.stop()

    def settle(self) -> None:
        """Return once every change up to now has been looked at."""
        self._loop.settle()

    def _on_event(self, event: Event) -> None:
        if event.resource in _WATCHED or (event.resource is PODS and not self._is_dull(event)):
            self._loop.put(self._schedule)

    def _is_dull(self, event: Event) -> bool:
        """Whether a change of a pod leaves as much room as there was: those of pods that have a node, and go on."""
        has_ended = event.type is EventType.DELETED or at(event.item, "status.phase") in _ENDED
        return not has_ended and bool(at(event.item, "spec.nodeName"))

    def _schedule(self) -> None:
        """Bind what fits, in order of creation."""
        try:
            node = self._store.get(NODES, "", self._node)
        except StatusError:
            return
        pods = self._store.read(PODS)[0]
        self._claims.release(pods)
        asked = {pod["metadata"]["uid"]: self._asks(pod) for pod in pods}
        self._asked = {uid: asks for uid, asks in asked.items() if asks is not None}
        bound = [
            self._asked[uid]
            for pod in pods
            if at(pod, "spec.nodeName") == self._node
            and at(pod, "status.phase") not in _ENDED
            and (uid := pod["metadata"]["uid"]) in self._asked
        ]
        waiting = [pod for pod in pods if not at(pod, "spec.nodeName") and isinstance(pod.get("spec"), Mapping)]
        for pod in sorted(waiting, key=_age):
            if at(pod, "spec.schedulerName") in _OURS and self._has_its_claims(pod):
                self._place(pod, bound, node)

    def _has_its_claims(self, pod: Mapping[str, Any]) -> bool:
        """Make the claims of a pod's templates; return whether all are there and its status names them."""
        if not unmade_claims(pod):
            return not self._claims.lacks_claims(pod)
        claims = self._claims.make(pod)
        if claims != list(at(pod, "status.resourceClaimStatuses") or ()):
            self._writer.name_claims(pod, claims)  # which is an event, and the pod's turn comes again
        return False

    def _place(self, pod: Mapping[str, Any], bound: list[Amounts], node: Mapping[str, Any]) -> None:
        """Bind a pod, or say why not; one that is bound joins *bound*."""
        if at(pod, "spec.schedulingGates"):
            self._writer.leave_pending(pod, "SchedulingGated", _GATED)
            return
        key = pod["metadata"].get("namespace", ""), pod["metadata"]["name"]
        if (unplayed := _unplayed(pod)) and key not in self._forced:
            self._writer.leave_pending(pod, "Unschedulable", f"{unplayed} is not simulated")
            return
        asks = self._asked.get(pod["metadata"]["uid"])
        reasons = [] if asks is None else self._reasons(pod, asks, bound, node)
        if not reasons and (unmet := self._claims.reserve(pod)):
            reasons = [(unmet, False)]
        if reasons:
            self._writer.leave_pending(pod, *self._verdict(pod, reasons))
            return
        self._writer.bind(pod)
        if asks is not None:
            bound.append(asks)

    def _asks(self, pod: Mapping[str, Any]) -> Amounts | None:
        """Return what a pod asks for, which never changes; None of one that cannot be read, as the kubelet will say."""
        known = self._asked.get(pod["metadata"]["uid"])
        if known is not None:
            return known
        try:
            return requests_of(pod_request(pod))
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def _reasons(
        self, pod: Mapping[str, Any], asks: Amounts, bound: Iterable[Amounts], node: Mapping[str, Any]
    ) -> list[tuple[str, bool]]:
        """Return why the pod does not fit, and of each reason whether the end of other pods would help."""
        if at(node, "spec.unschedulable"):
            return [("node(s) were unschedulable", False)]
        labels = node["metadata"].get("labels") or {}
        selector = at(pod, "spec.nodeSelector")
        if isinstance(selector, Mapping) and any(labels.get(key) != value for key, value in selector.items()):
            return [("node(s) didn't match Pod's node affinity/selector", False)]
        for taint in at(node, "spec.taints") or ():
            if taint.get("effect") in _NO_SCHEDULE and not _is_tolerated(taint, at(pod, "spec.tolerations") or ()):
                text = f"{{{taint.get('key')}: {taint.get('value', '')}}}"
                return [(f"node(s) had untolerated taint(s) {text}", False)]
        by_claim = {
            each.get("resourceName") for each in at(pod, "status.extendedResourceClaimStatus.requestMappings") or ()
        }
        is_forced = (pod["metadata"]["namespace"], pod["metadata"]["name"]) in self._forced
        missing = [
            each
            for each in shortages(asks, bound, allocatable_of(node))
            if each.resource not in by_claim and not (is_forced and "/" not in each.resource)
        ]
        return [(each.reason, not any(one.is_hopeless for one in missing)) for each in missing]

    def _verdict(self, pod: Mapping[str, Any], reasons: list[tuple[str, bool]]) -> tuple[str, str]:
        """Return reason and message of the condition PodScheduled."""
        told = ", ".join(sorted(f"1 {text}" for text, _ in reasons))
        helps = all(is_helped for _, is_helped in reasons)
        why = "No preemption victims found for incoming pod" if helps else "Preemption is not helpful for scheduling"
        if helps and _may_preempt(pod):
            why = "Preemption is not simulated"
        words = ""
        if self._has_dra:
            words = "still not schedulable, " if claim_names(pod) else "no new claims to deallocate, "
        none = "0/1 nodes are available"
        return "Unschedulable", f"{none}: {told}. {words}preemption: {none}: 1 {why}."


def _unplayed(pod: Mapping[str, Any]) -> str:
    """Return what the pod requires of its node that this scheduler does not know; empty if there is nothing."""
    for kind in ("nodeAffinity", "podAffinity", "podAntiAffinity"):
        if at(pod, f"spec.affinity.{kind}.{_REQUIRED}"):
            return f"spec.affinity.{kind}.{_REQUIRED}"
    for each in at(pod, "spec.topologySpreadConstraints") or ():
        if each.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule":
            return "spec.topologySpreadConstraints with DoNotSchedule"
    return ""


def _may_preempt(pod: Mapping[str, Any]) -> bool:
    """Return whether the pod may be of higher priority than another one; priority classes are not known."""
    has_priority = bool(at(pod, "spec.priorityClassName")) or (at(pod, "spec.priority") or 0) > 0
    return has_priority and at(pod, "spec.preemptionPolicy") != "Never"


def allocatable_of(node: Mapping[str, Any]) -> Amounts:
    """Return what a Node's status says may be requested."""
    amounts = at(node, "status.allocatable") or {}
    return {
        name: parse_millicores(amount) if name == "cpu" else parse_quantity(amount) for name, amount in amounts.items()
    }


def _age(pod: Mapping[str, Any]) -> tuple[str, int]:
    return pod["metadata"]["creationTimestamp"], int(pod["metadata"]["resourceVersion"])


def _is_tolerated(taint: Mapping[str, Any], tolerations: Iterable[Mapping[str, Any]]) -> bool:
    """Source: k8s.io/component-helpers Toleration.ToleratesTaint."""
    return any(
        each.get("effect") in {None, "", taint.get("effect")}
        and each.get("key") in {None, "", taint.get("key")}
        and (each.get("operator") == "Exists" or each.get("value", "") == taint.get("value", ""))
        for each in tolerations
    )

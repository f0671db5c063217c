"""Allocate and reserve the claims of pods when they are bound, and release them when they end."""

from collections.abc import Iterable, Mapping
from typing import Any

from podres_exporter.sim.api import (
    DEVICE_CLASSES,
    RESOURCE_CLAIM_TEMPLATES,
    RESOURCE_CLAIMS,
    RESOURCE_SLICES,
    StatusError,
    Store,
)
from podres_exporter.sim.api.storage.objects import at, generated_name, key_of
from podres_exporter.sim.dra import CannotAllocate, allocate
from podres_exporter.sim.dra.allocation import devices_of
from podres_exporter.sim.live.requests import claim_names

Object = Mapping[str, Any]

_ENDED = {"Succeeded", "Failed"}
_LONGEST_BASE = 57
"""Room is left for a dash and five characters more."""


class ClaimController:
    """
    Does what scheduler and resource claim controller do; one thread at a time.

    Claims of the scenario are already allocated; they are neither reserved nor released.

    Source: plugins/dynamicresources of the scheduler; pkg/controller/resourceclaim.
    """

    def __init__(self, node: str, store: Store) -> None:
        """Act on *store*."""
        self._node, self._store = node, store

    def make(self, pod: Object) -> list[dict[str, str]]:
        """
        Make the claims of a pod's templates that have not been made; return the claim statuses for the pod's status.

        A template that is not there is waited for.
        """
        metadata = pod["metadata"]
        made = list(at(pod, "status.resourceClaimStatuses") or ())
        for each in unmade_claims(pod):
            try:
                template = self._store.get(
                    RESOURCE_CLAIM_TEMPLATES, metadata["namespace"], each["resourceClaimTemplateName"]
                )["spec"]
            except StatusError:
                continue
            owner = {"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}
            given = template.get("metadata") or {}
            annotations = {**(given.get("annotations") or {}), "resource.kubernetes.io/pod-claim-name": each["name"]}
            about = {
                **given,
                "namespace": metadata["namespace"],
                "name": generated_name(_base_of(metadata["name"], each["name"]), self._store.version),
                "annotations": annotations,
                "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
            }
            self._store.create(RESOURCE_CLAIMS, {"metadata": about, "spec": template.get("spec") or {}})
            made.append({"name": each["name"], "resourceClaimName": about["name"]})
        return made

    def lacks_claims(self, pod: Object) -> bool:
        """Return whether a claim that the pod names is not there: no scheduler looks at such a pod (PreEnqueue)."""
        there = {key_of(claim) for claim in self._store.read(RESOURCE_CLAIMS)[0]}
        namespace = pod["metadata"].get("namespace", "")
        return any((namespace, name) not in there for name in claim_names(pod))

    def reserve(self, pod: Object) -> str:
        """Allocate and reserve what the pod refers to; return why that is not possible, and change nothing then."""
        claims = []
        taken = [device for claim in self._store.read(RESOURCE_CLAIMS)[0] for device in devices_of(claim)]
        for name in claim_names(pod):
            claim = self._store.get(RESOURCE_CLAIMS, pod["metadata"].get("namespace", ""), name)
            status = claim.get("status") or {}
            if not status.get("allocation"):
                slices, classes = (self._store.read(each)[0] for each in (RESOURCE_SLICES, DEVICE_CLASSES))
                try:
                    results = allocate(claim, slices, classes, taken, self._node)
                except CannotAllocate as error:
                    return str(error)
                status = {**status, "allocation": {"devices": {"results": results}}, "reservedFor": []}
                taken += devices_of({"status": status})
            if "reservedFor" in status:
                metadata = pod["metadata"]
                consumer = {"resource": "pods", "name": metadata["name"], "uid": metadata["uid"]}
                others = [each for each in status["reservedFor"] if each["uid"] != metadata["uid"]]
                claims.append({**claim, "status": {**status, "reservedFor": [*others, consumer]}})
        for claim in claims:
            self._store.update(RESOURCE_CLAIMS, claim)
        return ""

    def release(self, pods: Iterable[Object]) -> None:
        """Remove ended pods from their claims; a claim without users is deallocated."""
        living = {pod["metadata"]["uid"] for pod in pods if at(pod, "status.phase") not in _ENDED}
        for claim in self._store.read(RESOURCE_CLAIMS)[0]:
            owners = claim["metadata"].get("ownerReferences") or ()
            if any(each.get("kind") == "Pod" and each["uid"] not in living for each in owners):
                self._store.delete(RESOURCE_CLAIMS, claim["metadata"]["namespace"], claim["metadata"]["name"])
                continue
            status = claim.get("status") or {}
            reserved = status.get("reservedFor") or []
            left = [each for each in reserved if each["uid"] in living]
            if len(left) == len(reserved):
                continue
            kept = {**status, "reservedFor": left}
            if not left:
                kept.pop("allocation", None)
                kept.pop("reservedFor")
            self._store.update(RESOURCE_CLAIMS, {**claim, "status": kept})


def unmade_claims(pod: Object) -> list[Object]:
    """Return the claims of a pod that are to be made of templates and are not yet named in its status."""
    known = {each["name"] for each in at(pod, "status.resourceClaimStatuses") or ()}
    stated = at(pod, "spec.resourceClaims") or ()
    return [each for each in stated if each.get("resourceClaimTemplateName") and each["name"] not in known]


def _base_of(pod: str, claim: str) -> str:
    """Return what the name of a pod's claim begins with; a long one is cut in proportion (ensureClaim)."""
    base = f"{pod}-{claim}-"
    if len(base) <= _LONGEST_BASE:
        return base
    ends = (len(each) * _LONGEST_BASE // len(base) for each in (pod, claim))
    return "-".join(each[:end] for each, end in zip((pod, claim), ends, strict=True))

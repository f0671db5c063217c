"""Determine which devices of a claim a container uses, their health, and the names of template-made claims."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from podres_exporter.model import (
    Attribution,
    Claim,
    ClaimDevice,
    ClaimFacts,
    ClaimKey,
    ClaimUse,
    Container,
    ContainerSpec,
    DeviceHealth,
    Pod,
    PodKey,
    PodMeta,
    PodView,
    ResourceHealth,
)

Claims = Mapping[str, ClaimFacts]
"""Claims of the pod's namespace, by name."""

NO_CLAIMS: Claims = {}

_CLAIM = "claim:"


def claim_uses(
    container: Container, spec: ContainerSpec | None, meta: PodMeta | None, claims: Claims = NO_CLAIMS
) -> tuple[ClaimUse, ...]:
    """
    Return the claim devices that the container uses or may use; *claims* are those that were read, by name.

    The kubelet lists every device of a claim for each container that refers to it; a claim that was read says which
    request has which device. Without it, there is no doubt if the claim has one device or the container refers to the
    whole claim. A container that refers to some requests uses what the pod's status names for them; without a status
    for each of them, the remaining devices are listed with attribution CLAIM.

    Source: kubelet dra/manager.go GetContainerClaimInfos; KEP-4680; measured on 1.36.3.
    """
    if not container.claims:
        return ()
    uses: list[ClaimUse] = []
    for claim in _united(container.claims):
        by_request = _requested(claim, claims.get(claim.name), container.name, spec, meta)
        uses += _uses(claim, container.name, spec, meta) if by_request is None else by_request
    return tuple(uses)


def _requested(
    claim: Claim, facts: ClaimFacts | None, container: str, spec: ContainerSpec | None, meta: PodMeta | None
) -> list[ClaimUse] | None:
    """
    Return the uses of a claim that was read; None if it does not match what the kubelet lists.

    The kubelet is the authority: a result that it does not list is not used, and a claim without a device that the
    kubelet lists is a different or outdated one. Kubelets up to 1.34 name no shares: a device then represents all of
    them.

    Source: resource.k8s.io/v1; the request of a result is `main/sub` where one of several alternatives was chosen.
    """
    if facts is None or not claim.devices or not all(device.driver for device in claim.devices):
        return None
    listed = {(device.driver, device.pool, device.device, device.share_id): device for device in claim.devices}
    known = {result.key for result in facts.results}
    if any(key[:3] not in known for key in listed):
        return None
    wanted = _wanted(claim, container, spec, meta)
    uses = []
    for result in facts.results:
        device = listed.get((*result.key, result.share_id)) or listed.get((*result.key, ""))
        if device is None or not (wanted is None or _is_wanted(result.request, wanted)):
            continue
        attribution = Attribution.CONTAINER if wanted is not None or len(facts.results) == 1 else Attribution.CLAIM
        shared = replace(device, share_id=result.share_id)
        more = result.request, result.is_admin, result.consumed, result.interface
        uses.append(ClaimUse(claim.name, shared, attribution, *more))
    return uses


def _wanted(claim: Claim, container: str, spec: ContainerSpec | None, meta: PodMeta | None) -> frozenset[str] | None:
    """Return the requests of the claim that the container uses (an empty one: all of them); None if it is not known."""
    if meta is None:
        return None
    if claim.name == meta.extended_claim:
        if not meta.extended_names and {name for name, _ in meta.extended_requests} == {container}:
            return frozenset([""])
        return frozenset(request for name, request in meta.extended_names if name == container) or None
    if spec is None:
        return None
    return frozenset(request for name, request in _references(spec, meta) if name == claim.name) or None


def _is_wanted(request: str, wanted: frozenset[str]) -> bool:
    """Return whether a container that uses these requests uses this one."""
    return bool(wanted & {"", request, request.partition("/")[0]})


def _united(claims: Iterable[Claim]) -> list[Claim]:
    """
    Return the claims by name, without duplicates: claims belong to the pod's namespace, whatever the answer states.
    """
    devices: dict[str, dict[ClaimDevice, None]] = {}
    for claim in claims:
        devices.setdefault(claim.name, {}).update(dict.fromkeys(claim.devices))
    return [Claim("", name, tuple(each)) for name, each in devices.items()]


def _uses(claim: Claim, container: str, spec: ContainerSpec | None, meta: PodMeta | None) -> list[ClaimUse]:
    """Return the uses of one claim."""
    if _is_whole(claim, container, spec, meta):
        return [ClaimUse(claim.name, device, Attribution.CONTAINER) for device in claim.devices]
    named, complete = _named(claim, spec, meta)
    uses = []
    for device in claim.devices:
        if named.isdisjoint(_spellings(device)):
            if not complete:
                uses.append(ClaimUse(claim.name, device, Attribution.CLAIM))
        else:
            uses.append(ClaimUse(claim.name, device, Attribution.CONTAINER))
    return uses


def _is_whole(claim: Claim, container: str, spec: ContainerSpec | None, meta: PodMeta | None) -> bool:
    """Return whether the container uses everything that the kubelet lists for the claim."""
    if len(claim.devices) == 1:
        return bool(claim.devices[0].driver)
    if meta is None or spec is None:
        return False
    if claim.name == meta.extended_claim:
        return {name for name, _ in meta.extended_requests} == {container}
    return any(name == claim.name and not request for name, request in _references(spec, meta))


def _references(spec: ContainerSpec, meta: PodMeta) -> list[tuple[str, str]]:
    """Return the claims that the container refers to, by their own names, each with its request."""
    names = dict(meta.claims)
    return [(names.get(local, ""), request) for local, request in spec.claims]


def _named(claim: Claim, spec: ContainerSpec | None, meta: PodMeta | None) -> tuple[frozenset[str], bool]:
    """Return the resource ids that the status names for the claim, and whether it covers each request."""
    if meta is None or spec is None:
        return frozenset(), False
    names = dict(meta.claims)
    wanted = {f"{_CLAIM}{local}/{request}" for local, request in spec.claims if names.get(local) == claim.name}
    rows = [row for row in spec.health if row.name in wanted]
    known = {spelling for device in claim.devices for spelling in _spellings(device)}
    found = {row.name for row in rows if row.resource_id in known}
    return frozenset(row.resource_id for row in rows), bool(wanted) and found == wanted


def _spellings(device: ClaimDevice) -> tuple[str, ...]:
    """
    Return the ids by which a pod's status may name the device: its first CDI name, or driver, pool and name.

    Source: kubelet dra/manager.go (the first CDI id, else `driver/pool/device`); core/v1 ResourceHealth (the latter).
    """
    triplet = f"{device.driver}/{device.pool}/{device.device}"
    return (triplet, device.cdi_devices[0]) if device.cdi_devices else (triplet,)


def device_health(container: Container, spec: ContainerSpec | None, meta: PodMeta | None) -> tuple[DeviceHealth, ...]:
    """
    Return the health of the container's devices according to the pod's status, sorted.

    Rows of device-plugin devices that the container does not hold are dropped: they belong to another pod of that name.
    The claim that the scheduler created for extended resources is named by its own name, as the pod has no name for it.

    Source: KEP-4680; kubernetes #139941 (kubelets from 1.38).
    """
    if spec is None or meta is None or not spec.health:
        return ()
    held = {(device.resource, device.device_id) for device in container.devices}
    claims = dict(meta.claims)
    by_spelling = {
        (claim.name, spelling): device
        for claim in container.claims
        for device in claim.devices
        for spelling in _spellings(device)
    }
    found = set()
    for row in spec.health:
        if row.name.startswith(_CLAIM):
            local = row.name.removeprefix(_CLAIM).partition("/")[0]
            claim = claims.get(local, local if local == meta.extended_claim else "")
            found.add(_claim_health(row, claim, by_spelling.get((claim, row.resource_id))))
        elif (row.name, row.resource_id) in held:
            found.add(DeviceHealth(row.name, row.resource_id, "", "", row.health, row.message))
    return tuple(sorted(found))


def _claim_health(row: ResourceHealth, claim: str, device: ClaimDevice | None) -> DeviceHealth:
    """Return the health of a claim's device, under the kubelet's id if the list has no such device."""
    if device is None:
        return DeviceHealth("", row.resource_id, "", claim, row.health, row.message)
    return DeviceHealth(device.driver, device.device, device.pool, claim, row.health, row.message)


def claims_of(meta: PodMeta) -> list[ClaimKey]:
    """Return the claims of a pod: those of its spec, and that of its extended resources."""
    extended = [meta.extended_claim] if meta.extended_claim else []
    return [(meta.namespace, name) for name in (*(name for _, name in meta.claims), *extended)]


def claim_users(pods: Iterable[PodView], metas: Iterable[PodMeta] = ()) -> dict[ClaimKey, frozenset[str]]:
    """
    Return the claims of this node's pods, with the UIDs of those pods as far as they are known.

    The kubelet lists a claim only once it is prepared; its devices are taken before that. *metas* are all pods of this
    node that the API server knows.
    """
    users: dict[ClaimKey, frozenset[str]] = {}
    for meta in metas:
        for key in () if meta.is_terminal else claims_of(meta):
            users[key] = users.get(key, frozenset()) | {meta.uid}
    for view in pods:
        for container in view.pod.containers:
            for claim in container.claims:
                key = (view.pod.namespace, claim.name)
                uid = frozenset([view.meta.uid]) if view.meta else frozenset[str]()
                users[key] = users.get(key, frozenset()) | uid
    return users


_MOST_OF_BOTH, _MOST_OF_BASE = 57, 58
_RANDOM = re.compile("[bcdfghjklmnpqrstvwxz2456789]{5}")


def claims_to_name(metas: Mapping[PodKey, PodMeta], pods: Iterable[Pod]) -> tuple[Claim, ...]:
    """Return the listed claims of the pods that have claims without a known name."""
    found = []
    for pod in pods:
        meta = metas.get(pod.key)
        if meta is not None and meta.unnamed_claims:
            known = {name for _, name in meta.claims}
            found += [each for container in pod.containers for each in container.claims if each.name not in known]
    return tuple(found)


def with_told_names(
    metas: Mapping[PodKey, PodMeta], pods: Iterable[Pod], names: Mapping[ClaimKey, str]
) -> Mapping[PodKey, PodMeta]:
    """
    Return the metadata with the claims that *names* calls by a name their pod has no claim for yet.

    If two claims of a pod are called by one name, neither is taken: one of them is the file of a driver that has not
    cleaned up.
    """
    changed = {}
    for pod in pods:
        meta = metas.get(pod.key)
        if meta is None or not meta.unnamed_claims:
            continue
        known = {name for _, name in meta.claims}
        keys = {(each.namespace, each.name) for container in pod.containers for each in container.claims}
        keys = {key for key in keys if key[1] not in known}
        told = [(names[key], key[1]) for key in keys if names.get(key) in meta.unnamed_claims]
        told_as = [local for local, _ in told]
        taken = [each for each in told if told_as.count(each[0]) == 1]
        if taken:
            unnamed = tuple(each for each in meta.unnamed_claims if each not in dict(taken))
            changed[pod.key] = replace(meta, claims=tuple(sorted([*meta.claims, *taken])), unnamed_claims=unnamed)
    return {**metas, **changed} if changed else metas


def with_claim_names(meta: PodMeta | None, pod: Pod) -> PodMeta | None:
    """
    Return the metadata with the claim names that can be inferred by the naming rule from what the kubelet lists.

    If two of the pod's claims, or two listed ones, match, none is assigned: the claims then belong to the pod, not to a
    container.
    """
    if meta is None or not (meta.unnamed_claims or _may_be_extended(meta)):
        return meta
    known = {name for _, name in meta.claims}
    listed = {claim.name for container in pod.containers for claim in container.claims} - known
    candidates = {local: _of_base(listed, template_base(meta.name, local)) for local in meta.unnamed_claims}
    counted = [name for names in candidates.values() for name in names]
    found = [
        (local, names[0]) for local, names in candidates.items() if len(names) == 1 and counted.count(names[0]) == 1
    ]
    extended = _of_base(listed - set(counted), f"{meta.name}-extended-resources-") if _may_be_extended(meta) else []
    return replace(
        meta,
        claims=tuple(sorted([*meta.claims, *found])),
        extended_claim=extended[0] if len(extended) == 1 else meta.extended_claim,
        unnamed_claims=(),
    )


def template_base(pod: str, claim: str) -> str:
    """Return the fixed prefix of the name of a claim that is made from a template of the pod."""
    base = f"{pod}-{claim}-"
    if len(base) <= _MOST_OF_BOTH:
        return base
    length = len(base)
    return f"{pod[: len(pod) * _MOST_OF_BOTH // length]}-{claim[: len(claim) * _MOST_OF_BOTH // length]}"


def _may_be_extended(meta: PodMeta) -> bool:
    """Return whether the scheduler may have created a claim for extended resources that the status does not mention."""
    return not meta.extended_claim and meta.has_no_claim_status and any(each.devices for each in meta.containers)


def _of_base(listed: Iterable[str], base: str) -> list[str]:
    """Return the names that consist of this base and five random characters."""
    base = base[:_MOST_OF_BASE]
    return [name for name in listed if name.startswith(base) and _RANDOM.fullmatch(name[len(base) :])]

"""
Infer the names of template-made claims when the pod's status does not state them (Pods API).

A claim made from a template gets a name with five random characters. The pod status of the API server states it; the
kubelet's own status (the Pods API) does not. Pure.

Source: resourceclaim controller, ensureClaim (`POD-CLAIM-`, cut to 57 in proportion where it is longer);
dynamicresources plugin, createExtendedResourceClaimInAPI (`POD-extended-resources-`); names.SimpleNameGenerator (58
characters and five more); util/rand, alphanums.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from podres_exporter.model import Pod, PodMeta

_MOST_OF_BOTH, _MOST_OF_BASE = 57, 58
_RANDOM = re.compile("[bcdfghjklmnpqrstvwxz2456789]{5}")


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

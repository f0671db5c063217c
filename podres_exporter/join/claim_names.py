"""
Which of the claims that the kubelet lists for a pod is which of the pod's own, where its status does not say so.

A claim that is made of a template gets a name with five random characters. The status of the API server has it; the
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
    Return the metadata with the names of claims that can be told by the naming rule from what the kubelet lists.

    Where two of the pod's claims, or two listed ones, would do, none is named: they are then the pod's, and not any
    container's.
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
    """Return how the name of the claim begins that is made of a template of the pod."""
    base = f"{pod}-{claim}-"
    if len(base) <= _MOST_OF_BOTH:
        return base
    length = len(base)
    return f"{pod[: len(pod) * _MOST_OF_BOTH // length]}-{claim[: len(claim) * _MOST_OF_BOTH // length]}"


def _may_be_extended(meta: PodMeta) -> bool:
    """Return whether the scheduler may have made a claim for extended resources that the status does not tell of."""
    return not meta.extended_claim and meta.has_no_claim_status and any(each.devices for each in meta.containers)


def _of_base(listed: Iterable[str], base: str) -> list[str]:
    """Return the names that are this base and five random characters."""
    base = base[:_MOST_OF_BASE]
    return [name for name in listed if name.startswith(base) and _RANDOM.fullmatch(name[len(base) :])]

"""Kubelet settings that its answers do not contain: from flags, or derived from its rejections."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from podres_exporter.admission import OUT_OF, SMT_ALIGNMENT
from podres_exporter.model import Metadata, PodMeta

_CAPACITY = re.compile(
    r"resource: (?P<resource>[a-z]+), requested: [0-9]+, used: [0-9]+, capacity: (?P<capacity>[0-9]+)"
)


@dataclass(frozen=True, slots=True)
class KubeletOptions:
    """
    *full_pcpus_only*: the CPU manager allocates whole cores only; None if unknown. *capacities* are bounds (least and
    most) of the node's allocatable `cpu` (millicores), `memory` (bytes) and `pods`, with which requests are compared.
    """

    full_pcpus_only: bool | None = None
    capacities: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def learned(options: KubeletOptions, metadata: Metadata | None) -> KubeletOptions:
    """
    Return the options extended by what rejections on this node show; given options take precedence.

    Source: kubelet cpumanager SMTAlignmentError; lifecycle/predicate.go InsufficientResourceError.
    """
    metas: Iterable[PodMeta] = metadata.pods.values() if metadata else ()
    rejected = [meta for meta in metas if meta.phase == "Failed"]
    full = options.full_pcpus_only
    if full is None and any(meta.reason == SMT_ALIGNMENT for meta in rejected):
        full = True
    found: dict[str, tuple[int, int]] = {}
    for meta in rejected:
        match = _CAPACITY.search(meta.message) if meta.reason.startswith(OUT_OF) else None
        if match:
            capacity = int(match["capacity"])
            least, most = found.get(match["resource"], (capacity, capacity))
            found[match["resource"]] = (min(least, capacity), max(most, capacity))
    return replace(options, full_pcpus_only=full, capacities={**found, **options.capacities})

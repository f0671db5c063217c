"""Say whether a container is NUMA-aligned, and why, in one sentence."""

from collections import defaultdict
from collections.abc import Iterable

from podres_exporter.model import Alignment, Constraint, Verdict
from podres_exporter.model.allocation import NumaNodes
from podres_exporter.text.amounts import nodes_phrase, thing
from podres_exporter.text.words import joined


def verdict_text(alignment: Alignment, *, holds_claims: bool = False) -> str:
    """Return the verdict on a container with its reasons: where each resource is, and why no single node would do."""
    match alignment.verdict:
        case Verdict.ALIGNED:
            sentence = f"aligned on NUMA {nodes_phrase(alignment.numa_nodes)}"
        case Verdict.MISALIGNED:
            sentence = f"misaligned: {_places(alignment.constraints)}, though one NUMA node could serve it"
        case Verdict.SPANS:
            sentence = (
                f"spans NUMA {nodes_phrase(alignment.numa_nodes)}: {_places(alignment.constraints)}; {_why(alignment)}"
            )
        case Verdict.UNKNOWN if alignment.constraints:
            sentence = "alignment unknown: the NUMA nodes of its CPUs are not known"
        case Verdict.UNKNOWN:
            sentence = "alignment unknown: no NUMA node is reported for what it holds"
        case Verdict.UNSUPPORTED:
            sentence = "alignment unknown: kubelets before 1.23 report unknown NUMA nodes as node 0"
        case Verdict.NOT_APPLICABLE if holds_claims:
            sentence = "nothing to align: the kubelet does not report the NUMA nodes of DRA devices"
        case _:
            sentence = "nothing to align: it holds nothing that belongs to a NUMA node"
    if alignment.unplaced and alignment.numa_nodes:
        sentence += f" ({alignment.unplaced} without a stated node left out)"
    return sentence


def _places(constraints: Iterable[Constraint]) -> str:
    """Return where each resource is: `exclusive CPUs and memory on node 0, nvidia.com/gpu on node 1`."""
    sets: defaultdict[str, list[NumaNodes]] = defaultdict(list)
    for constraint in constraints:
        sets[constraint.resource].append(constraint.numa_nodes)
    names: defaultdict[str, list[str]] = defaultdict(list)
    for resource, places in sets.items():
        names[joined([nodes_phrase(nodes) for nodes in places])].append(thing(resource))
    return ", ".join(f"{joined(held)} on {places}" for places, held in names.items())


def _why(alignment: Alignment) -> str:
    """Return why several nodes are needed."""
    if any(constraint.every and len(constraint.numa_nodes) > 1 for constraint in alignment.constraints):
        return "its memory exceeds one node, or joined blocks that span nodes"
    return "no single node has that much"

"""Say in one sentence why a pod would be rejected."""

from collections.abc import Sequence

from podres_exporter.fit.answer import Outcome
from podres_exporter.fit.hurdles import Hurdle, Obstacle
from podres_exporter.fit.room import Room
from podres_exporter.model.allocation import NumaNodes
from podres_exporter.printable import printable
from podres_exporter.text.amounts import nodes_phrase, resource_amount, thing
from podres_exporter.text.words import joined

_MOST_SETS = 3
_REQUESTED = {"requests.cpu": "CPU requests", "requests.memory": "memory requests", "pods": "number of pods"}


def reason(outcome: Outcome) -> str:
    """Return the obstacles of a rejected pod; the kubelet's own message if nothing better is known."""
    apart = [hurdle for hurdle in outcome.hurdles if hurdle.obstacle is Obstacle.APART]
    if apart:
        return _for(apart[0], _apart(apart))
    if any(hurdle.obstacle is Obstacle.CLAIMS and hurdle.room is None for hurdle in outcome.hurdles):
        return "the scheduler decides which devices the pod's DRA claims get"
    told = [_for(hurdle, _sentence(hurdle.obstacle, hurdle.room)) for hurdle in outcome.hurdles if hurdle.room]
    if told:
        return "; ".join(told)
    return printable(outcome.rejection.message if outcome.rejection else "")


def _for(hurdle: Hurdle, sentence: str) -> str:
    """Return the sentence, with the rejected container if the pod has several."""
    return f"container {printable(hurdle.container)}: {sentence}" if hurdle.container else sentence


def _sentence(obstacle: Obstacle, room: Room) -> str:
    """Return the obstacle for one resource."""
    if obstacle is Obstacle.REQUESTED:
        free, of_all = resource_amount(room.resource, room.free), resource_amount(room.resource, room.allocatable)
        asked = resource_amount(room.resource, room.asked)
        return f"{_REQUESTED[room.resource]}: {asked} requested, {free} of {of_all} left by the node's other pods"
    return f"{resource_amount(room.resource, room.asked)} {thing(room.resource)} requested{_rest(obstacle, room)}"


def _rest(obstacle: Obstacle, room: Room) -> str:
    """Return what the node has instead."""
    free, of_all = resource_amount(room.resource, room.free), resource_amount(room.resource, room.allocatable)
    most = resource_amount(room.resource, room.most_on_one_node)
    found = {
        Obstacle.ABSENT: ", and the kubelet reports none" if "/" in room.resource else ", and no ResourceSlice has any",
        Obstacle.TOO_FEW: f", {of_all} in all",
        Obstacle.HELD: f", {free} of {of_all} free",
        Obstacle.TOO_WIDE: f", and no NUMA node has more than {most}",
        Obstacle.WHOLE_CORES: ", and the CPU manager allocates free whole cores only (full-pcpus-only)",
        Obstacle.UNLISTED: f", {free} of {of_all} certainly free: more is held than the kubelet lists",
        Obstacle.CLAIMS: f", {free} of {of_all} certainly free: the effect of claims and taints is unknown",
        Obstacle.GROUPED: ", and enough is free, but the memory manager never mixes blocks that span NUMA nodes with "
        "blocks of one node",
    }.get(obstacle)
    return found or f" and {free} free, but {_spread(room)}"


def _spread(room: Room) -> str:
    """Return the distribution of the free items: `2 on each of nodes 0-1`, or node by node."""
    free = {node: pair[0] for node, pair in sorted(room.by_node.items()) if pair[1]}
    if not free:
        return "near no NUMA node of this machine"
    if len(free) > 1 and len(set(free.values())) == 1:
        amount = next(iter(free.values()))
        return f"{resource_amount(room.resource, amount)} on each of {nodes_phrase(free)}"
    return joined([f"{resource_amount(room.resource, amount)} on node {node}" for node, amount in free.items()])


def _apart(hurdles: list[Hurdle]) -> str:
    """Return which nodes each resource would fit; resources with the same nodes are grouped."""
    by_nodes: dict[str, list[str]] = {}
    for resource, sets in [(hurdle.room.resource, hurdle.numa_nodes) for hurdle in hurdles if hurdle.room]:
        by_nodes.setdefault(_sets_text(sets), []).append(thing(resource))
    told = [f"{joined(names)} on {nodes}" for nodes, names in by_nodes.items()]
    return f"each fits somewhere, but not together: {', '.join(told)}"


def _sets_text(sets: Sequence[NumaNodes]) -> str:
    """Return sets of nodes concisely: `one of nodes 0-3`, `nodes 0-1 or nodes 2-3`, `2 of nodes 0-7`."""
    every = frozenset[int]().union(*sets)
    if len(sets) <= _MOST_SETS and len(every) > len(sets):
        return joined([nodes_phrase(nodes) for nodes in sets], "or")
    fewest = min(map(len, sets))
    if len(every) == 1:
        return nodes_phrase(every)
    return f"{'one' if fewest == 1 else fewest} of {nodes_phrase(every)}"

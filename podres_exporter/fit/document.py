"""Render an answer as JSON: the same facts as the text, under stable names."""

from typing import Any

from podres_exporter.fit.answer import Answer, Outcome
from podres_exporter.fit.ask import Ask
from podres_exporter.fit.room import Room
from podres_exporter.model import ContainerSpec

Document = dict[str, Any]


def to_dict(answer: Answer) -> Document:
    """Return the answer as JSON values; bytes, CPUs and devices are plain numbers."""
    return {
        "node": answer.node,
        "fits": answer.fits.value,
        "scope": answer.scope.value,
        "asked": ask_dict(answer.ask),
        "outcomes": [_outcome(outcome) for outcome in answer.outcomes],
        "room": [_room(room) for room in answer.rooms],
        "fitting_nodes": None if answer.fitting_nodes is None else sorted(answer.fitting_nodes),
        "notes": [{"caveat": note.caveat.value, "text": note.text} for note in answer.notes],
    }


def ask_dict(ask: Ask) -> Document:
    """Return the requests by container."""
    return {"guaranteed": ask.is_guaranteed, "containers": [request_dict(spec) for spec in ask.containers]}


def request_dict(spec: ContainerSpec) -> Document:
    """Return the requests of one container."""
    return {
        "name": spec.name,
        "kind": spec.kind.value,
        "cpu_millicores": spec.cpu_millicores,
        "memory_bytes": dict(spec.memory),
        "devices": dict(spec.devices),
        "claims": sorted({claim for claim, _ in spec.claims}),
    }


def _outcome(outcome: Outcome) -> Document:
    rejection = outcome.rejection
    return {
        "policy": outcome.policy.value,
        "fits": outcome.fits.value,
        "numa_nodes": sorted(outcome.numa_nodes),
        "containers": [
            {"name": place.container, "numa_nodes": sorted(place.numa_nodes), "alignment": place.verdict.value}
            for place in outcome.places
        ],
        "rejection": rejection and {"reason": rejection.reason, "message": rejection.message},
        "in_the_way": [
            {
                "obstacle": hurdle.obstacle.value,
                "container": hurdle.container,
                "numa_nodes": [sorted(nodes) for nodes in hurdle.numa_nodes],
                "room": hurdle.room and _room(hurdle.room),
            }
            for hurdle in outcome.hurdles
        ],
        "nearest_node": outcome.nearest,
        "holders": [
            {
                "namespace": each.namespace,
                "pod": each.name,
                "resource": each.resource,
                "amount": each.amount,
                "ending": each.ending or None,
            }
            for each in outcome.holders
        ],
        "fits_without": [{"namespace": namespace, "pod": name} for namespace, name in outcome.freeing],
    }


def _room(room: Room) -> Document:
    return {
        "resource": room.resource,
        "asked": room.asked,
        "free": room.free,
        "allocatable": room.allocatable,
        "unplaced": room.unplaced,
        "by_numa_node": {
            str(node): {"free": free, "allocatable": allocatable}
            for node, (free, allocatable) in sorted(room.by_node.items())
        },
    }

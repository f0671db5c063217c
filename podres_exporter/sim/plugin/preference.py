"""Which devices a plugin would rather see together."""

import re
from collections.abc import Collection, Mapping

NodesByDevice = Mapping[str, Collection[int] | None]


def prefer(
    available: Collection[str], must_include: Collection[str], size: int, nodes_by_device: NodesByDevice
) -> tuple[str, ...]:
    """
    Return *size* of the available ids, those of *must_include* first, from one NUMA node as far as that goes.

    Shorter if there are fewer. The node is the one that has enough; among such the one with the most of *must_include*,
    then the one that is left with the fewest, so that big requests find a whole node later. Where none has enough it is
    the one with the most. Devices are taken in order of their names, numbers by value; ids in neither list never come.
    """
    must = sorted(must_include, key=_natural)
    rest = sorted(set(available) - set(must), key=_natural)
    needed = max(size - len(must), 0)
    near = _best_node(must, rest, needed, nodes_by_device)
    ordered = sorted(rest, key=lambda device: near not in _nodes(device, nodes_by_device))
    return (*must, *ordered[:needed])


def _best_node(must: Collection[str], rest: Collection[str], needed: int, nodes_by_device: NodesByDevice) -> int | None:
    """Return the node to take devices from; None if no device states one."""

    def rank(node: int) -> tuple[bool, int, int, int]:
        on_node = sum(node in _nodes(device, nodes_by_device) for device in rest)
        included = sum(node in _nodes(device, nodes_by_device) for device in must)
        enough = on_node >= needed
        return (not enough, -included, on_node if enough else -on_node, node)

    nodes = {node for device in (*must, *rest) for node in _nodes(device, nodes_by_device)}
    return min(nodes, key=rank, default=None)


def _nodes(device: str, nodes_by_device: NodesByDevice) -> Collection[int]:
    """Return the nodes of a device; a negative number, which some drivers state, is none."""
    return {node for node in nodes_by_device.get(device) or () if node >= 0}


def _natural(text: str) -> tuple[tuple[int, str], ...]:
    """Return a sort key that puts gpu-2 before gpu-10."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text))

"""Select a part of a snapshot: pods, containers, and what they hold."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from podres_exporter.dump.device_match import MOST_NAMES, ClaimDeviceKey, claim_device_key, find_devices, near_names
from podres_exporter.dump.narrow import Wanted, narrowed
from podres_exporter.errors import SelectionError
from podres_exporter.join.hardware import twins
from podres_exporter.model import Allocation, DeviceStock, DraNode, DraStock, PodKey, Snapshot
from podres_exporter.model.allocation import NumaNodes
from podres_exporter.printable import printable
from podres_exporter.text.amounts import CPU, MEMORY, on_nodes


@dataclass(frozen=True, slots=True)
class Selection:
    """
    The selection; empty fields select everything.

    *pods* and *containers* are shell patterns (`train-*`), a pod's may begin with its namespace (`ml/train-*`).
    *resources* are extended resources, `cpu`, memory types and DRA drivers. *device* is as `find_devices` reads it.
    *numa_nodes*: items on or near one of them; items without a stated node are left out.
    """

    namespaces: tuple[str, ...] = ()
    pods: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    device: str | None = None
    numa_nodes: NumaNodes = frozenset()


def select(snapshot: Snapshot, selection: Selection) -> Snapshot:
    """
    Return the snapshot with the selection: pods, their matching containers, and the selected items.

    The node's stock is filtered by resource and NUMA node, not by pod; verdicts remain those of whole containers. A
    snapshot without an allocation is unchanged. Raises SelectionError as `select_nodes` does.
    """
    return select_nodes([snapshot], selection)[0]


def select_nodes(snapshots: Sequence[Snapshot], selection: Selection) -> tuple[Snapshot, ...]:
    """
    Return each snapshot with the selection; a name needs to exist on only one of the nodes.

    Raises SelectionError if a namespace, pod, container, resource, device or NUMA node exists on none of them (with
    similar names), or if a device is ambiguous.
    """
    known = [each for each in snapshots if each.allocation is not None]
    if not known:
        return tuple(snapshots)
    pods = _Pods(selection)
    pods.check(known)
    _check("resource", selection.resources, _resources(known), known)
    _check_nodes(selection.numa_nodes, known)
    found = None if selection.device is None else find_devices(known, selection.device)
    wanted = Wanted(pods.matches, pods.matches_container, frozenset(selection.resources), found, selection.numa_nodes)
    return tuple(narrowed(snapshot, wanted) for snapshot in snapshots)


def without_holder(snapshots: Sequence[Snapshot], selection: Selection) -> list[str]:
    """
    Return a sentence per selected device that no container holds.

    *snapshots* are the unfiltered ones. Raises SelectionError as `find_devices` does.
    """
    if selection.device is None or not any(each.allocation for each in snapshots):
        return []
    found = find_devices(snapshots, selection.device)
    devices = found.devices
    claimable = [
        sentence
        for snapshot in snapshots
        if snapshot.allocation and snapshot.allocation.dra
        for sentence in _unclaimed(snapshot.node, snapshot.allocation, snapshot.allocation.dra, found.claim_devices)
    ]
    return claimable + [
        f"no container holds {printable(stock.resource)} {printable(device)} {on_nodes(stock.numa_nodes)} of "
        f"{printable(snapshot.node)}; {_how_free(snapshot.allocation, stock, device)}"
        for snapshot in snapshots
        if snapshot.allocation
        for stock in snapshot.allocation.devices
        for device in sorted(stock.free or ())
        if (stock.resource, device) in devices
    ]


def _unclaimed(node: str, allocation: Allocation, dra: DraNode, wanted: Collection[ClaimDeviceKey]) -> Iterator[str]:
    """Yield a sentence for each of these DRA devices of the node that no container has."""
    held = {
        claim_device_key(device)
        for view in allocation.pods
        for each in view.containers
        for claim in each.container.claims
        for device in claim.devices
    }
    stocks = {(row.driver, *item): row for row in dra.stock for item in row.total}
    for key, device in dra.devices().items():
        if key not in wanted or key in held:
            continue
        name = f"{printable('/'.join(key))}{f' {printable(device.uuid)}' if device.uuid else ''}"
        where = f"{name} {on_nodes(device.numa_nodes)} of {printable(node)}"
        yield f"no container holds {where}; {_how_available(stocks.get(key), key[1:])}"


def _how_available(stock: DraStock | None, item: tuple[str, str]) -> str:
    """Return whether a DRA device that no container has can be had."""
    if stock is None:
        return "it is not counted, as not all slices of its pool are there, or it is not of this node alone"
    if item in stock.unavailable:
        return "it is not available: tainted (dump --free says how)"
    if item in stock.allocated:
        return "but a claim of a pod here has it that the kubelet has not listed yet"
    return "it is available" if stock.is_known else "whether it is available is not known: a claim here is not read"


def _how_free(allocation: Allocation, stock: DeviceStock, device: str) -> str:
    """Return whether a device that is not listed as held is free."""
    for each in twins(allocation):
        if (each.resource, each.device_id) == (stock.resource, device):
            return (
                f"but it is held as {printable(each.held_as)} {printable(each.held_id)} by "
                f"{printable(each.namespace)}/{printable(each.pod)}, and the kubelet would allocate it again"
            )
    if stock.unlisted:
        return f"but {stock.unlisted} more of its kind are held that the kubelet does not list, so it may not be free"
    return "it is free"


class _Pods:
    """The patterns of pods and containers."""

    def __init__(self, selection: Selection) -> None:
        self._namespaces, self._pods, self._containers = selection.namespaces, selection.pods, selection.containers

    def matches(self, key: PodKey) -> bool:
        """Return whether the pod is selected."""
        if self._namespaces and key[0] not in self._namespaces:
            return False
        return not self._pods or any(_matches_pod(key, pattern) for pattern in self._pods)

    def matches_container(self, name: str) -> bool:
        """Return whether containers of that name are selected; the empty name is the pod's own list."""
        return not self._containers or any(fnmatchcase(name, pattern) for pattern in self._containers)

    def check(self, snapshots: Sequence[Snapshot]) -> None:
        """Raise SelectionError if a pattern matches nothing."""
        listed = {view.pod.key for allocation in _allocations(snapshots) for view in allocation.pods}
        told = {key for each in snapshots if each.metadata for key in each.metadata.pods}
        _check("namespace", self._namespaces, {namespace for namespace, _ in listed | told}, snapshots)
        in_namespaces = [key for key in listed if not self._namespaces or key[0] in self._namespaces]
        for pattern in self._pods:
            if not any(_matches_pod(key, pattern) for key in in_namespaces):
                raise _unknown_pod(pattern, self._namespaces, listed, told, snapshots)
        names = {
            each.container.name
            for allocation in _allocations(snapshots)
            for view in allocation.pods
            if self.matches(view.pod.key)
            for each in view.containers
        }
        _check("container", self._containers, names, snapshots, fnmatchcase)


def _matches_pod(key: PodKey, pattern: str) -> bool:
    return fnmatchcase("/".join(key) if "/" in pattern else key[1], pattern)


def _unknown_pod(
    pattern: str,
    namespaces: Collection[str],
    listed: Collection[PodKey],
    told: Collection[PodKey],
    snapshots: Sequence[Snapshot],
) -> SelectionError:
    """Return the error for a pod that is not listed."""
    where = f" in {', '.join(map(printable, namespaces))}" if namespaces else ""
    problem = f"no pod '{printable(pattern)}'{where} on {_nodes(snapshots)}"
    if any(_matches_pod(key, pattern) and (not namespaces or key[0] in namespaces) for key in told):
        return SelectionError(f"{problem}: the API server knows it, but the kubelet does not list it")
    near = _near_pods(pattern, listed)
    return SelectionError(f"{problem}; near" if near else f"{problem}; {len(listed)} pods are listed", near)


def _near_pods(pattern: str, listed: Collection[PodKey]) -> list[str]:
    """Return pods of that name in other namespaces, else pods with similar names."""
    elsewhere = sorted(key for key in listed if _matches_pod(key, pattern))
    if not elsewhere:
        near = near_names(pattern.rpartition("/")[2], sorted({name for _, name in listed}))
        elsewhere = sorted(
            (key for key in listed if printable(key[1]) in near), key=lambda key: near.index(printable(key[1]))
        )
    return [printable("/".join(key)) for key in elsewhere[:MOST_NAMES]]


def _check(
    what: str,
    wanted: Collection[str],
    known: Collection[str],
    snapshots: Sequence[Snapshot],
    matches: Callable[[str, str], bool] = str.__eq__,
) -> None:
    """Raise SelectionError if a name does not exist."""
    for name in wanted:
        if not any(matches(each, name) for each in known):
            near = near_names(name, sorted(known))
            problem = f"no {what} '{printable(name)}' on {_nodes(snapshots)}"
            raise (
                SelectionError(f"{problem}; near", near)
                if near
                else SelectionError(
                    f"{problem}; known are" if known else problem, [printable(each) for each in sorted(known)]
                )
            )


def _check_nodes(wanted: NumaNodes, snapshots: Sequence[Snapshot]) -> None:
    """Raise SelectionError for a NUMA node that does not exist on any machine."""
    known: set[int] = set()
    for allocation in _allocations(snapshots):
        known |= allocation.topology.nodes if allocation.topology else set()
        known = known.union(*(stock.numa_nodes for stock in allocation.devices))
        known = known.union(*(stock.numa_nodes for stock in allocation.memory))
    for node in sorted(wanted - known):
        raise SelectionError(
            f"no NUMA node {node} on {_nodes(snapshots)}" + ("; known are" if known else ""),
            list(map(str, sorted(known))),
        )


def _resources(snapshots: Sequence[Snapshot]) -> set[str]:
    """Return every name by which a resource can be selected."""
    names = {CPU, MEMORY}
    for allocation in _allocations(snapshots):
        names |= {stock.resource for stock in allocation.devices} | {stock.memory_type for stock in allocation.memory}
        for view in allocation.pods:
            for each in view.containers:
                names |= {device.driver for claim in each.container.claims for device in claim.devices}
                names |= {device.resource for device in each.container.devices}
    return names - {""}


def _allocations(snapshots: Sequence[Snapshot]) -> Iterator[Allocation]:
    return (each.allocation for each in snapshots if each.allocation is not None)


def _nodes(snapshots: Sequence[Snapshot]) -> str:
    return f"{len(snapshots)} nodes" if len(snapshots) > 1 else printable(snapshots[0].node)

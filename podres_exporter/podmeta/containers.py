"""Decode what a pod's containers request, and the health of their devices in the pod's status."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from sys import intern

from podres_exporter.model import ContainerKind, ContainerSpec, Malformed, ResourceHealth
from podres_exporter.podmeta.records import Container, ContainerStatus, PodSpec, PodStatus, Resources
from podres_exporter.quantity import parse_millicores, parse_quantity

LONGEST_MESSAGE = 1024
"""In characters, the API's limit for a device's health message."""

_DEVICE_CLASS = "deviceclass.resource.kubernetes.io/"


def statuses(status: PodStatus) -> Iterable[ContainerStatus]:
    """Return the statuses of all containers; container names are unique within a pod."""
    return (*(status.init_container_statuses or ()), *(status.container_statuses or ()))


def container_specs(spec: PodSpec, status: PodStatus, problems: list[Malformed]) -> tuple[ContainerSpec, ...]:
    """
    Return the init containers, then the others, in the pod's order; invalid amounts and containers with a duplicate
    name are left out and added to *problems*.

    Two containers of one name would produce a duplicate series.

    Source: KEP-753 for sidecars; names are unique among both kinds (core validation, validateInitContainers). KEP-4680
    defines health for ordinary containers only; it is read for all of them.
    """
    health = {item.name: _health(item) for item in statuses(status) if item.allocated_resources_status}
    admitted = {item.name: _admitted(item) for item in statuses(status)}
    found = []
    names: set[str] = set()
    for key, containers in (("initContainers", spec.init_containers), ("containers", spec.containers)):
        for index, container in enumerate(containers or ()):
            path = f"spec.{key}[{index}].resources"
            if container.name in names:
                problems.append(Malformed(f"spec.{key}[{index}].name", "is also the name of another container"))
                continue
            names.add(container.name)
            kind = _kind(container, is_init=key == "initContainers")
            resources = _in_force(container.resources or Resources(), admitted.get(container.name) or {})
            found.append(_container_spec(container, resources, kind, health.get(container.name, ()), path, problems))
    return tuple(found)


def running_ids(status: PodStatus) -> tuple[tuple[str, str], ...]:
    """
    Return (name, ID) of the running containers, sorted; the runtime's name before the ID is cut off.

    Source: core/v1 ContainerStatus.containerID, `<type>://<container_id>`. Ephemeral containers get no exclusive CPUs.
    """
    ids = {
        intern(each.name): each.container_id.rpartition("/")[2]
        for each in statuses(status)
        if each.state is not None and each.state.running is not None
    }
    return tuple(sorted(pair for pair in ids.items() if all(pair)))


def _admitted(status: ContainerStatus) -> Mapping[str, object]:
    """
    Return the CPU and memory that the kubelet has admitted for the container, if its status states them.

    Source: KEP-1287; `allocatedResources` needs a gate from 1.33 on, `resources` is always there once it is GA.
    """
    if status.allocated_resources:
        return status.allocated_resources
    return (status.resources and status.resources.requests) or {}


def _in_force(stated: Resources, admitted: Mapping[str, object]) -> Resources:
    """
    Return the resources with the admitted amounts in place of a pending resize; only CPU and memory can be resized.

    Source: KEP-1287 (a deferred or infeasible resize is in the spec but not in effect).
    """
    changed = {name: admitted[name] for name in ("cpu", "memory") if name in admitted}
    if not changed:
        return stated
    return Resources(requests={**(stated.requests or {}), **changed}, limits=stated.limits, claims=stated.claims)


def _kind(container: Container, *, is_init: bool) -> ContainerKind:
    if not is_init:
        return ContainerKind.APP
    return ContainerKind.SIDECAR if container.restart_policy == "Always" else ContainerKind.INIT


def _container_spec(
    container: Container,
    resources: Resources,
    kind: ContainerKind,
    health: tuple[ResourceHealth, ...],
    path: str,
    problems: list[Malformed],
) -> ContainerSpec:
    amounts = amounts_of(resources, path, problems)
    claims = {(claim.name, claim.request) for claim in resources.claims or ()}
    return ContainerSpec(
        name=intern(container.name),
        kind=kind,
        devices=tuple((name, amount) for name, amount in amounts if _is_extended(name)),
        cpu_millicores=next((amount for name, amount in amounts if name == "cpu"), 0),
        memory=tuple((name, amount) for name, amount in amounts if _is_memory(name)),
        claims=tuple(sorted(claims)),
        health=health,
    )


def amounts_of(resources: Resources, path: str, problems: list[Malformed]) -> Sequence[tuple[str, int]]:
    """
    Return the requests of the resources that are shown, sorted by name, without zeros; limits are the default for
    requests.

    Source: SetDefaults_Pod, which sets a missing request to its limit.
    """
    requests: Mapping[str, object] = resources.requests or {}
    found = []
    for name, amount in sorted({**(resources.limits or {}), **requests}.items()):
        if not (name == "cpu" or _is_memory(name) or _is_extended(name)):
            continue
        try:
            number = _number(amount, parse_millicores if name == "cpu" else parse_quantity)
        except ValueError as error:
            part = "requests" if name in requests else "limits"
            problems.append(Malformed(f'{path}.{part}["{name}"]', str(error)))
            continue
        if number:
            found.append((intern(name), number))
    return found


def _number(amount: object, parse: Callable[[str], int]) -> int:
    """
    Return the amount as a number. Raises ValueError if it is invalid.

    Source: resource.Quantity UnmarshalJSON, which takes `2` as well as `"2"`.
    """
    if isinstance(amount, bool) or not isinstance(amount, str | int | float):
        raise ValueError("is neither a text nor a number")  # noqa: TRY004  # data, not a mistake of ours
    return parse(str(amount))


def _is_memory(name: str) -> bool:
    return name == "memory" or name.startswith("hugepages-")


def _is_extended(name: str) -> bool:
    """
    Return whether devices serve the resource: its name has a domain other than Kubernetes' own.

    `deviceclass.resource.kubernetes.io/CLASS` requests a device of a DRA DeviceClass as if it were such a resource.

    Source: IsExtendedResourceName; `requests.` begins the names of quotas. KEP-5004 (implicit extended resources).
    """
    if name.startswith(_DEVICE_CLASS):
        return True
    return "/" in name and "kubernetes.io/" not in name and not name.startswith("requests.")


def _health(status: ContainerStatus) -> tuple[ResourceHealth, ...]:
    """Return the health of the container's devices, sorted, one row each; Unknown if none is stated."""
    rows = {}
    for resource in status.allocated_resources_status or ():
        for row in resource.resources or ():
            if resource.name and row.resource_id:
                rows[resource.name, row.resource_id] = ResourceHealth(
                    intern(resource.name),
                    row.resource_id,
                    intern(row.health or "Unknown"),
                    (row.message or "")[:LONGEST_MESSAGE],
                )
    return tuple(rows[key] for key in sorted(rows))

"""What the containers of a pod asked for, and how the kubelet says their devices are."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from sys import intern

from podres_exporter.model import ContainerKind, ContainerSpec, Malformed, ResourceHealth
from podres_exporter.podmeta.records import Container, ContainerStatus, PodSpec, PodStatus, Resources
from podres_exporter.quantity import parse_millicores, parse_quantity

LONGEST_MESSAGE = 1024
"""Characters, as much as the API allows a device's health message to have."""

_DEVICE_CLASS = "deviceclass.resource.kubernetes.io/"


def statuses(status: PodStatus) -> Iterable[ContainerStatus]:
    """Return the statuses of all containers; the name of a container is unique in its pod."""
    return (*(status.init_container_statuses or ()), *(status.container_statuses or ()))


def container_specs(spec: PodSpec, status: PodStatus, problems: list[Malformed]) -> tuple[ContainerSpec, ...]:
    """
    Return the init containers and then the others, each in the order of the pod; amounts that are none, and containers
    that have the name of one before, are left out and added to *problems*.

    Two rows of one name would be one series twice.

    Source: KEP-753 for sidecars; names are unique among both kinds (core validation, validateInitContainers). KEP-4680
    has health rows on ordinary containers only; elsewhere they are taken too.
    """
    health = {item.name: _health(item) for item in statuses(status) if item.allocated_resources_status}
    admitted = {item.name: _admitted(item) for item in statuses(status)}
    found = []
    names: set[str] = set()
    for key, containers in (("initContainers", spec.init_containers), ("containers", spec.containers)):
        for index, container in enumerate(containers or ()):
            path = f"spec.{key}[{index}].resources"
            if container.name in names:
                problems.append(Malformed(f"spec.{key}[{index}].name", "is the name of another container too"))
                continue
            names.add(container.name)
            kind = _kind(container, is_init=key == "initContainers")
            resources = _in_force(container.resources or Resources(), admitted.get(container.name) or {})
            found.append(_container_spec(container, resources, kind, health.get(container.name, ()), path, problems))
    return tuple(found)


def _admitted(status: ContainerStatus) -> Mapping[str, object]:
    """
    Return the CPU and memory that the kubelet has admitted for the container, where its status tells.

    Source: KEP-1287; `allocatedResources` needs a gate from 1.33 on, `resources` is always there once it is GA.
    """
    if status.allocated_resources:
        return status.allocated_resources
    return (status.resources and status.resources.requests) or {}


def _in_force(stated: Resources, admitted: Mapping[str, object]) -> Resources:
    """
    Return the resources with what was admitted in place of what a resize asks for; only CPU and memory can be resized.

    Source: KEP-1287 (a resize that is deferred or infeasible stands in the spec, and is not in force).
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
    Return what is requested of the resources that are shown, sorted by name, without zeros; limits stand in for
    requests.

    Source: SetDefaults_Pod, which sets a request that is left out to its limit.
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
    Return the amount as a number. Raises ValueError where it is none.

    Source: resource.Quantity UnmarshalJSON, which takes `2` as well as `"2"`.
    """
    if isinstance(amount, bool) or not isinstance(amount, str | int | float):
        raise ValueError("is neither a text nor a number")  # noqa: TRY004  # data, not a mistake of ours
    return parse(str(amount))


def _is_memory(name: str) -> bool:
    return name == "memory" or name.startswith("hugepages-")


def _is_extended(name: str) -> bool:
    """
    Return whether devices serve the resource: its name has a domain that is not Kubernetes' own.

    `deviceclass.resource.kubernetes.io/CLASS` asks for a device of a DRA DeviceClass as if it were such a resource.

    Source: IsExtendedResourceName; `requests.` begins the names of quotas. KEP-5004 (implicit extended resources).
    """
    if name.startswith(_DEVICE_CLASS):
        return True
    return "/" in name and "kubernetes.io/" not in name and not name.startswith("requests.")


def _health(status: ContainerStatus) -> tuple[ResourceHealth, ...]:
    """Return the container's devices, sorted, one row each; where no health is stated, it is unknown."""
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

"""Read from a pod object what the kubelet's managers need."""

from collections.abc import Mapping
from typing import Any

from podres_exporter.admission import Amounts, ContainerRequest, Kind, PodRequest
from podres_exporter.quantity import parse_millicores, parse_quantity

_NATIVE = frozenset({"cpu", "memory", "ephemeral-storage", "pods"})


def pod_request(pod: Mapping[str, Any]) -> PodRequest:
    """
    Return what the pod asks for; a request left out where a limit stands takes the limit, as the API server does.

    Raises ValueError naming an amount that is none, and KeyError where the object is no pod.

    Source: pkg/apis/core/v1/defaults.go SetDefaults_Pod.
    """
    metadata, spec = pod["metadata"], pod["spec"]
    inits = [_container(item, Kind.INIT) for item in spec.get("initContainers") or ()]
    apps = [_container(item, Kind.APP) for item in spec["containers"]]
    return PodRequest(metadata.get("namespace", "default"), metadata["name"], metadata["uid"], (*inits, *apps))


def _container(item: Mapping[str, Any], kind: Kind) -> ContainerRequest:
    resources = item.get("resources") or {}
    limits = {key: str(amount) for key, amount in (resources.get("limits") or {}).items()}
    requests = limits | {key: str(amount) for key, amount in (resources.get("requests") or {}).items()}
    special = {key: parse_quantity(amount) for key, amount in requests.items() if key not in _NATIVE}
    if kind is Kind.INIT and item.get("restartPolicy") == "Always":
        kind = Kind.SIDECAR
    return ContainerRequest(
        name=item["name"],
        kind=kind,
        requests=_amounts(requests),
        limits=_amounts(limits),
        hugepages={key: amount for key, amount in special.items() if key.startswith("hugepages-")},
        devices={key: amount for key, amount in special.items() if "/" in key},
    )


def _amounts(amounts: Mapping[str, str]) -> Amounts:
    return Amounts(parse_millicores(amounts.get("cpu", "0")), parse_quantity(amounts.get("memory", "0")))


def claims_by_container(pod: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """
    Return the names of the ResourceClaim objects that each container refers to, once each, by container.

    Beside them is the claim that the scheduler made for extended resources, for the containers that it names.

    Source: resourceclaim.Name: the object's name stands in the spec, or in the status where a template made it;
    kubelet dra/manager.go GetContainerClaimInfos (KEP-5004).
    """
    spec, status = pod["spec"], pod.get("status") or {}
    objects = {item["name"]: item.get("resourceClaimName") for item in spec.get("resourceClaims") or ()}
    made = {item["name"]: item.get("resourceClaimName") for item in status.get("resourceClaimStatuses") or ()}
    extended = status.get("extendedResourceClaimStatus") or {}
    mapped = {item["containerName"] for item in extended.get("requestMappings") or ()}
    found: dict[str, tuple[str, ...]] = {}
    for container in (*(spec.get("initContainers") or ()), *spec["containers"]):
        wanted = [item["name"] for item in (container.get("resources") or {}).get("claims") or ()]
        names = [name for entry in wanted if (name := objects.get(entry) or made.get(entry))]
        names += [extended["resourceClaimName"]] if container["name"] in mapped else []
        found[container["name"]] = tuple(dict.fromkeys(names))
    return found


def claim_names(pod: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of all ResourceClaim objects that a pod refers to, once each."""
    spec, status = pod["spec"], pod.get("status") or {}
    made = {item["name"]: item.get("resourceClaimName") for item in status.get("resourceClaimStatuses") or ()}
    stated = [item.get("resourceClaimName") or made.get(item["name"]) for item in spec.get("resourceClaims") or ()]
    extended = (status.get("extendedResourceClaimStatus") or {}).get("resourceClaimName")
    return tuple(dict.fromkeys(name for name in (*stated, extended) if name))


def claim_requests(pod: Mapping[str, Any]) -> dict[str, tuple[tuple[str, str, str], ...]]:
    """Return for each container the claims that it names itself: (name in the pod, request or empty, object's name)."""
    spec, status = pod["spec"], pod.get("status") or {}
    objects = {item["name"]: item.get("resourceClaimName") for item in spec.get("resourceClaims") or ()}
    made = {item["name"]: item.get("resourceClaimName") for item in status.get("resourceClaimStatuses") or ()}
    return {
        container["name"]: tuple(
            (each["name"], each.get("request", ""), name)
            for each in (container.get("resources") or {}).get("claims") or ()
            if (name := objects.get(each["name"]) or made.get(each["name"]))
        )
        for container in spec["containers"]
    }

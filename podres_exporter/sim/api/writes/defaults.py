"""What an API server makes of a pod before it stores it: amounts as texts, requests from limits, and defaults."""

from collections.abc import Mapping
from typing import Any

from podres_exporter.sim.api.writes.quantities import canonical

_COMPUTE = ("cpu", "memory")
_LISTS = ("initContainers", "containers")
_POD = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "enableServiceLinks": True,
    "preemptionPolicy": "PreemptLowerPriority",
    "priority": 0,
    "securityContext": {},
}
_CONTAINER = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}


def defaulted(pod: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the pod with its amounts as quantities, which are texts, and each limit as a request where none is stated.

    What is no pod is returned as it is; the kubelet says what it cannot read.

    Source: pkg/apis/core/v1/defaults.go SetDefaults_Pod; apimachinery Quantity.MarshalJSON.
    """
    spec = pod.get("spec")
    if not isinstance(spec, Mapping):
        return dict(pod)
    lists = {name: [_container(each) for each in found] for name in _LISTS if isinstance(found := spec.get(name), list)}
    return {**pod, "spec": {**spec, **lists}}


def with_defaults(pod: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return a valid pod with what a client left out.

    Source: SetDefaults_PodSpec, SetDefaults_Container; the admission plugins Priority and ServiceAccount in part.
    """
    found = defaulted(pod)
    spec = found["spec"]
    lists = {name: [_with_image_policy(each) for each in spec[name]] for name in _LISTS if name in spec}
    return {**found, "spec": {**_POD, "serviceAccountName": "default", **spec, **lists}}


def qos_class(pod: Mapping[str, Any]) -> str:
    """Return the quality-of-service class of a valid pod (pkg/apis/core/v1/helper/qos ComputePodQOS)."""
    spec = pod["spec"]
    stated = [
        {part: {name: (found.get(part) or {}).get(name, "0") for name in _COMPUTE} for part in ("requests", "limits")}
        for each in (*(spec.get("initContainers") or ()), *spec["containers"])
        for found in [each.get("resources") or {}]
    ]
    if all(set(amounts.values()) == {"0"} for each in stated for amounts in each.values()):
        return "BestEffort"
    full = all(each["requests"] == each["limits"] and "0" not in each["limits"].values() for each in stated)
    return "Guaranteed" if full else "Burstable"


def _container(container: Any) -> Any:
    resources = container.get("resources") if isinstance(container, Mapping) else None
    if not isinstance(resources, Mapping):
        return container
    limits, requests = (_quantities(resources.get(part)) for part in ("limits", "requests"))
    parts = {"limits": limits, "requests": limits | requests}
    return {**container, "resources": {**resources, **{name: part for name, part in parts.items() if part}}}


def _with_image_policy(container: Mapping[str, Any]) -> dict[str, Any]:
    tag = str(container["image"]).rpartition("/")[2].partition(":")[2]
    policy = "Always" if tag in {"", "latest"} else "IfNotPresent"
    return {"imagePullPolicy": policy, "resources": {}, **_CONTAINER, **container}


def _quantities(amounts: Any) -> dict[str, str]:
    """Return amounts as texts, as the API has them; JSON and YAML may have numbers."""
    return {name: _quantity(amount) for name, amount in amounts.items()} if isinstance(amounts, Mapping) else {}


def _quantity(amount: Any) -> str:
    """Return an amount as it is stored; one that cannot be read stays, for whoever has to say so."""
    try:
        return canonical(str(amount))
    except ValueError:
        return str(amount)

"""What an API server makes of a pod before it stores it: amounts as texts, and requests from limits."""

from collections.abc import Mapping
from typing import Any


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


_LISTS = ("initContainers", "containers")


def _container(container: Any) -> Any:
    resources = container.get("resources") if isinstance(container, Mapping) else None
    if not isinstance(resources, Mapping):
        return container
    limits, requests = (_quantities(resources.get(part)) for part in ("limits", "requests"))
    parts = {"limits": limits, "requests": limits | requests}
    return {**container, "resources": {**resources, **{name: part for name, part in parts.items() if part}}}


def _quantities(amounts: Any) -> dict[str, str]:
    """Return amounts as texts, as the API has them; JSON and YAML may have numbers."""
    return {name: str(amount) for name, amount in amounts.items()} if isinstance(amounts, Mapping) else {}

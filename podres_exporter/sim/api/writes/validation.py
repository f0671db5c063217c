"""Validate a pod's containers and quantities, with the API server's error messages."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from podres_exporter.sim.api.storage.status import bad_request
from podres_exporter.sim.api.writes.defaults import canonical, parse
from podres_exporter.sim.devices.api import is_extended_resource_name

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_FOR_CONTAINERS = {"cpu", "memory", "ephemeral-storage"}
_STANDARD = _FOR_CONTAINERS | {"pods", "storage", "services", "secrets", "configmaps"}
_HUGE = "hugepages-"
_LISTS = ("initContainers", "containers")


def problems_of(pod: Mapping[str, Any]) -> list[str]:
    """
    Return what is wrong with a pod, each with its path. Raises StatusError 400 where it has not the form of a pod.

    Source: pkg/apis/core/validation ValidatePodSpec, validateContainers, validateResourceRequirements.
    """
    spec = _mapping(pod.get("spec"))
    found = []
    if not spec.get("containers"):
        found.append("spec.containers: Required value")
    names: set[str] = set()
    for part in _LISTS:
        for index, container in enumerate(_list(spec.get(part))):
            found += _container_problems(_mapping(container), f"spec.{part}[{index}]", names)
    return found


def _container_problems(container: Mapping[str, Any], path: str, names: set[str]) -> Iterator[str]:
    """Yield what is wrong with one container; *names* are those before it."""
    name = container.get("name")
    if not name:
        yield f"{path}.name: Required value"
    elif not isinstance(name, str) or not _LABEL.fullmatch(name):
        yield f"{path}.name: Invalid value: {json.dumps(name)}: {_LABEL_RULE}"
    if not container.get("image"):
        yield f"{path}.image: Required value"
    if name in names:
        yield f"{path}.name: Duplicate value: {json.dumps(name)}"
    elif isinstance(name, str) and name:
        names.add(name)
    yield from _amount_problems(_mapping(container.get("resources")), f"{path}.resources")


def _amount_problems(resources: Mapping[str, Any], path: str) -> Iterator[str]:
    limits, requests = (_quantities(resources.get(part)) for part in ("limits", "requests"))
    for part, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in sorted(amounts.items()):
            yield from _name_problems(name, f"{path}.{part}[{name}]")
            yield from _value_problems(name, amount, f"{path}.{part}[{name}]")
    for name, amount in sorted(requests.items()):
        is_strict = name.startswith(_HUGE) or not _is_native(name)
        limit = limits.get(name)
        if limit is None and is_strict:
            yield f"{path}.limits: Required value: Limit must be set for non overcommitable resources"
        elif limit is not None and is_strict and parse(amount)[0] != parse(limit)[0]:
            yield f'{path}.requests: Invalid value: "{amount}": must be equal to {name} limit of {limit}'
        elif limit is not None and parse(amount)[0] > parse(limit)[0]:
            yield f'{path}.requests: Invalid value: "{amount}": must be less than or equal to {name} limit of {limit}'


def _name_problems(name: str, path: str) -> Iterator[str]:
    """Source: validateContainerResourceName."""
    if "/" not in name:
        if name not in _STANDARD and not name.startswith(_HUGE):
            yield f'{path}: Invalid value: "{name}": must be a standard resource type or fully qualified'
        if name not in _FOR_CONTAINERS and not name.startswith(_HUGE):
            yield f'{path}: Invalid value: "{name}": must be a standard resource for containers'
    elif not _is_native(name) and not is_extended_resource_name(name):
        yield f'{path}: Invalid value: "{name}": doesn\'t follow extended resource name standard'


def _value_problems(name: str, amount: str, path: str) -> Iterator[str]:
    value = parse(amount)[0]
    if value < 0:
        yield f'{path}: Invalid value: "{amount}": must be greater than or equal to 0'
    if is_extended_resource_name(name) and value.denominator != 1:
        yield f'{path}: Invalid value: "{amount}": must be an integer'


def _is_native(name: str) -> bool:
    return "/" not in name or "kubernetes.io/" in name


def _quantities(value: object) -> dict[str, str]:
    """Return amounts in the form in which they are stored. Raises StatusError 400 where one is none."""
    try:
        return {name: canonical(_text(amount)) for name, amount in _mapping(value).items()}
    except ValueError as error:
        raise bad_request(f'Pod in version "v1" cannot be handled as a Pod: {error}') from error


def _text(amount: object) -> str:
    return amount if isinstance(amount, str) else json.dumps(amount)


def _mapping(value: object) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise bad_request('Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal into the object')
    return value


def _list(value: object) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise bad_request('Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal into a list')
    return value

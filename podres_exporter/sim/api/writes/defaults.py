"""Complete a pod as an API server does before storing it: canonical quantities, requests from limits, defaults."""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

FORMAT = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
"""What an error names; the real pattern is narrower."""

_QUANTITY = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?"
    r"(?P<suffix>[numkMGTPE]|[KMGTPE]i|[eE](?P<power>[+-]?[0-9]{1,3}))?"
)
_DECIMAL = {-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_KIBI = 1024
_LONGEST = 64


def parse(text: str) -> tuple[Fraction, str]:
    """
    Return the amount, to the nearest billionth above, and its suffix. Raises ValueError where it is no quantity.

    Source: apimachinery pkg/api/resource/quantity.go ParseQuantity.
    """
    match = _QUANTITY.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if match is None or not (match["whole"] or match["part"]):
        raise ValueError(f"quantities must match the regular expression '{FORMAT}'")
    suffix, power = match["suffix"] or "", match["power"]
    amount = Fraction(f"{match['sign']}{match['whole'] or 0}.{match['part'] or 0}")
    if power is not None:
        amount *= Fraction(10) ** int(power)
    elif suffix.endswith("i"):
        amount *= _KIBI ** _BINARY.index(suffix)
    else:
        amount *= Fraction(10) ** next(each for each, letter in _DECIMAL.items() if letter == suffix)
    nano = amount * 10**9
    rounded = -(-nano.numerator // nano.denominator) if nano > 0 else nano.numerator // nano.denominator
    return Fraction(rounded, 10**9), suffix


def canonical(text: str) -> str:
    """
    Return the quantity with the largest suffix that leaves a whole number. Raises ValueError where it is none.

    Source: Quantity.CanonicalizeBytes.
    """
    amount, suffix = parse(text)
    if not amount:
        return "0"
    if suffix.endswith("i") and abs(amount) >= _KIBI and amount.denominator == 1:
        number, steps = int(amount), 0
        while number % _KIBI == 0 and steps < len(_BINARY) - 1:
            number, steps = number // _KIBI, steps + 1
        return f"{number}{_BINARY[steps]}"
    power = max(each for each in _DECIMAL if (amount / Fraction(10) ** each).denominator == 1)
    number = int(amount / Fraction(10) ** power)
    letter = _DECIMAL[power]
    return f"{number}e{power}" if suffix[:1] in {"e", "E"} and suffix != "E" and power else f"{number}{letter}"


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
    """Return an amount as it is stored; an unreadable one is kept, so that validation can report it."""
    try:
        return canonical(str(amount))
    except ValueError:
        return str(amount)

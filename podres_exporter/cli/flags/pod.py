"""The requests of the pod that `fit` checks, from its flags."""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from podres_exporter.fit import Ask, KubeletOptions, ask_for
from podres_exporter.quantity import parse_millicores, parse_quantity

E = TypeVar("E", bound=StrEnum)

_ALLOCATABLE: Mapping[str, Callable[[str], int]] = {
    "cpu": parse_millicores,
    "memory": parse_quantity,
    "pods": parse_quantity,
}


def ask_of_flags(arguments: argparse.Namespace, faults: list[str]) -> Ask:
    """Return the pod's requests; *faults* gets what cannot be parsed, or that there are none."""
    before = len(faults)
    cpus = _amount("--cpus", arguments.cpus, parse_millicores, faults)
    memory = _amount("--memory", arguments.memory, parse_quantity, faults)
    hugepages = _pairs("--hugepages", "2Mi=1Gi", arguments.hugepages, parse_quantity, faults)
    devices = _pairs("--device", "nvidia.com/gpu=2", arguments.device, _count, faults)
    if len(faults) == before:
        faults += [
            f"--device: {name!r} is neither an extended resource, such as nvidia.com/{name}, nor a DRA driver, such as "
            f"{name}.example.com; podres-exporter dump --nodes lists those of a node"
            for name, number in devices.items()
            if number and not re.search("[./]", name)
        ]
    if len(faults) == before and not (cpus or memory or any(hugepages.values()) or any(devices.values())):
        faults.append("no requests given; use --cpus, --memory, --hugepages or --device")
    return ask_for(cpu_millicores=cpus, memory_bytes=memory, hugepage_bytes=hugepages, devices=devices)


def options_of_flags(arguments: argparse.Namespace, faults: list[str]) -> KubeletOptions:
    """Return the kubelet's settings from the flags; *faults* gets what cannot be parsed."""
    found: dict[str, tuple[int, int]] = {}
    for text in arguments.allocatable:
        name, _, amount = text.partition("=")
        parse = _ALLOCATABLE.get(name)
        if parse is None or name in found:
            why = "is the second of its name" if parse else f"is not one of {', '.join(_ALLOCATABLE)}"
            faults.append(f"--allocatable: {text!r} {why}; write for example cpu=7500m")
            continue
        try:
            found[name] = (parse(amount),) * 2
        except ValueError as error:
            faults.append(f"--allocatable: {error}; write for example cpu=7500m")
    return KubeletOptions(arguments.full_pcpus_only, found)


def _amount(flag: str, text: str | None, parse: Callable[[str], int], faults: list[str]) -> int:
    try:
        return 0 if text is None else parse(text)
    except ValueError as error:
        faults.append(f"{flag}: {error}; write for example {'4 or 500m' if flag == '--cpus' else '16Gi'}")
        return 0


def _pairs(
    flag: str, example: str, texts: Sequence[str], parse: Callable[[str], int], faults: list[str]
) -> dict[str, int]:
    """Return the amounts by name."""
    found: dict[str, int] = {}
    for text in texts:
        name, _, amount = text.partition("=")
        if not name or name in found or not amount:
            why = "is the second of its name" if name in found else "lacks the number" if name else "names nothing"
            faults.append(f"{flag}: {text!r} {why}; write for example {example}")
            continue
        try:
            found[name] = parse(amount)
        except ValueError as error:
            faults.append(f"{flag}: {error}; write for example {example}")
    return found


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):
        raise ValueError(f"{text!r} is not a number of devices")
    return int(text)


def one_of(flag: str, text: str, choices: type[E], faults: list[str]) -> E | None:
    """Return the choice named by the text, None with an entry in *faults* if it is unknown."""
    try:
        return choices(text)
    except ValueError:
        faults.append(f"{flag}: {text!r} is unknown; choose {', '.join(choices)}")
        return None

"""Parse a scenario document (YAML or JSON) to records, reporting everything that is wrong at once."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import yaml

from podres_exporter.errors import ConfigError
from podres_exporter.model import Claim
from podres_exporter.scenario.check import check
from podres_exporter.scenario.pods import read_claim, read_pod
from podres_exporter.scenario.records import (
    DeviceSpec,
    Fault,
    FaultKind,
    KubeletSettings,
    NumaNode,
    Release,
    ResourceSpec,
    Scenario,
    SliceSpec,
    parse_release,
)
from podres_exporter.yamldoc.load import load_document
from podres_exporter.yamldoc.section import Problems, Section

TOPOLOGY_POLICIES = ("none", "best-effort", "restricted", "single-numa-node")

T = TypeVar("T")

_LONGEST_NUMBER = 9
"""Maximum digits of a NUMA node's number; Python refuses to parse very long ones."""


def parse_scenario(text: str, name: str) -> Scenario:
    """
    Return the scenario described by *text* (YAML or JSON); *name* is the file's, for messages.

    Raises ConfigError with every fault: `<name>: <path>: <what is wrong; what to do>`.
    """
    try:
        document = load_document(text)
    except yaml.YAMLError as error:
        raise ConfigError([f"{name}: is neither YAML nor JSON: {' '.join(str(error).split())}"]) from error
    problems = Problems()
    scenario = _read_scenario(Section(document, "", problems))
    if not problems.found:
        check(scenario, problems)
    if problems.found:
        raise ConfigError([f"{name}: {problem}" for problem in problems.found])
    return scenario


def _read_scenario(document: Section) -> Scenario:
    statuses: dict[tuple[str, str], Mapping[str, object]] = {}

    def claim(part: Section) -> Claim:
        found = read_claim(part, part.text("namespace", "default"))
        if part.has("status"):
            statuses[found.namespace, found.name] = part.mapping("status")
        return found

    scenario = Scenario(
        node=document.text("node", "simulated"),
        kubelet=_read_kubelet(document.section("kubelet")),
        numa=_each(document.sections("numa"), _read_numa_node),
        resources=_each(document.sections("resources"), _read_resource),
        pods=_each(document.sections("pods"), read_pod),
        faults=_each(document.sections("faults"), _read_fault),
        claims=_each(document.sections("claims"), claim),
        claim_statuses=statuses,
        slices=_each(document.sections("slices"), _read_slice),
        metadata_drivers=frozenset(document.texts("device_metadata")),
    )
    if document.usable and not scenario.numa:
        document.fault("numa", "has no NUMA node; describe at least one")
    document.finish()
    return scenario


def _each(sections: Iterator[Section], read: Callable[[Section], T]) -> tuple[T, ...]:
    """Return the result of *read* for each section, after reporting its unknown keys."""
    records = []
    for section in sections:
        records.append(read(section))
        section.finish()
    return tuple(records)


def _read_kubelet(section: Section) -> KubeletSettings:
    cpu_manager = section.section("cpu_manager")
    memory_manager = section.section("memory_manager")
    topology = section.section("topology_manager")
    settings = KubeletSettings(
        release=_read_release(section),
        static_cpus=cpu_manager.choice("policy", ("static", "none"), "static") == "static",
        reserved_cpus=cpu_manager.cpus("reserved", frozenset()),
        static_memory=memory_manager.choice("policy", ("Static", "None"), "Static") == "Static",
        reserved_memory_bytes=_read_reserved_memory(memory_manager.named("reserved")),
        get=section.switch("get"),
        allocatable=section.switch("allocatable"),
        dynamic_resources=section.switch("dynamic_resources"),
        topology_policy=topology.choice("policy", TOPOLOGY_POLICIES, "none"),
        topology_scope=topology.choice("scope", ("container", "pod"), "container"),
        max_numa_nodes=topology.count("max_allowable_numa_nodes", 8),
        active_pods=section.switch("active_pods"),
        pods_api=section.switch("pods_api"),
        max_pods=section.count("max_pods", 110),
    )
    for part in (cpu_manager, memory_manager, topology, section):
        part.finish()
    return settings


def _read_release(section: Section) -> Release:
    text = section.text("release", "1.36")
    try:
        return parse_release(text)
    except ValueError as error:
        if text:
            section.fault("release", str(error))
        return parse_release("1.36")


def _read_reserved_memory(section: "Section") -> dict[int, int]:
    reserved = {}
    for key in section.names():
        if key.isascii() and key.isdecimal() and len(key) <= _LONGEST_NUMBER:
            reserved[int(key)] = section.size(key)
        else:
            section.fault(key, "is not the number of a NUMA node")
    return reserved


def _read_numa_node(section: Section) -> NumaNode:
    pages = section.named("hugepages")
    node = section.count("node")
    return NumaNode(
        node=node,
        cpus=section.cpus("cpus", frozenset()),
        memory_bytes=section.size("memory", 0),
        hugepage_bytes={page: pages.size(page) for page in pages.names()},
        threads_per_core=section.count("threads_per_core", 1),
        socket=section.count("socket", node),
        adjacent_threads=section.switch("adjacent_threads") or False,
    )


def _read_resource(section: Section) -> ResourceSpec:
    return ResourceSpec(
        name=section.text("name"),
        devices=_each(section.sections("devices"), _read_device),
        shared=section.switch("shared") or False,
        external=section.switch("external") or False,
        allocate_seconds=section.number("allocate", 0.0),
    )


def _read_slice(section: Section) -> SliceSpec:
    found = SliceSpec(
        name=section.text("name"),
        spec=section.mapping("spec"),
        start_seconds=section.number("start", 0.0),
        end_seconds=section.number("end") if section.has("end") else None,
    )
    if found.end_seconds is not None and found.end_seconds <= found.start_seconds:
        section.fault("end", "is not after start; write a later second")
    return found


def _read_device(section: Section) -> DeviceSpec:
    healthy = section.switch("healthy")
    return DeviceSpec(
        device_id=section.text("id"),
        numa_nodes=section.integers("numa_nodes") if section.has("numa_nodes") else None,
        healthy=healthy is not False,
    )


def _read_fault(section: Section) -> Fault:
    kind = FaultKind(section.choice("kind", tuple(FaultKind), None))
    restart = kind is FaultKind.RESTART
    of_device = kind in {FaultKind.UNHEALTHY, FaultKind.DOUBLE}
    of_resource = of_device or kind is FaultKind.PLUGIN_DOWN
    return Fault(
        kind=kind,
        at_seconds=section.number("at"),
        duration_seconds=section.number("duration", 1.0 if restart else None),
        every_seconds=section.number("every") if section.has("every") else None,
        window_seconds=section.number("window", 1.0) if restart else 0.0,
        plugins_seconds=section.number("plugins", 3.0) if restart else 0.0,
        resource=section.text("resource") if of_resource else "",
        device_id=section.text("device") if of_device else "",
    )

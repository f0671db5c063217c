"""Parse the pods of a scenario document: their lifetimes, and what their containers hold."""

from uuid import NAMESPACE_OID, uuid5

from podres_exporter.model import Claim, ClaimDevice, MemoryBlock
from podres_exporter.quantity import parse_millicores, parse_quantity
from podres_exporter.scenario.machine import LEAST_SECONDS
from podres_exporter.scenario.records import CLAIM_STATUSES, ContainerSpec, PodSpec
from podres_exporter.yamldoc.section import Section


def read_pod(section: Section) -> PodSpec:
    """Parse one entry of `pods`; faults are added to the section."""
    namespace = section.text("namespace", "default")
    if section.has("spec"):
        return _read_manifest(section, namespace)
    containers = []
    for part in section.sections("containers"):
        containers.append(_read_container(part, namespace))
        part.finish()
    pod = PodSpec(
        namespace=namespace,
        name=section.text("name"),
        start_seconds=section.number("start", 0.0),
        static=section.switch("static") or False,
        end_seconds=section.number("end") if section.has("end") else None,
        repeat_seconds=section.number("repeat") if section.has("repeat") else None,
        containers=tuple(containers),
        cpus=section.cpus("cpus", frozenset()),
        memory=_read_memory(section),
    )
    _check_life(section, pod)
    return pod


def _read_manifest(section: Section, namespace: str) -> PodSpec:
    """Parse a pod with a Kubernetes manifest, which states requests instead of holdings."""
    name, spec = section.text("name"), section.section("spec")
    metadata: dict[str, object] = {"namespace": namespace, "name": name}
    metadata |= {key: section.mapping(key) for key in ("labels", "annotations") if section.has(key)}
    if section.has("owner"):
        metadata["ownerReferences"] = [_read_owner(section.section("owner"))]
    if spec.usable:
        check_manifest(spec)
    status = section.named("status") if section.has("status") else None
    for key in status.names() if status else ():
        if key not in CLAIM_STATUSES:
            section.fault(
                f"status.{key}", f"is written by the kubelet; only {' and '.join(CLAIM_STATUSES)} may be given"
            )
    pod = PodSpec(
        namespace=namespace,
        name=name,
        start_seconds=section.number("start", 0.0),
        static=section.switch("static") or False,
        end_seconds=section.number("end") if section.has("end") else None,
        repeat_seconds=section.number("repeat") if section.has("repeat") else None,
        finish_seconds=section.number("finish") if section.has("finish") else None,
        manifest={
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": section.mapping("spec") if spec.usable else {},
            **({"status": section.mapping("status")} if status else {}),
        },
    )
    _check_life(section, pod)
    if pod.finish_seconds is not None and pod.finish_seconds <= pod.start_seconds:
        section.fault("finish", "is not after start; write a later second")
    return pod


_API_GROUPS = {
    "ReplicaSet": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
}


def _read_owner(section: Section) -> dict[str, object]:
    """Return the reference to the controller of a pod; its uid is derived from its name."""
    kind, name = section.text("kind"), section.text("name")
    version = section.text("apiVersion", _API_GROUPS.get(kind, "v1"))
    section.finish()
    return {
        "apiVersion": version,
        "kind": kind,
        "name": name,
        "uid": str(uuid5(NAMESPACE_OID, f"{kind}/{name}")),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _check_life(section: Section, pod: PodSpec) -> None:
    """Reject a life without length, and a repetition that would overlap itself."""
    if pod.end_seconds is None:
        if pod.repeat_seconds is not None:
            section.fault("repeat", "a pod without an end cannot start again; add end")
        return
    length = pod.end_seconds - pod.start_seconds
    if length <= 0:
        section.fault("end", "is not after start; write a later second")
    elif pod.repeat_seconds is not None and pod.repeat_seconds < LEAST_SECONDS:
        section.fault("repeat", f"is too often; write at least {LEAST_SECONDS:g} seconds")
    elif pod.repeat_seconds is not None and pod.repeat_seconds <= length:
        section.fault("repeat", f"starts again before the pod has ended; write more than {length:g} seconds")


def _read_container(section: Section, namespace: str) -> ContainerSpec:
    held = section.named("devices")
    claims = []
    for part in section.sections("claims"):
        claims.append(read_claim(part, namespace))
        part.finish()
    return ContainerSpec(
        name=section.text("name"),
        devices={resource: held.texts(resource) for resource in held.names()},
        cpus=section.cpus("cpus", frozenset()),
        memory=_read_memory(section),
        claims=tuple(claims),
        sidecar=section.switch("sidecar") or False,
    )


def _read_memory(section: Section) -> tuple[MemoryBlock, ...]:
    blocks = []
    for part in section.sections("memory"):
        nodes = frozenset(part.integers("numa_nodes"))
        if not nodes:
            part.fault("numa_nodes", "is empty; write the numbers of the nodes that the block is on")
        blocks.append(MemoryBlock(part.text("type", "memory"), nodes, part.size("size")))
        part.finish()
    return tuple(blocks)


def read_claim(section: Section, namespace: str) -> Claim:
    """Parse a claim with its devices; faults are added to the section."""
    devices = []
    for part in section.sections("devices"):
        devices.append(_read_claim_device(part))
        part.finish()
    return Claim(namespace, section.text("name"), tuple(devices))


def _read_claim_device(section: Section) -> ClaimDevice:
    return ClaimDevice(
        driver=section.text("driver"),
        pool=section.text("pool"),
        device=section.text("device"),
        share_id=section.text("share_id") if section.has("share_id") else "",
        cdi_devices=section.texts("cdi"),
    )


def check_manifest(spec: Section) -> None:
    """Report containers without names, and invalid amounts; other keys of a Kubernetes pod are accepted."""
    names: set[str] = set()
    found = 0
    for key in ("initContainers", "containers"):
        for container in spec.sections(key):
            found += key == "containers"
            name = container.text("name")
            if name and name in names:
                container.fault("name", f"{name!r} is also the name of another container; rename one")
            names.add(name)
            resources = container.section("resources")
            for part in (resources.named("requests"), resources.named("limits")):
                _check_amounts(part)
    if not found:
        spec.fault("containers", "has no container; describe at least one")


def _check_amounts(amounts: Section) -> None:
    for resource in amounts.names():
        amount = amounts.amount(resource)
        try:
            if resource == "cpu":
                parse_millicores(amount)
            else:
                parse_quantity(amount)
        except ValueError as error:
            amounts.fault(resource, f"{error}; write for example {'500m' if resource == 'cpu' else '2 or 4Gi'}")

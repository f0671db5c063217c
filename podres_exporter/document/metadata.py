"""What the API server says of one pod: who it is, and what its containers asked for."""

from podres_exporter.document.reader import Reader
from podres_exporter.document.values import Fields, stated
from podres_exporter.model import ContainerKind, ContainerSpec, PodKey, PodMeta, ResourceHealth


def write_meta(meta: PodMeta) -> Fields:
    """Return the pod's metadata without its namespace and name, which stand above it."""
    extended = [{"container": container, "resource": resource} for container, resource in meta.extended_requests]
    return stated(
        {
            "uid": meta.uid,
            "phase": meta.phase or None,
            "reason": meta.reason or None,
            "message": meta.message or None,
            "qosClass": meta.qos_class or None,
            "priorityClass": meta.priority_class or None,
            "owner": _write_object(meta.owner_kind, meta.owner_name),
            "workload": _write_object(meta.workload_kind, meta.workload_name),
            "labels": dict(meta.labels) or None,
            "terminal": meta.is_terminal,
            "deleting": meta.is_deleting,
            "started": meta.has_started,
            "podLevelResources": meta.has_pod_resources,
            "claims": dict(meta.claims) or None,
            "extendedResourceClaim": stated({"name": meta.extended_claim or None, "requests": extended or None})
            or None,
            "requests": stated({"cpuMillicores": meta.cpu_millicores or None, "memoryBytes": meta.memory_bytes or None})
            or None,
            "pendingResize": meta.resize or None,
            "chosenDevices": {"annotation": meta.chosen_by, "devices": list(meta.chosen_devices)}
            if meta.chosen_by
            else None,
            "containers": [_write_spec(spec) for spec in meta.containers],
        }
    )


def read_meta(reader: Reader, key: PodKey) -> PodMeta:
    """Return the metadata of the pod of that namespace and name."""
    owner, workload, extended = (reader.below(each) for each in ("owner", "workload", "extendedResourceClaim"))
    requests, chosen = reader.below("requests"), reader.below("chosenDevices")
    return PodMeta(
        *key,
        uid=reader.text("uid"),
        phase=reader.text("phase", ""),
        reason=reader.text("reason", ""),
        message=reader.text("message", ""),
        qos_class=reader.text("qosClass", ""),
        priority_class=reader.text("priorityClass", ""),
        owner_kind=owner.text("kind", ""),
        owner_name=owner.text("name", ""),
        workload_kind=workload.text("kind", ""),
        workload_name=workload.text("name", ""),
        labels=reader.labels("labels"),
        is_terminal=reader.flag("terminal"),
        is_deleting=reader.flag("deleting"),
        has_started=reader.flag("started"),
        has_pod_resources=reader.flag("podLevelResources"),
        claims=reader.pairs("claims"),
        extended_claim=extended.text("name", ""),
        extended_requests=tuple((row.text("container"), row.text("resource")) for row in extended.each("requests", ())),
        cpu_millicores=requests.count("cpuMillicores", 0),
        memory_bytes=requests.count("memoryBytes", 0),
        resize=reader.text("pendingResize", ""),
        chosen_by=chosen.text("annotation", ""),
        chosen_devices=tuple(chosen.texts("devices", ())),
        containers=tuple(_read_spec(row) for row in reader.distinct("containers", "name")),
    )


def _write_object(kind: str, name: str) -> Fields | None:
    """Return a reference to an object; None where there is none."""
    return stated({"kind": kind or None, "name": name or None}) or None


def _write_spec(spec: ContainerSpec) -> Fields:
    return stated(
        {
            "name": spec.name,
            "kind": spec.kind.value,
            "devices": dict(spec.devices) or None,
            "cpuMillicores": spec.cpu_millicores or None,
            "memoryBytes": dict(spec.memory) or None,
            "claims": [stated({"name": name, "request": request or None}) for name, request in spec.claims] or None,
            "deviceHealth": [_write_health(row) for row in spec.health] or None,
        }
    )


def _read_spec(reader: Reader) -> ContainerSpec:
    return ContainerSpec(
        name=reader.text("name"),
        kind=reader.choice("kind", ContainerKind),
        devices=reader.counts("devices"),
        cpu_millicores=reader.count("cpuMillicores", 0),
        memory=reader.counts("memoryBytes"),
        claims=tuple((row.text("name"), row.text("request", "")) for row in reader.each("claims", ())),
        health=tuple(_read_health(row) for row in reader.each("deviceHealth", ())),
    )


def _write_health(row: ResourceHealth) -> Fields:
    message = row.message or None
    return stated({"name": row.name, "resourceId": row.resource_id, "health": row.health, "message": message})


def _read_health(reader: Reader) -> ResourceHealth:
    return ResourceHealth(
        reader.text("name"), reader.text("resourceId"), reader.text("health"), reader.text("message", "")
    )

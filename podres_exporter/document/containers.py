"""One container: what it holds, how that is, and how well it sits."""

from operator import attrgetter

from podres_exporter.cpuset import format_cpuset
from podres_exporter.document.claims import read_claims, write_claims
from podres_exporter.document.reader import Reader
from podres_exporter.document.values import Fields, stated, write_block, write_nodes
from podres_exporter.model import (
    Alignment,
    Constraint,
    Container,
    ContainerView,
    Device,
    DeviceHealth,
    Verdict,
    share_of,
)

_RESOURCE_AND_ID = attrgetter("resource", "device_id")
_EVERY, _ANY = "every", "any"


def write_container(view: ContainerView) -> Fields:
    """Return the container; that it holds nothing of a kind is said by an empty list."""
    container = view.container
    return stated(
        {
            "name": container.name,
            "devices": [_write_device(device, view.chosen_devices) for device in container.devices],
            "exclusiveCpus": format_cpuset(container.exclusive_cpus),
            "memory": [write_block(block) for block in container.memory],
            "claims": write_claims(view),
            "health": [_write_health(row) for row in view.health] or None,
            "alignment": _write_alignment(view.alignment),
        }
    )


def read_container(reader: Reader, chosen: tuple[str, ...] = ()) -> ContainerView:
    """
    Return the container that `write_container` wrote; its devices are sorted, for what counts them goes by runs.

    *chosen* are the devices that the pod's metadata says a scheduler has chosen.
    """
    claims, uses = read_claims(reader.each("claims"))
    devices = [_read_device(row) for row in reader.distinct("devices", "resource", "id")]
    container = Container(
        reader.text("name"),
        tuple(sorted(devices, key=_RESOURCE_AND_ID)),
        reader.cpus("exclusiveCpus"),
        reader.blocks("memory"),
        claims,
    )
    health = tuple(_read_health(row) for row in reader.each("health", ()))
    return ContainerView(container, _read_alignment(reader.below("alignment")), uses, health, chosen)


def _write_device(device: Device, chosen: tuple[str, ...]) -> Fields:
    """Return the device; of a shared one, which physical device is behind it, and its number there."""
    base, replica = share_of(device.device_id, device.resource, chosen)
    fields: Fields = {"resource": device.resource, "id": device.device_id}
    if replica:
        fields |= {"base": base, "replica": replica}
    if device.numa_nodes:
        fields["numaNodes"] = sorted(device.numa_nodes)
    return fields


def _read_device(reader: Reader) -> Device:
    return Device(reader.text("resource"), reader.text("id"), reader.nodes("numaNodes"))


def _write_health(row: DeviceHealth) -> Fields:
    return stated(
        {
            "resource": row.resource or None,
            "device": row.device,
            "pool": row.pool or None,
            "claim": row.claim or None,
            "health": row.health,
            "message": row.message or None,
        }
    )


def _read_health(reader: Reader) -> DeviceHealth:
    return DeviceHealth(
        resource=reader.text("resource", ""),
        device=reader.text("device"),
        pool=reader.text("pool", ""),
        claim=reader.text("claim", ""),
        health=reader.text("health"),
        message=reader.text("message", ""),
    )


def _write_alignment(alignment: Alignment) -> Fields:
    return stated(
        {
            "verdict": alignment.verdict.value,
            "numaNodes": write_nodes(alignment.numa_nodes),
            "reasons": [_write_constraint(each) for each in alignment.constraints] or None,
            "unplaced": alignment.unplaced or None,
        }
    )


def _read_alignment(reader: Reader) -> Alignment:
    reasons = tuple(_read_constraint(row) for row in reader.each("reasons", ()))
    return Alignment(reader.choice("verdict", Verdict), reader.nodes("numaNodes"), reasons, reader.count("unplaced", 0))


def _write_constraint(constraint: Constraint) -> Fields:
    return stated(
        {
            "resource": constraint.resource,
            "count": constraint.count,
            "needs": _EVERY if constraint.every else _ANY,
            "numaNodes": write_nodes(constraint.numa_nodes),
        }
    )


def _read_constraint(reader: Reader) -> Constraint:
    needs = reader.text("needs")
    if needs not in {_EVERY, _ANY}:
        raise reader.fault("needs", f"is neither {_EVERY} nor {_ANY}")
    return Constraint(reader.text("resource"), reader.nodes("numaNodes"), reader.count("count"), every=needs == _EVERY)

"""DRA devices on the page: by driver, each with its attributes, its users, and what is left of it."""

from collections import defaultdict

from podres_exporter.cpuset import format_cpuset
from podres_exporter.model import Attribution, ClaimDevice, DraDevice
from podres_exporter.page.markup import cut, escaped, folded, kind, target, tiles
from podres_exporter.page.scene import ClaimHolder, Scene
from podres_exporter.page.shares import chips
from podres_exporter.page.trouble import health_text, twice

_CDI_ONLY = "driver not reported"
_MOST_TILES = 32
"""Devices of one driver beyond which the others are folded."""


def claims(scene: Scene) -> str:
    """Return the devices by driver; nothing where no container uses any and no slice offers any."""
    dra = scene.allocation.dra
    if not scene.claims and not (dra and dra.stock):
        return ""
    drivers: defaultdict[str, defaultdict[tuple[str, str], list[ClaimHolder]]] = defaultdict(lambda: defaultdict(list))
    for each in scene.claims:
        drivers[each.use.device.driver][_device(each.use.device)].append(each)
    offered = {row.driver for row in dra.stock} if dra else set()
    return "".join(_driver(scene, driver, drivers[driver]) for driver in sorted(drivers.keys() | offered))


def _device(device: ClaimDevice) -> tuple[str, str]:
    """Return (pool, device); CDI names stand for the device where the kubelet names no other."""
    return (device.pool, device.device) if device.driver else ("", " ".join(device.cdi_devices))


def _driver(scene: Scene, driver: str, devices: dict[tuple[str, str], list[ClaimHolder]]) -> str:
    items = [_tile(scene, (driver, *key), devices[key]) for key in sorted(devices)]
    rest = items[_MOST_TILES:]
    more = folded(target("claims", driver), f"{len(rest)} more devices", tiles(rest)) if rest else ""
    summary = f"DRA; {_left(scene, driver, len(devices))}"
    return kind(escaped(driver) or _CDI_ONLY, summary, tiles(items[:_MOST_TILES]) + more, level=3)


def _left(scene: Scene, driver: str, used: int) -> str:
    """Return how many devices are in use and, where slices and claims tell, how many there are and what is left."""
    rows = [row for row in (scene.allocation.dra.stock if scene.allocation.dra else ()) if row.driver == driver]
    if not rows:
        return f"{used} in use"
    total = sum(len(row.total) for row in rows)
    if not all(row.is_known for row in rows):
        return f"{used} of {total} in use, perhaps more"
    allocated, tainted, available = (
        sum(map(len, sets))
        for sets in zip(*((row.allocated, row.unavailable, row.available) for row in rows), strict=True)
    )
    words = [
        f"{allocated} of {total} allocated",
        *([f"{tainted} tainted"] if tainted else []),
        f"{available} available",
    ]
    is_partitioned = any(row.fitting != len(row.available) for row in rows)
    fit = ", ".join(f"{row.fitting} {row.kind or 'devices'}" for row in rows)
    return escaped(", ".join(words) + (f"; of each type fit {fit}" if is_partitioned else ""))


def _tile(scene: Scene, key: tuple[str, str, str], holders: list[ClaimHolder]) -> str:
    """Return one device with its users, by share where it has shares."""
    driver, pool, device = key
    known = scene.dra.get(key, DraDevice(device))
    place = f"NUMA {format_cpuset(known.numa_nodes)}" if known.numa_nodes else ""
    taints = [f"tainted {taint.key}={taint.value}:{taint.effect}" for taint in known.taints]
    facts = [text for text in (known.uuid, known.pci_address, known.product, place, *taints) if text]
    full = " · ".join(["/".join(part for part in key if part), *facts])
    item = f"{pool}/{device}" if pool else device
    row, double = scene.health.get((driver, item)), scene.doubles.get((driver, item))
    words = [*([twice(double)] if double else []), *([health_text(row)] if row else [])]
    flags = "".join(f'<span class="flag">{word}</span>' for word in words)
    tag = f'<small class="numa">{place}</small>' if place else ""
    numbers = " ".join(dict.fromkeys(str(each.holder.badge.number) for each in holders))
    return (
        f'<li class="dev t{" bad" if words else ""}" data-p="{numbers}" title="{escaped(full)}">'
        f'<span class="id">{cut(device, 4)}</span>{tag}{_uuid(known)}'
        f"{''.join(_user(scene, each) for each in holders)}{flags}</li>"
    )


def _uuid(device: DraDevice) -> str:
    """Return the UUID that the slice states, or that of the hardware which a partition is of."""
    name = device.uuid or device.parent_uuid
    return f'<small class="id">{cut(name, 4)}</small>' if name else ""


def _user(scene: Scene, each: ClaimHolder) -> str:
    share = each.use.device.share_id
    words = [f"claim {escaped(each.use.claim)}"]
    words += [f"share {escaped(share)}"] if share else []
    words += [f"request {escaped(each.use.request)}"] if each.use.request else []
    words += ["admin access"] if each.use.is_admin else []
    words += ["perhaps"] if each.use.attribution is Attribution.CLAIM else []
    return f'{chips(scene, [each.holder])}<small class="ids">{", ".join(words)}</small>'

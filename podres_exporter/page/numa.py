"""The machine: a panel for each NUMA node, then what spans several nodes, has no stated node, or is a DRA claim."""

from collections import Counter, defaultdict

from podres_exporter.model import Attribution, ClaimDevice, MemoryStock
from podres_exporter.page.badge import Badge, bar, legend
from podres_exporter.page.cpus import cpus
from podres_exporter.page.devices import devices
from podres_exporter.page.markup import escaped, kind, panel, part, tails, target
from podres_exporter.page.scene import ClaimHolder, Place, Scene, places
from podres_exporter.quantity import bytes_text

_CDI_ONLY = "driver not reported"
_WIDE = 96
"""CPUs of a node from which on its panel asks for more room."""


def numa(scene: Scene) -> str:
    """Return the panels; the section is empty of them only where the kubelet tells of nothing at all."""
    every = places(scene.allocation)
    single = [place for place in every if len(place.nodes) == 1]
    wide = " wide" if any(len(place.cpus) > _WIDE for place in single) else ""
    first = "".join(_panel(scene, place) for place in single)
    rest = "".join(_panel(scene, place) for place in every if len(place.nodes) != 1) + claims(scene)
    # One node leaves room beside it.
    rows = [first + rest] if len(single) == 1 else [first, rest]
    body = "".join(f'<div class="nodes{wide}">{row}</div>' for row in rows if row)
    return part("machine", "Machine", body)


def _panel(scene: Scene, place: Place) -> str:
    """Return one place with all that sits there."""
    contents = cpus(scene, place) + memory(scene, place) + devices(scene, place)
    return panel(place.identifier, f"{place.name}{_socket(scene, place)}", contents)


def _socket(scene: Scene, place: Place) -> str:
    """Return the socket of a node whose CPUs are all on one."""
    topology = scene.allocation.topology
    cores = topology.core_by_cpu if topology else {}
    sockets = {cores[cpu].socket for cpu in place.cpus if cpu in cores}
    return f" <small>socket {min(sockets)}</small>" if len(sockets) == 1 and min(sockets) >= 0 else ""


def memory(scene: Scene, place: Place) -> str:
    """Return a bar for each memory type of the place."""
    return "".join(_bar(scene, place, stock) for stock in place.memory if stock.reported_bytes or stock.held_bytes)


def _bar(scene: Scene, place: Place, stock: MemoryStock) -> str:
    sizes: Counter[Badge] = Counter()
    for badge, size in scene.memory.get((stock.memory_type, stock.numa_nodes), ()):
        sizes[badge] += size
    rows = sorted(sizes.items(), key=lambda row: row[0].number)
    chips = legend([(badge, bytes_text(size)) for badge, size in rows], target(place.identifier, stock.memory_type))
    whole = stock.held_bytes if stock.reported_bytes is None else stock.reported_bytes
    return kind(escaped(stock.memory_type), _summary(stock), bar(rows, whole) + chips)


def _summary(stock: MemoryStock) -> str:
    held = bytes_text(stock.held_bytes)
    if stock.reported_bytes is not None:
        return f"{held} of {bytes_text(stock.reported_bytes)} held"
    if len(stock.numa_nodes) > 1:
        return f"{held} held across these nodes; the split is not reported"
    return f"{held} held"


def claims(scene: Scene) -> str:
    """Return a panel with the devices by driver; nothing where no container uses any."""
    if not scene.claims:
        return ""
    drivers: defaultdict[str, defaultdict[tuple[str, str], list[ClaimHolder]]] = defaultdict(lambda: defaultdict(list))
    for each in scene.claims:
        drivers[each.use.device.driver][_device(each.use.device)].append(each)
    kinds = "".join(_driver(scene, driver, drivers[driver]) for driver in sorted(drivers))
    return panel("claims", "Claim devices <small>DRA; NUMA nodes are not reported</small>", kinds)


def _device(device: ClaimDevice) -> tuple[str, str]:
    """Return (pool, device); CDI names stand for the device where the kubelet names no other."""
    return (device.pool, device.device) if device.driver else ("", " ".join(device.cdi_devices))


def _driver(scene: Scene, driver: str, devices: dict[tuple[str, str], list[ClaimHolder]]) -> str:
    labels = tails(device for _, device in devices)
    items = "".join(
        _tile(scene, (driver, pool, device), labels[device], devices[pool, device]) for pool, device in sorted(devices)
    )
    return kind(escaped(driver) or _CDI_ONLY, f"{len(devices)} in use", f'<ul class="devices">{items}</ul>')


def _tile(scene: Scene, key: tuple[str, str, str], label: str, holders: list[ClaimHolder]) -> str:
    """Return one device with its users, by share where it has shares."""
    driver, pool, device = key
    full = "/".join(part for part in (driver, pool, device) if part)
    row = scene.health.get((driver, f"{pool}/{device}" if pool else device))
    flag = f'<span class="flag">{escaped(f"{row.health} {row.message}".strip())}</span>' if row else ""
    numbers = " ".join(dict.fromkeys(str(each.holder.badge.number) for each in holders))
    return (
        f'<li class="dev t{" bad" if row else ""}" data-p="{numbers}" title="{escaped(full)}">'
        f'<span class="id">{escaped(label)}</span>{"".join(_user(each) for each in holders)}{flag}</li>'
    )


def _user(each: ClaimHolder) -> str:
    share = each.use.device.share_id
    words = [f"claim {escaped(each.use.claim)}"]
    words += [f"share {escaped(share)}"] if share else []
    words += ["perhaps"] if each.use.attribution is Attribution.CLAIM else []
    return f'{each.holder.badge.chip()}<small class="ids">{", ".join(words)}</small>'

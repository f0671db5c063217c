"""The devices of the node, resource by resource: who holds each, how long, on which NUMA node, and which are free."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from podres_exporter.model import DeviceStock
from podres_exporter.model.shares import split_replica
from podres_exporter.page.cells import cells
from podres_exporter.page.claims import claims
from podres_exporter.page.markup import cut, escaped, kind, part, tiles
from podres_exporter.page.scene import Scene, numbers
from podres_exporter.page.shares import Base, Share, chips, flags, share_title, shared_tile, unheld
from podres_exporter.page.trouble import is_wrong

_MOST_TILES = 32
"""Physical devices of one resource beyond which they are drawn small."""


def devices(scene: Scene) -> str:
    """Return the section of devices: those of device plugins, then those of DRA."""
    stocks: defaultdict[str, list[DeviceStock]] = defaultdict(list)
    for stock in scene.allocation.devices:
        stocks[stock.resource].append(stock)
    kinds = "".join(_resource(scene, name, every) for name, every in stocks.items()) + claims(scene)
    return part("devices", "Devices", kinds or "<p>No device plugin and no DRA driver has reported a device.</p>")


def _resource(scene: Scene, resource: str, stocks: Sequence[DeviceStock]) -> str:
    bases: dict[str, Base] = {}
    for stock in sorted(stocks, key=lambda each: (not each.numa_nodes, sorted(each.numa_nodes))):
        for name, _, each, replica in sorted(_split(each, resource) for each in _ids(stock)):
            base = bases.setdefault(name, Base(name, stock.numa_nodes, []))
            base.shares.append(Share((resource, each), replica, unheld(stock, each)))
    body = cells(scene, stocks, bases.values()) if len(bases) > _MOST_TILES else _tiles(scene, bases)
    return kind(escaped(resource), _summary(stocks), body, level=3)


def _ids(stock: DeviceStock) -> frozenset[str]:
    return stock.held if stock.reported is None else stock.reported | stock.held


def _summary(stocks: Sequence[DeviceStock]) -> str:
    held = sum(len(stock.held) for stock in stocks)
    if any(stock.reported is None for stock in stocks):
        return f"{held} held; how many are free the kubelet does not tell"
    return f"{held} of {sum(len(_ids(stock)) for stock in stocks)} held"


def _tiles(scene: Scene, bases: Mapping[str, Base]) -> str:
    return tiles(
        [
            shared_tile(scene, base) if base.shares[0].replica else _tile(scene, base, base.shares[0])
            for base in bases.values()
        ]
    )


def _tile(scene: Scene, base: Base, share: Share) -> str:
    """Return a device that one container holds, or none."""
    name = f'<span class="id">{cut(base.name, 4)}</span>{base.place}'
    holders = scene.devices.get(share.key, ())
    if not holders:
        state = f'<span class="state">{share.unheld}</span>{chips(scene, scene.dual_holders(share.key))}'
        return f'<li class="dev free t" title="{escaped(base.name)}: {share.unheld}">{name}{state}</li>'
    look = "bad" if is_wrong(scene, *share.key) else ""
    return (
        f'<li class="dev t {look}" data-p="{numbers(holders)}" title="{share_title(scene, share)}">'
        f"{name}{chips(scene, holders)}{flags(scene, share)}</li>"
    )


def _split(device_id: str, resource: str) -> tuple[str, int, str, str]:
    """Return the physical device, the length of the share's number, the id and that number: share 10 is behind 9."""
    name, replica = split_replica(device_id, resource)
    return (name, len(replica), device_id, replica)

"""Check the requested DRA devices: how many could be allocated to claims now, as far as slices show."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from podres_exporter.fit.ask import Ask
from podres_exporter.fit.hurdles import Hurdle, Obstacle, shortages
from podres_exporter.fit.room import Room
from podres_exporter.model import Allocation, DraStock


@dataclass(frozen=True, slots=True)
class DraRooms:
    """
    The requested and free DRA devices; *unsure* are obstacles that are not certain.

    *short* are certain obstacles.

    *short* is what is surely in the way.
    """

    rooms: tuple[Room, ...] = ()
    short: tuple[Hurdle, ...] = ()
    unsure: tuple[Hurdle, ...] = ()


def is_driver(name: str) -> bool:
    """Return whether a name is a DRA driver's, such as `gpu.example.com`; extended resources contain a slash."""
    return "/" not in name


def without_dra(ask: Ask) -> Ask:
    """Return the requests without DRA, for the kubelet's managers."""
    containers = tuple(
        replace(spec, devices=tuple(row for row in spec.devices if not is_driver(row[0]))) for spec in ask.containers
    )
    return replace(ask, containers=containers)


def dra_rooms(allocation: Allocation, ask: Ask) -> DraRooms:
    """
    Return the requested and free DRA devices.

    A driver is named `gpu.example.com`, or `gpu.example.com (TYPE)` for devices of one type, as `dump --free` has it.
    Claims that the pod refers to are not judged: their selectors and tolerations are evaluated by the scheduler.
    """
    asked: dict[str, int] = {}
    for spec in ask.containers:
        for name, count in spec.devices:
            if is_driver(name):
                asked[name] = asked.get(name, 0) + count
    stock = allocation.dra.stock if allocation.dra else ()
    found = [(name, count, [row for row in stock if name in _names(row)]) for name, count in sorted(asked.items())]
    rooms = [_room(name, count, rows) for name, count, rows in found]
    unsure = [Hurdle(Obstacle.CLAIMS)] if any(spec.claims for spec in ask.containers) else []
    short: list[Hurdle] = []
    for room, (_, _, rows) in zip(rooms, found, strict=True):
        if allocation.dra is None or not all(row.is_known for row in rows) or _may_fit(room, rows):
            unsure.append(Hurdle(Obstacle.CLAIMS, "", room))
        else:
            short += shortages([room])
    return DraRooms(tuple(rooms), tuple(short), tuple(unsure))


def _names(row: DraStock) -> tuple[str, str]:
    return (row.driver, f"{row.driver} ({row.kind})")


def _room(name: str, asked: int, rows: Iterable[DraStock]) -> Room:
    """Return the room; if devices of several types exclude each other, that of the type with the most."""
    fitting = [(min(row.fitting, len(row.available)), row.fitting < len(row.available)) for row in rows]
    counts = [count for count, _ in fitting]
    exclude = any(is_partitioned for _, is_partitioned in fitting)
    return Room(
        name, asked, max(counts, default=0) if exclude else sum(counts), sum(len(row.total) for row in rows), {}
    )


def _may_fit(room: Room, rows: Iterable[DraStock]) -> bool:
    """
    Return whether more may be free than is counted, which matters if too little is.

    Partitions of several types may fit together, and a claim may tolerate a taint.
    """
    more = sum(min(row.fitting, len(row.available)) + len(row.unavailable) for row in rows)
    return room.free < room.asked <= more

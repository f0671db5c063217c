"""ResourceSlices and ResourceClaims in a recording: write and read the DRA facts from the API server."""

from dataclasses import replace
from typing import ClassVar

from podres_exporter.document.dra import (
    AmountRecord,
    DraPoolRecord,
    read_amounts,
    read_pool,
    write_amounts,
    write_pool,
)
from podres_exporter.document.faults import distinct
from podres_exporter.document.status import read_optional
from podres_exporter.document.values import Moment, Record, Size, read_size
from podres_exporter.errors import Reason
from podres_exporter.model import ClaimFacts, Dra, DraPool
from podres_exporter.model.dra import ClaimInterface, ClaimResult
from podres_exporter.moment import write_moment

CounterAmounts = tuple[tuple[tuple[str, str], int], ...]
"""Amounts by (counter set, counter)."""


class CounterRecord(Record, kw_only=True):
    """An amount of a counter that the devices of a pool share."""

    counter_set: str
    counter: str
    amount: Size

    key: ClassVar[tuple[str, ...]] = ("counter_set", "counter")


class ConsumerRecord(Record, kw_only=True):
    """A device that consumes counters of its pool."""

    device: str
    counters: list[CounterRecord]

    key: ClassVar[tuple[str, ...]] = ("device",)


class PoolRecord(DraPoolRecord, kw_only=True):
    """A pool as in `podres/v1`, plus its counters, which are needed only to compute availability."""

    counters: list[CounterRecord] = []
    consumers: list[ConsumerRecord] = []


class ResultRecord(Record, kw_only=True):
    """A device allocated to a claim."""

    request: str
    driver: str
    pool: str
    device: str
    share_id: str = ""
    admin_access: bool = False
    consumed: list[AmountRecord] = []
    interface: str = ""
    hardware_address: str = ""


class ClaimRecord(Record, kw_only=True):
    """A claim that could be read."""

    namespace: str
    name: str
    uid: str
    results: list[ResultRecord]

    key: ClassVar[tuple[str, ...]] = ("namespace", "name")


class DraSourceRecord(Record, kw_only=True):
    """The DRA facts from the API server."""

    synced: bool
    up: bool
    last_success: Moment | None = None
    reason: Reason | None = None
    pools: list[PoolRecord]
    claims: list[ClaimRecord]


def write_dra_source(dra: Dra) -> DraSourceRecord:
    """Return the record of the DRA facts."""
    last = dra.last_success_seconds
    return DraSourceRecord(
        synced=dra.is_synced,
        up=dra.is_up,
        last_success=None if last is None else write_moment(last),
        reason=dra.reason,
        pools=[_write_pool(pool) for pool in dra.pools],
        claims=[_write_claim(dra.claims[key]) for key in sorted(dra.claims)],
    )


def read_dra_source(record: DraSourceRecord) -> Dra:
    """Return the DRA facts. Raises ValueError if a pool or claim occurs twice."""
    pools = [_read_pool(each) for each in distinct(record.pools)]
    claims = [_read_claim(each) for each in distinct(record.claims)]
    return Dra(
        tuple(sorted(pools, key=lambda pool: pool.key)),
        {claim.key: claim for claim in claims},
        is_synced=record.synced,
        is_up=record.up,
        last_success_seconds=read_optional(record.last_success),
        reason=record.reason,
    )


def _write_pool(pool: DraPool) -> PoolRecord:
    consumers = [(device.name, device.consumes) for device in pool.devices if device.consumes]
    written = write_pool(pool)
    return PoolRecord(
        **{name: getattr(written, name) for name in written.__struct_fields__},
        counters=_write_counters(pool.counters),
        consumers=[ConsumerRecord(device=name, counters=_write_counters(taken)) for name, taken in consumers],
    )


def _read_pool(record: PoolRecord) -> DraPool:
    pool = read_pool(record)
    taken = {each.device: _read_counters(each.counters) for each in distinct(record.consumers)}
    devices = tuple(
        replace(device, consumes=taken[device.name]) if device.name in taken else device for device in pool.devices
    )
    return replace(pool, devices=devices, counters=_read_counters(record.counters))


def _write_counters(amounts: CounterAmounts) -> list[CounterRecord]:
    return [CounterRecord(counter_set=of, counter=name, amount=amount) for (of, name), amount in amounts]


def _read_counters(records: list[CounterRecord]) -> CounterAmounts:
    return tuple(sorted(((each.counter_set, each.counter), read_size(each.amount)) for each in distinct(records)))


def _write_claim(claim: ClaimFacts) -> ClaimRecord:
    results = [
        ResultRecord(
            request=each.request,
            driver=each.driver,
            pool=each.pool,
            device=each.device,
            share_id=each.share_id,
            admin_access=each.is_admin,
            consumed=write_amounts(each.consumed),
            interface=each.interface.name,
            hardware_address=each.interface.hardware_address,
        )
        for each in claim.results
    ]
    return ClaimRecord(namespace=claim.namespace, name=claim.name, uid=claim.uid, results=results)


def _read_claim(record: ClaimRecord) -> ClaimFacts:
    results = tuple(
        ClaimResult(
            each.request,
            each.driver,
            each.pool,
            each.device,
            each.share_id,
            each.admin_access,
            read_amounts(each.consumed),
            ClaimInterface(each.interface, each.hardware_address),
        )
        for each in record.results
    )
    return ClaimFacts(record.namespace, record.name, record.uid, results)

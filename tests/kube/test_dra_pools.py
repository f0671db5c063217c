"""Pools shared with other nodes: listed once per pool that a claim names, and only its devices are kept."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually
from pods_rig import NODE, ParkingClock, Recorder, client_at

from podres_exporter.kube.dra.once import DraOnce
from podres_exporter.kube.dra.pools import READ_AGAIN_SECONDS
from podres_exporter.kube.dra.source import DraWatch
from podres_exporter.model import Dra
from podres_exporter.sim.api import RESOURCE_CLAIMS, RESOURCE_SLICES, ApiServer, Fail, Store

DRIVER = "disk.example.com"
USERS = {("ml", "c"): frozenset(["p"])}


def shared_slice(pool: str, *devices: str, driver: str = DRIVER, **place: Any) -> dict[str, Any]:
    """Return a slice of a pool that every node may use, or of the place that is given."""
    return {
        "metadata": {"name": f"slice-of-{pool}"},
        "spec": {
            "driver": driver,
            **(place or {"allNodes": True}),
            "pool": {"name": pool, "generation": 1, "resourceSliceCount": 1},
            "devices": [{"name": each, "attributes": {"uuid": {"string": f"U-{each}"}}} for each in devices],
        },
    }


def claim_of(*devices: tuple[str, str], name: str = "c") -> dict[str, Any]:
    results = [{"request": "r", "driver": DRIVER, "pool": pool, "device": device} for pool, device in devices]
    return {
        "metadata": {"namespace": "ml", "name": name},
        "spec": {},
        "status": {"allocation": {"devices": {"results": results}}},
    }


def found(dra: Dra | None) -> dict[str, list[str]]:
    return {pool.name: [device.uuid for device in pool.devices] for pool in (dra or Dra()).pools}


class Place:
    """An API server of a release, and sources that ask it."""

    def __init__(self, clock: ParkingClock, directory: Path, release: str) -> None:
        self.clock, self.directory, self.store = clock, directory, Store(clock)
        self.api = ApiServer(self.store, clock, version=f"v{release}.0")
        self.store.create(RESOURCE_SLICES, shared_slice(NODE, "own", nodeName=NODE))
        self.store.create(RESOURCE_SLICES, shared_slice("san", "d0", "d1", "d2"))
        self.store.create(RESOURCE_SLICES, shared_slice("idle", "d9"))
        self._sources: list[DraWatch] = []

    def watch(self) -> DraWatch:
        client = client_at(self.api.url, self.directory, self.clock)
        source = DraWatch(client, NODE, self.clock, Recorder(self.clock), uniform=lambda: 0.0)
        self._sources.append(source)
        source.start(lambda: None)
        return source

    def lists(self) -> list[str]:
        """Return by what slices were listed."""
        asked = [each for each in self.api.requests.recent if each.verb == "list" and "slices" in each.path]
        return [each.query["fieldSelector"] for each in asked]

    def stop(self) -> None:
        for each in self._sources:
            each.stop()


Open = Callable[[str], Place]


@pytest.fixture
def place(clock: ParkingClock, tmp_path: Path) -> Iterator[Open]:
    opened: list[Place] = []
    clock.limit_seconds = clock.monotonic_seconds() + READ_AGAIN_SECONDS - 60.0

    def begin(release: str) -> Place:
        made = Place(clock, tmp_path, release)
        made.api.__enter__()
        opened.append(made)
        return made

    yield begin
    for each in opened:
        each.stop()
        each.api.__exit__(None, None, None)


OWN, SAN = f"spec.nodeName={NODE}", f"spec.driver={DRIVER},spec.pool.name=san"


def test_a_pool_is_listed_once_however_many_devices_claims_have_of_it(place: Open) -> None:
    """The pools that no claim names are never asked for; what no claim has is not kept."""
    here = place("1.37")
    here.store.create(RESOURCE_CLAIMS, claim_of((NODE, "own"), ("san", "d0"), ("san", "d2")))
    source = here.watch()
    source.want(USERS)

    assert eventually(lambda: found(source.dra()) == {NODE: ["U-own"], "san": ["U-d0", "U-d2"]})
    (san,) = [pool for pool in (source.dra() or Dra()).pools if pool.name == "san"]
    assert san.is_multi_node
    here.store.update(RESOURCE_SLICES, {**shared_slice(NODE, "own", "more", nodeName=NODE)})
    assert eventually(lambda: "U-more" in found(source.dra())[NODE])
    assert [OWN, SAN] == here.lists()


def test_a_claim_that_names_another_device_has_the_pool_listed_again_and_none_drops_it(place: Open) -> None:
    here = place("1.37")
    here.store.create(RESOURCE_CLAIMS, claim_of(("san", "d0")))
    here.store.create(RESOURCE_CLAIMS, claim_of(("san", "d1"), name="later"))
    source = here.watch()
    source.want(USERS)
    assert eventually(lambda: found(source.dra()).get("san") == ["U-d0"])
    source.want({**USERS, ("ml", "later"): frozenset(["q"])})
    assert eventually(lambda: found(source.dra()).get("san") == ["U-d0", "U-d1"])
    source.want({})
    assert eventually(lambda: "san" not in found(source.dra()))
    assert [OWN, SAN, SAN] == here.lists()


def test_before_1_37_a_server_refuses_and_is_not_asked_again(place: Open, clock: ParkingClock) -> None:
    """The claim is shown without what its slice would say."""
    here = place("1.36")
    clock.limit_seconds += 3 * READ_AGAIN_SECONDS
    here.store.create(RESOURCE_CLAIMS, claim_of(("san", "d0"), ("idle", "d9")))
    source = here.watch()
    source.want(USERS)

    assert eventually(lambda: ("ml", "c") in (source.dra() or Dra()).claims and len(here.lists()) == 2)
    source.want({**USERS, ("ml", "absent"): frozenset(["q"])})
    assert eventually(lambda: any("absent" in each.path for each in here.api.requests.recent))
    assert {NODE: ["U-own"]} == found(source.dra())
    assert 2 == len(here.lists())


def test_after_an_hour_it_is_listed_again(place: Open, clock: ParkingClock) -> None:
    """Its changes are not watched."""
    here = place("1.37")
    clock.limit_seconds += READ_AGAIN_SECONDS
    here.store.create(RESOURCE_CLAIMS, claim_of(("san", "d0")))
    source = here.watch()
    source.want(USERS)

    assert eventually(lambda: here.lists() == [OWN, SAN, SAN])


def test_a_list_that_fails_is_tried_again_after_a_pause(place: Open) -> None:
    here = place("1.37")
    here.store.create(RESOURCE_CLAIMS, claim_of(("san", "d0")))
    source = here.watch()
    assert eventually(lambda: found(source.dra()) == {NODE: ["U-own"]})
    here.api.faults.on_requests("list", Fail(500), resource=RESOURCE_SLICES, times=2)
    source.want(USERS)

    assert eventually(lambda: found(source.dra()).get("san") == ["U-d0"])
    assert [OWN, SAN, SAN, SAN] == here.lists()


def test_a_single_look_lists_them_too(place: Open, clock: ParkingClock, tmp_path: Path) -> None:
    for release, uuids in (("1.37", {NODE: ["U-own"], "san": ["U-d1"]}), ("1.36", {NODE: ["U-own"]})):
        here = place(release)
        here.store.create(RESOURCE_CLAIMS, claim_of(("san", "d1")))
        once = DraOnce(client_at(here.api.url, tmp_path, clock), NODE, clock)
        once.want(USERS)
        once.stop()

        assert uuids == found(once.dra())

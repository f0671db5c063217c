"""ResourceSlices and ResourceClaims from a simulated API server: content, and number of requests."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from eventually import eventually
from pods_rig import NODE, ParkingClock, Recorder, Site
from raw_server import RawServer, whole

from podres_exporter.clock import SystemClock
from podres_exporter.errors import ApiServerError, Reason
from podres_exporter.kube.dra.once import DraOnce
from podres_exporter.kube.dra.source import DraWatch, served_version
from podres_exporter.model import Dra
from podres_exporter.sim.api import RESOURCE_CLAIMS, RESOURCE_SLICES, Fail, Hang, StreamFault

DRIVER = "gpu.example.com"


def slice_of(name: str, *devices: str, node: str = NODE, generation: int = 1, count: int = 1) -> dict[str, Any]:
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceSlice",
        "metadata": {"name": name},
        "spec": {
            "driver": DRIVER,
            "nodeName": node,
            "pool": {"name": node, "generation": generation, "resourceSliceCount": count},
            "devices": [{"name": each, "attributes": {"uuid": {"string": f"GPU-{each}"}}} for each in devices],
        },
    }


def claim_of(name: str, *devices: str) -> dict[str, Any]:
    results = [{"request": "r", "driver": DRIVER, "pool": NODE, "device": each} for each in devices]
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaim",
        "metadata": {"namespace": "ml", "name": name},
        "spec": {},
        "status": {"allocation": {"devices": {"results": results}}} if devices else {},
    }


Start = Callable[[Site], DraWatch]


@pytest.fixture
def recorder(clock: ParkingClock) -> Recorder:
    return Recorder(clock)


@pytest.fixture
def start(clock: ParkingClock, recorder: Recorder) -> Iterator[Start]:
    """Yield a function that starts the source; it is stopped afterwards."""
    made: list[DraWatch] = []

    def start(site: Site) -> DraWatch:
        source = DraWatch(site.client(), NODE, clock, recorder, uniform=lambda: 0.0)
        source.start(lambda: None)
        made.append(source)
        return source

    yield start
    for source in made:
        source.stop()


def devices(source: DraWatch) -> set[str]:
    return {device.name for pool in (source.dra() or Dra()).pools for device in pool.devices}


def is_synced(source: DraWatch) -> bool:
    dra = source.dra()
    return dra is not None and dra.is_synced and dra.is_up


def asked(site: Site, verb: str, resource: str) -> int:
    return sum(each.verb == verb and resource in each.path for each in site.server.requests.recent)


def test_the_slices_of_this_node_are_followed_and_no_other_ever_arrives(
    site: Site, start: Start, recorder: Recorder
) -> None:
    """A thousand slices of other nodes cost this one nothing."""
    site.store.create(RESOURCE_SLICES, slice_of("a", "gpu-0"))
    for number in range(1000):
        site.store.create(RESOURCE_SLICES, slice_of(f"far-{number}", "gpu-9", node=f"n{number + 2}"))
    source = start(site)
    assert eventually(lambda: is_synced(source) and devices(source) == {"gpu-0"})
    received = recorder.bytes
    site.store.create(RESOURCE_SLICES, slice_of("far", "gpu-8", node="n2"))
    site.store.update(RESOURCE_SLICES, slice_of("a", "gpu-0", "gpu-1", generation=2))
    assert eventually(lambda: devices(source) == {"gpu-0", "gpu-1"})

    assert received < 10_000
    lists = [each.query for each in site.server.requests.recent if "resourceslices" in each.path]
    assert ["spec.nodeName=n1"] * 2 == [query["fieldSelector"] for query in lists]
    assert (1, 1) == (asked(site, "list", "resourceslices"), asked(site, "watch", "resourceslices"))
    assert 0 == asked(site, "get", "resourceclaims")


@pytest.mark.faults("a driver stops: its slices are deleted within 35 s")
def test_a_driver_that_stops_leaves_its_last_facts_marked(site: Site, start: Start) -> None:
    site.store.create(RESOURCE_SLICES, slice_of("a", "gpu-0"))
    source = start(site)
    assert eventually(lambda: devices(source) == {"gpu-0"})
    site.store.delete(RESOURCE_SLICES, "", "a")

    assert eventually(lambda: [pool.is_stale for pool in (source.dra() or Dra()).pools] == [True])
    assert {"gpu-0"} == devices(source)


def test_a_claim_is_read_once_in_its_life(site: Site, start: Start) -> None:
    """However often its users are told; a pod of a new life of the name has another claim."""
    site.store.create(RESOURCE_CLAIMS, claim_of("c", "gpu-0"))
    source = start(site)
    assert eventually(lambda: is_synced(source))

    def read() -> list[str]:
        facts = (source.dra() or Dra()).claims.get(("ml", "c"))
        return [] if facts is None else [result.device for result in facts.results]

    source.want({("ml", "c"): frozenset(["pod-1"])})
    assert eventually(lambda: read() == ["gpu-0"])
    site.store.update(RESOURCE_CLAIMS, claim_of("c", "gpu-1"))
    for number, users in enumerate((["pod-1", "pod-2"], ["pod-2"])):
        source.want({("ml", "c"): frozenset(users), ("ml", f"other-{number}"): frozenset(["x"])})
        assert eventually(lambda number=number: asked(site, "get", f"resourceclaims/other-{number}") >= 1)  # type: ignore[misc]
    assert (["gpu-0"], 1) == (read(), asked(site, "get", "resourceclaims/c"))
    source.want({("ml", "c"): frozenset(["pod-3"])})
    assert eventually(lambda: read() == ["gpu-1"])
    source.want({})
    assert eventually(lambda: not (source.dra() or Dra()).claims)


NIC = {"driver": "dra.net", "pool": NODE, "device": "eth1"}
STATED = {"interfaceName": "net1", "hardwareAddress": "02:00:00:00:00:01", "ips": ["10.0.0.7/24"]}


def nic_claim(*stated: dict[str, Any]) -> dict[str, Any]:
    status = {"allocation": {"devices": {"results": [{"request": "r", **NIC}]}}, "devices": list(stated)}
    return {**claim_of("nic"), "status": status}


def interfaces(source: DraWatch, name: str) -> list[str] | None:
    facts = (source.dra() or Dra()).claims.get(("ml", name))
    return None if facts is None else [result.interface.name for result in facts.results]


def test_a_claim_whose_driver_makes_interfaces_is_read_once_more_and_no_other(
    site: Site, start: Start, clock: ParkingClock
) -> None:
    """dra.net states the interface once the pod's sandbox is made; other drivers state nothing, and are not asked."""
    site.store.create(RESOURCE_CLAIMS, nic_claim())
    site.store.create(RESOURCE_CLAIMS, claim_of("c", "gpu-0"))
    began = clock.monotonic_seconds()
    clock.limit_seconds = began + 20.0
    source = start(site)
    source.want({("ml", "nic"): frozenset(["p"]), ("ml", "c"): frozenset(["p"])})
    assert eventually(lambda: interfaces(source, "nic") == [""] and interfaces(source, "c") == [""])
    site.store.update(RESOURCE_CLAIMS, nic_claim({**NIC, "networkData": STATED}))
    assert eventually(clock.is_parked)
    assert ([""], 2) == (interfaces(source, "nic"), asked(site, "get", "resourceclaims/"))
    clock.limit_seconds = began + 40.0
    assert eventually(lambda: interfaces(source, "nic") == ["net1"])
    clock.limit_seconds = began + 7200.0
    source.want({("ml", "nic"): frozenset(["p", "q"]), ("ml", "c"): frozenset(["p"]), ("ml", "d"): frozenset(["p"])})
    assert eventually(lambda: asked(site, "get", "resourceclaims/d") >= 3)

    assert (2, 1) == (asked(site, "get", "resourceclaims/nic"), asked(site, "get", "resourceclaims/c"))


@pytest.mark.parametrize(
    ("stated", "reads"), [((), 2), (({**NIC, "networkData": STATED},), 1)], ids=["never stated", "already stated"]
)
def test_an_interface_is_waited_for_once(
    site: Site, start: Start, clock: ParkingClock, stated: tuple[dict[str, Any], ...], reads: int
) -> None:
    """As with a driver that has failed; after a restart of the exporter the first answer has it already."""
    site.store.create(RESOURCE_CLAIMS, nic_claim(*stated))
    source = start(site)
    source.want({("ml", "nic"): frozenset(["p"]), ("ml", "gone"): frozenset(["p"])})
    assert eventually(lambda: interfaces(source, "nic") is not None)
    later = clock.monotonic_seconds() + 7200.0
    assert eventually(lambda: clock.monotonic_seconds() > later)

    assert reads == asked(site, "get", "resourceclaims/nic")


def test_an_interface_is_asked_for_again_where_the_second_request_fails(
    site: Site, start: Start, clock: ParkingClock
) -> None:
    """What was known of the claim stays meanwhile."""
    site.store.create(RESOURCE_CLAIMS, nic_claim())
    clock.limit_seconds = clock.monotonic_seconds() + 20.0
    source = start(site)
    source.want({("ml", "nic"): frozenset(["p"])})
    assert eventually(lambda: interfaces(source, "nic") == [""])
    site.store.update(RESOURCE_CLAIMS, nic_claim({**NIC, "networkData": STATED}))
    site.server.faults.on_requests("get", Fail(500), resource=RESOURCE_CLAIMS, times=None)
    clock.limit_seconds += 20.0
    assert eventually(lambda: asked(site, "get", "resourceclaims/nic") >= 3)
    assert [""] == interfaces(source, "nic")
    site.server.faults.clear()
    clock.limit_seconds += 3600.0

    assert eventually(lambda: interfaces(source, "nic") == ["net1"])


def test_what_was_read_of_a_name_is_forgotten_at_once_when_its_pods_are_all_others(site: Site, start: Start) -> None:
    """The next look must not find another claim's devices there, however long the new one takes to be read."""
    site.store.create(RESOURCE_CLAIMS, claim_of("c", "gpu-0"))
    source = start(site)
    source.want({("ml", "c"): frozenset(["pod-1"])})
    assert eventually(lambda: ("ml", "c") in (source.dra() or Dra()).claims)
    source.want({("ml", "c"): frozenset(["pod-1", "pod-2"])})
    assert ("ml", "c") in (source.dra() or Dra()).claims
    site.server.faults.on_requests("get", Hang(), resource=RESOURCE_CLAIMS)
    source.want({("ml", "c"): frozenset(["pod-3"])})

    assert not (source.dra() or Dra()).claims


def test_a_claim_that_was_read_before_any_pod_was_known_is_that_of_the_pods_it_names(site: Site, start: Start) -> None:
    """While metadata are away, all pods of a claim may be replaced, and the claim with them."""
    for name, uid in (("kept", "pod-1"), ("made-again", "pod-0")):
        claim = claim_of(name, "gpu-0")
        claim["status"]["reservedFor"] = [{"resource": "pods", "name": "p", "uid": uid}]
        site.store.create(RESOURCE_CLAIMS, claim)
    source = start(site)
    keys = [("ml", "kept"), ("ml", "made-again")]
    source.want({key: frozenset() for key in keys})
    assert eventually(lambda: len((source.dra() or Dra()).claims) == 2)
    site.store.update(RESOURCE_CLAIMS, claim_of("made-again", "gpu-1"))
    source.want({key: frozenset(["pod-1"]) for key in keys})

    assert eventually(lambda: len((source.dra() or Dra()).claims) == 2)
    assert "gpu-1" == (source.dra() or Dra()).claims["ml", "made-again"].results[0].device
    assert (1, 2) == tuple(asked(site, "get", f"resourceclaims/{name}") for _, name in keys)


@pytest.mark.faults("a claim of a pod is gone (404), or has no allocation yet")
def test_a_claim_that_has_no_allocation_yet_is_asked_for_again(site: Site, start: Start) -> None:
    site.store.create(RESOURCE_CLAIMS, claim_of("c"))
    source = start(site)
    source.want({("ml", "c"): frozenset(["p"])})
    assert eventually(lambda: asked(site, "get", "resourceclaims/c") >= 2)
    site.store.update(RESOURCE_CLAIMS, claim_of("c", "gpu-0"))

    assert eventually(lambda: ("ml", "c") in (source.dra() or Dra()).claims)


@pytest.mark.faults("slices refused (403), or the API server is down")
def test_what_is_refused_is_said_once_with_the_right_that_is_missing(
    site: Site, start: Start, clock: ParkingClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The metadata of pods goes on without it, and the API server is not stormed."""
    site.server.faults.on_requests("*", Fail(403), times=None)
    clock.limit_seconds = clock.monotonic_seconds() + 3600.0
    source = start(site)
    source.want({("ml", "c"): frozenset(["p"])})
    assert eventually(clock.is_parked)

    said = [record for record in caplog.records if record.message == "source.down"]
    assert 1 == len(said)
    assert "resourceslices: [list, watch], resourceclaims: [get]" in said[0].missing  # type: ignore[attr-defined]
    assert site.server.requests.count() < 60
    assert None is source.dra()


@pytest.mark.faults("claims refused, slices not")
def test_slices_may_be_read_and_claims_not(site: Site, start: Start, caplog: pytest.LogCaptureFixture) -> None:
    site.store.create(RESOURCE_SLICES, slice_of("a", "gpu-0"))
    site.store.create(RESOURCE_CLAIMS, claim_of("c", "gpu-0"))
    site.server.faults.on_requests("get", Fail(403), resource=RESOURCE_CLAIMS, times=2)
    source = start(site)
    source.want({("ml", "c"): frozenset(["p"])})

    assert eventually(lambda: devices(source) == {"gpu-0"} and ("ml", "c") in (source.dra() or Dra()).claims)
    assert 1 == len([record for record in caplog.records if record.message == "dra.claims_forbidden"])


@pytest.mark.faults(
    "the API server does not serve `resource.k8s.io` (up to 1.31, or disabled), or has not answered yet"
)
def test_where_the_api_is_not_served_it_is_off_and_said_once(
    clock: ParkingClock, recorder: Recorder, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Kubernetes up to 1.31, and where it is switched off."""
    from pods_rig import client_at  # noqa: PLC0415 - used here alone

    caplog.set_level(logging.INFO)
    clock.limit_seconds = clock.monotonic_seconds() + 4 * 3600.0
    with RawServer(whole(b'{"kind":"Status"}', "404 Not Found")) as server:
        source = DraWatch(client_at(server.url, tmp_path, clock), NODE, clock, recorder, uniform=lambda: 0.0)
        source.start(lambda: None)
        assert eventually(clock.is_parked)
        source.stop()

        assert 5 >= len(server.heads)
    assert None is source.dra()
    assert 1 == len([record for record in caplog.records if record.message == "dra.off"])


@pytest.mark.parametrize(
    ("served", "version"),
    [
        (["v1", "v1beta2", "v1beta1"], "v1"),
        (["v1beta1", "v1beta2"], "v1beta2"),
        (["v1beta1"], "v1beta1"),
        (["v1alpha3"], None),
    ],
)
def test_the_best_version_that_is_served_is_used(tmp_path: Any, served: list[str], version: str | None) -> None:
    from pods_rig import client_at  # noqa: PLC0415 - used here alone

    group = b'{"versions": [%s]}' % b",".join(b'{"version": "%s"}' % each.encode() for each in served)
    with RawServer(whole(group)) as server:
        assert version == served_version(client_at(server.url, tmp_path, SystemClock()))
    with RawServer(whole(b"[]")) as server, pytest.raises(ApiServerError):
        served_version(client_at(server.url, tmp_path, SystemClock()))


@pytest.mark.parametrize("fault", [StreamFault.CUT, StreamFault.TRUNCATE, StreamFault.EXPIRE])
@pytest.mark.faults("watch of slices expired (410), was cut, or has unreadable lines")
def test_a_watch_that_breaks_is_made_again(site: Site, start: Start, fault: StreamFault) -> None:
    site.store.create(RESOURCE_SLICES, slice_of("a", "gpu-0"))
    site.server.faults.on_next_watches(fault)
    source = start(site)
    assert eventually(lambda: asked(site, "watch", "resourceslices") >= 2)
    # One that was resumed is known to be well by what it brings.
    site.store.update(RESOURCE_SLICES, slice_of("a", "gpu-1", generation=2))

    assert eventually(lambda: is_synced(source) and devices(source) == {"gpu-1"})


def test_a_single_look_reads_slices_and_claims_once(site: Site, clock: ParkingClock) -> None:
    """A claim that is gone costs the others nothing; what is refused ends the reading."""
    site.store.create(RESOURCE_SLICES, slice_of("a", "gpu-0"))
    site.store.create(RESOURCE_CLAIMS, claim_of("c", "gpu-0"))
    once = DraOnce(site.client(), NODE, clock)
    users = {("ml", name): frozenset(["p"]) for name in ("absent", "c")}
    once.want(users)
    once.want({("ml", "c"): frozenset(["p"])})
    dra = once.dra()
    once.stop()

    assert dra is not None
    assert ({("ml", "c")}, True) == (set(dra.claims), dra.is_synced)
    assert 2 == asked(site, "get", "resourceclaims")
    site.server.faults.on_requests("list", Fail(403), resource=RESOURCE_SLICES)
    refused = DraOnce(site.client(), NODE, clock)
    refused.want(users)
    dra = refused.dra()

    assert dra is not None
    assert (Reason.DENIED, False, {("ml", "c")}) == (dra.reason, dra.is_up, set(dra.claims))


@pytest.mark.faults(
    "the API server does not serve `resource.k8s.io` (up to 1.31, or disabled), or has not answered yet"
)
def test_an_api_that_appears_later_is_found_within_an_hour(
    site: Site, start: Start, clock: ParkingClock, caplog: pytest.LogCaptureFixture
) -> None:
    """As after an upgrade, without a restart of the exporter; until then one request an hour."""
    caplog.set_level(logging.INFO)
    site.store.create(RESOURCE_SLICES, slice_of("a", "gpu-0"))
    site.server.faults.on_requests("*", Fail(404), times=2)
    clock.limit_seconds = clock.monotonic_seconds() + 2.5 * 3600.0
    source = start(site)

    assert eventually(lambda: devices(source) == {"gpu-0"})
    assert 1 == len([record for record in caplog.records if record.message == "dra.off"])
    assert 3 == sum(each.path == "/apis/resource.k8s.io" for each in site.server.requests.recent)


def test_refused_slices_are_known_as_refused_until_they_are_not(site: Site, start: Start) -> None:
    """What is shown says so, rather than that the API server is away."""
    site.store.create(RESOURCE_SLICES, slice_of("a", "gpu-0"))
    site.server.faults.on_requests("list", Fail(403), resource=RESOURCE_SLICES)
    source = start(site)
    assert eventually(lambda: (source.dra() or Dra()).reason is Reason.DENIED)

    site.server.faults.clear()
    assert eventually(lambda: devices(source) == {"gpu-0"})
    assert None is (source.dra() or Dra(reason=Reason.DENIED)).reason


def test_stopping_ends_everything(site: Site, start: Start) -> None:
    source = start(site)
    assert eventually(lambda: site.server.faults.open_watches == 1)
    source.stop()

    assert eventually(lambda: site.server.faults.open_watches == 0)
    assert [False, False] == [thread.is_alive() for thread in source._threads]  # noqa: SLF001

"""
The DRA storm: slices, claims, pods, kubelet restarts and API server faults at random.

The source is the exporter's own, with its threads and its HTTP, and so are the allocation cache and the join; time is
the test's. An oracle looks at what is known
after every step: nothing is invented, no device of a living pod's claim is ever called available if the exporter has
heard of the pod, whatever has restarted since, and the sums hold.
In the end, when every fault is lifted, it must be the truth.
"""

import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

from eventually import eventually
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from pods_rig import NODE, QUICK, ParkingClock, Recorder, Site
from storm.dra_kubelet import DraKubelet, Life
from storm.violation import Violation

from podres_exporter.join import claim_users
from podres_exporter.kube.dra.source import DraWatch
from podres_exporter.model.dra import Dra, DraNode
from podres_exporter.sim.api import RESOURCE_CLAIMS, RESOURCE_SLICES, Drop, Fail, StreamFault

DRIVERS, NAMES = ("gpu", "nic"), tuple(f"d{number}" for number in range(6))
CLAIMS, PODS = ("c0", "c1", "c2"), ("p0", "p1", "p2")
REFUSALS: Mapping[str, Fail | Drop] = {
    "403": Fail(403),
    "404": Fail(404),
    "410": Fail(410),
    "429": Fail(429, 1),
    "500": Fail(500),
    "drop": Drop(),
}
STREAMS = ("CLOSE", "CUT", "EXPIRE", "TRUNCATE")
MOST_REQUESTS = 40
"""In half a minute, whatever is wrong: a list, a watch and a claim in turn, with pauses that grow."""


class DraStorm(RuleBasedStateMachine):
    """One example is one life of a node; `counts` and `found` are shared by all."""

    counts: ClassVar[Counter[str]] = Counter()
    found: ClassVar[list[Violation]] = []

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        directory = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="pr")))
        self.clock = ParkingClock()
        self.clock.limit_seconds = self.clock.monotonic_seconds() + 5.0
        self.site = Site(self.clock, directory, None)
        self._stack.enter_context(self.site.server)
        self.source = DraWatch(self.site.client(QUICK), NODE, self.clock, Recorder(self.clock), uniform=lambda: 0.5)
        self.source.start(lambda: None)
        self.slices: dict[str, dict[str, Any]] = {}
        self.claims: dict[str, list[str]] = {}
        self.pods: dict[str, Life] = {}
        self.kubelet = DraKubelet(NODE)
        self.ever: set[tuple[str, str]] = set()
        self.births = 0

    def teardown(self) -> None:
        """Lift every fault: what is known must become the truth. Then end everything."""
        try:
            self.site.server.faults.clear()
            self.kubelet.knows_its_pods = self.kubelet.is_followed = True
            self.kubelet.waiting.clear()
            self._calm()
        finally:
            self.source.stop()
            self._stack.close()

    # Events of the node

    @rule(
        name=st.sampled_from("ab"),
        driver=st.sampled_from(DRIVERS),
        generation=st.integers(1, 3),
        count=st.sampled_from([1, 1, 2]),
        devices=st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True),
    )
    def publish(self, name: str, driver: str, generation: int, count: int, devices: list[str]) -> None:
        """A driver publishes a slice: a new one, another generation, or a part of a pool."""
        full = f"{driver}-{name}"
        pool = {"name": NODE, "generation": generation, "resourceSliceCount": count}
        items = [{"name": each, "attributes": {"uuid": {"string": f"U-{each}"}}} for each in devices]
        spec = {"driver": driver, "nodeName": NODE, "pool": pool, "devices": items}
        write = self.site.store.update if full in self.slices else self.site.store.create
        write(RESOURCE_SLICES, {"metadata": {"name": full}, "spec": spec})
        self.slices[full] = spec
        self.ever |= {(driver, each) for each in devices}
        self._look()

    @rule(number=st.integers(0, 3))
    def unpublish(self, number: int) -> None:
        """A driver stops, or takes back a slice."""
        if self.slices:
            name = sorted(self.slices)[number % len(self.slices)]
            del self.slices[name]
            self.site.store.delete(RESOURCE_SLICES, "", name)
        self._look()

    @rule(
        pod_name=st.sampled_from(PODS),
        claim=st.sampled_from(CLAIMS),
        driver=st.sampled_from(DRIVERS),
        number=st.integers(0, 7),
        is_late=st.booleans(),
        is_unseen=st.booleans(),
        is_waiting=st.booleans(),
    )
    def begin(
        self, pod_name: str, claim: str, driver: str, number: int, is_late: bool, is_unseen: bool, is_waiting: bool
    ) -> None:
        """
        A pod comes, in the place of another of its name; a claim that nobody used is a new one of that name.

        It gets a device that its driver has published, as a scheduler gives it; where there is none, one that a driver
        has taken back. Unseen: by the kubelet alone, as the metadata have just gone. Waiting: the kubelet has not
        admitted the pod yet, so that its claim alone tells what it will hold.
        """
        self.kubelet.is_followed = self.kubelet.is_followed and not is_unseen
        self.pods.pop(pod_name, None)
        self.births += 1
        if claim not in self._used():
            self._drop_claim(claim)
            specs = [spec for spec in self.slices.values() if spec["driver"] == driver]
            devices = sorted({each["name"] for spec in specs for each in spec["devices"]}) or NAMES
            self._allocate(claim, driver, devices[number % len(devices)], is_late=is_late)
        self.pods[pod_name] = Life(f"uid-{self.births}", (claim,))
        if is_waiting:
            self.kubelet.waiting.add(f"uid-{self.births}")
        self._look()

    @rule(pod_name=st.sampled_from(PODS), with_claim=st.booleans())
    def end(self, pod_name: str, with_claim: bool) -> None:
        life = self.pods.pop(pod_name, None)
        for claim in life.claims if life and with_claim else ():
            if claim not in self._used():
                self._drop_claim(claim)
        self._look()

    # Events of the kubelet and of its pods' metadata

    @rule(seconds=st.sampled_from([0.0, 10.0, 150.0]))
    def restart_kubelet(self, seconds: float) -> None:
        """The kubelet restarts, and for so long, or longer, its API server's pods do not come."""
        self.counts["restarts"] += 1
        self.kubelet.restart()
        self._look()
        self._later(seconds)

    @rule()
    def recover_kubelet(self) -> None:
        self.kubelet.knows_its_pods = True
        self._look()

    @rule(is_followed=st.booleans())
    def follow(self, is_followed: bool) -> None:
        """The pods' metadata go, or come back; slices and claims have a watch and requests of their own."""
        self.kubelet.is_followed = is_followed
        self._look()

    # Events of the API server

    @rule(
        verb=st.sampled_from(["list", "watch", "get", "*"]),
        how=st.sampled_from(sorted(REFUSALS)),
        times=st.sampled_from([1, 3, None]),
    )
    def refuse(self, verb: str, how: str, times: int | None) -> None:
        self.site.server.faults.on_requests(verb, REFUSALS[how], times=times)
        self.site.server.drop_connections()
        self._look()

    @rule(how=st.sampled_from(STREAMS))
    def break_watch(self, how: str) -> None:
        self.site.server.faults.on_open_watches(StreamFault[how])
        self._look()

    @rule()
    def compact(self) -> None:
        self.site.store.compact()
        self.site.server.drop_connections()
        self._look()

    @rule()
    def mend(self) -> None:
        self.site.server.faults.clear()
        self._later(5.0)

    @rule(seconds=st.sampled_from([1.0, 10.0, 30.0, 150.0]))
    def later(self, seconds: float) -> None:
        self._later(seconds)

    # The oracle

    def _look(self) -> None:
        """Tell the source who is there, as each poll does, and judge what it knows then."""
        self.counts["looks"] += 1
        dra = self._told()
        if dra is not None:
            self._judge(dra, self.kubelet.allocation(dra).dra)

    def _told(self) -> Dra | None:
        self.kubelet.poll(self.pods, self.claims)
        views = self.kubelet.allocation(self.source.dra()).pods
        self.source.want(claim_users(views, self.kubelet.metas.values()))
        return self.source.dra()

    def _judge(self, dra: Dra, shown: DraNode | None) -> None:
        for key, facts in dra.claims.items():
            results = tuple(f"{each.driver}/{each.device}" for each in facts.results)
            is_told = self.kubelet.is_followed and key[1] in self._used()
            if is_told and list(results) != self.claims.get(key[1]):
                raise self._broken("claims", f"{key[1]} has {self.claims.get(key[1])} and {results} is shown")
        shown_devices = {(pool.driver, device.name) for pool in dra.pools for device in pool.devices}
        if shown_devices - self.ever:
            raise self._broken("invented", f"devices that no slice ever had: {sorted(shown_devices - self.ever)}")
        lives = [life for life in self.pods.values() if life.uid in self.kubelet.told]
        held = {device for life in lives for claim in life.claims for device in self.claims[claim]}
        for row in shown.stock if shown else ():
            parts = (row.allocated, row.unavailable, row.available)
            if row.total != frozenset().union(*parts) or len(row.total) != sum(map(len, parts)):
                raise self._broken("sums", f"{row}")
            wrong = {name for _, name in row.available if f"{row.driver}/{name}" in held}
            if row.is_known and wrong:
                raise self._broken("free", f"{sorted(wrong)} of {row.driver} are held and called available")

    def _calm(self) -> None:
        """Let time go by until all is known, and compare."""
        problem = ""

        def is_over() -> bool:
            nonlocal problem
            if self.clock.is_parked():
                self.clock.limit_seconds += 60.0
            self.kubelet.now += 1.0
            dra = self._told()
            problem = "not up" if dra is None else self._difference(dra)
            return not problem

        if not eventually(is_over, 20_000):
            raise self._broken("converges", problem)

    def _difference(self, dra: Dra) -> str:
        """Return in what it is not the truth."""
        stock = {driver: self._complete(driver) for driver in DRIVERS}
        whole = {
            pool.driver: {each.name for each in pool.devices}
            for pool in dra.pools
            if pool.is_complete and not pool.is_stale
        }
        wanted = {driver: found for driver, found in stock.items() if found is not None}
        known = {
            key[1]: [f"{each.driver}/{each.device}" for each in facts.results] for key, facts in dra.claims.items()
        }
        used = {claim: self.claims[claim] for claim in self._used()}
        problems = {
            "is not up": not dra.is_up,
            f"has pools {whole} for {wanted}": whole != wanted,
            f"has claims {known} for {used}": known != used,
        }
        return ", ".join(name for name, is_so in problems.items() if is_so)

    def _complete(self, driver: str) -> set[str] | None:
        """Return the devices of a driver's pool, None while it is not whole."""
        found = [spec for name, spec in self.slices.items() if spec["driver"] == driver]
        newest = [s for s in found if s["pool"]["generation"] == max(each["pool"]["generation"] for each in found)]
        if not newest or len(newest) != max(spec["pool"]["resourceSliceCount"] for spec in newest):
            return None
        return {device["name"] for spec in newest for device in spec["devices"]}

    # The rest

    def _later(self, seconds: float) -> None:
        """Let time go by, at rest in between; no more is asked in it than it takes."""
        before = self.site.server.requests.count()
        self.clock.limit_seconds += seconds
        self.kubelet.now += seconds
        self.kubelet.waiting.clear()
        eventually(lambda: self.clock.is_parked() or self.site.server.faults.open_watches > 0, 1000)
        asked = self.site.server.requests.count() - before
        if asked > MOST_REQUESTS * max(1.0, seconds / 30.0):
            raise self._broken("asks", f"{asked} requests in {seconds} s")
        self._look()

    def _allocate(self, claim: str, driver: str, device: str, *, is_late: bool) -> None:
        """Make the claim; one that is late has its allocation a moment after its pod has come."""
        result = {"request": "r", "driver": driver, "pool": NODE, "device": device}
        item = {"metadata": {"namespace": "ml", "name": claim}, "spec": {}, "status": {}}
        if is_late:
            self.site.store.create(RESOURCE_CLAIMS, item)
        pods = [{"resource": "pods", "name": "first", "uid": f"uid-{self.births}"}]
        allocated = {**item, "status": {"allocation": {"devices": {"results": [result]}}, "reservedFor": pods}}
        (self.site.store.update if is_late else self.site.store.create)(RESOURCE_CLAIMS, allocated)
        self.claims[claim] = [f"{driver}/{device}"]

    def _drop_claim(self, claim: str) -> None:
        if self.claims.pop(claim, None) is not None:
            self.site.store.delete(RESOURCE_CLAIMS, "ml", claim)

    def _used(self) -> set[str]:
        return {claim for life in self.pods.values() for claim in life.claims}

    def _broken(self, invariant: str, detail: str) -> Violation:
        self.found.append(Violation(invariant, detail))
        return self.found[-1]

"""
Invariants of available DRA devices, over random changes of slices, claims and pods.

The arithmetic is KEP-5677's: total = allocated + unavailable + available, of complete pools; what fits of partitions
is as much as their shared counters allow.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import combinations

from builders import TWO_NODES, container, listing, pod
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from podres_exporter.dra.slices import Slice
from podres_exporter.join import Joiner
from podres_exporter.kube.dra.slices import SliceStore
from podres_exporter.model import Claim, ClaimDevice, ContainerKind, ContainerSpec, DeviceTaint, Metadata, PodMeta
from podres_exporter.model.dra import ClaimFacts, ClaimResult, Dra, DraDevice, DraNode

NODE = "n1"
DRIVERS, POOLS, SLICES = ("gpu", "nic"), ("p", "q"), ("a", "b", "c")
NAMES = tuple(f"d{number}" for number in range(5))
CLAIMS, PODS = tuple(f"c{number}" for number in range(4)), tuple(f"pod-{number}" for number in range(3))
COUNTERS = ((("set", "memory"), 8), (("set", "slots"), 3))

TAINTS = st.lists(
    st.builds(DeviceTaint, st.just("k"), st.just(""), st.sampled_from(["NoSchedule", "NoExecute", "None"]))
)
CONSUMES = st.sampled_from(
    [
        (),
        ((("set", "memory"), 8), (("set", "slots"), 3)),
        ((("set", "memory"), 4), (("set", "slots"), 1)),
        ((("set", "memory"), 1),),
    ]
)
DEVICES = st.lists(
    st.builds(
        DraDevice,
        name=st.sampled_from(NAMES),
        kind=st.sampled_from(["", "whole", "part"]),
        taints=TAINTS.map(tuple),
        is_shared=st.booleans(),
        capacity=st.sampled_from([(), (("bw", 10),), (("bw", 10), (("mem"), 4))]),
        consumes=CONSUMES,
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda each: each.name,
)
RESULTS = st.lists(
    st.builds(
        ClaimResult,
        request=st.sampled_from(["r", "s", "s/sub"]),
        driver=st.sampled_from(DRIVERS),
        pool=st.sampled_from(("p", "p", "q")),
        device=st.sampled_from(NAMES),
        share_id=st.sampled_from(["", "", "s1", "s2"]),
        is_admin=st.sampled_from([False, False, True]),
        consumed=st.sampled_from([(), (("bw", 3),), (("bw", 1), ("mem", 2))]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda each: (each.key, each.share_id),
)


class Node(RuleBasedStateMachine):
    """Slices, claims and pods of one node, as they are; and what is made of the events that tell of them."""

    def __init__(self) -> None:
        super().__init__()
        self.store = SliceStore(NODE)
        self.slices: dict[str, Slice] = {}
        self.allocated: dict[str, ClaimFacts] = {}
        self.is_read: set[str] = set()
        self.users: dict[str, tuple[str, ...]] = {}

    @initialize(
        devices=st.tuples(DEVICES, DEVICES),
        results=st.tuples(*(RESULTS for _ in CLAIMS)),
        claims=st.tuples(*(st.lists(st.sampled_from(CLAIMS), max_size=2, unique=True) for _ in PODS)),
    )
    def begin(
        self,
        devices: tuple[list[DraDevice], ...],
        results: tuple[list[ClaimResult], ...],
        claims: tuple[list[str], ...],
    ) -> None:
        """Begin with something to count: most of what may go wrong needs a claim of a pod in a pool that is whole."""
        for driver, found in zip(DRIVERS, devices, strict=True):
            self.put_slice("a", driver, "p", 2, 1, found, is_whole=True)
        for claim, each in zip(CLAIMS, results, strict=True):
            self.allocate(claim, each)
            self.read_claim(claim, is_read=True)
        for name, used in zip(PODS, claims, strict=True):
            self.begin_pod(name, used)

    @rule(
        name=st.sampled_from(SLICES),
        driver=st.sampled_from(DRIVERS),
        pool=st.sampled_from(POOLS),
        generation=st.integers(1, 3),
        count=st.sampled_from([1, 1, 2]),
        devices=DEVICES,
        is_whole=st.sampled_from([True, True, True, False]),
    )
    def put_slice(
        self, name: str, driver: str, pool: str, generation: int, count: int, devices: list[DraDevice], is_whole: bool
    ) -> None:
        made = Slice(
            f"{driver}-{pool}-{name}",
            driver,
            pool,
            generation,
            count,
            tuple(devices),
            COUNTERS,
            NODE,
            is_whole=is_whole,
        )
        self.slices[made.name] = made
        self.store.put(made)

    @rule(number=st.integers(0, 11))
    def remove_slice(self, number: int) -> None:
        if self.slices:
            name = sorted(self.slices)[number % len(self.slices)]
            del self.slices[name]
            self.store.remove(name)

    @rule()
    def list_slices_again(self) -> None:
        self.store.replace(list(self.slices.values()))

    @rule(claim=st.sampled_from(CLAIMS), results=RESULTS)
    def allocate(self, claim: str, results: list[ClaimResult]) -> None:
        """A claim that no pod uses is deleted, and another of its name is allocated; a share is of one claim alone."""
        if not any(claim in claims for claims in self.users.values()):
            own = (replace(each, share_id=each.share_id and f"{each.share_id}-{claim}") for each in results)
            self.allocated[claim] = ClaimFacts("ml", claim, "u", tuple(own))
            self.is_read.discard(claim)

    @rule(name=st.sampled_from(PODS), claims=st.lists(st.sampled_from(CLAIMS), max_size=2, unique=True))
    def begin_pod(self, name: str, claims: list[str]) -> None:
        self.users[name] = tuple(claim for claim in claims if claim in self.allocated)

    @rule(name=st.sampled_from(PODS))
    def end_pod(self, name: str) -> None:
        self.users.pop(name, None)

    @rule(claim=st.sampled_from(CLAIMS), is_read=st.sampled_from([True, True, True, False]))
    def read_claim(self, claim: str, is_read: bool) -> None:
        (self.is_read.add if is_read and claim in self.allocated else self.is_read.discard)(claim)

    @property
    def used(self) -> list[ClaimFacts]:
        """The claims of pods here."""
        return [self.allocated[name] for name in sorted({name for claims in self.users.values() for name in claims})]

    def shown(self) -> DraNode:
        """Return what the exporter makes of it."""
        known = {("ml", name): self.allocated[name] for name in self.is_read & self.allocated.keys()}
        pods, metas = [], {}
        for name, claims in sorted(self.users.items()):
            listed = [Claim("ml", claim, _listed(self.allocated[claim])) for claim in claims]
            pods.append(pod(name, container("main", claims=listed), namespace="ml"))
            spec = ContainerSpec("main", ContainerKind.APP, claims=tuple((claim, "") for claim in claims))
            local = tuple((claim, claim) for claim in claims)
            metas["ml", name] = PodMeta("ml", name, name, claims=local, containers=(spec,))
        dra = Dra(self.store.pools, known, is_synced=True)
        found = Joiner().join(listing(*pods), None, TWO_NODES, Metadata(metas, synced=True), dra=dra).dra
        assert found is not None
        return found

    @invariant()
    def everything_is_counted_once(self) -> None:
        for row in self.shown().stock:
            assert row.total == row.allocated | row.unavailable | row.available
            assert len(row.total) == len(row.allocated) + len(row.unavailable) + len(row.available)

    @invariant()
    def what_is_left_follows_from_what_is_there_and_not_from_how_it_came(self) -> None:
        """Counted from the slices and claims of this moment alone; older generations have no effect."""
        there = {
            (driver, pool, device.name): device
            for driver in DRIVERS
            for pool in POOLS
            for device in _counted(each for each in self.slices.values() if (each.driver, each.pool) == (driver, pool))
        }
        is_known = all(facts.name in self.is_read for facts in self.used)
        held = {result.key for facts in self.used for result in facts.results if not result.is_admin}
        wanted: dict[tuple[str, str, str], set[tuple[str, str]]] = defaultdict(set)
        for (driver, pool, name), device in there.items():
            state = "allocated" if (driver, pool, name) in held else "unavailable" if device.is_tainted else "available"
            wanted[driver, device.kind, state].add((pool, name))
        shown = self.shown()
        assert {(driver, kind) for driver, kind, _ in wanted} == {(row.driver, row.kind) for row in shown.stock}
        for row in shown.stock:
            assert row.is_known == is_known
            if is_known:
                for state in ("allocated", "unavailable", "available"):
                    assert wanted[row.driver, row.kind, state] == getattr(row, state)

    @invariant()
    def as_many_partitions_fit_as_the_counters_allow(self) -> None:
        shown = self.shown()
        devices = shown.devices()
        held = {(row.driver, *item) for row in shown.stock for item in row.allocated}
        for row in shown.stock:
            most = 0
            for pool in {pool for pool, _ in row.available}:
                left = dict(COUNTERS)
                for key in held:
                    if key[:2] == (row.driver, pool):
                        _take(left, devices[key])
                free = [devices[row.driver, *item] for item in row.available if item[0] == pool]
                most += _most(free, left)
            assert most == row.fitting

    @invariant()
    def a_share_is_consumed_once_whoever_uses_it(self) -> None:
        shown, devices = self.shown(), self.shown().devices()
        if not all(row.is_known for row in shown.stock):
            return
        shares = {
            (result.key, result.share_id or (facts.name, result.request)): result.consumed
            for facts in self.used
            for result in facts.results
            if not result.is_admin
        }
        counted = {(row.driver, *item) for row in shown.stock for item in row.total}
        for each in shown.capacity:
            shared = {key for key in counted if devices[key].is_shared and key[0] == each.driver}
            total = sum(amount for key in shared for name, amount in devices[key].capacity if name == each.capacity)
            taken = sum(
                amount
                for (key, _), consumed in shares.items()
                if key in shared
                for name, amount in consumed
                if name == each.capacity
            )
            assert (total, taken, max(0, total - taken)) == (each.total, each.consumed, each.available)


def _listed(facts: ClaimFacts) -> tuple[ClaimDevice, ...]:
    """Return what the kubelet lists of a claim."""
    return tuple(ClaimDevice(*each.key, each.share_id, ()) for each in facts.results)


def _counted(slices: Iterable[Slice]) -> Iterable[DraDevice]:
    """Return the devices of one pool, none while it is not whole."""
    found = list(slices)
    newest = [each for each in found if each.generation == max(one.generation for one in found)]
    if len(newest) != max((each.slice_count for each in newest), default=0) or not all(
        each.is_whole for each in newest
    ):
        return ()
    names = {device.name: device for each in sorted(newest, key=_name, reverse=True) for device in each.devices}
    return names.values()


def _name(each: Slice) -> str:
    return each.name


def _take(left: dict[tuple[str, str], int], device: DraDevice) -> None:
    for counter, amount in device.consumes:
        left[counter] -= amount


def _most(devices: list[DraDevice], left: Mapping[tuple[str, str], int]) -> int:
    """Return how many of the devices fit at once, by trying every set of them."""
    for size in range(len(devices), 0, -1):
        for chosen in combinations(devices, size):
            rest = dict(left)
            for device in chosen:
                _take(rest, device)
            if all(rest[counter] >= 0 for device in chosen for counter, _ in device.consumes):
                return size
    return 0


TestNode = Node.TestCase
TestNode.settings = settings(
    max_examples=60, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

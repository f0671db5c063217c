"""Running totals of device-seconds and CPU-seconds."""

import math
from itertools import pairwise

import pytest
from builders import GPU, NIC, allocatable, container, device, gpu, listing, pod

from podres_exporter.join import Joiner, RunningTotals, accrue
from podres_exporter.join.usage import IDLE_SECONDS, ZERO_SECONDS
from podres_exporter.model import Allocation, Claim, ClaimDevice, Listing, Metadata, PodMeta, Usage


def held(answer: Listing, *metas: PodMeta) -> Allocation:
    metadata = Metadata({each.key: each for each in metas}, synced=True, is_up=True, last_success_seconds=0.0)
    return Joiner().join(answer, allocatable(), None, metadata)


def meta(name: str, kind: str, workload: str, namespace: str = "ml") -> PodMeta:
    return PodMeta(namespace, name, f"uid-{name}", workload_kind=kind, workload_name=workload)


BUSY = held(
    listing(
        pod("a", container("main", gpu("0"), gpu("1"), cpus="1-3"), namespace="ml"),
        pod("b", container("main", device(NIC, "0"), cpus="5"), namespace="ml"),
        pod("c", container("main", gpu("2")), namespace="web"),
    )
)
NOTHING = held(listing())


def of(namespace: str, *, gpus: int = 1) -> Allocation:
    """Return an allocation in which one namespace holds GPUs."""
    return held(
        listing(pod("p", container("main", *(gpu(str(number)) for number in range(gpus))), namespace=namespace))
    )


def test_what_is_held_for_a_time_is_used_for_that_time() -> None:
    """Number of devices, or of CPUs, times seconds; by namespace, and by resource for devices."""
    assert Usage({("ml", GPU): 20.0, ("ml", NIC): 10.0, ("web", GPU): 10.0}, {"ml": 40.0}) == accrue(
        Usage(), BUSY, 10.0
    )


def test_time_adds_up() -> None:
    """The totals are counters: each step adds to what was there."""
    usage = accrue(accrue(Usage(), BUSY, 10.0), BUSY, 2.5)

    assert 25.0 == usage.device_seconds["ml", GPU]
    assert 50.0 == usage.cpu_seconds["ml"]


def test_the_totals_given_are_left_as_they_were() -> None:
    """Snapshots that are being read keep their numbers."""
    before = accrue(Usage(), BUSY, 1.0)
    kept = (dict(before.device_seconds), dict(before.cpu_seconds))

    accrue(before, BUSY, 1.0)

    assert kept == (before.device_seconds, before.cpu_seconds)


class Exporter:
    """Polls every ten seconds and is scraped now and then; keeps the samples of a namespace's GPUs."""

    def __init__(self, *, most_idle: int = 1000) -> None:
        self.totals, self.now, self.scraped_at = RunningTotals(most_idle=most_idle), 1000.0, -math.inf
        self.usage = Usage()

    def poll(self, allocation: Allocation | None, seconds: float = 10.0) -> Usage:
        """Let time pass, then answer; return what the page says from then on."""
        self.now += seconds
        self.totals.count(self.now)
        self.totals.hold(allocation, self.now)
        self.usage = self.totals.usage(self.now, self.scraped_at)
        self.totals.note_shown(self.now + 0.1)
        return self.usage

    def scrape(self, after_seconds: float = 1.0) -> Usage:
        """Return what a scrape sees."""
        self.scraped_at = self.now + after_seconds
        return self.usage


def increase(samples: list[float]) -> float:
    """Return what Prometheus adds up: differences, and the whole value after a restart of the counter."""
    return sum(new - old if new >= old else new for old, new in pairwise(samples))


def test_a_new_series_is_seen_at_0_so_that_increase_counts_its_first_seconds() -> None:
    """A job of 20 seconds, scraped once a minute: it has ended before the second scrape."""
    exporter, key = Exporter(), ("ml", GPU)
    exporter.poll(NOTHING)
    exporter.poll(of("ml", gpus=2))
    samples = [exporter.scrape().device_seconds[key]]
    exporter.poll(of("ml", gpus=2))
    exporter.poll(NOTHING)
    for _ in range(4):
        exporter.poll(NOTHING)
    samples.append(exporter.scrape().device_seconds[key])

    assert [0.0, 40.0] == samples
    assert 40.0 == increase(samples)


def test_a_series_waits_at_0_for_its_first_scrape_but_not_for_ever() -> None:
    exporter, key = Exporter(), ("ml", GPU)
    shown = [exporter.poll(of("ml")).device_seconds[key] for _ in range(8)]

    assert ZERO_SECONDS == 60.0
    assert [0.0] * 7 + [70.0] == shown


def test_a_scrape_of_the_page_before_is_none_of_the_series() -> None:
    """Between the answer and its page a scrape still gets the old page."""
    exporter, key = Exporter(), ("ml", GPU)
    exporter.poll(of("ml"))
    exporter.scraped_at = exporter.now + 0.05
    second = exporter.poll(of("ml")).device_seconds[key]
    exporter.scrape()

    assert [0.0, 20.0] == [second, exporter.poll(of("ml")).device_seconds[key]]


def test_what_was_used_stays_for_a_day_and_starts_at_0_when_it_comes_back() -> None:
    """Dropping it sooner would take it from increase(); keeping it forever would grow without bound."""
    exporter, key = Exporter(), ("ml", GPU)
    exporter.poll(of("ml"))
    samples = [exporter.scrape().device_seconds[key]]
    exporter.poll(NOTHING)
    exporter.poll(NOTHING, IDLE_SECONDS)
    samples.append(exporter.scrape().device_seconds[key])
    exporter.poll(NOTHING, 1.0)
    gone = exporter.scrape()
    exporter.poll(of("ml"), 3600.0)
    samples.append(exporter.scrape().device_seconds[key])
    exporter.poll(of("ml"), 5.0)
    samples.append(exporter.scrape().device_seconds[key])

    assert ({}, 1) == (gone.device_seconds, gone.dropped)
    assert [0.0, 10.0, 0.0, 5.0] == samples
    assert 15.0 == increase(samples)


def test_of_too_many_idle_series_those_go_that_were_idle_longest() -> None:
    """Pods in ever new namespaces must not make the page grow without bound; what is held stays, however old."""
    exporter = Exporter(most_idle=3)
    old = pod("old", container("main", gpu("9")), namespace="old")
    for number in range(500):
        new = pod("p", container("main", gpu("0")), namespace=f"run-{number}")
        exporter.poll(held(listing(old, new)))
    usage = exporter.poll(held(listing(old)))

    assert ["old", "run-497", "run-498", "run-499"] == sorted(namespace for namespace, _ in usage.device_seconds)
    assert 497 == usage.dropped
    assert 5000.0 == usage.device_seconds["old", GPU]


def test_while_it_is_not_known_what_is_held_nothing_is_added() -> None:
    exporter = Exporter()
    exporter.poll(of("ml"))
    exporter.scrape()
    exporter.poll(None)
    exporter.poll(None, 600.0)

    assert 10.0 == exporter.poll(of("ml")).device_seconds["ml", GPU]


def test_workloads_have_totals_of_their_own() -> None:
    """A Deployment's pods come and go and its totals go on; a pod without metadata is in none."""
    first = held(
        listing(
            pod("web-1", container("main", gpu("0"), cpus="1-2"), namespace="ml"),
            pod("web-2", container("main", gpu("1")), namespace="ml"),
            pod("new", container("main", gpu("2")), namespace="ml"),
        ),
        meta("web-1", "Deployment", "web"),
        meta("web-2", "Deployment", "web"),
    )
    later = held(listing(pod("web-3", container("main", gpu("3")), namespace="ml")), meta("web-3", "Deployment", "web"))
    usage = accrue(accrue(Usage(), first, 10.0), later, 5.0)

    assert {("ml", "Deployment", "web", GPU): 25.0} == usage.workload_device_seconds
    assert {("ml", "Deployment", "web"): 20.0} == usage.workload_cpu_seconds
    assert {("ml", GPU): 35.0} == usage.device_seconds


@pytest.mark.parametrize(("driver", "totals"), [("gpu.example.com", {("ml", "gpu.example.com"): 20.0}), ("", {})])
def test_dra_devices_count_once_however_many_refer_to_them(driver: str, totals: dict[tuple[str, str], float]) -> None:
    """Two pods share a claim, and one of its devices is listed for two shares; old kubelets name no driver."""
    shared = Claim("ml", "shared", tuple(ClaimDevice(driver, "pool", "0", share, ()) for share in ("s1", "s2")))
    own = Claim("ml", "own", (ClaimDevice(driver, "pool", "1", "", ()),))
    both = held(
        listing(
            pod("a", container("main", claims=[shared, own]), namespace="ml"),
            pod("b", container("main", claims=[shared]), namespace="ml"),
        )
    )

    assert totals == accrue(Usage(), both, 10.0).device_seconds

"""The oracle of the storm detects wrong pages."""

from collections.abc import Sequence

import pytest
from storm.facts import Fact, Stock, Truth
from storm.oracle import Oracle, Poll
from storm.page import TEXT, Page
from storm.violation import Violation

GPU, NODES = "example.com/gpu", {"g0": "0", "g1": "1"}
STOCK = Stock(frozenset(), {(GPU, device): nodes for device, nodes in NODES.items()})
FRESH = """\
podres_source_up{source="kubelet"} 1
podres_snapshot_stale{part="pods"} 0
podres_snapshot_stale{part="allocatable"} 0
"""
STALE = """\
podres_source_up{source="kubelet"} 0
podres_snapshot_stale{part="pods"} 1
podres_snapshot_stale{part="allocatable"} 1
"""


def holds(pod: str, device: str) -> Fact:
    return "device", "default", pod, "main", GPU, device, NODES[device]


def page(
    facts: Sequence[Fact] = (),
    more: str = FRESH,
    *,
    free: int | None = None,
    allocated: int | None = None,
    allocatable: int = 1,
) -> Page:
    """Return a page of facts, whose sums are right unless something else is said of node 0."""
    rows = [
        f'podres_container_device_info{{namespace="default",pod="{fact[2]}",container="main",resource="{GPU}",'
        f'device="{fact[5]}",numa_nodes="{fact[6]}"}} 1\n'
        for fact in facts
    ]
    held = {fact[5] for fact in facts}
    for device, nodes in NODES.items():
        own = nodes == "0"
        counts = {
            "allocatable": allocatable if own else 1,
            "allocated": allocated if own and allocated is not None else int(device in held),
            "free": free if own and free is not None else int(device not in held),
        }
        for kind, count in counts.items():
            rows.append(f'podres_node_{kind}_devices{{resource="{GPU}",numa_nodes="{nodes}"}} {count}\n')
    return Page("".join([*rows, more]).encode(), "text/plain; version=0.0.4", TEXT)


GOOD = Poll(is_up=True, is_well=True, knows_all=True)
GONE = Poll(is_up=False, is_well=False, knows_all=True)
AWAY = Poll(is_up=True, is_well=True, knows_all=False)


def truth(*facts: Fact, uid: str = "first") -> Truth:
    return Truth({uid: frozenset(facts)}, STOCK)


def judge(oracle: Oracle, shown: Page, now: float, poll: Poll | None = None, *, excused: str = "") -> None:
    if poll is not None and poll.is_up:
        oracle.was_up(now)
    oracle.judge(shown, now, poll=poll, excused={excused})


@pytest.fixture
def oracle() -> Oracle:
    """Return an oracle that has seen two good polls of a pod with a device, the last one at second 1000."""
    oracle = Oracle(60.0, 120.0, {GPU: 2})
    oracle.is_true(truth(A), 990.0)
    for now in (990.0, 1000.0):
        judge(oracle, page([holds("a", "g0")]), now, GOOD)
    return oracle


A, B = holds("a", "g0"), holds("b", "g1")


def test_a_page_that_is_right_passes(oracle: Oracle) -> None:
    """Also one that is old, as long as it says so and the time is not over."""
    judge(oracle, page([A]), 1010.0, GOOD)
    judge(oracle, page([A], STALE), 1020.0, GONE)
    judge(oracle, page([A], STALE), 1129.0)


def test_what_is_new_may_be_missing_until_it_must_be_known(oracle: Oracle) -> None:
    """Two good polls after it came to be."""
    oracle.is_true(truth(A, B), 1001.0)
    judge(oracle, page([A]), 1010.0, GOOD)
    with pytest.raises(Violation, match=r"^lost: "):
        judge(oracle, page([A]), 1020.0, GOOD)


@pytest.mark.parametrize(
    ("invariant", "shown", "now", "poll"),
    [
        ("invented", page([A, B]), 1001.0, None),
        ("lost", page([]), 1001.0, None),
        ("aged", page([A], STALE), 1122.0, None),
        ("honest", page([A]), 1010.0, GONE),
        ("honest", page([A], STALE), 1010.0, GOOD),
        ("free", page([A], free=1), 1001.0, None),
        ("sums", page([A], free=-1), 1001.0, None),
        ("sums", page([A], allocated=2), 1001.0, None),
        ("twice", page([A, holds("b", "g0")], free=0, allocated=2), 1001.0, None),
        ("twice", page([A], FRESH + f'podres_node_double_held_devices{{resource="{GPU}"}} 1\n'), 1001.0, None),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_page_that_is_wrong_does_not(
    oracle: Oracle, invariant: str, shown: Page, now: float, poll: Poll | None
) -> None:
    """By the name of what is wrong with it."""
    if invariant == "twice":  # each was true at some moment, but not both at one
        oracle.is_true(truth(holds("b", "g0")), 1001.0)
    with pytest.raises(Violation, match=rf"^{invariant}: "):
        judge(oracle, shown, now, poll)


def test_what_a_kubelet_cannot_say_for_long_may_go_but_is_not_free(oracle: Oracle) -> None:
    """A kubelet that has started knows no pods while its API server is away: rows end, and nothing becomes free."""
    without_free = page([], FRESH, free=0, allocatable=1)
    judge(oracle, page([A]), 1010.0, AWAY)
    with pytest.raises(Violation, match=r"^lost: "):
        judge(oracle, without_free, 1050.0, AWAY)
    judge(oracle, without_free, 1070.0, AWAY)
    with pytest.raises(Violation, match=r"^free: "):
        judge(oracle, page([]), 1080.0, AWAY)


@pytest.mark.parametrize("after", ["podres_kubelet_rpcs_total 3\n", ""], ids=["smaller", "gone"])
def test_a_counter_that_goes_back_is_noticed(oracle: Oracle, after: str) -> None:
    """So is one that vanishes, for both read as a reset."""
    head = "# TYPE podres_kubelet_rpcs_total counter\n"
    judge(oracle, page([A], FRESH + head + "podres_kubelet_rpcs_total 4\n"), 1001.0)
    with pytest.raises(Violation, match=r"^counters: "):
        judge(oracle, page([A], FRESH + head + after), 1001.0)


@pytest.mark.parametrize(
    ("body", "content_type", "invariant"),
    [
        (b"x{ 1\n", "text/plain", "parses"),
        (b"x 1\n", "text/html", "parses"),
        (b'x{a="1"} 1\nx{a="1"} 1\n', "text/plain", "twice"),
    ],
    ids=["no page", "another type", "a series twice"],
)
def test_what_is_no_page_is_noticed(body: bytes, content_type: str, invariant: str) -> None:
    """The parser of prometheus_client takes a series twice without a word."""
    with pytest.raises(Violation, match=rf"^{invariant}: "):
        Page(body, content_type, TEXT)


def test_what_an_excused_pod_holds_must_be_known_again_after_two_good_polls(oracle: Oracle) -> None:
    """The metadata had not told of it, and then have."""
    judge(oracle, page(), 1001.0, excused="first")
    judge(oracle, page(), 1002.0)
    judge(oracle, page(), 1010.0, GOOD)

    with pytest.raises(Violation, match="not on the page"):
        judge(oracle, page(), 1020.0, GOOD)
    with pytest.raises(Violation, match="are free"):
        judge(oracle, page(), 1085.0, AWAY)


def test_the_next_pod_of_a_name_must_be_told_anew_also_of_the_same_device(oracle: Oracle) -> None:
    """What the exporter was told is what the one before held, and that one has ended."""
    oracle.is_true(truth(A, uid="second"), 1001.0)
    judge(oracle, page(), 1001.0)
    judge(oracle, page(), 1010.0, GOOD)

    with pytest.raises(Violation, match="not on the page"):
        judge(oracle, page(), 1020.0, GOOD)


def test_of_two_pods_of_a_name_only_the_one_that_ended_is_excused(oracle: Oracle) -> None:
    """A kubelet that has not heard that the old one was deleted has the device of the new one, too."""
    both = Truth({"first": frozenset([A]), "second": frozenset([holds("a", "g1")])}, STOCK)
    oracle.is_true(both, 1001.0)
    for now in (1010.0, 1020.0):
        judge(oracle, page([holds("a", "g1")]), now, GOOD, excused="first")

    with pytest.raises(Violation, match=r"not on the page: .*g1"):
        judge(oracle, page(), 1021.0, excused="first")


def test_what_two_pods_have_held_for_long_may_be_shown_for_a_moment_after_one_has_ended(oracle: Oracle) -> None:
    """However long ago that began: nothing has changed since, until now."""
    b = holds("b", "g0")
    oracle.is_true(Truth({"first": frozenset([A]), "second": frozenset([b])}, STOCK), 1001.0)
    oracle.is_true(truth(A), 1700.0)
    oracle.was_up(1700.0)

    judge(oracle, page([A, b], free=0), 1700.0)

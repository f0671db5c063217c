"""The computed load on an API server agrees with thirty simulated reflectors."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from scale import claims, model
from scale.fleet import Fleet
from scale.model import Cluster
from scale.server import LocalServer

from podres_exporter.allowlist import LabelAllowlist
from podres_exporter.errors import Reason
from podres_exporter.kube.reflector.pacing import Pause
from podres_exporter.kube.reflector.state import Disconnected, Phase, ReflectorState, Rested, step
from podres_exporter.podmeta import Bookmark, PodDecoder, decode_event

NODES = 30
LARGE = Cluster()


def test_the_default_cluster_is_the_largest_that_kubernetes_supports() -> None:
    assert (5000, 150_000) == (LARGE.nodes, LARGE.pods)


def test_in_a_steady_state_there_are_no_lists_and_a_watch_per_node_in_four_and_a_half_minutes() -> None:
    steady = model.steady(LARGE)

    assert 0.0 == steady.lists_per_second
    assert 5000 / 270 == pytest.approx(steady.watches_per_second)
    assert 6 * steady.watches_per_second == pytest.approx(steady.bookmarks_per_second)


@pytest.mark.parametrize(("churn", "events"), [(0.01, 150_000 * 0.01 * 8 / 3600), (1.0, 150_000 * 8 / 3600)])
def test_events_come_from_the_pods_that_are_replaced(churn: float, events: float) -> None:
    steady = model.steady(Cluster(churn_per_hour=churn))

    assert events == pytest.approx(steady.events_per_second)
    assert events * 10 * 1024 == pytest.approx(steady.event_bytes_per_second)


def test_a_client_without_field_selector_costs_as_many_times_more_as_there_are_nodes() -> None:
    wide = model.of_everything(LARGE)

    assert 5000 * LARGE.list_bytes == wide.list_bytes
    assert 5000 * model.steady(LARGE).events_per_second == pytest.approx(model.steady(wide).events_per_second)


def test_a_roll_out_is_spread_by_the_controller() -> None:
    assert (250.0, 500.0) == tuple(model.rollout_seconds(LARGE, calls_per_pod=calls) for calls in (1, 2))


@pytest.mark.parametrize(("nodes", "seats"), [(1, 1), (10, 3), (5000, 10)])
def test_a_list_counts_as_wide_as_all_pods_of_the_cluster_up_to_ten_seats(nodes: int, seats: int) -> None:
    assert seats == model.seats(Cluster(nodes)).of_a_list


def test_few_lists_are_carried_out_at_once() -> None:
    assert (24, 300) == (model.seats(LARGE).lists_at_once, model.seats(LARGE).waiting)


def test_the_bookmark_that_is_counted_is_one() -> None:
    event = decode_event(model.BOOKMARK.strip(), PodDecoder(LabelAllowlist()))

    assert Bookmark("1234567890") == event


def test_all_nodes_that_start_together_ask_within_a_second() -> None:
    assert [5000.0] == [pytest.approx(each) for each in model.starts(LARGE) if each]


def test_watches_that_began_together_are_renewed_within_a_minute_and_less_together_each_time() -> None:
    seconds = model.renewals(LARGE, 1000)
    waves = [(min(wave), max(wave)) for wave in (range(240, 301), range(480, 602), range(720, 903))]
    tops = [max(seconds[first : last + 1]) for first, last in waves]

    assert 0.0 == pytest.approx(sum(seconds[:240]))
    assert 5000 == pytest.approx(sum(seconds[:302]), rel=0.001)
    assert tops == sorted(tops, reverse=True)
    assert 5000 / 60 == pytest.approx(tops[0], rel=0.05)


@pytest.mark.parametrize("away", [0.0, 1.0, 10.0, 60.0])
@pytest.mark.parametrize("forgets", [False, True])
def test_after_an_outage_every_node_is_answered_once_and_lists_only_where_versions_are_lost(
    away: float, *, forgets: bool
) -> None:
    back = model.comeback(LARGE, away, forgets=forgets)

    assert 5000 * (1 + forgets) == pytest.approx(sum(back.watches))
    assert 5000 * forgets == pytest.approx(sum(back.lists))
    assert 0.0 == pytest.approx(sum(back.answered[: int(away)]))
    assert 0.0 == pytest.approx(sum(back.refused[int(away) :]), abs=1e-3)
    assert 0.0 == pytest.approx(sum(back.requests[int(back.all_back_seconds) + 1 :]), abs=1e-3)


def test_the_longer_an_outage_the_flatter_the_return_up_to_the_longest_pause() -> None:
    """Who finds nobody listening tries again within twelve seconds, however long that lasts."""
    tops = [max(model.comeback(LARGE, away).answered) for away in (0.0, 5.0, 10.0, 30.0, 60.0)]

    assert tops[:3] == sorted(tops[:3], reverse=True)
    assert all(5000 / 12 < top < 5000 / 5 for top in tops[2:])


def test_nobody_comes_before_retry_after_is_over() -> None:
    back = model.comeback(LARGE, 5.0, 30.0)

    assert 5000 == pytest.approx(sum(back.refused[:2]))
    assert 0.0 == pytest.approx(sum(back.requests[2:30]), abs=1e-6)
    assert 5000 == pytest.approx(sum(back.watches[30:]))


@pytest.mark.parametrize("retry_after", [None, 1.0, 30.0])
@pytest.mark.parametrize("away", [0.0, 10.0, 45.0])
def test_the_computation_says_what_playing_it_node_by_node_gives(away: float, retry_after: float | None) -> None:
    uniform, nodes = random.Random(7).random, 4000  # noqa: S311 - no secret
    refusal = Disconnected(Reason.UNAVAILABLE, is_unreached=True)
    if retry_after is not None:
        refusal = Disconnected(Reason.THROTTLED, retry_after)
    refused, last = 0, 0.0
    for _ in range(nodes):
        state, action = step(ReflectorState(Phase.WATCHING, "1"), Disconnected(Reason.UNAVAILABLE), 100.0)
        now = 0.0
        while True:
            assert isinstance(action, Pause)
            now += action.seconds(uniform())
            if now >= away:
                break
            refused += 1
            state, _ = step(state, Rested())
            state, action = step(state, refusal)
        last = max(last, now)
    back = model.comeback(Cluster(nodes), away, retry_after)

    assert refused == pytest.approx(sum(back.refused), rel=0.02)
    assert back.all_back_seconds * 0.9 < last <= back.all_back_seconds


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the proxies of the machine that runs the tests out of them."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[LocalServer]:
    made = LocalServer()
    yield made
    made.stop()


@pytest.fixture
def fleet(server: LocalServer, tmp_path: Path) -> Iterator[Fleet]:
    """Yield reflectors that have all begun to watch."""
    made = Fleet([server], tmp_path, NODES)
    server.fill(made.names, 3, 500)
    made.start()
    made.run_until(2.0)
    yield made
    made.stop()


def since(fleet: Fleet, seconds: float) -> tuple[Counter[str], Counter[str], Counter[int]]:
    """Return what was asked from that second on: how often each verb, by which node, and in which second after it."""
    asked = [each for each in fleet.asked if each.seconds >= seconds]
    return (
        Counter(each.verb for each in asked),
        Counter(each.node for each in asked),
        Counter(int(each.seconds - seconds) for each in asked),
    )


def outage(fleet: Fleet, server: LocalServer, *, forgets: bool = False) -> float:
    """Take the server away for ten seconds, and let a minute go by from the cut on; return when that was."""
    server.clear()
    began = fleet.clock.monotonic_seconds()
    fleet.cut(lambda each: each.down())
    fleet.run_until(began + 10.0)
    if forgets:
        server.forget()
    server.up()
    fleet.run_until(began + 60.0)
    return began


def test_each_asks_for_one_list_and_one_watch_at_the_start(fleet: Fleet, server: LocalServer) -> None:
    verbs, nodes, _ = since(fleet, 0.0)

    assert {"list": NODES, "watch": NODES} == verbs
    assert {2} == set(nodes.values())
    assert {("list", 200): NODES, ("watch", 200): NODES} == {
        (verb, code): number for (verb, _, code), number in server.counts().items()
    }
    assert len({each.seconds for each in fleet.asked}) > NODES / 3


def test_nothing_is_asked_until_watches_end_in_their_time_and_then_no_list(fleet: Fleet, server: LocalServer) -> None:
    server.clear()
    for until in (60.0, 120.0, 180.0, 236.0):
        fleet.run_until(until, longest_step_seconds=60.0, ticks=True)
    server.churn(10)
    assert ({}, NODES * 3) == (server.counts(), fleet.totals["bookmark"])
    fleet.run_until(306.0, longest_step_seconds=5.0, ticks=True)
    verbs, nodes, seconds = since(fleet, 2.1)

    assert {"watch": NODES} == verbs
    assert {1} == set(nodes.values())
    assert len(seconds) >= 8
    assert 10 == fleet.totals["changed"]


def test_after_a_restart_each_goes_on_from_its_version_and_few_ask_at_once(fleet: Fleet, server: LocalServer) -> None:
    versions = {entry.query["resourceVersion"] for entry in server.recent() if entry.verb == "watch"}
    began = outage(fleet, server)
    verbs, nodes, seconds = since(fleet, began)

    assert fleet.all_back()
    assert {"watch"} == set(verbs)
    assert versions == {entry.query["resourceVersion"] for entry in server.recent()}
    assert NODES == len(server.recent())
    assert max(nodes.values()) <= 6
    assert max(number for second, number in seconds.items() if second >= 10) < NODES / 3


def test_a_server_that_has_lost_its_history_costs_one_list_each(fleet: Fleet, server: LocalServer) -> None:
    began = outage(fleet, server, forgets=True)
    verbs, nodes, _ = since(fleet, began)
    lists = Counter(int(each.seconds) for each in fleet.asked if each.seconds >= began and each.verb == "list")

    assert fleet.all_back()
    assert NODES == verbs["list"]
    assert {("list", 200): NODES, ("watch", 200): 2 * NODES} == {
        (verb, code): number for (verb, _, code), number in server.counts().items()
    }
    assert max(nodes.values()) <= 8
    assert max(lists.values()) < NODES / 3


def test_a_storm_of_429_is_waited_out_as_retry_after_says(fleet: Fleet, server: LocalServer) -> None:
    server.clear()
    began = fleet.clock.monotonic_seconds()
    fleet.cut(lambda each: each.storm(30))
    fleet.run_until(began + 5.0)
    server.calm()
    fleet.run_until(began + 60.0)
    verbs, nodes, seconds = since(fleet, began)

    assert fleet.all_back()
    assert ({"watch": 2 * NODES}, {2}) == (verbs, set(nodes.values()))
    assert not any(1 < second < 30 for second in seconds)
    assert max(number for second, number in seconds.items() if second >= 30) < NODES / 3


def test_dra_adds_one_watch_a_node_and_one_get_for_the_life_of_a_claim(tmp_path: Path) -> None:
    """Counted at the API server; what is known already is never asked for again."""
    nodes, each = 5, 2

    start = {"discovery": nodes, "list resourceslices": nodes, "watch resourceslices": nodes}
    assert [
        ("start", {**start, "get resourceclaims": nodes * each}),
        ("nothing happens", {}),
        ("one claim of each replaced", {"get resourceclaims": nodes}),
    ] == list(claims.counted(nodes, each, tmp_path))


def test_the_load_of_dra_is_that_of_a_watch_and_of_the_claims_that_are_replaced() -> None:
    found = claims.load(LARGE, 3)

    assert model.steady(LARGE).watches_per_second == found.watches_per_second
    assert found.first_claims == 15_000
    assert 15_000 * 0.1 / 3600 == pytest.approx(found.gets_per_second)

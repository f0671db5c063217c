"""Periods computed from scrapes."""

from collections.abc import Mapping

from podres_exporter.who.series import Place, TargetKey
from podres_exporter.who.timeline import Holder, Period, Scrape, State, Unknown, periods, scrape_interval

N1 = Place("", "n1")
A, B = TargetKey("", "podres", "a"), TargetKey("", "podres", "b")
NOBODY, DOWN, UNSURE = Scrape(unknown=None), Scrape(unknown=Unknown.DOWN), Scrape(unknown=Unknown.UNSURE)


def by(*pods: str, uid: str = "", is_watching: bool = False) -> Scrape:
    """Return a scrape that names these pods."""
    holders = [Holder("ml", pod, "main", "gpu", "GPU-1", "", is_watching, uid and pod + uid) for pod in pods]
    return Scrape(frozenset(holders), None)


def story(**targets: Mapping[float, Scrape]) -> list[tuple[str, float, float]]:
    """Return the periods of targets `a` and `b` between 0 and 100: who, from and until."""
    scrapes = {TargetKey("", "podres", name): each for name, each in targets.items()}
    return [(_who(each), each.begin, each.end) for each in periods(N1, scrapes, 0, 100)]


def _who(period: Period) -> str:
    if period.holder is not None:
        return period.holder.pod + ("*" if period.holder.is_watching else "")
    return period.unknown.name if period.unknown else "nobody"


def every(seconds: int, scrape: Scrape, begin: int = 0, end: int = 101) -> dict[float, Scrape]:
    return {float(at): scrape for at in range(begin, end, seconds)}


def test_a_change_is_dated_by_the_scrape_that_shows_it() -> None:
    assert [("then", 0, 50), ("nobody", 50, 70), ("now", 70, 100)] == story(
        a={**every(10, by("then"), end=50), 50: NOBODY, 60: NOBODY, **every(10, by("now"), 70)}
    )


def test_a_scrape_that_failed_is_unknown_and_not_nobody() -> None:
    """From the failed scrape on, to the next that tells something."""
    assert [("then", 0, 50), ("DOWN", 50, 80), ("nobody", 80, 100)] == story(
        a={**every(10, by("then"), end=50), **every(10, DOWN, 50, 80), **every(10, NOBODY, 80)}
    )


def test_an_exporter_that_does_not_know_what_is_held_is_not_believed_to_say_that_nobody_is() -> None:
    assert [("nobody", 0, 50), ("UNSURE", 50, 70), ("nobody", 70, 100)] == story(
        a={**every(10, NOBODY, end=50), 50: UNSURE, 60: UNSURE, **every(10, NOBODY, 70)}
    )


def test_scrapes_that_are_missing_are_unknown_after_one_and_a_half_intervals() -> None:
    """Prometheus itself was down."""
    assert [("then", 0, 55), ("ABSENT", 55, 80), ("now", 80, 100)] == story(
        a={**every(10, by("then"), end=50), **every(10, by("now"), 80)} | {40: by("then")}
    )


def test_a_pod_that_is_there_before_and_after_a_gap_held_the_device_in_it() -> None:
    """Known by its UID; a name alone may be that of another pod."""
    outage = every(10, DOWN, 30, 60)

    assert [("p", 0, 100)] == story(a={**every(10, by("p", uid="1")), **outage})
    assert [("p", 0, 30), ("DOWN", 30, 60), ("p", 60, 100)] == story(a={**every(10, by("p")), **outage})
    assert [("p", 0, 30), ("DOWN", 30, 60), ("p", 60, 100)] == story(
        a={**every(10, by("p", uid="1"), end=30), **outage, **every(10, by("p", uid="2"), 60)}
    )


def test_two_targets_of_a_node_are_one_story() -> None:
    """The scrape that is the latest is right; scraping targets in turn does not make a device held twice."""
    assert [("then", 0, 50), ("now", 50, 100)] == story(
        a={**every(10, by("then"), end=50), **every(10, by("now"), 50)},
        b={**every(10, by("then"), 5, 50), **every(10, by("now"), 55)},
    )


def test_while_one_of_two_targets_is_down_the_other_is_believed() -> None:
    """A rollout: the old one goes while the new one already answers."""
    assert [("p", 0, 100)] == story(
        a={**every(10, by("p"), end=50), **every(10, DOWN, 50)},
        b={**every(10, UNSURE, 5, 40), **every(10, by("p"), 45)},
    )


def test_each_holder_of_a_shared_device_has_a_period_of_its_own() -> None:
    assert [("a", 0, 100), ("b", 0, 50), ("c", 70, 100)] == story(
        a={**every(10, by("a", "b"), end=50), 50: by("a"), 60: by("a"), **every(10, by("a", "c"), 70)}
    )


def test_who_only_watches_a_device_does_not_hold_it() -> None:
    """A claim with admin access: the device is also reported as free."""
    assert [("monitor*", 0, 100), ("nobody", 0, 100)] == sorted(story(a=every(10, by("monitor", is_watching=True))))


def test_what_lasts_to_the_edges_is_marked() -> None:
    (period,) = periods(N1, {A: every(10, by("p"))}, 0, 100)
    first, second, third = periods(N1, {A: {**every(10, NOBODY), 50.0: by("p")}}, 0, 100)

    assert (True, True) == (period.has_earlier, period.has_later)
    assert [(True, False), (False, False), (False, True)] == [
        (each.has_earlier, each.has_later) for each in (first, second, third)
    ]


def test_without_any_scrape_nothing_is_known() -> None:
    (period,) = periods(N1, {}, 0, 100)

    assert (State.UNKNOWN, Unknown.ABSENT) == (period.state, period.unknown)


def test_a_single_scrape_counts_for_as_long_as_prometheus_lets_it() -> None:
    """Five minutes, as the interval cannot be known."""
    (first, second) = periods(N1, {A: {0.0: by("p")}}, 0, 1000)

    assert (300, Unknown.ABSENT) == (first.end, second.unknown)


def test_the_interval_is_that_of_most_scrapes() -> None:
    assert 15 == scrape_interval({A: every(15, NOBODY, end=200), B: {0.0: NOBODY, 500.0: NOBODY}})
    assert scrape_interval({A: {0.0: NOBODY, 30.0: NOBODY}}) is None

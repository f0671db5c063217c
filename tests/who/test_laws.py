"""Invariants of the timeline, over random scrapes: no gaps, no guesses, independent of order."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from podres_exporter.who.series import Place, TargetKey
from podres_exporter.who.timeline import Holder, Scrape, State, Unknown, periods

N1 = Place("", "n1")
PODS = [Holder("ml", pod, "main", "gpu", "GPU-1", uid=uid) for pod in "ab" for uid in ("", "1")]
SCRAPE = st.builds(Scrape, st.frozensets(st.sampled_from(PODS), max_size=2), st.sampled_from([None, *Unknown]))
SCRAPES = st.dictionaries(
    st.sampled_from([TargetKey("", "podres", name) for name in "xyz"]),
    st.dictionaries(st.integers(0, 20).map(lambda each: each * 15.0), SCRAPE, max_size=15),
    max_size=3,
)


@given(SCRAPES)
def test_every_moment_has_an_answer_and_only_one_kind_of_it(scrapes: dict[TargetKey, dict[float, Scrape]]) -> None:
    """Held, by any number; or nobody; or not known: from the beginning to the end without a hole."""
    found = periods(N1, scrapes, 0, 300)
    edges = sorted({0.0, 300.0} | {each.begin for each in found} | {each.end for each in found})

    for begin, end in pairwise(edges):
        states = {each.state for each in found if each.begin <= begin and end <= each.end}
        assert 1 == len(states)


@given(SCRAPES)
def test_who_is_named_was_seen_and_nobody_was_said(scrapes: dict[TargetKey, dict[float, Scrape]]) -> None:
    """Each period of a holder begins with a scrape that names it; each of nobody with one that knows and names none."""
    for each in periods(N1, scrapes, 0, 300):
        at = [scrape for moments in scrapes.values() for moment, scrape in moments.items() if moment <= each.begin]
        if each.state is State.HELD:
            assert any(each.holder in scrape.holders for scrape in at)
        if each.state is State.NOBODY:
            assert any(scrape.unknown is None and not scrape.holders for scrape in at)


@given(SCRAPES)
def test_targets_that_tell_nothing_change_nothing(scrapes: dict[TargetKey, dict[float, Scrape]]) -> None:
    """An exporter that is down beside one that answers; unknown is unknown, whatever the reason."""
    interval = {15.0 * number: Scrape(unknown=Unknown.ABSENT) for number in range(21)}
    silent = {TargetKey("", "podres", "silent"): interval}

    def told(given: dict[TargetKey, dict[float, Scrape]]) -> list[tuple[float, float, Holder | None]]:
        return [(each.begin, each.end, each.holder) for each in periods(N1, given, 0, 300) if each.unknown is None]

    regular = {TargetKey("", "podres", "regular"): interval}
    assert told({**scrapes, **regular}) == told({**scrapes, **regular, **silent})

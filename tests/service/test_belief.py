"""What is believed of the kubelet, since when, and whether newer answers are held back."""

import pytest

from podres_exporter.model import Part
from podres_exporter.service.belief import Belief

Pods = frozenset[str]

HOLD = 60.0
NONE: Pods = frozenset()
ALL: Pods = frozenset({"train", "serve"})
SOME: Pods = frozenset({"serve"})
MORE: Pods = ALL | {"new"}
OTHER: Pods = frozenset({"serve", "new"})


def belief(part: str = "pods") -> Belief[Pods]:
    return Belief(part, lambda new, old: old - new)


def offer(book: Belief[Pods], answer: Pods, now_seconds: float, hold_seconds: float = HOLD) -> bool:
    return book.offer(answer, empty=not answer, now_seconds=now_seconds, hold_seconds=hold_seconds)


@pytest.fixture
def known() -> Belief[Pods]:
    """Return what is believed at second 100, of a kubelet that has not restarted."""
    book = belief()
    assert offer(book, ALL, 100.0)
    return book


@pytest.fixture
def restarted(known: Belief[Pods]) -> Belief[Pods]:
    """Return the same after the kubelet has started anew."""
    known.suspect()
    return known


def test_nothing_is_believed_before_the_first_answer() -> None:
    """No answer is not an empty answer."""
    book = belief()

    assert None is book.answer
    assert Part("pods", stale=False, held=False) == book.freshness()


@pytest.mark.parametrize("answer", [ALL, SOME, MORE, OTHER, NONE])
def test_a_kubelet_that_has_not_restarted_is_believed_at_once(known: Belief[Pods], answer: Pods) -> None:
    """Pods do come and go; only a young kubelet is doubted."""
    assert offer(known, answer, 110.0)
    assert (answer, 110.0) == (known.answer, known.since_seconds)
    assert Part("pods", stale=False, held=False) == known.freshness()


def test_a_missed_answer_leaves_the_last_good_one_and_marks_it_stale(known: Belief[Pods]) -> None:
    """Unavailable is never empty."""
    known.missed()

    assert (ALL, 100.0) == (known.answer, known.since_seconds)
    assert Part("pods", stale=True, held=False) == known.freshness()


def test_the_next_good_answer_is_fresh_again(known: Belief[Pods]) -> None:
    """Stale ends with the outage."""
    known.missed()
    offer(known, SOME, 130.0)

    assert (SOME, 130.0) == (known.answer, known.since_seconds)
    assert Part("pods", stale=False, held=False) == known.freshness()


@pytest.mark.parametrize("answer", [ALL, MORE])
def test_after_a_restart_an_answer_with_all_that_was_known_is_believed_at_once(
    restarted: Belief[Pods], answer: Pods
) -> None:
    """Answers are held back until they agree with what was last known."""
    assert offer(restarted, answer, 110.0)
    assert (answer, 110.0) == (restarted.answer, restarted.since_seconds)
    assert Part("pods", stale=False, held=False) == restarted.freshness()


@pytest.mark.parametrize("answer", [NONE, SOME, OTHER])
def test_after_a_restart_an_answer_that_lacks_something_is_held_back(restarted: Belief[Pods], answer: Pods) -> None:
    """The first answers of a kubelet are empty, then partial; published they would read as "all free"."""
    assert not offer(restarted, answer, 110.0)
    assert (ALL, 100.0) == (restarted.answer, restarted.since_seconds)
    assert Part("pods", stale=True, held=True) == restarted.freshness()


@pytest.mark.parametrize("answer", [NONE, SOME])
def test_a_held_answer_is_believed_when_it_has_been_the_same_for_the_hold_down(
    restarted: Belief[Pods], answer: Pods
) -> None:
    """Pods may really have gone during the restart."""
    believed = [offer(restarted, answer, now) for now in (110.0, 140.0, 169.9, 170.0)]

    assert [False, False, False, True] == believed
    assert (answer, 170.0) == (restarted.answer, restarted.since_seconds)
    assert Part("pods", stale=False, held=False) == restarted.freshness()


def test_a_held_answer_that_changes_is_watched_from_the_start(restarted: Belief[Pods]) -> None:
    """Plugins and pods return one by one; only what is stable is complete."""
    believed = [offer(restarted, answer, now) for answer, now in ((NONE, 110.0), (SOME, 169.0), (SOME, 228.9))]

    assert [False, False, False] == believed
    assert offer(restarted, SOME, 229.0)


def test_a_held_answer_that_becomes_whole_is_believed_at_once(restarted: Belief[Pods]) -> None:
    """A usual restart is over within seconds, not after the hold-down."""
    offer(restarted, NONE, 110.0)
    offer(restarted, SOME, 111.0)

    assert offer(restarted, ALL, 112.0)
    assert not restarted.held


def test_a_believed_kubelet_is_not_doubted_any_more(restarted: Belief[Pods]) -> None:
    """The suspicion ends with the first credible answer."""
    offer(restarted, ALL, 110.0)

    assert offer(restarted, NONE, 120.0)
    assert NONE == restarted.answer


def test_a_second_restart_is_doubted_from_the_start(restarted: Belief[Pods]) -> None:
    """Stability before the second start says nothing of the kubelet after it."""
    offer(restarted, SOME, 110.0)
    restarted.suspect()

    assert not offer(restarted, SOME, 171.0)
    assert not offer(restarted, SOME, 230.9)
    assert offer(restarted, SOME, 231.0)


def test_nothing_is_held_before_the_young_kubelet_has_answered(restarted: Belief[Pods]) -> None:
    """Held says that there are answers which are not believed; so far there are none."""
    assert Part("pods", stale=False, held=False) == restarted.freshness()

    restarted.missed()

    assert Part("pods", stale=True, held=False) == restarted.freshness()


def test_an_answer_stays_held_over_a_missed_poll(restarted: Belief[Pods]) -> None:
    """An outage in between does not make a young kubelet credible."""
    offer(restarted, SOME, 110.0)
    restarted.missed()

    assert restarted.held
    assert not offer(restarted, SOME, 120.0)
    assert ALL == restarted.answer


@pytest.mark.parametrize(("answer", "seconds"), [(SOME, 3.0), (NONE, HOLD)])
def test_a_first_answer_of_a_young_kubelet_is_believed_sooner_unless_it_is_empty(answer: Pods, seconds: float) -> None:
    """Nothing is known to compare it with: three seconds are enough, but an empty node must prove itself."""
    book = belief()
    book.suspect()

    assert not offer(book, answer, 10.0)
    assert None is book.answer
    assert book.held
    assert not offer(book, answer, 10.0 + seconds - 0.1)
    assert offer(book, answer, 10.0 + seconds)
    assert answer == book.answer


@pytest.mark.parametrize("answer", [NONE, SOME])
def test_a_hold_down_of_zero_believes_every_answer_at_once(answer: Pods) -> None:
    """`--snapshot.hold-down 0s` believes at once."""
    book = belief()
    offer(book, ALL, 100.0)
    book.suspect()

    assert offer(book, answer, 110.0, hold_seconds=0.0)
    assert not book.held


def test_an_answer_disappears_at_the_maximum_age_and_that_is_said_once(known: Belief[Pods]) -> None:
    """An old answer is shown until a stated maximum age."""
    known.missed()

    assert [False, True, False] == [known.expire(now, 120.0) for now in (219.9, 220.0, 230.0)]
    assert None is known.answer


def test_an_answer_is_shown_until_it_is_too_old(known: Belief[Pods]) -> None:
    """Not a moment less."""
    known.missed()
    known.expire(219.9, 120.0)

    assert ALL == known.answer


def test_nothing_expires_where_nothing_is_believed() -> None:
    """An exporter that starts before its kubelet has lost nothing."""
    assert not belief().expire(1e9, 120.0)


def test_a_young_kubelet_is_compared_with_what_has_expired(known: Belief[Pods]) -> None:
    """A kubelet that was away for long restarts as any other: its first partial answer is not the truth."""
    known.missed()
    known.expire(220.0, 120.0)
    known.suspect()

    assert [False, True] == [offer(known, SOME, 300.0), offer(known, ALL, 303.0)]
    assert (ALL, 303.0) == (known.answer, known.since_seconds)


def test_what_the_kubelet_cannot_be_asked_for_is_forgotten(restarted: Belief[Pods]) -> None:
    """A kubelet without GetAllocatableResources has no stale answer to it; a later one starts from nothing."""
    offer(restarted, SOME, 110.0)
    restarted.forget()

    assert None is restarted.answer
    assert Part("pods", stale=False, held=False) == restarted.freshness()
    assert offer(restarted, NONE, 120.0)


def test_a_forgotten_answer_is_not_what_a_young_kubelet_is_compared_with(known: Belief[Pods]) -> None:
    """After a change of kubelet an answer that was long forgotten must not hold the new one back for the hold-down."""
    known.forget()
    known.suspect()

    assert [False, True] == [offer(known, SOME, 200.0), offer(known, SOME, 203.0)]


def test_each_half_bears_its_own_name() -> None:
    """The label `part` of podres_snapshot_stale."""
    assert Part("allocatable", stale=False, held=False) == belief("allocatable").freshness()


def test_news_of_a_part_puts_right_what_is_believed_and_makes_it_no_younger(known: Belief[Pods]) -> None:
    """One pod that answers says nothing of the others, so the age of the whole stays."""
    known.amend(SOME)

    assert (SOME, 100.0, Part("pods", stale=False, held=False)) == (
        known.answer,
        known.since_seconds,
        known.freshness(),
    )


def test_a_young_kubelet_is_compared_with_the_news(known: Belief[Pods]) -> None:
    """A pod that was gone before the restart is nothing to wait for."""
    known.amend(SOME)
    known.suspect()

    assert offer(known, SOME, 110.0)


def test_only_the_last_word_of_a_kubelet_that_is_believed_is_current(known: Belief[Pods]) -> None:
    """What is stale, held back or only suspected must not be mended piece by piece."""
    current = [belief().is_current, known.is_current]
    known.missed()
    current.append(known.is_current)
    offer(known, ALL, 110.0)
    known.suspect()
    current.append(known.is_current)
    offer(known, SOME, 120.0)
    current.append(known.is_current)

    assert [False, True, False, False, False] == current


def test_somebody_who_knows_better_says_what_an_answer_lacks(restarted: Belief[Pods]) -> None:
    """The API server knows that a pod has gone, so its absence is no reason to wait."""
    settled = restarted.offer(
        SOME, empty=False, now_seconds=110.0, hold_seconds=HOLD, settled=lambda lacking: lacking - {"train"}
    )

    assert settled
    assert SOME == restarted.answer


def test_somebody_who_knows_better_may_doubt_a_first_answer() -> None:
    """Nothing was believed before, but the API server knows of pods that a young kubelet does not list yet."""
    book = belief()
    book.suspect()
    offers = [
        book.offer(SOME, empty=False, now_seconds=now, hold_seconds=HOLD, settled=lambda lacking: lacking | {"train"})
        for now in (10.0, 13.0, 69.9, 70.0)
    ]

    assert [False, False, False, True] == offers

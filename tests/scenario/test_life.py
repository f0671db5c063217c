"""Lifetimes of pods and their overlaps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podres_exporter.scenario import Life, PodSpec, life_at
from podres_exporter.scenario.life import alive, meet


def life(start: float, end: float | None = None, repeat: float | None = None, finish: float | None = None) -> PodSpec:
    return PodSpec("default", "pod", start_seconds=start, end_seconds=end, repeat_seconds=repeat, finish_seconds=finish)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, False), (4.999, False), (5, True), (29.9, True), (30, False), (1000, False)]
)
def test_a_pod_lives_from_its_start_until_before_its_end(seconds: float, expected: bool) -> None:
    """The end is not part of the life, so that the next holder may start at that very second."""
    assert expected == alive(life(5, 30), seconds)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(4, False), (5, True), (30, False), (44, False), (45, True), (70, False), (4005, True)]
)
def test_a_repeated_pod_lives_once_in_each_period(seconds: float, expected: bool) -> None:
    """A life of 5 to 30 s every 40 s starts at 5, 45, 85, ..."""
    assert expected == alive(life(5, 30, 40), seconds)


def test_a_pod_without_an_end_lives_for_ever() -> None:
    """`end` absent means that the pod runs forever."""
    assert alive(life(5), 1e9)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (4.9, None),
        (5, Life(0, finished=False)),
        (19.9, Life(0, finished=False)),
        (20, Life(0, finished=True)),
        (29.9, Life(0, finished=True)),
        (30, None),
        (44.9, None),
        (45, Life(1, finished=False)),
        (60, Life(1, finished=True)),
        (4005, Life(100, finished=False)),
    ],
)
def test_a_life_has_a_number_and_may_finish_before_it_ends(seconds: float, expected: Life | None) -> None:
    """5 to 30 s every 40 s, finished from 20 s on: each life finishes as the first one does."""
    assert expected == life_at(life(5, 30, 40, finish=20), seconds)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(4, None), (5, Life(0, finished=False)), (1e6, Life(0, finished=True))]
)
def test_a_pod_that_lives_once_has_one_life(seconds: float, expected: Life | None) -> None:
    """It may finish and stay, as a job's pod does until it is deleted."""
    assert expected == life_at(life(5, finish=20), seconds)


def test_a_pod_without_a_finish_never_finishes() -> None:
    """`finish` absent means that its containers run until the pod is deleted."""
    assert Life(0, finished=False) == life_at(life(5), 1e6)


@given(st.integers(0, 40), st.integers(0, 400))
def test_a_pod_has_a_life_exactly_while_it_is_alive(finish: int, second: int) -> None:
    """`alive` and `life_at` read the same document."""
    pod = life(5, 30, 40, finish=finish)

    assert alive(pod, second) == (life_at(pod, second) is not None)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (life(0), life(100), True),
        (life(0, 10), life(10), False),
        (life(0, 10), life(9, 20), True),
        (life(0, 10, 40), life(10, 40, 40), False),
        (life(0, 10, 40), life(10, 41, 50), True),
        (life(0, 10, 40), life(5000), True),
        (life(0, 10, 40), life(11, 39), False),
        (life(0, 10, 40), life(11, 41), True),
        (life(30, 31, 40), life(0, 20), False),
        (life(0.5, 1, 2), life(1, 1.5, 2), False),
    ],
)
def test_two_lives_meet_if_any_of_their_repetitions_do(one: PodSpec, other: PodSpec, expected: bool) -> None:
    """What two pods hold may be the same only if they never live at one moment."""
    assert expected == meet(one, other)
    assert expected == meet(other, one)


@st.composite
def lives(draw: st.DrawFn) -> PodSpec:
    start = draw(st.integers(0, 12))
    if draw(st.booleans()):
        return life(start, draw(st.none() | st.integers(start + 1, start + 12)))
    length = draw(st.integers(1, 8))
    return life(start, start + length, length + draw(st.integers(1, 8)))


@given(lives(), lives())
def test_meeting_is_what_looking_at_every_second_finds(one: PodSpec, other: PodSpec) -> None:
    """Periods of at most 16 s repeat together within 240 s, so 500 s show every meeting of whole seconds."""
    expected = any(alive(one, second) and alive(other, second) for second in range(500))

    assert expected == meet(one, other)

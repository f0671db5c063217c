import pytest
from hypothesis import given
from hypothesis import strategies as st

from podres_exporter.scenario import PodSpec
from podres_exporter.scenario.life import alive, meet


def life(start: float, end: float | None = None, repeat: float | None = None) -> PodSpec:
    return PodSpec("default", "pod", start_seconds=start, end_seconds=end, repeat_seconds=repeat)


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
    """`end` absent means that the pod runs for ever."""
    assert alive(life(5), 1e9)


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

"""Colours, patterns and codes of pods."""

import pytest

from podres_exporter.page.badge import HUES, PATTERNS, badges


def codes(*names: str) -> list[str]:
    return [badge.code for badge in badges([("ns", name) for name in names], []).values()]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["train-llm-0"], ["TL"]),
        (["upf-0"], ["U0"]),
        (["web"], ["WE"]),
        (["jupyter-ada", "jupyter-alan", "jupyter-anna"], ["JA", "JL", "JN"]),
        (["a", "a-a"], ["A0", "AA"]),
        (["---", "\u00e4\u00f6"], ["X0", "X1"]),
    ],
)
def test_a_code_reminds_of_the_name_and_is_its_own(names: list[str], expected: list[str]) -> None:
    assert expected == codes(*names)


def test_codes_stay_different_when_names_are_alike() -> None:
    names = [f"p{index}" for index in range(2000)]

    assert len(names) == len(set(codes(*names)))


def test_no_pattern_is_used_while_a_colour_is_left() -> None:
    looks = [badge.look for badge in badges([("ns", f"p{index}") for index in range(HUES)], []).values()]

    assert HUES == len(set(looks))
    assert {"q0"} == {look.split()[1] for look in looks}


def test_colours_come_again_with_patterns() -> None:
    count = HUES * PATTERNS
    looks = [badge.look for badge in badges([("ns", f"p{index}") for index in range(count)], []).values()]

    assert count == len(set(looks))


def test_a_pod_keeps_its_colour_when_another_comes_whose_name_draws_another() -> None:
    before = badges([("ns", "a")], [])["ns", "a"].look
    after = badges([("ns", "a"), ("ns", "z")], [])["ns", "a"].look

    assert before == after


def test_a_pod_that_holds_nothing_has_a_code_and_no_colour() -> None:
    badge = badges([], [("ns", "web")])["ns", "web"]

    assert ("WE", "") == (badge.code, badge.look)


def test_the_chip_names_the_pod_and_leads_to_its_rows() -> None:
    badge = badges([("ml", "train-0")], [])["ml", "train-0"]

    assert 'href="#pod/ml/train-0"' in badge.chip()
    assert 'title="ml/train-0"' in badge.chip()
    assert "<em>4 CPUs</em></a>" in badge.chip("4 CPUs")
    assert "pod/ml/train-0" == badge.target

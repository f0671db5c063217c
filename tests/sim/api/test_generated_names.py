"""Names that the API server makes from `generateName`."""

import re

import pytest

from podres_exporter.sim.api.storage.objects import generated_name


@pytest.mark.parametrize(("base", "kept"), [("job-", "job-"), ("", ""), ("x" * 58, "x" * 58), ("x" * 63, "x" * 58)])
def test_five_characters_follow_the_base(base: str, kept: str) -> None:
    """Of those that make no words; a long base is cut, so that the name has 63 characters at most."""
    assert re.fullmatch(kept + "[bcdfghjklmnpqrstvwxz2456789]{5}", generated_name(base, 7))


def test_no_two_numbers_make_the_same_name() -> None:
    """A store counts its objects, and none may take the name of another."""
    names = {generated_name("a-", number) for number in [*range(50_000), *range(10**9, 10**9 + 50_000)]}

    assert len(names) == 100_000

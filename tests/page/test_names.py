"""Short forms of ids."""

import pytest

from podres_exporter.page.markup import tails


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["0", "1"], ["0", "1"]),
        (["0000:3b:02.0"], ["0000:3b:02.0"]),
        (["GPU-1f0a5c3e-7d42-1a00", "GPU-1f0a5c3e-7d42-1a01"], ["\u20261a00", "\u20261a01"]),
        (["GPU-aaaaaaaaaaaa-x1234", "GPU-aaaaaaaaaaaa-y1234"], ["\u2026x1234", "\u2026y1234"]),
        (["a" + "x" * 30, "b" + "x" * 30], ["\u2026" + "x" * 14] * 2),
        (["short", "GPU-1f0a5c3e-7d42-1a00"], ["short", "\u20261a00"]),
    ],
)
def test_a_label_is_as_long_as_it_takes(ids: list[str], expected: list[str]) -> None:
    assert expected == list(tails(ids).values())

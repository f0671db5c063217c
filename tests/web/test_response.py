"""If-None-Match and ETags."""

import pytest

from podres_exporter.web.response import is_not_modified

TAG = '"abc"'


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ('"abc"', True),
        ('W/"abc"', True),
        ('"x", "abc"', True),
        ('"x",W/"abc" , "y"', True),
        ("*", True),
        ('"abc-gzip"', False),
        ("abc", False),
        ('w/"abc"', False),
        ('"x", *', False),
        ("", False),
    ],
)
def test_a_tag_is_found_in_the_list_of_those_that_the_client_has(field: str, expected: bool) -> None:
    """RFC 9110, 13.1.2: by weak comparison; `*` stands alone, for anything."""
    assert expected == is_not_modified({"if-none-match": field}, TAG)


def test_a_client_that_names_no_tag_gets_everything() -> None:
    assert not is_not_modified({}, TAG)

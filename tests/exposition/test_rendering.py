"""ETags of response bodies."""

import re

from podres_exporter.exposition.bodies import etag


def test_equal_bytes_have_equal_tags_and_others_have_not() -> None:
    assert etag(b"page" * 3) == etag(b"pagepagepage")
    assert etag(b"page") != etag(b"page ")


def test_an_encoding_has_a_tag_of_its_own() -> None:
    assert re.fullmatch('"[0-9a-f]{16}"', etag(b"page"))
    assert f'{etag(b"page")[:-1]}-gzip"' == etag(b"page", "gzip")

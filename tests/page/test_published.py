"""Rendering, caching and ETags of the page and its files."""

import gzip
from dataclasses import dataclass

from page_dom import LINKS
from page_nodes import tiny

from podres_exporter.model import Snapshot, SourceHealth
from podres_exporter.page.assets import load_assets
from podres_exporter.page.published import SnapshotPage


@dataclass(frozen=True)
class Shown:
    """What a document shows."""

    snapshot: Snapshot
    generated_at_seconds: float


class Source:
    """What shows now; counts how often it is asked."""

    def __init__(self) -> None:
        self.shown = Shown(tiny(), 1.0)
        self.asked = 0

    def __call__(self) -> Shown:
        self.asked += 1
        return self.shown


def make() -> tuple[SnapshotPage, Source]:
    source = Source()
    return SnapshotPage(source, load_assets(), LINKS), source


def test_nothing_is_made_until_somebody_looks() -> None:
    _, source = make()

    assert 0 == source.asked


def test_the_same_snapshot_has_the_same_bytes_and_tag() -> None:
    page, _ = make()

    assert page.body(False)[0] is page.body(False)[0]
    assert page.body(True)[0] is page.body(True)[0]


def test_gzip_is_the_same_page_under_a_tag_of_its_own() -> None:
    """RFC 9110, 8.8.3.3."""
    page, _ = make()
    plain, tag = page.body(False)
    packed, packed_tag = page.body(True)

    assert plain == gzip.decompress(packed)
    assert f'{tag[:-1]}-gzip"' == packed_tag


def test_another_snapshot_has_another_page() -> None:
    page, source = make()
    before = page.body(True)
    source.shown = Shown(Snapshot("other", None), 2.0)
    data, tag = page.body(True)

    assert tag != before[1]
    assert b"<title>other" in gzip.decompress(data)


def test_the_last_error_is_that_of_when_the_page_is_made() -> None:
    source = Source()
    source.shown = Shown(
        Snapshot("n1", None, sources=(SourceHealth("kubelet", up=False, last_success_seconds=None),)), 1.0
    )
    errors = ["first", "second"]
    page = SnapshotPage(source, load_assets(), LINKS, lambda: errors[0])
    before = page.body(False)[0]
    errors.pop(0)
    unchanged = page.body(False)[0]
    source.shown = Shown(source.shown.snapshot, 2.0)

    assert (b"last error: first." in before, before) == (True, unchanged)
    assert b"last error: second." in page.body(False)[0]


def test_the_files_are_addressed_by_their_content() -> None:
    """So that a browser may keep them, and gets new ones from another release."""
    assets = load_assets()
    page = make()[0].body(False)[0].decode()

    assert {"page.css", "page.js", "icon.svg"} == set(assets)
    assert [True] * 3 == [f'"{each.address}"' in page for each in assets.values()]
    assert len({each.digest for each in assets.values()}) == len(assets)


def test_the_style_loads_nothing() -> None:
    """No font, no image, no other sheet."""
    style = load_assets()["page.css"].data.decode()

    assert not [word for word in ("url(", "@import", "http") if word in style]

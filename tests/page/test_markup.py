"""The only way for names into the page."""

import html
from urllib.parse import unquote

import pytest
from page_nodes import EVIL

from podres_exporter.page.markup import escaped, link, target


@pytest.mark.parametrize("text", EVIL)
def test_nothing_can_leave_an_attribute_or_an_element(text: str) -> None:
    safe = escaped(text)

    assert not set("<>\"'") & set(safe)
    assert safe.isprintable()


def test_what_looks_like_an_entity_is_shown_as_it_is_spelled() -> None:
    assert "&amp;lt;b&amp;gt;" == escaped("&lt;b&gt;")


def test_what_reorders_the_text_beside_it_is_spelled_out() -> None:
    assert "a\\u202egpj" == escaped("a\u202egpj")


def test_a_text_longer_than_any_name_is_cut_in_its_middle() -> None:
    """Ids and messages differ at their ends."""
    text = escaped("a" * 400 + "b" * 400)

    assert "a" * 400 + "..." + "b" * 200 == text


def test_a_text_as_long_as_a_namespace_and_a_pod_may_be_stays_whole() -> None:
    name = f"{'n' * 63}/{'p' * 253}"

    assert name == escaped(name)


@pytest.mark.parametrize("text", EVIL)
def test_a_link_leads_to_its_target(text: str) -> None:
    """What a browser makes of the fragment is the identifier that it looks for."""
    fragment = html.unescape(link("pod", "ns", text))

    assert html.unescape(target("pod", "ns", text)) == unquote(fragment.removeprefix("#"))


def test_an_identifier_has_no_white_space() -> None:
    """HTML, 3.2.6: an id must not contain any."""
    assert "pod/n/ab" == target("pod", "n", "a b")

"""Escaping: the only way for text into the page."""

import html
import re
from urllib.parse import unquote

import pytest
from page_nodes import EVIL

from podres_exporter.page.markup import cut, escaped, link, target


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


@pytest.mark.parametrize("text", [*EVIL, "GPU-1f0a5c3e-7d42-4b8e-9a61-0c5d3e8f1a04", "short", ""])
def test_a_name_that_the_style_may_cut_is_whole_in_the_document(text: str) -> None:
    """People search for it, copy it, and have it read to them."""
    without_tags = re.sub(r"</?span(?: class=\"cut\")?>", "", cut(text))

    assert escaped(text) == without_tags


def test_what_is_cut_keeps_its_end() -> None:
    """The hash that tells two pods of a Deployment apart."""
    assert "<span>web-7c9d5b8f6</span><span>-x2lkq</span>" in cut("web-7c9d5b8f6-x2lkq", 6)
    assert "web-x2lkq" == cut("web-x2lkq", 6)

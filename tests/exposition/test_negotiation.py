"""Content negotiation: format and encoding of a scrape."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podres_exporter.exposition.negotiation import Format, accepts_gzip, choose_format

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
    "application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.3"
)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        pytest.param(PROMETHEUS_2, OPENMETRICS, id="Prometheus 2.42"),
        pytest.param(PROMETHEUS_3, f"{OPENMETRICS}; escaping=allow-utf-8", id="Prometheus 3.5"),
        pytest.param(PROMETHEUS_3_PROTOBUF, f"{OPENMETRICS}; escaping=underscores", id="Prometheus 3, protobuf first"),
        pytest.param("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", TEXT, id="Prometheus, text only"),
        pytest.param("", TEXT, id="no header"),
        pytest.param("*/*", TEXT, id="curl"),
        pytest.param("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT, id="browser"),
    ],
)
def test_known_clients_get_what_they_can_read(accept: str, expected: str) -> None:
    """Headers as these clients were seen to send them."""
    _, content_type = choose_format(accept)

    assert expected == content_type


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/openmetrics-text", OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1", OPENMETRICS),
        ('Application/OpenMetrics-Text; Version="1.0.0"', OPENMETRICS),
        ("application/openmetrics-text;version=2.0.0", TEXT),
        ("application/openmetrics-text;version=9.9.9", TEXT),
        ("application/openmetrics-text;version=9.9.9,application/openmetrics-text;version=1.0.0;q=0.1", OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1;escaping=allow-utf-8", OPENMETRICS),
        ("text/plain;version=1.0.0;escaping=allow-utf-8", TEXT),
        ("application/vnd.google.protobuf", TEXT),
    ],
)
def test_versions_are_clamped_to_what_is_rendered(accept: str, expected: str) -> None:
    """An answer never carries a version that its syntax does not have."""
    _, content_type = choose_format(accept)

    assert expected == content_type


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/plain;q=0.9,application/openmetrics-text;q=0.1", Format.TEXT),
        ("text/plain;q=0.1,application/openmetrics-text;q=0.9", Format.OPENMETRICS),
        ("application/openmetrics-text;q=0,*/*", Format.TEXT),
        ("text/plain;q=0,*/*", Format.OPENMETRICS),
        ("text/plain;q=0.2,*/*;q=0.8", Format.OPENMETRICS),
        ("*/*;q=0", Format.TEXT),
        ("application/*", Format.OPENMETRICS),
        ("text/*", Format.TEXT),
        ("text/*;q=0.4,application/*;q=0.5", Format.OPENMETRICS),
    ],
)
def test_the_highest_weight_wins_and_zero_refuses(accept: str, expected: Format) -> None:
    """Content negotiation spec, "Selection of Format"; a specific range overrules a wildcard (RFC 9110, 12.5.1)."""
    page_format, _ = choose_format(accept)

    assert expected == page_format


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/openmetrics-text,text/plain", Format.OPENMETRICS),
        ("text/plain,application/openmetrics-text", Format.TEXT),
        ("*/*,application/openmetrics-text", Format.OPENMETRICS),
        ("text/plain,application/openmetrics-text;version=1.0.0", Format.OPENMETRICS),
    ],
)
def test_a_tie_goes_to_the_more_specific_range_then_to_the_first(accept: str, expected: Format) -> None:
    page_format, _ = choose_format(accept)

    assert expected == page_format


@pytest.mark.parametrize(
    "malformed",
    [
        "application/openmetrics-text;q=2",
        "application/openmetrics-text;q=nan",
        "application/openmetrics-text;q=-1",
        "application/openmetrics-text;q=",
        "application/openmetrics-text;q",
        "openmetrics-text",
        ";;,,=",
    ],
)
def test_malformed_elements_are_ignored(malformed: str) -> None:
    """The rest of the header still counts."""
    alone, _ = choose_format(malformed)
    with_another, _ = choose_format(f"{malformed},application/openmetrics-text;q=0.1")

    assert (Format.TEXT, Format.OPENMETRICS) == (alone, with_another)


@pytest.mark.parametrize("escaping", ["none", "allow-utf8", 'x"y', "a b", ""])
def test_an_unknown_escaping_scheme_is_not_echoed(escaping: str) -> None:
    """The value goes into a response header, so only the spec's four may pass (spec, "Security Considerations")."""
    _, content_type = choose_format(f"application/openmetrics-text;version=1.0.0;escaping={escaping}")

    assert content_type == OPENMETRICS


@given(st.text())
def test_any_header_has_an_answer_that_fits_a_header(accept: str) -> None:
    """Hostile input chooses among known texts and never adds to them."""
    _, content_type = choose_format(accept)

    assert content_type.startswith((TEXT, OPENMETRICS))
    assert content_type.isascii()
    assert content_type.isprintable()


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("x-gzip", True),
        ("GZIP;q=0.5", True),
        ("*", True),
        ("identity;q=0.5, *;q=0.8", True),
        ("gzip;q=0.5, identity;q=0.5", True),
        ("", False),
        ("identity", False),
        ("deflate, br", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("gzip;q=0.5, identity;q=0.8", False),
        ("gzip;q=0.5, *;q=0.8", False),
        ("gzip;q=x", False),
    ],
)
def test_gzip_is_used_where_it_is_liked_at_least_as_well(accept_encoding: str, expected: bool) -> None:
    """RFC 9110, 12.5.3; `*` stands for the codings that are not named, the plain page among them."""
    assert expected == accepts_gzip(accept_encoding)

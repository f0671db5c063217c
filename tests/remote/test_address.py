"""Parsing the URL of an exporter."""

import pytest

from podres_exporter.remote.address import Address, parse_address

PATH = "/api/v1/snapshot"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://node1:10190", Address(False, "node1", 10190, PATH)),
        ("http://node1:10190/", Address(False, "node1", 10190, PATH)),
        ("http://node1:10190/api/v1/snapshot", Address(False, "node1", 10190, PATH)),
        ("http://node1", Address(False, "node1", 80, PATH)),
        ("https://node1/podres", Address(True, "node1", 443, f"/podres{PATH}")),
        ("node1:10190", Address(False, "node1", 10190, PATH)),
        ("127.0.0.1:1", Address(False, "127.0.0.1", 1, PATH)),
        ("node1", Address(False, "node1", 10190, PATH)),
        ("localhost/podres/metrics", Address(False, "localhost", 10190, f"/podres{PATH}")),
        ("http://node1:10190/metrics", Address(False, "node1", 10190, PATH)),
        ("http://[::1]:10190", Address(False, "::1", 10190, PATH)),
        ("https://me:p%40ss@node1:1", Address(True, "node1", 1, PATH, "me:p@ss")),
    ],
)
def test_a_url_is_read_with_or_without_the_path(text: str, expected: Address) -> None:
    """Ports are those of the scheme where none is given."""
    assert expected == parse_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://node1",
        "http://",
        "http://node1:port",
        "http://node1:99999",
        "http://node1/?q=1",
        "http://node1/#x",
        "http://no de",
        "http://n\u00f6de",
    ],
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    """The remedy is how it should look."""
    with pytest.raises(ValueError, match="is not the URL of an exporter; write for example http://node1:10190"):
        parse_address(text)


def test_a_refused_url_with_a_password_is_not_repeated() -> None:
    """Standard error may be a log."""
    with pytest.raises(ValueError, match=r"^this is not the URL") as caught:
        parse_address("ftp://me:secret@node1")

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (Address(False, "node1", 10190, PATH, "me:secret"), f"http://node1:10190{PATH}"),
        (Address(True, "::1", 443, PATH), f"https://[::1]:443{PATH}"),
    ],
)
def test_an_address_is_shown_without_its_password(address: Address, text: str) -> None:
    """It stands in every error."""
    assert text == str(address)

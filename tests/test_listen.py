"""Values of --web.listen-address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podres_exporter.listen import ListenAddress, parse_listen_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (":10190", ListenAddress("", 10190)),
        ("127.0.0.1:10190", ListenAddress("127.0.0.1", 10190)),
        ("[::1]:10190", ListenAddress("::1", 10190)),
        ("[fe80::1%eth0]:10190", ListenAddress("fe80::1%eth0", 10190)),
        ("localhost:0", ListenAddress("localhost", 0)),
        (" node-1.example:65535 ", ListenAddress("node-1.example", 65535)),
    ],
)
def test_every_form_is_read_and_written_back(text: str, expected: ListenAddress) -> None:
    address = parse_listen_address(text)

    assert expected == address
    assert text.strip() == str(address)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "no port"),
        ("10190", "no port"),
        ("localhost", "no port"),
        ("localhost:", "no port"),
        ("[::1]", "no port"),
        (":http", "'http'"),
        (":65536", "'65536'"),
        (":-1", "'-1'"),
        (":\u0661\u0662", "not a number"),
        (":" + "9" * 5000, "not a number"),
        ("::1:10190", "brackets"),
        ("[127.0.0.1]:10190", "'[127.0.0.1]'"),
        ("[]:10190", "not an IPv6 address"),
        ("vsock://:10190", "brackets"),
        ("a b:10190", "'a b'"),
        ("*:10190", "'*'"),
    ],
)
def test_a_wrong_address_is_refused_with_its_fault_and_an_example(text: str, named: str) -> None:
    """A user should not have to look the syntax up."""
    with pytest.raises(ValueError, match=r"write it as ':10190'") as caught:
        parse_listen_address(text)

    assert named in str(caught.value)


@given(st.text())
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    """No other exception escapes, and what is accepted can be written back and read again."""
    try:
        address = parse_listen_address(text)
    except ValueError:
        return

    assert address == parse_listen_address(str(address))


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (ListenAddress("", 10190), "http://localhost:10190"),
        (ListenAddress("0.0.0.0", 10190), "http://localhost:10190"),  # noqa: S104 - a text, nothing is bound
        (ListenAddress("::", 10190), "http://localhost:10190"),
        (ListenAddress("::1", 10190), "http://[::1]:10190"),
        (ListenAddress("::1", 10190, "https"), "https://[::1]:10190"),
        (ListenAddress("10.0.0.7", 80), "http://10.0.0.7:80"),
    ],
)
def test_the_url_can_be_opened_on_the_same_machine(address: ListenAddress, url: str) -> None:
    assert url == address.url
